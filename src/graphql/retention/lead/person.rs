//! What concerns a person as a whole: two leads that are one, everything that is known, and being forgotten.

use crate::prelude::*;
use domain::id::LeadId;
use service::once::once;
use service::retention::{lead_erase, lead_export, lead_merge};

/// Which two leads are one person.
#[derive(InputObject)]
struct MergeLeadsInput {
    /// The lead that stays.
    keep_id: ID,
    /// The lead that goes.
    duplicate_id: ID,
    /// Whether the one that stays takes the email and the phone of the other where it has none. Otherwise they are free for a
    /// new lead.
    #[graphql(default = true)]
    takes_addresses: bool,
    /// The version of the lead that stays, as you have seen it: if it is another one by now, nothing is changed.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The lead that stayed.
#[derive(SimpleObject)]
struct MergeLeadsPayload {
    /// The lead with the history of both.
    lead: Lead,
}

/// Who is to be forgotten.
#[derive(InputObject)]
struct EraseLeadInput {
    /// The lead's id.
    id: ID,
}

/// Who was forgotten.
#[derive(SimpleObject)]
struct EraseLeadPayload {
    /// The id of the lead, which is still there, without anything that says who it was.
    erased_id: ID,
}

/// Takes out what is known of a person.
#[derive(Default)]
pub struct PersonQuery;

#[Object]
impl PersonQuery {
    /// Everything that is known of a lead, for the person: an object with `lead`, `consents`, `campaigns`, `contactAttempts`,
    /// `conversions`, `enrollments` and `auditLog`, of each at most the newest 10,000; null if there is no such lead. It is
    /// written to the audit log.
    #[graphql(directive = requires::apply(Permission::ReadContacts))]
    async fn export_lead(&self, ctx: &Context<'_>, #[graphql(desc = "The lead's id.")] id: ID) -> Result<Option<Json>> {
        let id = id.argument("id")?;
        Ok(lead_export::export(ctx.services(), &ctx.actor(), id).boxed().await?.map(Json))
    }
}

/// Merges and forgets people.
#[derive(Default)]
pub struct PersonMutation;

#[Object]
impl PersonMutation {
    /// Makes two leads that are one person one. Attempts, conversions, consents, campaigns and enrollments move to the lead
    /// that stays, which takes what it has not, too; who must not be contacted, is not. Where both are in one sequence, the
    /// enrollment of the duplicate is CANCELLED. Then the duplicate is gone.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn merge_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which two.")] input: MergeLeadsInput,
    ) -> Result<MergeLeadsPayload> {
        let MergeLeadsInput { keep_id, duplicate_id, takes_addresses, expected_version, repeat } = input;
        let merge = lead_merge::Merge {
            keep: keep_id.input("keepId")?,
            duplicate: duplicate_id.input("duplicateId")?,
            takes_addresses,
            expected_version,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let lead = once(on, &actor, lead_merge::merge(on, &actor, merge)).await?;
        Ok(MergeLeadsPayload { lead: lead.into() })
    }

    /// Forgets a person for good: name, addresses, notes, custom fields, what providers said, and callbacks that name them.
    /// Attempts and conversions stay as numbers in reports. The addresses leave keyed hashes, so that no import brings them
    /// back. Copies at providers are theirs to delete.
    #[graphql(directive = requires::apply(Permission::EraseLeads))]
    async fn erase_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to forget.")] input: EraseLeadInput,
    ) -> Result<EraseLeadPayload> {
        let id: LeadId = input.id.input("id")?;
        lead_erase::erase(ctx.services(), &ctx.actor(), id).boxed().await?;
        Ok(EraseLeadPayload { erased_id: id.global() })
    }
}

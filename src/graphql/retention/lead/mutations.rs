//! Creating, changing and deleting leads, and what they refuse.

use super::fields::{ByField, by_field};
use crate::prelude::*;
use ::service::retention::{consent, lead as service};
use domain::retention::words::{ContactChannel, LeadStatus};

/// What is known of a lead: at least one of email, phone, telegramUsername and externalId.
#[derive(InputObject)]
struct CreateLeadInput {
    /// The address, in any case. With the phone number it decides whether the lead is there already.
    email: MaybeUndefined<String>,
    /// The number with its country, such as `+49 151 23456789`, in any spelling.
    phone: MaybeUndefined<String>,
    /// The name on Telegram, with `@` or without.
    telegram_username: MaybeUndefined<String>,
    /// Its id in another system, at most 255 characters. It decides as well whether the lead is there already.
    external_id: MaybeUndefined<String>,
    /// The given name, at most 200 characters.
    first_name: MaybeUndefined<String>,
    /// The family name, at most 200 characters.
    last_name: MaybeUndefined<String>,
    /// Where it comes from: a word such as CRM; MANUAL by default.
    source: MaybeUndefined<String>,
    /// Custom fields: an object of at most 16 KiB.
    meta: Option<Json>,
    /// Notes, at most 10,000 characters.
    notes: MaybeUndefined<String>,
    /// Where it lives, as an IANA time zone such as Europe/Berlin. Left out, it is that of the phone's country, if that has only one.
    time_zone: MaybeUndefined<String>,
    /// What it speaks, as a BCP 47 tag such as `de`.
    language: MaybeUndefined<String>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The lead with this email, phone number or externalId.
#[derive(SimpleObject)]
struct CreateLeadPayload {
    /// The lead: as it was made, or as it was there already.
    lead: Lead,
    /// Whether it was made just now. If not, nothing of it was changed.
    is_new: bool,
}

/// What is to change of a lead. What is left out stays, null removes.
#[derive(InputObject)]
struct UpdateLeadInput {
    /// Which lead.
    id: ID,
    /// The address, in any case; CONFLICT if it is another lead's.
    email: MaybeUndefined<String>,
    /// The number with its country; CONFLICT if it is another lead's.
    phone: MaybeUndefined<String>,
    /// The name on Telegram, with `@` or without.
    telegram_username: MaybeUndefined<String>,
    /// Its id in another system, at most 255 characters; CONFLICT if it is another lead's.
    external_id: MaybeUndefined<String>,
    /// The given name, at most 200 characters.
    first_name: MaybeUndefined<String>,
    /// The family name, at most 200 characters.
    last_name: MaybeUndefined<String>,
    /// Where it comes from: a word such as CRM.
    source: MaybeUndefined<String>,
    /// How far it is: only forward. `PRECONDITION_FAILED` says from where to where.
    status: Option<LeadStatus>,
    /// Custom fields: an object of at most 16 KiB, in place of the one that is there; null removes them.
    meta: MaybeUndefined<Json>,
    /// Notes, at most 10,000 characters.
    notes: MaybeUndefined<String>,
    /// Where it lives, as an IANA time zone. Left out, it follows a new phone as long as it was that of the old phone's country.
    time_zone: MaybeUndefined<String>,
    /// What it speaks, as a BCP 47 tag.
    language: MaybeUndefined<String>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The lead that was changed.
#[derive(SimpleObject)]
struct UpdateLeadPayload {
    /// The lead, as it is now.
    lead: Lead,
}

/// Which lead is to be deleted.
#[derive(InputObject)]
struct DeleteLeadInput {
    /// Which lead.
    id: ID,
}

/// The lead that was deleted.
#[derive(SimpleObject)]
struct DeleteLeadPayload {
    /// The id that it had.
    deleted_id: ID,
}

/// What a lead refuses or allows.
#[derive(InputObject)]
struct SetDoNotContactInput {
    /// Who said so.
    lead_id: ID,
    /// About which channels; about all of them, for good, if it is left out.
    channels: Option<Vec<ContactChannel>>,
    /// True: it must not be contacted any more. False: that is lifted, and nothing else: without channels the refusal of everything,
    /// after which the channels are as they were before; this is recorded as its word. Telegram needs a consent that names it.
    #[graphql(default = true)]
    do_not_contact: bool,
    /// How it came, at most 200 characters: the name of a form, a call, a letter.
    source: String,
    /// What the lead agreed to, word for word or by version; at most 2,000 characters.
    wording: Option<String>,
    /// When the lead said so, not in the future; now if it is left out.
    given_at: Option<DateTime>,
    /// Change it only if this is still the lead's version, otherwise CONFLICT.
    expected_version: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The lead whose word was obeyed.
#[derive(SimpleObject)]
struct SetDoNotContactPayload {
    /// The lead, as it is now.
    lead: Lead,
}

/// What an input says of a lead: what is left out stays, null removes.
fn said(fields: ByField<MaybeUndefined<String>>, meta: Option<Json>) -> service::Fields {
    let texts = fields.into_iter().filter_map(|(field, text)| Some((field, Option::<Option<String>>::from(text)?)));
    service::Fields { texts: texts.collect(), meta: meta.map(|meta| meta.0) }
}

/// Changes leads.
#[derive(Default)]
pub struct LeadMutation;

#[Object]
impl LeadMutation {
    /// Finds the lead with this email, phone number or externalId, or makes it; by its Telegram name the only lead that has it, unless
    /// another of these says that they are two people. Who is found gets those that it lacks. CONFLICT names the leads if these are of
    /// several. `PRECONDITION_FAILED` if everything is refused at one of its addresses, also because the person was erased; what is
    /// refused there of a channel, the lead refuses.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is known of it.")] input: CreateLeadInput,
    ) -> Result<CreateLeadPayload> {
        let fields = said(by_field!(input), input.meta);
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let created = once(on, &actor, service::create(on, &actor, fields)).await?;
        Ok(CreateLeadPayload { lead: created.lead.into(), is_new: created.is_new })
    }

    /// Corrects what is known of a lead.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lead, and what.")] input: UpdateLeadInput,
    ) -> Result<UpdateLeadPayload> {
        let meta = match input.meta {
            MaybeUndefined::Undefined => None,
            // Null stands for no fields.
            MaybeUndefined::Null => Some(Json(serde_json::Map::new().into())),
            MaybeUndefined::Value(meta) => Some(meta),
        };
        let fields = said(by_field!(input), meta);
        let change = service::Change { fields, status: input.status, expected_version: input.expected_version };
        let lead = service::update(ctx.services(), &ctx.actor(), input.id.input("id")?, change).boxed().await?;
        Ok(UpdateLeadPayload { lead: lead.into() })
    }

    /// Deletes a lead, with its assignments, contacts, enrollments and consents. Its conversions stay, without it, and what it refused
    /// stays refused at its addresses. It may come back by the next import: `eraseLead` prevents that.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lead.")] input: DeleteLeadInput,
    ) -> Result<DeleteLeadPayload> {
        let lead = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteLeadPayload { deleted_id: lead.id.global() })
    }

    /// Writes down that a lead must not be contacted, on some channels or at all, or that it may be again: with the proof.
    /// From the answer on nothing is sent to it on a channel that it refuses.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn set_do_not_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who said what.")] input: SetDoNotContactInput,
    ) -> Result<SetDoNotContactPayload> {
        let SetDoNotContactInput {
            lead_id,
            channels,
            do_not_contact,
            source,
            wording,
            given_at,
            expected_version,
            repeat,
        } = input;
        let word = consent::Word {
            channels,
            is_refusal: do_not_contact,
            source,
            wording,
            at: given_at.map(Into::into),
            expected_version,
        };
        let (on, actor, id) = (ctx.services(), ctx.actor_once(repeat)?, lead_id.input("leadId")?);
        let lead = once(on, &actor, consent::set(on, &actor, id, word)).await?;
        Ok(SetDoNotContactPayload { lead: lead.into() })
    }
}

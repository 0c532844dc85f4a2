//! Noting contacts that were made outside of Herald.

use crate::prelude::*;
use ::service::retention::contact_attempt as service;
use domain::retention::words::{ContactAttemptStatus, ContactChannel};

/// A contact that was made outside of Herald.
#[derive(InputObject)]
struct RecordContactAttemptInput {
    /// To whom.
    lead_id: ID,
    /// By which way.
    channel: ContactChannel,
    /// What became of it.
    status: ContactAttemptStatus,
    /// For which retention campaign.
    campaign_id: Option<ID>,
    /// What was said, if it stood in one of the scripts.
    script_id: Option<ID>,
    /// Who carried it out, in small letters; manual by default.
    provider: Option<String>,
    /// What they call it, at most 200 characters.
    provider_ref: Option<String>,
    /// When it began; now by default.
    started_at: Option<DateTime>,
    /// When it ended.
    completed_at: Option<DateTime>,
    /// The length of a call in seconds.
    duration: Option<i32>,
    /// What it cost; only together with the currency.
    cost: Option<Decimal>,
    /// In which money: three capitals, as in ISO 4217.
    currency: Option<String>,
    /// What came of it in detail: an object of at most 16 KiB.
    result: Option<Json>,
    /// Notes, at most 10,000 characters.
    notes: Option<String>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The contact that was noted.
#[derive(SimpleObject)]
struct RecordContactAttemptPayload {
    /// The contact as it was noted.
    contact_attempt: ContactAttempt,
}

/// Notes contacts.
#[derive(Default)]
pub struct ContactAttemptMutation;

#[Object]
impl ContactAttemptMutation {
    /// Notes a contact that was made outside of Herald. If it was sent, the lead is CONTACTED, in the campaign too.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn record_contact_attempt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was done.")] input: RecordContactAttemptInput,
    ) -> Result<RecordContactAttemptPayload> {
        let new = service::New {
            lead: input.lead_id.input("leadId")?,
            channel: input.channel,
            status: input.status,
            campaign: input.campaign_id.input("campaignId")?,
            script: input.script_id.input("scriptId")?,
            provider: input.provider,
            provider_ref: input.provider_ref,
            started_at: input.started_at.map(Into::into),
            completed_at: input.completed_at.map(Into::into),
            duration: input.duration,
            cost: input.cost.map(|cost| cost.0),
            currency: input.currency,
            result: input.result.map(|given| given.0),
            notes: input.notes,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let contact_attempt = once(on, &actor, service::record(on, &actor, new)).await?;
        Ok(RecordContactAttemptPayload { contact_attempt: contact_attempt.into() })
    }
}

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

/// What is to change of a contact. What is left out stays; null removes.
#[derive(InputObject)]
struct CorrectContactAttemptInput {
    /// Which contact.
    id: ID,
    /// What became of it. It only goes forward: PENDING and UNKNOWN to anything, SENT to DELIVERED, SUCCESS, FAILED or BOUNCED.
    status: Option<ContactAttemptStatus>,
    /// When it ended.
    completed_at: MaybeUndefined<DateTime>,
    /// How long a call lasted, in seconds.
    duration: MaybeUndefined<i32>,
    /// What came of it in detail: an object of at most 16 KiB, in place of the one that was there.
    result: MaybeUndefined<Json>,
    /// Notes, at most 10,000 characters.
    notes: MaybeUndefined<String>,
}

/// The contact that was corrected.
#[derive(SimpleObject)]
struct CorrectContactAttemptPayload {
    /// The contact, as it is now.
    contact_attempt: ContactAttempt,
}

/// An answer of a lead that Herald has not heard of itself.
#[derive(InputObject)]
struct MarkRepliedInput {
    /// Who has answered.
    lead_id: ID,
    /// To which contact. Left out: to the last one.
    contact_attempt_id: Option<ID>,
    /// What the lead said, at most 2,000 characters.
    reply: Option<String>,
}

/// The lead that has answered.
#[derive(SimpleObject)]
struct MarkRepliedPayload {
    /// The lead, as it is now.
    lead: Lead,
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

    /// Corrects what became of a contact: of one that somebody made, or of one that is UNKNOWN. The step of a sequence follows it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn correct_contact_attempt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which contact, and what.")] input: CorrectContactAttemptInput,
    ) -> Result<CorrectContactAttemptPayload> {
        let correction = service::Correction {
            status: input.status,
            completed_at: input.completed_at.map_value(Into::into),
            duration: input.duration,
            result: input.result.map_value(|given| given.0),
            notes: input.notes,
        };
        let id = input.id.input("id")?;
        let contact_attempt = service::correct(ctx.services(), &ctx.actor(), id, correction).boxed().await?;
        Ok(CorrectContactAttemptPayload { contact_attempt: contact_attempt.into() })
    }

    /// Notes that a lead has answered, by mail say, or in person: all its sequences end, and the contact counts as a success.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn mark_replied(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead who has answered, and the contact that was answered.")] input: MarkRepliedInput,
    ) -> Result<MarkRepliedPayload> {
        let reply = service::Reply {
            lead: input.lead_id.input("leadId")?,
            attempt: input.contact_attempt_id.input("contactAttemptId")?,
            words: input.reply,
        };
        let lead = service::replied(ctx.services(), &ctx.actor(), reply).boxed().await?;
        Ok(MarkRepliedPayload { lead: lead.into() })
    }
}

//! A contact to a lead, as it is shown.

use crate::prelude::*;
use crate::retention::lead::may_see_contacts;
use domain::id::ContactAttemptId;
use domain::money::Micros;
use domain::retention::words::{AbVariant, ContactAttemptStatus, ContactChannel};
use storage::retention::contact_attempt;

pub mod list;
pub mod mutations;

/// One contact to a lead, or the attempt at one: an email, a text message, a call, a webhook, a message on Telegram.
#[derive(Description)]
pub struct ContactAttempt(contact_attempt::Model);

node!(ContactAttempt: ContactAttemptId, contact_attempt::Model);

#[Object(use_type_description)]
impl ContactAttempt {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who was contacted.
    async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Lead>> {
        Lead::by_id(ctx, self.0.lead_id).await
    }

    /// For which campaign; null if for none, or if it was deleted.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// With which script; null if with none, or if it was deleted.
    async fn script(&self, ctx: &Context<'_>) -> Result<Option<Script>> {
        Script::by_id(ctx, self.0.script_id).await
    }

    /// By which way.
    async fn channel(&self) -> ContactChannel {
        self.0.channel
    }

    /// What became of it. It never goes back, in whatever order a provider's reports come.
    async fn status(&self) -> ContactAttemptStatus {
        self.0.status
    }

    /// The side of the A/B test that it was given to; null if there was no test.
    async fn ab_variant(&self) -> Option<AbVariant> {
        self.0.ab_variant
    }

    /// Who carried it out, in small letters: instantly, twilio, vapi, smtp and others.
    async fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// What the provider calls it.
    async fn provider_ref(&self) -> Option<&str> {
        self.0.provider_ref.as_deref()
    }

    /// When it was handed to the provider.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// When its fate was known.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// The length of a call in seconds.
    async fn duration(&self) -> Option<i32> {
        self.0.duration
    }

    /// What the provider charged, in `currency`.
    async fn cost(&self) -> Option<Decimal> {
        self.0.cost_micros.map(|micros| Decimal(Micros(micros)))
    }

    /// In which money the cost is: three capitals, as in ISO 4217.
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_deref()
    }

    /// What the provider said, in its own words. Null if your role may not see how leads are reached.
    async fn result(&self, ctx: &Context<'_>) -> Option<Json> {
        self.0.result.clone().filter(|_| may_see_contacts(ctx)).map(Json)
    }

    /// The step of a sequence that it was made for, in its present state; null if a later contact was made for that.
    async fn step_execution(&self, ctx: &Context<'_>) -> Result<Option<SequenceStepExecution>> {
        SequenceStepExecution::of_attempt(ctx, self.0.id).await
    }

    /// What people noted. Null if your role may not see it.
    async fn notes(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.notes.as_deref().filter(|_| may_see_contacts(ctx))
    }
}

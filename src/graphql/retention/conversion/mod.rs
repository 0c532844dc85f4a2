//! Conversions: what came of the contacts, in money, and to whom it is credited.

use crate::prelude::*;
use domain::id::{ContactAttemptId, ConversionId};
use domain::money::Micros;
use domain::retention::attribution::{AttributionModel, Share};
use domain::retention::words::{ContactChannel, ConversionStatus};
use storage::retention::conversion::Model;

pub mod list;
pub mod mutations;

/// What came of contacts: a sale, a sign-up, or interest, as a tracker or a person told it.
#[derive(Description)]
pub struct Conversion(Model);

node!(Conversion: ConversionId, Model);

/// To whom a conversion is credited.
#[derive(SimpleObject)]
struct Attribution {
    /// How the credit was given.
    model: AttributionModel,
    /// How many days before the conversion a contact may lie.
    window_days: i32,
    /// The contacts that have a part in it, the earliest first.
    shares: Vec<AttributionShare>,
}

/// A contact's part in a conversion.
#[derive(Description)]
struct AttributionShare(Share);

#[Object(use_type_description)]
impl AttributionShare {
    /// The contact; null if it was deleted.
    async fn contact_attempt(&self, ctx: &Context<'_>) -> Result<Option<ContactAttempt>> {
        ContactAttempt::by_id(ctx, ContactAttemptId(self.0.attempt_id)).await
    }

    /// Its part of the revenue. The parts add up to the conversion's revenue exactly.
    async fn revenue(&self) -> Decimal {
        Micros(self.0.revenue_micros).into()
    }
}

#[Object(use_type_description)]
impl Conversion {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who converted; null while that is not known.
    async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Lead>> {
        Lead::by_id(ctx, self.0.lead_id).await
    }

    /// The campaign of the contact that it is credited to.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// The contact that it is credited to; of several, the last.
    async fn contact_attempt(&self, ctx: &Context<'_>) -> Result<Option<ContactAttempt>> {
        ContactAttempt::by_id(ctx, self.0.contact_attempt_id).await
    }

    /// The channel of that contact.
    async fn channel(&self) -> Option<ContactChannel> {
        self.0.channel
    }

    /// What it brought; 0 once it was rejected.
    async fn revenue(&self) -> Decimal {
        Micros(self.0.revenue_micros).into()
    }

    /// The currency of the revenue, as in ISO 4217.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// What it stands for.
    async fn status(&self) -> ConversionStatus {
        self.0.status
    }

    /// The status in the words of who told it.
    async fn original_status(&self) -> Option<&str> {
        self.0.original_status.as_deref()
    }

    /// The sub id of the link: a contact's, a lead's, or a lead's `externalId`.
    async fn sub_id(&self) -> Option<&str> {
        self.0.sub_id.as_deref()
    }

    /// The id that the tracker gave to the click.
    async fn click_id(&self) -> Option<&str> {
        self.0.click_id.as_deref()
    }

    /// Tells several conversions of one click apart.
    async fn transaction_id(&self) -> Option<&str> {
        Some(self.0.transaction_id.as_str()).filter(|id| !id.is_empty())
    }

    /// Who told it, in small letters: `keitaro`, `manual` and others.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// All that was told, as it came. Null if your role may not see how leads are reached.
    async fn postback_data(&self, ctx: &Context<'_>) -> Option<Json> {
        let may_see = ctx.viewer().role.may(Permission::ReadContacts);
        self.0.postback_data.clone().filter(|_| may_see).map(Json)
    }

    /// To whom it is credited; null while its lead is not known.
    async fn attribution(&self) -> Option<Attribution> {
        let told = self.0.attribution.as_ref()?;
        Some(Attribution {
            model: serde_json::from_value(told["model"].clone()).ok()?,
            window_days: told["windowDays"].as_i64().and_then(|days| days.try_into().ok()).unwrap_or_default(),
            shares: serde_json::from_value::<Vec<Share>>(told["shares"].clone())
                .unwrap_or_default()
                .into_iter()
                .map(AttributionShare)
                .collect(),
        })
    }

    /// When the credit was given.
    async fn attributed_at(&self) -> Option<DateTime> {
        self.0.attributed_at.map(Into::into)
    }

    /// When it was first told.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last moved on.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

//! Every contact to a lead, on any channel.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use domain::error::{Error, Result};
use domain::id::{AbTestId, ContactAttemptId, LeadId, RetentionCampaignId, ScriptId, SequenceStepId};
use domain::retention::words::{AbVariant, ContactAttemptStatus, ContactChannel};

/// A contact, or the attempt at one.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactAttemptId,
    pub lead_id: LeadId,
    pub campaign_id: Option<RetentionCampaignId>,
    /// The step of a sequence that it was done for.
    pub step_id: Option<SequenceStepId>,
    pub script_id: Option<ScriptId>,
    pub ab_test_id: Option<AbTestId>,
    pub ab_variant: Option<AbVariant>,
    pub channel: ContactChannel,
    pub status: ContactAttemptStatus,
    /// In small letters: instantly, twilio, vapi, smtp and others.
    pub provider: Option<String>,
    /// The provider's id of it.
    pub provider_ref: Option<String>,
    pub started_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    /// Of a call, in seconds.
    pub duration: Option<i32>,
    /// In millionths of the currency.
    pub cost_micros: Option<i64>,
    /// Three capitals, as in ISO 4217.
    pub currency: Option<String>,
    /// The provider's answer, a JSON object.
    pub result: Option<Json>,
    pub notes: Option<String>,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// Those of `ids` that are there.
    pub fn by_ids(ids: &[ContactAttemptId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied()))
    }

    /// The contacts to a lead.
    pub fn to(lead: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::LeadId)).eq(lead))
    }

    /// The contacts with a script.
    pub fn with(script: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::ScriptId)).eq(script))
    }

    /// The contacts of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// The contact attempt `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require(tx: &impl ConnectionTrait, id: ContactAttemptId) -> Result<Model> {
        let found = Self::find_by_id(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("contact attempt"))
    }
}

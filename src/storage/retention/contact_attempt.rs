//! Every contact to a lead, on any channel.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::noun::noun;
use domain::error::Result;
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
    /// Whether links in it are Herald's own, which tell of each click.
    pub tracks_clicks: bool,
}

joins_nothing!();

noun!(ContactAttemptId);

impl Entity {
    /// The contacts that a provider knows by this id.
    pub fn referred_to(reference: &str) -> Select<Self> {
        Self::find().filter(Column::ProviderRef.eq(reference))
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
}

crate::filter::filter! {
    /// Which contacts are wanted.
    ContactAttemptFilter of Entity {
        lead: LeadId => |id| Column::LeadId.eq(id),
        campaign: RetentionCampaignId => |id| Column::CampaignId.eq(id),
        script: ScriptId => |id| Column::ScriptId.eq(id),
        channels: Vec<ContactChannel> => |channels| Column::Channel.is_in(channels),
        statuses: Vec<ContactAttemptStatus> => |statuses| Column::Status.is_in(statuses),
        started_after: DateTimeUtc => |at| Column::StartedAt.gte(at),
        started_before: DateTimeUtc => |at| Column::StartedAt.lt(at),
    }
}

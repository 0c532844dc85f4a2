//! Conversions: what came of the contacts.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::noun::noun;
use domain::error::Result;
use domain::id::{ContactAttemptId, ConversionId, LeadId, RetentionCampaignId, SequenceStepId};
use domain::retention::words::{ContactChannel, ConversionStatus};

/// A conversion.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConversionId,
    pub lead_id: Option<LeadId>,
    pub campaign_id: Option<RetentionCampaignId>,
    pub contact_attempt_id: Option<ContactAttemptId>,
    pub step_id: Option<SequenceStepId>,
    pub channel: Option<ContactChannel>,
    /// In millionths of the currency.
    pub revenue_micros: i64,
    /// Three capitals, as in ISO 4217.
    pub currency: String,
    pub status: ConversionStatus,
    /// The status in the words of who reported it.
    pub original_status: Option<String>,
    pub sub_id: Option<String>,
    pub click_id: Option<String>,
    /// The reporter of the conversion, in small letters: keitaro, webhook, manual and others.
    pub source: String,
    /// The click id or the sub id; with the source and the transaction it is the key of a conversion.
    pub subject_id: String,
    /// Empty where there is none.
    pub transaction_id: String,
    /// The report, as it came.
    pub postback_data: Option<Json>,
    /// How its revenue is divided among the contacts before it.
    pub attribution: Option<Json>,
    pub attributed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
}

joins_nothing!();

noun!(ConversionId);

impl Entity {
    /// The conversions of a lead.
    pub fn by(lead: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::LeadId)).eq(lead))
    }

    /// The conversions of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }
}

crate::filter::filter! {
    /// Which conversions are wanted.
    ConversionFilter of Entity {
        lead: LeadId => |id| Column::LeadId.eq(id),
        campaign: RetentionCampaignId => |id| Column::CampaignId.eq(id),
        channels: Vec<ContactChannel> => |channels| Column::Channel.is_in(channels),
        statuses: Vec<ConversionStatus> => |statuses| Column::Status.is_in(statuses),
        source: String => |source| Column::Source.eq(source),
        sub_id: String => |id| Column::SubId.eq(id),
        click_id: String => |id| Column::ClickId.eq(id),
        since: DateTimeUtc => |since| Column::CreatedAt.gte(since),
        until: DateTimeUtc => |until| Column::CreatedAt.lt(until),
        is_matched: bool => |is| if is { Column::LeadId.is_not_null() } else { Column::LeadId.is_null() },
    }
}

//! Retention campaigns.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait};

use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::{Noun, noun};
use crate::retention::lists::{Channels, Days, Texts};
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::words::{ContactChannel, RetentionCampaignStatus};

/// A retention campaign.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_campaigns")]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RetentionCampaignId,
    pub name: String,
    pub description: Option<String>,
    pub status: RetentionCampaignStatus,
    pub channels: Channels,
    /// Minutes after midnight, where the lead lives; None: the default.
    pub contact_hours_start: Option<i32>,
    /// Minutes after midnight; before the start means after the next midnight.
    pub contact_hours_end: Option<i32>,
    /// Empty: every day.
    pub contact_days: Days,
    /// Of leads whose time zone is not known; the name of an IANA time zone.
    pub time_zone: Option<String>,
    /// Of each lead.
    pub max_contacts_per_day: Option<i32>,
    /// Milliseconds between contacts to a lead on different channels.
    pub delay_between_channels: Option<i64>,
    /// Whether new leads are assigned while it is ACTIVE.
    pub auto_assign: bool,
    /// Whether emails go by Instantly.
    pub instantly_sync: bool,
    pub instantly_campaign_id: Option<String>,
    /// Whether the links of its emails and text messages are replaced by Herald's own.
    pub track_clicks: bool,
    /// Whether its emails in HTML end with a picture of Herald's.
    pub track_opens: bool,
    /// The texts of Instantly's emails, in order.
    pub email_sequence: Texts,
    /// JSON that replaces parts of VAPI's calls.
    pub vapi_config: Option<Json>,
    pub start_date: Option<DateTimeUtc>,
    pub end_date: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
    /// The description as it is searched.
    pub description_fold: Folded,
    /// When it was deleted, of one that large tables still name; nobody sees it any more.
    pub deleted_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(RetentionCampaignId {
    const FOLDED: &'static [FoldedFrom<Column>] =
        &[(Column::NameFold, &[Column::Name]), (Column::DescriptionFold, &[Column::Description])];

    fn all() -> Select<Self> {
        Self::present()
    }

    fn changeable() -> Select<Self> {
        Self::present()
    }
});

impl Model {
    /// Whether it contacts leads by this channel.
    pub fn goes_by(&self, channel: ContactChannel) -> bool {
        self.channels.0.is_empty() || self.channels.0.contains(&channel)
    }
}

impl Entity {
    /// Campaigns that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }

    /// The ids of campaigns that were deleted, and that large tables still name.
    pub fn gone() -> SelectStatement {
        Self::find().filter(Column::DeletedAt.is_not_null()).select_only().column(Column::Id).into_query()
    }

    /// Those to which each new lead is assigned.
    pub fn taking_new_leads() -> Select<Self> {
        let active = Self::find().filter(Column::Status.eq(RetentionCampaignStatus::Active));
        active.filter(Column::AutoAssign.eq(true)).order_by_asc(Column::Id)
    }

    /// DRAFT campaigns whose start has come, and whose end has not.
    pub fn to_start(now: DateTimeUtc) -> Select<Self> {
        let goes_on = Condition::any().add(Column::EndDate.is_null()).add(Column::EndDate.gt(now));
        let due = Self::present().filter(Column::Status.eq(RetentionCampaignStatus::Draft));
        due.filter(Column::StartDate.lte(now)).filter(goes_on).order_by_asc(Column::StartDate)
    }

    /// Campaigns whose end has come.
    pub fn to_end(now: DateTimeUtc) -> Select<Self> {
        let open = [RetentionCampaignStatus::Active, RetentionCampaignStatus::Paused];
        let due = Self::present().filter(Column::Status.is_in(open));
        due.filter(Column::EndDate.lte(now)).order_by_asc(Column::EndDate)
    }

    /// Which of `ids` do not run: they are PAUSED, over, or no more than a DRAFT. None of them changes until the transaction ends: a pause comes wholly before or wholly after.
    pub async fn paused(tx: &impl ConnectionTrait, ids: &[RetentionCampaignId]) -> Result<Vec<RetentionCampaignId>> {
        let rows = Self::by_ids(ids).order_by_asc(Column::Id).lock_shared().all(tx).await?;
        let is_paused = |row: &Model| row.status != RetentionCampaignStatus::Active;
        Ok(rows.into_iter().filter(is_paused).map(|row| row.id).collect())
    }
}

crate::filter::filter! {
    /// Which campaigns are wanted.
    CampaignFilter of Entity {
        statuses: Vec<RetentionCampaignStatus> => |statuses| Column::Status.is_in(statuses),
        search: String => |part: String| folded::any_has(&[Column::NameFold, Column::DescriptionFold], &part),
        created_after: DateTimeUtc => |at| Column::CreatedAt.gte(at),
        created_before: DateTimeUtc => |at| Column::CreatedAt.lt(at),
    }
}

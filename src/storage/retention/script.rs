//! Scripts: the texts of emails, messages, calls and webhooks.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::noun;
use domain::error::Result;
use domain::id::{RetentionCampaignId, ScriptId};
use domain::retention::words::{ContactChannel, ScriptFormat};

/// A script.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scripts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ScriptId,
    pub name: String,
    #[sea_orm(column_name = "type")]
    pub channel: ContactChannel,
    /// The subject of an email.
    pub subject: Option<String>,
    /// With placeholders.
    pub content: Option<String>,
    /// What `content` is written as.
    pub format: ScriptFormat,
    /// Of an email in HTML: the words that go beside it. None: those that it shows.
    pub plain_content: Option<String>,
    /// VAPI's settings for a call, a JSON object.
    pub vapi_config: Option<Json>,
    /// None: of any campaign.
    pub campaign_id: Option<RetentionCampaignId>,
    pub is_default: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
    /// When it was deleted, of one that large tables still name; nobody sees it any more.
    pub deleted_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(ScriptId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NameFold, &[Column::Name])];

    fn all() -> Select<Self> {
        Self::present()
    }

    fn changeable() -> Select<Self> {
        Self::present()
    }
});

impl Entity {
    /// Scripts that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }

    /// The scripts of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::present().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// Takes the default from all others for the same channel in the same campaign.
    pub fn no_default_but(row: &Model) -> sea_orm::UpdateMany<Self> {
        let same_campaign = match row.campaign_id {
            Some(id) => Column::CampaignId.eq(id),
            None => Column::CampaignId.is_null(),
        };
        Self::update_many()
            .col_expr(Column::IsDefault, Expr::val(false))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Channel.eq(row.channel))
            .filter(same_campaign)
            .filter(Column::IsDefault.eq(true))
            .filter(Column::Id.ne(row.id))
    }
}

crate::filter::filter! {
    /// Which scripts are wanted.
    ScriptFilter of Entity {
        types: Vec<ContactChannel> => |types| Column::Channel.is_in(types),
        campaign: RetentionCampaignId => |id| Column::CampaignId.eq(id),
        is_default: bool => |is_default| Column::IsDefault.eq(is_default),
        name_contains: String => |part: String| folded::has(Column::NameFold, &part),
    }
}

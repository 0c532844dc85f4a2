//! Messages that were sent and are to be edited or deleted. Only the holder of their account works on them, so they need no
//! leases; and to do one twice changes nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DeriveEntityModel, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Select,
    Value,
};
use sea_orm::{DerivePrimaryKey, EnumIter, PrimaryKeyTrait};

use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::broadcast::{SentChangeKind, SentChangeStatus};
use domain::error::Result;
use domain::id::{BroadcastCampaignId, ChannelId, TelegramAccountId};

/// What is to become of one message.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sent_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
    /// The job's place in the campaign.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The account that sent it: no other one may change it.
    pub account_id: TelegramAccountId,
    pub channel_id: ChannelId,
    pub message_id: i64,
    pub kind: SentChangeKind,
    pub status: SentChangeStatus,
    /// Attempts that ended in an error that may pass.
    pub attempts: i32,
    pub not_before: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

joins_nothing!();

/// How far the change of a campaign's messages is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// What becomes of the messages.
    pub kind: SentChangeKind,
    /// Not done yet.
    pub queued: i64,
    /// Done.
    pub done: i64,
    /// Refused by Telegram.
    pub failed: i64,
}

impl Entity {
    /// The messages at these places of these campaigns that were deleted.
    pub fn deleted(campaigns: &[BroadcastCampaignId], positions: &[i32]) -> Select<Self> {
        Self::find()
            .filter(Column::CampaignId.is_in(campaigns.iter().copied()))
            .filter(Column::Position.is_in(positions.iter().copied()))
            .filter(Column::Kind.eq(SentChangeKind::Delete))
            .filter(Column::Status.eq(SentChangeStatus::Done))
    }

    /// Queues a change of all messages that the campaign has sent; an earlier one that is not done yet is replaced.
    pub async fn queue(tx: &Tx, campaign: BroadcastCampaignId, kind: SentChangeKind) -> Result<u64> {
        let sql = "INSERT INTO sent_changes (campaign_id, position, account_id, channel_id, message_id, kind, status)
                   SELECT campaign_id, position, account_id, channel_id, message_id, $2, 'QUEUED' FROM jobs
                   WHERE campaign_id = $1 AND status = 'SENT' AND message_id IS NOT NULL AND account_id IS NOT NULL
                   ON CONFLICT (campaign_id, position) DO UPDATE SET kind = excluded.kind, status = 'QUEUED',
                       attempts = 0, not_before = NULL, error = NULL, message_id = excluded.message_id
                   WHERE sent_changes.kind <> 'DELETE' OR sent_changes.status <> 'DONE'";
        let values: [Value; 2] = [campaign.into(), kind.to_string().into()];
        let statement = Dialect(tx.get_database_backend()).statement(sql, values);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    }

    /// The next changes that the account can do now.
    pub async fn due(
        db: &impl ConnectionTrait,
        account: TelegramAccountId,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Model>> {
        let may = Column::NotBefore.is_null().or(Column::NotBefore.lte(now));
        let due = Self::find()
            .filter(Column::AccountId.eq(account))
            .filter(Expr::cust("status = 'QUEUED'"))
            .filter(may)
            .limit(limit);
        Ok(due.all(db).await?)
    }

    /// Counts how the changes of these campaigns stand.
    pub async fn counts(
        db: &impl ConnectionTrait,
        campaigns: &[BroadcastCampaignId],
    ) -> Result<HashMap<BroadcastCampaignId, Counts>> {
        #[derive(FromQueryResult)]
        struct Row {
            campaign_id: BroadcastCampaignId,
            kind: SentChangeKind,
            status: SentChangeStatus,
            number: i64,
        }
        let rows = Self::find()
            .select_only()
            .columns([Column::CampaignId, Column::Kind, Column::Status])
            .column_as(Expr::from(Func::count(Expr::col(Column::Position))), "number")
            .filter(Column::CampaignId.is_in(campaigns.iter().copied()))
            .group_by(Column::CampaignId)
            .group_by(Column::Kind)
            .group_by(Column::Status);
        let mut counts: HashMap<BroadcastCampaignId, Counts> = HashMap::new();
        for row in rows.into_model::<Row>().all(db).await? {
            let none = Counts { kind: row.kind, queued: 0, done: 0, failed: 0 };
            let count = counts.entry(row.campaign_id).or_insert(none);
            if row.status == SentChangeStatus::Queued {
                count.kind = row.kind;
            }
            match row.status {
                SentChangeStatus::Queued => count.queued += row.number,
                SentChangeStatus::Done => count.done += row.number,
                SentChangeStatus::Failed => count.failed += row.number,
            }
        }
        Ok(counts)
    }
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The change is done.
    Done,
    /// Telegram refuses.
    Failed(String),
    /// Not now: again at this instant, and for this reason.
    Later(DateTime<Utc>, String),
}

/// Writes down what came of an attempt, unless another change has been asked for meanwhile.
pub async fn settle(db: &Db, change: &Model, came: &Came) -> Result<()> {
    let (status, not_before, error) = match came {
        Came::Done => (SentChangeStatus::Done, None, None),
        Came::Failed(why) => (SentChangeStatus::Failed, None, Some(why.clone())),
        Came::Later(at, why) => (SentChangeStatus::Queued, Some(*at), Some(why.clone())),
    };
    let sql = "UPDATE sent_changes SET status = $4, not_before = $5, error = $6, attempts = attempts + 1
               WHERE campaign_id = $1 AND position = $2 AND kind = $3 AND attempts = $7 AND status = 'QUEUED' RETURNING position";
    let values: [Value; 7] = [
        change.campaign_id.into(),
        change.position.into(),
        change.kind.to_string().into(),
        status.to_string().into(),
        not_before.into(),
        error.into(),
        change.attempts.into(),
    ];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

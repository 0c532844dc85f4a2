//! Messages that were sent and are to be edited, deleted or found. Only the holder of their account works on them, so they need
//! no leases; and to do one twice changes nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DeriveEntityModel, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Select,
    Value,
};
use sea_orm::{DerivePrimaryKey, EnumIter, PrimaryKeyTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job;
use crate::sql::{Dialect, rows};
use crate::{Db, Tx};
use domain::broadcast::{SentChangeKind, SentChangeStatus};
use domain::error::Result;
use domain::id::{BroadcastCampaignId, ChannelId, TelegramAccountId};

/// The account of messages that went nowhere, and of those whose account is not known.
pub const NO_ACCOUNT: TelegramAccountId = TelegramAccountId(Uuid::nil());

/// Why nothing can be done with a message whose account was removed: only it could.
pub const ACCOUNT_REMOVED: &str = "ACCOUNT_REMOVED";

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
    pub kind: SentChangeKind,
    pub status: SentChangeStatus,
    /// Attempts that ended in an error that may pass.
    pub attempts: i32,
    pub not_before: Option<DateTime<Utc>>,
    pub error: Option<String>,
    /// Which of the campaign's requests it belongs to: each has a higher number.
    pub asked: i32,
    /// The content by which a message without a number is looked for, where it is not the campaign's present one.
    pub sought: Option<String>,
}

joins_nothing!();

/// How far the last edit or recall of a campaign's messages is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// What becomes of the messages.
    pub kind: SentChangeKind,
    /// Not done yet.
    pub queued: i64,
    /// Done.
    pub done: i64,
    /// It can't be done.
    pub failed: i64,
}

/// What a request has begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Messages that wait for their account.
    pub queued: i32,
    /// Messages with which nothing can be done.
    pub left: i32,
}

#[derive(Serialize)]
struct Place {
    position: i32,
}

impl Entity {
    /// The changes of these campaigns' messages at these places.
    pub fn at(campaigns: &[BroadcastCampaignId], positions: &[i32]) -> Select<Self> {
        Self::find()
            .filter(Column::CampaignId.is_in(campaigns.iter().copied()))
            .filter(Column::Position.is_in(positions.iter().copied()))
    }

    /// The condition on a job that the change of its message is in one of these states.
    pub fn is_in(statuses: Vec<SentChangeStatus>) -> Expr {
        let of_job = |own: Column, of: job::Column| Expr::col(own.as_column_ref()).equals(of.as_column_ref());
        let change = Query::select()
            .expr(Expr::val(1))
            .from(Self)
            .and_where(of_job(Column::CampaignId, job::Column::CampaignId))
            .and_where(of_job(Column::Position, job::Column::Position))
            .and_where(Column::Status.is_in(statuses))
            .take();
        Expr::exists(change)
    }

    /// Queues a change of all messages of the campaign that were sent, or may have been: an earlier one that is not done yet is
    /// replaced. `former` is the content that they have; `goes_nowhere` if no account has sent them. The caller holds the
    /// campaign's hot row.
    pub async fn queue(
        tx: &Tx,
        campaign: BroadcastCampaignId,
        kind: SentChangeKind,
        former: Option<&str>,
        goes_nowhere: bool,
    ) -> Result<Begun> {
        let which =
            "(j.status IN ('SENT', 'SENDING', 'UNKNOWN') OR (j.status = 'QUEUED' AND j.ambiguous_since IS NOT NULL))";
        let replaces = "sent_changes.kind <> 'DELETE' OR sent_changes.status <> 'DONE'";
        let asked = next(tx, campaign).await?;
        let values: [Value; 2] = [former.map(ToOwned::to_owned).into(), i32::from(goes_nowhere).into()];
        insert(tx, (campaign, kind, asked), ("jobs j", which, replaces), values, None).await?;
        begun(tx, campaign, asked).await
    }

    /// Queues a look for messages of unknown fate. Those that are to be changed anyway are looked for by that.
    pub async fn seek(tx: &Tx, campaign: BroadcastCampaignId, positions: &[i32]) -> Result<()> {
        let dialect = Dialect(tx.get_database_backend());
        let from =
            format!("jobs j JOIN {} ON r.position = j.position", dialect.table("$8", &[("position", "integer")]));
        let asked = next(tx, campaign).await?;
        let table: Vec<Place> = positions.iter().map(|position| Place { position: *position }).collect();
        let values: [Value; 2] = [Value::String(None), 0.into()];
        let request = (campaign, SentChangeKind::Find, asked);
        let where_ = (from.as_str(), "j.status = 'UNKNOWN'", "sent_changes.status <> 'QUEUED'");
        insert(tx, request, where_, values, Some(rows(&table))).await
    }

    /// What waits for an account that goes can't be done any more.
    pub async fn strand(tx: &Tx, account: TelegramAccountId) -> Result<()> {
        let sql = "UPDATE sent_changes SET status = 'FAILED', error = $2 WHERE account_id = $1 AND status = 'QUEUED'";
        let values: [Value; 2] = [account.into(), ACCOUNT_REMOVED.into()];
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
        Ok(())
    }

    /// The next changes that the account can do now.
    pub async fn due(
        db: &impl ConnectionTrait,
        account: TelegramAccountId,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Model>> {
        Ok(Self::due_by(account, now).limit(limit).all(db).await?)
    }

    /// The changes that the account can do now.
    pub fn due_by(account: TelegramAccountId, now: DateTime<Utc>) -> Select<Self> {
        let may = Column::NotBefore.is_null().or(Column::NotBefore.lte(now));
        Self::find().filter(Column::AccountId.eq(account)).filter(Expr::cust("status = 'QUEUED'")).filter(may)
    }

    /// Counts how the last edits and recalls of these campaigns stand.
    pub async fn counts(
        db: &impl ConnectionTrait,
        campaigns: &[BroadcastCampaignId],
    ) -> Result<HashMap<BroadcastCampaignId, Counts>> {
        #[derive(FromQueryResult)]
        struct Row {
            campaign_id: BroadcastCampaignId,
            kind: SentChangeKind,
            status: SentChangeStatus,
            asked: i32,
            number: i64,
        }
        let rows = Self::find()
            .select_only()
            .columns([Column::CampaignId, Column::Kind, Column::Status, Column::Asked])
            .column_as(Column::Position.count(), "number")
            .filter(Column::CampaignId.is_in(campaigns.iter().copied()))
            .filter(Column::Kind.ne(SentChangeKind::Find))
            .group_by(Column::CampaignId)
            .group_by(Column::Kind)
            .group_by(Column::Status)
            .group_by(Column::Asked);
        let mut counts: HashMap<BroadcastCampaignId, (i32, Counts)> = HashMap::new();
        for row in rows.into_model::<Row>().all(db).await? {
            let none = (row.asked, Counts { kind: row.kind, queued: 0, done: 0, failed: 0 });
            let (asked, count) = counts.entry(row.campaign_id).or_insert(none);
            if row.asked > *asked {
                (*asked, *count) = none;
            } else if row.asked < *asked {
                continue;
            }
            match row.status {
                SentChangeStatus::Queued => count.queued += row.number,
                SentChangeStatus::Done => count.done += row.number,
                SentChangeStatus::Failed => count.failed += row.number,
            }
        }
        Ok(counts.into_iter().map(|(campaign, (_, counts))| (campaign, counts)).collect())
    }
}

/// The number of the campaign's next request.
async fn next(tx: &Tx, campaign: BroadcastCampaignId) -> Result<i32> {
    let sql = "SELECT COALESCE(MAX(asked), 0) + 1 AS asked FROM sent_changes WHERE campaign_id = $1";
    let row = tx.query_one_raw(Dialect(tx.get_database_backend()).statement(sql, [campaign.into()])).await?;
    Ok(row.map(|row| row.try_get("", "asked")).transpose()?.unwrap_or(1))
}

/// One row for each job; what can't be done is written down with the reason.
async fn insert(
    tx: &Tx,
    (campaign, kind, asked): (BroadcastCampaignId, SentChangeKind, i32),
    (from, which, replaces): (&str, &str, &str),
    [former, goes_nowhere]: [Value; 2],
    table: Option<Value>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO sent_changes (campaign_id, position, account_id, channel_id, kind, status, error, asked, sought)
         SELECT j.campaign_id, j.position, COALESCE(j.account_id, $4), j.channel_id, $2,
             CASE WHEN a.id IS NULL AND $6 = 0 THEN 'FAILED' ELSE 'QUEUED' END,
             CASE WHEN a.id IS NULL AND $6 = 0 THEN $7 END, $3, CASE WHEN j.message_id IS NULL THEN $5 END
         FROM {from} LEFT JOIN telegram_accounts a ON a.id = j.account_id
         WHERE j.campaign_id = $1 AND {which}
         ON CONFLICT (campaign_id, position) DO UPDATE SET kind = excluded.kind, status = excluded.status, attempts = 0,
             not_before = NULL, error = excluded.error, account_id = excluded.account_id, asked = excluded.asked,
             sought = COALESCE(sent_changes.sought, excluded.sought)
         WHERE {replaces}"
    );
    let values: [Value; 7] = [
        campaign.into(),
        kind.to_string().into(),
        asked.into(),
        NO_ACCOUNT.into(),
        former,
        goes_nowhere,
        ACCOUNT_REMOVED.into(),
    ];
    let statement = Dialect(tx.get_database_backend()).statement(&sql, values.into_iter().chain(table));
    tx.execute_raw(statement).await?;
    Ok(())
}

async fn begun(tx: &Tx, campaign: BroadcastCampaignId, asked: i32) -> Result<Begun> {
    let sql =
        "SELECT COUNT(*) AS asked_for, COALESCE(SUM(CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END), 0) AS left_over
               FROM sent_changes WHERE campaign_id = $1 AND asked = $2";
    let values: [Value; 2] = [campaign.into(), asked.into()];
    let row = tx.query_one_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    let Some(row) = row else { return Ok(Begun::default()) };
    let (all, left): (i64, i64) = (row.try_get("", "asked_for")?, row.try_get("", "left_over")?);
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(Begun { queued: count(all - left), left: count(left) })
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The change is done.
    Done,
    /// It can't be done.
    Failed(String),
    /// Not now: again at this instant, and for this reason.
    Later {
        /// No earlier.
        at: DateTime<Utc>,
        /// As Telegram spells it.
        why: String,
        /// Whether it counts as an attempt.
        counts: bool,
    },
    /// The message was never sent: there is nothing to change.
    Unsent,
    /// Another account has sent it.
    Another(TelegramAccountId),
}

/// Writes down what came of an attempt, unless something else has been asked for meanwhile.
pub async fn settle(db: &Db, change: &Model, came: &Came) -> Result<()> {
    const SAME: &str =
        "WHERE campaign_id = $1 AND position = $2 AND asked = $3 AND status = 'QUEUED' RETURNING position";
    let (mut status, mut not_before, mut error, mut counts) = (SentChangeStatus::Queued, None, None, true);
    let mut account = change.account_id;
    match came {
        Came::Done => status = SentChangeStatus::Done,
        Came::Failed(why) => (status, error) = (SentChangeStatus::Failed, Some(why.clone())),
        Came::Later { at, why, counts: does } => (not_before, error, counts) = (Some(*at), Some(why.clone()), *does),
        Came::Another(other) => (account, counts) = (*other, false),
        Came::Unsent => {
            let values: [Value; 3] = [change.campaign_id.into(), change.position.into(), change.asked.into()];
            let sql = format!("DELETE FROM sent_changes {SAME}");
            return db.write_alone(Dialect(db.backend()).statement(&sql, values)).await.map(drop);
        }
    }
    let sql = format!(
        "UPDATE sent_changes SET status = $4, not_before = $5, error = $6, attempts = attempts + $7, account_id = $8 {SAME}"
    );
    let values: [Value; 8] = [
        change.campaign_id.into(),
        change.position.into(),
        change.asked.into(),
        status.to_string().into(),
        not_before.into(),
        error.into(),
        i32::from(counts).into(),
        account.into(),
    ];
    db.write_alone(Dialect(db.backend()).statement(&sql, values)).await.map(drop)
}

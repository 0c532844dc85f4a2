//! What stands how, and what waits for a person: a few short statements for whoever watches the whole.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, Iterable};

use crate::broadcast::telegram_account;
use crate::sql::Dialect;
use domain::broadcast::{AccountStatus, CampaignStatus};
use domain::error::Result;
use domain::id::SenderId;
use domain::retention::words::RetentionSequenceStatus;

/// How many claims on jobs a process holds, itself and by its accounts.
pub async fn claims_held(db: &impl ConnectionTrait, holder: SenderId) -> Result<i32> {
    let sql = "SELECT COUNT(*) AS n FROM job_changes WHERE sender_id = $1
               OR sender_id IN (SELECT account_id FROM account_leases WHERE holder_id = $1)";
    held(db, sql, holder).await
}

/// How many steps of sequences a process holds.
pub async fn steps_held(db: &impl ConnectionTrait, holder: SenderId) -> Result<i32> {
    held(db, "SELECT COUNT(*) AS n FROM sequence_step_executions WHERE holder = $1 AND lease IS NOT NULL", holder).await
}

async fn held(db: &impl ConnectionTrait, sql: &str, holder: SenderId) -> Result<i32> {
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(sql, [holder.into()])).await?;
    let n: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(i32::try_from(n).unwrap_or(i32::MAX))
}

/// How many of a kind stand how. A status that nothing is in is there too, with 0: what is watched would keep its last number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Broadcast campaigns by status, and whether Herald brought them there by itself.
    pub campaigns: Vec<(String, bool, i64)>,
    /// Sequences by status.
    pub sequences: Vec<(String, i64)>,
    /// Telegram accounts by status.
    pub accounts: Vec<(String, i64)>,
    /// What waits for a person, by a word for it.
    pub waiting: [(&'static str, i64); 6],
}

impl Gauges {
    /// Reads them as they are now.
    pub async fn read(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Self> {
        let campaigns = "SELECT status, CAST(CASE WHEN pause_reason IS NULL THEN 0 ELSE 1 END AS bigint) AS by_herald, \
                         COUNT(*) AS n FROM broadcast_campaigns GROUP BY 1, 2";
        let mut all = Self::default();
        for row in rows(db, campaigns).await? {
            let by_herald: i64 = row.try_get("", "by_herald")?;
            all.campaigns.push((row.try_get("", "status")?, by_herald == 1, row.try_get("", "n")?));
        }
        for status in CampaignStatus::iter().map(|status| status.to_string()) {
            for by_herald in [false, true] {
                if !all.campaigns.iter().any(|(name, by, _)| *name == status && *by == by_herald) {
                    all.campaigns.push((status.clone(), by_herald, 0));
                }
            }
        }
        all.sequences = counts::<RetentionSequenceStatus>(
            db,
            "SELECT status, COUNT(*) AS n FROM retention_sequences WHERE deleted_at IS NULL GROUP BY status",
        )
        .await?;
        let accounts = telegram_account::Entity::find().all(db).await?;
        let shown: Vec<AccountStatus> = accounts.iter().map(|account| account.status_at(now)).collect();
        all.accounts = AccountStatus::iter()
            .map(|status| {
                (
                    status.to_string(),
                    i64::try_from(shown.iter().filter(|shown| **shown == status).count()).unwrap_or(i64::MAX),
                )
            })
            .collect();
        let waiting = "SELECT \
             (SELECT COUNT(*) FROM broadcast_campaigns WHERE schedule_missed_at IS NOT NULL AND started_at IS NULL) AS missed, \
             (SELECT COALESCE(SUM(unknown), 0) FROM broadcast_campaign_progress) AS unknown, \
             (SELECT COUNT(*) FROM webhook_events WHERE status = 'FAILED') AS callbacks, \
             (SELECT COUNT(*) FROM mailboxes m JOIN integration_configs i ON i.id = m.integration_id \
              WHERE m.is_told AND i.is_active) AS mailboxes";
        let paused = all.campaigns.iter().filter(|(status, by_herald, _)| status == "PAUSED" && *by_herald);
        let paused = paused.map(|(_, _, n)| n).sum();
        let able = ["ACTIVE", "FLOOD_WAIT", "DISABLED"];
        let accounts = all.accounts.iter().filter(|(status, _)| !able.contains(&status.as_str())).map(|(_, n)| n).sum();
        let row = rows(db, waiting).await?.into_iter().next();
        let of = |name: &str| row.as_ref().map_or(Ok(0), |row| row.try_get::<i64>("", name));
        all.waiting = [
            ("campaign_paused", paused),
            ("schedule_missed", of("missed")?),
            ("jobs_unknown", of("unknown")?),
            ("account", accounts),
            ("callback_failed", of("callbacks")?),
            ("mailbox", of("mailboxes")?),
        ];
        Ok(all)
    }
}

async fn rows(db: &impl ConnectionTrait, sql: &str) -> Result<Vec<sea_orm::QueryResult>> {
    Ok(db.query_all_raw(Dialect(db.get_database_backend()).statement(sql, [])).await?)
}

async fn counts<S: Iterable + ToString>(db: &impl ConnectionTrait, sql: &str) -> Result<Vec<(String, i64)>> {
    let found = rows(db, sql).await?;
    let found = found.iter().map(|row| Ok((row.try_get("", "status")?, row.try_get("", "n")?)));
    let mut all = found.collect::<Result<Vec<(String, i64)>>>()?;
    for status in S::iter().map(|status| status.to_string()) {
        if !all.iter().any(|(name, _)| *name == status) {
            all.push((status, 0));
        }
    }
    Ok(all)
}

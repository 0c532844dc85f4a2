//! What answers say of the account that sent: waits, doubts, its end; and of what it knows of a channel.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::Tx;
use crate::sql::{Dialect, instant, rows};
use domain::broadcast::AccountStatus;
use domain::delivery::table::Method;
use domain::error::Result;
use domain::id::{ChannelId, TelegramAccountId};

/// The news that an account has of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerNews {
    pub account: TelegramAccountId,
    pub channel: ChannelId,
    /// Whether the account's permission to name the channel is out of date.
    pub is_stale: bool,
    /// The channel's slow mode is at least so long, in seconds.
    pub slow_seconds: Option<i32>,
    /// Slow mode: not before.
    pub not_before: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct Row {
    account: TelegramAccountId,
    channel: ChannelId,
    stale: i32,
    slow: Option<i32>,
    not_before: Option<String>,
}

/// Writes what was learned of channels; each pair of account and channel once.
pub async fn peers(tx: &Tx, news: &[PeerNews]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let dialect = Dialect(tx.get_database_backend());
    let columns = [
        ("account", "uuid"),
        ("channel", "uuid"),
        ("stale", "integer"),
        ("slow", "integer"),
        ("not_before", "timestamptz"),
    ];
    let sql = format!(
        "UPDATE account_peers AS p SET
             access_hash = CASE WHEN r.stale = 1 THEN NULL ELSE p.access_hash END,
             refreshes = CASE WHEN r.stale = 1 THEN p.refreshes + 1 ELSE 0 END,
             slow_seconds = CASE WHEN p.slow_seconds IS NULL OR p.slow_seconds < r.slow THEN r.slow ELSE p.slow_seconds END,
             not_before = COALESCE(r.not_before, p.not_before)
         FROM {} WHERE p.account_id = r.account AND p.channel_id = r.channel",
        dialect.table("$1", &columns),
    );
    let table: Vec<Row> = news
        .iter()
        .map(|news| Row {
            account: news.account,
            channel: news.channel,
            stale: news.is_stale.into(),
            slow: news.slow_seconds,
            not_before: news.not_before.map(instant),
        })
        .collect();
    tx.execute_raw(dialect.statement(&sql, [rows(&table)])).await?;
    Ok(())
}

/// Counts channels in a row that refused the account, or forgets them. Returns how many these are now.
pub async fn refusals(tx: &Tx, account: TelegramAccountId, more: i32, forget: bool) -> Result<i32> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = "UPDATE account_leases SET refusals = $3 + CASE WHEN $2 = 1 THEN 0 ELSE refusals END
               WHERE account_id = $1 AND (refusals > 0 OR $3 > 0) RETURNING refusals";
    let values: [Value; 3] = [account.into(), i32::from(forget).into(), more.into()];
    let row = tx.query_one_raw(dialect.statement(sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "refusals")).transpose()?.unwrap_or(0))
}

/// R18: the account does nothing of this class before `until`. An earlier, longer wait stays.
pub async fn wait(tx: &Tx, account: TelegramAccountId, method: Method, until: DateTime<Utc>) -> Result<()> {
    let column = match method {
        Method::Send => "send_not_before",
        Method::Resolve => "resolve_not_before",
        Method::Read => "read_not_before",
    };
    let sql =
        format!("UPDATE telegram_accounts SET {column} = $2 WHERE id = $1 AND ({column} IS NULL OR {column} < $2)");
    let values: [Value; 2] = [account.into(), until.into()];
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, values)).await?;
    Ok(())
}

/// The account can't send any more. False if that is known already, or something worse.
pub async fn park(
    tx: &Tx,
    account: TelegramAccountId,
    status: AccountStatus,
    error: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE telegram_accounts SET status = $2, last_error = $3, updated_at = $4, version = version + 1
               WHERE id = $1 AND status <> $2 AND status <> 'BANNED' AND status <> 'DISABLED'";
    let values: [Value; 4] = [account.into(), status.to_string().into(), error.into(), now.into()];
    let changed = tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(changed.rows_affected() > 0)
}

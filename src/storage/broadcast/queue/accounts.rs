//! Leases of accounts (R15 to R17): from hand to hand with a rising epoch, never in two hands.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::lease::require_sender;
use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, SenderId, TelegramAccountId};

/// An account that can send and has something to send, and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct AccountSeat {
    /// The account.
    pub account_id: TelegramAccountId,
    /// The process that may connect it.
    pub holder_id: Option<SenderId>,
}

/// Whether the account `a` is one of those that the campaign `c` goes by: it was chosen, or none was.
pub const SERVES: &str =
    "(EXISTS (SELECT 1 FROM campaign_accounts x WHERE x.campaign_id = c.id AND x.account_id = a.id)
      OR NOT EXISTS (SELECT 1 FROM campaign_accounts x WHERE x.campaign_id = c.id))";

/// The states of accounts that send.
pub const SENDING: &str = "('ACTIVE', 'FLOOD_WAIT')";

/// When channels are due to be looked at, apart from those that somebody asked for.
#[derive(Debug, Clone, Copy)]
pub struct Stale {
    /// Never looked at: added before this instant.
    pub added: DateTime<Utc>,
    /// Last looked at before this instant.
    pub checked: DateTime<Utc>,
    /// Put off until this instant at most: somebody is just looking at it.
    pub put_off: DateTime<Utc>,
}

/// Accounts that can send and that have something to do: a running campaign goes by them, what they have sent is to be changed,
/// channels are to be looked at; or somebody else is to be written to by any of them.
pub async fn seats(db: &impl ConnectionTrait, stale: Stale, are_wanted: bool) -> Result<Vec<AccountSeat>> {
    let sql = format!(
        "SELECT a.id AS account_id, l.holder_id FROM telegram_accounts a
         LEFT JOIN account_leases l ON l.account_id = a.id
         WHERE a.status IN {SENDING} AND ($4 OR EXISTS (
             SELECT 1 FROM broadcast_campaign_progress p JOIN broadcast_campaigns c ON c.id = p.campaign_id
             WHERE p.status = 'RUNNING' AND NOT c.is_simulated AND {SERVES})
           OR EXISTS (SELECT 1 FROM sent_changes s WHERE s.account_id = a.id AND s.status = 'QUEUED')
           OR EXISTS (SELECT 1 FROM channels r WHERE r.refresh_requested_at IS NOT NULL AND {FREE})
           OR EXISTS (SELECT 1 FROM channels r
                      WHERE r.is_active AND r.last_checked IS NULL AND r.created_at < $2 AND {FREE})
           OR EXISTS (SELECT 1 FROM channels r WHERE r.is_active AND r.last_checked < $3 AND {FREE}))
         ORDER BY a.id"
    );
    let values: [Value; 4] = [stale.put_off.into(), stale.added.into(), stale.checked.into(), are_wanted.into()];
    let statement = Dialect(db.get_database_backend()).statement(&sql, values);
    Ok(AccountSeat::find_by_statement(statement).all(db).await?)
}

/// Whether the channel `r` may be looked at now, or somebody is just doing so.
const FREE: &str = "(r.refresh_not_before IS NULL OR r.refresh_not_before <= $1)";

/// The running campaigns that an account serves now: all that go by it; of those in TEST mode, whose messages go to the Saved
/// Messages of their first account, only those whose first account it is.
pub async fn work(db: &impl ConnectionTrait, account: TelegramAccountId) -> Result<Vec<BroadcastCampaignId>> {
    let sql = format!(
        "SELECT c.id FROM broadcast_campaigns c JOIN telegram_accounts a ON a.id = $1
         WHERE c.status = 'RUNNING' AND NOT c.is_simulated AND {SERVES} AND (c.mode = 'LIVE' OR a.id = COALESCE(
             (SELECT x.account_id FROM campaign_accounts x WHERE x.campaign_id = c.id ORDER BY x.position LIMIT 1),
             (SELECT y.id FROM telegram_accounts y WHERE y.status IN {SENDING} ORDER BY y.id LIMIT 1)))
         ORDER BY c.id"
    );
    let found = db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, [account.into()])).await?;
    Ok(found.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Leases an account that nobody holds; returns the epoch, or None if somebody holds it.
///
/// # Errors
/// [`Error::Precondition`] if the process itself was taken for dead.
pub async fn acquire(tx: &Tx, account: TelegramAccountId, holder: SenderId, holder_epoch: i64) -> Result<Option<i64>> {
    let dialect = Dialect(tx.get_database_backend());
    let row = "INSERT INTO account_leases (account_id) VALUES ($1) ON CONFLICT DO NOTHING";
    tx.execute_raw(dialect.statement(row, [account.into()])).await?;
    // A takeover of this process comes wholly before this or wholly after it, and then frees this account too.
    require_sender(tx, holder, holder_epoch).await?;
    let sql = "UPDATE account_leases SET holder_id = $2, epoch = epoch + 1
               WHERE account_id = $1 AND holder_id IS NULL RETURNING epoch";
    let row = tx.query_one_raw(dialect.statement(sql, [account.into(), holder.into()])).await?;
    Ok(row.map(|row| row.try_get("", "epoch")).transpose()?)
}

/// Gives an account back, whose connection is closed. False if it was taken over before.
pub async fn release(db: &Db, account: TelegramAccountId, holder: SenderId, epoch: i64) -> Result<bool> {
    let sql = "UPDATE account_leases SET holder_id = NULL, epoch = epoch + 1
               WHERE account_id = $1 AND holder_id = $2 AND epoch = $3 RETURNING epoch";
    let values: [Value; 3] = [account.into(), holder.into(), epoch.into()];
    Ok(!db.write_alone(Dialect(db.backend()).statement(sql, values)).await?.is_empty())
}

/// Takes all accounts from a process that is gone: what it leased by them can't be leased by it any more. Nobody is to connect
/// them before `quiet_until`.
pub async fn free(db: &Db, gone: SenderId, quiet_until: Option<DateTime<Utc>>) -> Result<Vec<TelegramAccountId>> {
    let sql = "UPDATE account_leases SET holder_id = NULL, epoch = epoch + 1, quiet_until = $2
               WHERE holder_id = $1 RETURNING account_id";
    let freed = db.write_alone(Dialect(db.backend()).statement(sql, [gone.into(), quiet_until.into()])).await?;
    Ok(freed.iter().map(|row| row.try_get("", "account_id")).collect::<Result<_, _>>()?)
}

/// Processes that hold accounts though they have ended: a crash in the middle of a takeover.
pub async fn ended_holders(db: &impl ConnectionTrait) -> Result<Vec<SenderId>> {
    let sql = "SELECT DISTINCT l.holder_id FROM account_leases l LEFT JOIN senders s ON s.id = l.holder_id
               WHERE l.holder_id IS NOT NULL AND (s.id IS NULL OR s.ended_at IS NOT NULL)";
    let found = db.query_all_raw(Dialect(db.get_database_backend()).statement(sql, [])).await?;
    Ok(found.iter().map(|row| row.try_get("", "holder_id")).collect::<Result<_, _>>()?)
}

/// The last statement about the account before a send by it: the lease is still the holder's, and the slot is used up.
///
/// # Errors
/// [`Error::Precondition`] if the account was taken over.
pub async fn hold(tx: &Tx, account: TelegramAccountId, holder: SenderId, epoch: i64, slot: i64) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "UPDATE account_leases SET last_slot = {} WHERE account_id = $1 AND holder_id = $2 AND epoch = $3 RETURNING epoch",
        dialect.greatest("last_slot", "$4")
    );
    let values: [Value; 4] = [account.into(), holder.into(), epoch.into(), slot.into()];
    let row = tx.query_one_raw(dialect.statement(&sql, values)).await?;
    row.map(drop).ok_or_else(|| Error::Precondition("another process took this account over".into()))
}

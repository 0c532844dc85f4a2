//! What an account may do in a day, counted before it does it: a crash in between costs one at most, and allows none.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use super::accounts::SENDING;
use crate::broadcast::telegram_account::day;
use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::Result;
use domain::id::TelegramAccountId;

/// Counts a send; with `is_new_peer` one to a channel that the account has not written to before. False if it may not be:
/// the account can't send, waits at `start`, or the day's budget is spent.
pub async fn send(tx: &Tx, account: TelegramAccountId, start: DateTime<Utc>, is_new_peer: bool) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("{} RETURNING id", spend(["$1", "$2", "$3", "$4"]));
    let values: [Value; 4] = [account.into(), day(start).into(), i32::from(is_new_peer).into(), start.into()];
    Ok(tx.query_one_raw(dialect.statement(&sql, values)).await?.is_some())
}

/// The statement of [`send`], without what it returns. Its parameters: the account, the day, how many new channels, the start.
pub(super) fn spend([account, day, new, start]: [&str; 4]) -> String {
    format!(
        "UPDATE telegram_accounts SET
             sends_today = CASE WHEN day = {day} THEN sends_today ELSE 0 END + 1,
             new_peers_today = CASE WHEN day = {day} THEN new_peers_today ELSE 0 END + {new},
             resolves_today = CASE WHEN day = {day} THEN resolves_today ELSE 0 END,
             day = {day}
         WHERE id = {account} AND status IN {SENDING} AND (send_not_before IS NULL OR send_not_before <= {start})
           AND ({new} = 0 OR day <> {day} OR new_peers_today < new_peers_per_day)
           AND ({new} = 0 OR new_peers_per_day > 0)"
    )
}

/// Counts a look-up of a username, of which `kept` are to be left in the day. False if it may not be: as above.
pub async fn resolve(db: &Db, account: TelegramAccountId, now: DateTime<Utc>, kept: i32) -> Result<bool> {
    let sql = format!(
        "UPDATE telegram_accounts SET
             resolves_today = CASE WHEN day = $2 THEN resolves_today ELSE 0 END + 1,
             sends_today = CASE WHEN day = $2 THEN sends_today ELSE 0 END,
             new_peers_today = CASE WHEN day = $2 THEN new_peers_today ELSE 0 END,
             day = $2
         WHERE id = $1 AND status IN {SENDING} AND (resolve_not_before IS NULL OR resolve_not_before <= $3)
           AND (day <> $2 OR resolves_today < resolves_per_day - $4) AND resolves_per_day > $4
         RETURNING id"
    );
    let values: [Value; 4] = [account.into(), day(now).into(), now.into(), kept.into()];
    Ok(!db.write_alone(Dialect(db.backend()).statement(&sql, values)).await?.is_empty())
}

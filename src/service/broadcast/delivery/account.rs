//! Accounts in the hands of workers: leased before they are connected, given back after they are closed (R15 to R18).

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;
use serde_json::json;

use super::sender::{QUIET, give_back};
use crate::{Services, Write};
use domain::audit::Action;
use domain::broadcast::AccountStatus;
use domain::delivery::table::Method;
use domain::error::{Error, Result};
use domain::id::{SenderId, TelegramAccountId};
use storage::Noun;
use storage::broadcast::queue::senders::Fate;
use storage::broadcast::queue::{accounts, standing};
use storage::broadcast::{account_lease, sender, telegram_account};

/// An account that this process may connect, and nobody else.
#[derive(Debug, Clone)]
pub struct Held {
    /// The account, as it was when it was leased.
    pub account: telegram_account::Model,
    /// The epoch of its lease.
    pub epoch: i64,
    /// The last slot of its own pace, in nanoseconds since 1970.
    pub last_slot: i64,
    /// How long nobody may connect it yet: its last holder may stand still, with its socket open (R16).
    pub quiet: Duration,
}

/// Leases an account for the process `holder`; None if somebody holds it. What an earlier holder left open may have been sent:
/// it goes back to the queue as such before anything new is leased.
pub async fn acquire(on: &Services, holder: &sender::Model, id: TelegramAccountId) -> Result<Option<Held>> {
    let epoch = on.system_write(|w| async move { accounts::acquire(&w, id, holder.id, holder.epoch).await }).await?;
    let Some(epoch) = epoch else { return Ok(None) };
    let jobs = give_back(on, SenderId(id.0), |_| false, Fate::Lost).await?;
    if jobs > 0 {
        tracing::warn!(account = %id, jobs, "the account's last holder left jobs that may have been sent");
    }
    let account = telegram_account::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    let lease = account_lease::Entity::of(&[id]).one(on.db.reader()).await?;
    let (Some(account), Some(lease)) = (account, lease) else { return Err(Error::NotFound("Telegram account")) };
    let quiet = lease.quiet_until.and_then(|until| (until - on.now()).to_std().ok()).unwrap_or_default();
    Ok(Some(Held { account, epoch, last_slot: lease.last_slot, quiet }))
}

/// Gives an account back. Its connection must be closed: from now on another process may open one.
pub async fn release(on: &Services, holder: SenderId, id: TelegramAccountId, epoch: i64) -> Result<()> {
    if !accounts::release(&on.db, id, holder, epoch).await? {
        tracing::warn!(account = %id, "the account was taken over before it was given back");
    }
    Ok(())
}

/// Frees the accounts of processes that ended without giving them back: a crash in the middle of a takeover.
pub async fn free_orphans(on: &Services) -> Result<()> {
    for holder in accounts::ended_holders(on.db.reader()).await? {
        // Nobody knows any more how it ended. On SQLite its data folder is free, so it has.
        let quiet_until = on.db.is_postgres().then(|| on.now() + QUIET);
        for account in accounts::free(&on.db, holder, quiet_until).await? {
            give_back(on, SenderId(account.0), |_| false, Fate::Lost).await?;
        }
    }
    Ok(())
}

/// Notes what Telegram said outside of a send: the account can't send any more.
pub async fn park(on: &Services, id: TelegramAccountId, status: AccountStatus, error: &str) -> Result<()> {
    on.system_write(|w| async move { park_in(&w, id, status, error).await }).await
}

/// Notes, as a part of a transaction, that an account can't send any more.
pub(super) async fn park_in(w: &Write, id: TelegramAccountId, status: AccountStatus, error: &str) -> Result<()> {
    if !standing::park(w, id, status, error, w.now).await? {
        return Ok(());
    }
    tracing::warn!(account = %id, %status, error, "an account cannot send any more");
    let action = if status == AccountStatus::Banned { Action::AccountBanned } else { Action::AccountParked };
    let label = telegram_account::Entity::get(w, id).await?.label;
    w.note(action, id, json!({ "label": label, "status": status, "error": error })).await
}

/// Notes what Telegram said outside of a send: the account waits, in one class of methods.
pub async fn wait(on: &Services, id: TelegramAccountId, method: Method, told: (u32, DateTime<Utc>)) -> Result<()> {
    on.system_write(|w| async move { note_wait(&w, id, method, told).await }).await
}

/// Notes, as a part of a transaction, that an account waits.
pub(super) async fn note_wait(
    w: &Write,
    id: TelegramAccountId,
    method: Method,
    (seconds, until): (u32, DateTime<Utc>),
) -> Result<()> {
    standing::wait(w, id, method, until).await?;
    let of = match method {
        Method::Send => "SEND",
        Method::Resolve => "RESOLVE",
        Method::Read => "READ",
    };
    let metadata = json!({ "waitSeconds": seconds, "until": until, "method": of });
    w.note(Action::FloodWaitTriggered, id, metadata).await
}

/// The account as it is now; None if it was removed.
pub async fn reload(on: &Services, id: TelegramAccountId) -> Result<Option<telegram_account::Model>> {
    Ok(telegram_account::Entity::find_by_id(id).one(on.db.reader()).await?)
}

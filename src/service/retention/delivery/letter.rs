//! A contact by Telegram, just before an account writes it: it still stands, and the account may.

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, QuerySelect};

use crate::Services;
use domain::broadcast::AccountStatus;
use domain::clock::instant;
use domain::error::Result;
use domain::id::{ContactAttemptId, LeadId, SenderId, TelegramAccountId};
use storage::broadcast::queue::{accounts, budget};
use storage::broadcast::telegram_account;
use storage::retention::lead_peer;
use storage::retention::queue::standing;

/// A turn of an account: who writes to whom, and when.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The contact, which is leased.
    pub attempt: ContactAttemptId,
    /// To whom.
    pub lead: LeadId,
    /// The account.
    pub account: TelegramAccountId,
    /// The process that holds the account.
    pub holder: SenderId,
    /// The epoch of the account's lease.
    pub epoch: i64,
    /// The account's slot, in nanoseconds since 1970.
    pub slot: i64,
    /// The account has not written to the lead before.
    pub is_new_peer: bool,
}

/// The answer to a wish for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The turn may be used, within the deadline of a claim (R1).
    Given,
    /// The sequence or its campaign was paused meanwhile, the enrollment has ended, or the lead wants no messages any more.
    Withdrawn,
    /// The account waits, or has spent its budget of people it never wrote to.
    Spent,
}

/// Uses up a slot of the account's pace and a place in its budgets, and counts the lead among those it has written to. Between
/// the lease of a step and the turn of its account some time may pass: whether it still stands is asked once more, under the
/// lock that a pause takes (R5).
///
/// # Errors
/// [`Error::Precondition`](domain::error::Error::Precondition) if the account was taken over.
pub async fn begin(on: &Services, turn: Turn) -> Result<Leave> {
    let now = on.now();
    on.system_write(|w| async move {
        let w = &w;
        if !standing::stands(w, turn.attempt, now).await? {
            return Ok(Leave::Withdrawn);
        }
        accounts::hold(w, turn.account, turn.holder, turn.epoch, turn.slot).await?;
        if !budget::send(w, turn.account, start(turn, now), turn.is_new_peer).await? {
            return Ok(Leave::Spent);
        }
        if turn.is_new_peer {
            lead_peer::Entity::written(w, turn.account, turn.lead, now).await?;
        }
        Ok(Leave::Given)
    })
    .await
}

fn start(turn: Turn, now: DateTime<Utc>) -> DateTime<Utc> {
    instant(turn.slot).max(now)
}

/// The accounts that know a lead, and may still send.
///
/// A lead hears from one account as long as that can send: what another one wrote would be a second conversation.
pub async fn acquainted(on: &Services, lead: LeadId) -> Result<Vec<TelegramAccountId>> {
    let known = lead_peer::Entity::of(lead).all(on.db.reader()).await?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let able = able(on).await?;
    Ok(known.into_iter().map(|peer| peer.account_id).filter(|id| able.contains(id)).collect())
}

/// The accounts that can send.
pub async fn able(on: &Services) -> Result<Vec<TelegramAccountId>> {
    let accounts = telegram_account::Entity::in_status([AccountStatus::Active, AccountStatus::FloodWait]);
    let ids = accounts.select_only().column(telegram_account::Column::Id).into_tuple();
    Ok(ids.all(on.db.reader()).await?)
}

/// The peer that `account` knows of a lead by this name.
pub async fn known(
    on: &Services,
    account: TelegramAccountId,
    lead: LeadId,
    username: &str,
) -> Result<Option<lead_peer::Model>> {
    let row = lead_peer::Entity::find_by_id((account, lead)).one(on.db.reader()).await?;
    Ok(row.filter(|row| row.username == username))
}

/// How many messages an account sends in a minute.
pub async fn per_minute(on: &Services, account: TelegramAccountId) -> Result<u32> {
    let row = telegram_account::Entity::find_by_id(account).one(on.db.reader()).await?;
    Ok(row.and_then(|row| u32::try_from(row.messages_per_minute).ok()).unwrap_or(1).max(1))
}

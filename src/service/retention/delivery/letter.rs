//! A contact by Telegram, just before an account writes it: it still stands, and the account may.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::domain::clock::instant;
use crate::domain::error::Result;
use crate::domain::id::{ContactAttemptId, LeadId, RetentionCampaignId, SenderId, TelegramAccountId};
use crate::service::Services;
use crate::storage::Tx;
use crate::storage::broadcast::queue::accounts::SENDING;
use crate::storage::broadcast::queue::{accounts, budget};
use crate::storage::broadcast::telegram_account;
use crate::storage::retention::{campaign, lead_peer};
use crate::storage::sql::Dialect;

/// Who writes to whom, and when.
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

/// What there is to say about a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may be used, within the deadline of a claim (R1).
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
/// [`Error::Precondition`](crate::domain::error::Error::Precondition) if the account was taken over.
pub async fn begin(on: &Services, turn: Turn) -> Result<Leave> {
    let now = on.now();
    on.write(|tx| async move {
        let tx = &*tx;
        if !stands(tx, turn.attempt).await? {
            return Ok(Leave::Withdrawn);
        }
        accounts::hold(tx, turn.account, turn.holder, turn.epoch, turn.slot).await?;
        if !budget::send(tx, turn.account, start(turn, now), turn.is_new_peer).await? {
            return Ok(Leave::Spent);
        }
        if turn.is_new_peer {
            lead_peer::Entity::written(tx, turn.account, turn.lead, now).await?;
        }
        Ok(Leave::Given)
    })
    .await
}

fn start(turn: Turn, now: DateTime<Utc>) -> DateTime<Utc> {
    instant(turn.slot).max(now)
}

/// Whether the contact is still to be made. The sequence's hot row is locked against a pause.
async fn stands(tx: &Tx, attempt: ContactAttemptId) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR SHARE OF p" } else { "" };
    let sql = format!(
        "SELECT s.campaign_id FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN sequence_progress p ON p.sequence_id = n.sequence_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN leads l ON l.id = n.lead_id
         WHERE e.contact_attempt_id = $1 AND e.lease IS NOT NULL AND e.status = 'SCHEDULED'
           AND n.status = 'ACTIVE' AND p.status = 'ACTIVE' AND l.status <> 'DO_NOT_CONTACT' AND NOT l.no_telegram {lock}"
    );
    let Some(row) = tx.query_one_raw(dialect.statement(&sql, [attempt.into()])).await? else { return Ok(false) };
    let campaign: Option<RetentionCampaignId> = row.try_get("", "campaign_id")?;
    match campaign {
        Some(id) => Ok(campaign::Entity::paused(tx, &[id]).await?.is_empty()),
        None => Ok(true),
    }
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
    let sql = format!("SELECT id FROM telegram_accounts WHERE status IN {SENDING} ORDER BY id");
    let rows = on.db.reader().query_all_raw(Dialect(on.db.backend()).statement(&sql, [])).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// What `account` knows of a lead by this name.
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

//! Which accounts a campaign goes by, and whether one of them can send.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, EntityTrait};

use super::works;
use crate::Services;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use storage::Noun;
use storage::Tx;
use storage::broadcast::campaign_account;
use storage::broadcast::telegram_account::{Entity, Model};

/// Accounts that one campaign may be given.
pub const MOST: usize = 100;

/// Stores the choice of a campaign, in place of an earlier one. None chosen: all that are active.
///
/// # Errors
/// `NOT_FOUND` if one of them is not there.
pub async fn choose(tx: &Tx, campaign: BroadcastCampaignId, accounts: &[TelegramAccountId]) -> Result<()> {
    let mut seen = HashSet::new();
    let accounts: Vec<_> = accounts.iter().copied().filter(|id| seen.insert(*id)).collect();
    if accounts.len() > MOST {
        return Err(Error::invalid("telegramAccountIds", format!("has more than {MOST} accounts")));
    }
    let found = Entity::by_ids(&accounts).all(tx).await?;
    if found.iter().filter(|account| account.telegram_user_id.is_some()).count() < accounts.len() {
        return Err(Error::NotFound("Telegram account"));
    }
    campaign_account::Entity::clear(campaign).exec(tx).await?;
    let rows = accounts.into_iter().zip(0..).map(|(account, position)| campaign_account::ActiveModel {
        campaign_id: sea_orm::ActiveValue::Set(campaign),
        account_id: sea_orm::ActiveValue::Set(account),
        position: sea_orm::ActiveValue::Set(position),
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        campaign_account::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Replaces the choice of a campaign. Of one that `has_begun` no account is taken away: only the one that a message was handed
/// to may repeat it (R11).
///
/// # Errors
/// [`Error::Precondition`] if one would be taken away.
pub async fn choose_again(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    accounts: &[TelegramAccountId],
    has_begun: bool,
) -> Result<()> {
    let old = campaign_account::Entity::of(campaign).all(tx).await?;
    let keeps_all =
        if old.is_empty() { accounts.is_empty() } else { old.iter().all(|row| accounts.contains(&row.account_id)) };
    if has_begun && !accounts.is_empty() && !keeps_all {
        let why = "the campaign has begun: accounts can be added to it, but none can be taken away";
        return Err(Error::Precondition(why.into()));
    }
    choose(tx, campaign, accounts).await
}

/// The accounts that a campaign goes by, in the order of the choice: those it was given, or all. Some may be out of use.
pub async fn chosen(db: &impl ConnectionTrait, campaign: BroadcastCampaignId) -> Result<Vec<Model>> {
    let choice = campaign_account::Entity::of(campaign).all(db).await?;
    if choice.is_empty() {
        return Ok(Entity::all_by_age().all(db).await?);
    }
    let ids: Vec<_> = choice.iter().map(|row| row.account_id).collect();
    let mut accounts = Entity::by_ids(&ids).all(db).await?;
    accounts.sort_by_key(|account| ids.iter().position(|id| *id == account.id));
    Ok(accounts)
}

/// Refuses to start a campaign that nobody could send.
///
/// # Errors
/// [`Error::Precondition`] with what is wrong with the accounts.
pub async fn require_usable(on: &Services, campaign: BroadcastCampaignId) -> Result<()> {
    let accounts = chosen(on.db.reader(), campaign).await?;
    if accounts.iter().any(|account| works(account.status)) {
        return Ok(());
    }
    if accounts.is_empty() {
        let how = "there is no Telegram account to send from: add one with addTelegramAccount or herald telegram login, \
                   or start Herald with HERALD_TELEGRAM=simulated to try it out";
        return Err(Error::Precondition(how.into()));
    }
    let told: Vec<_> =
        accounts.iter().take(5).map(|account| format!("\"{}\" is {}", account.label, account.status)).collect();
    let more = if accounts.len() > told.len() { ", and so on" } else { "" };
    Err(Error::Precondition(format!("none of the campaign's accounts can send: {}{more}", told.join(", "))))
}

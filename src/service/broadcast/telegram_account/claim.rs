//! Claiming a session before anything connects with it (R17).
//!
//! The claim is a row that says whose it is not yet: no worker holds such a row, and its key's hash is unique. A process that
//! died in between leaves one behind; it is worth nothing after two minutes, far longer than a greeting can take.

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait};

use super::{Access, Budget, key_hash};
use crate::{Services, Write};
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result};
use domain::id::{TelegramAccountId, UserId};
use storage::broadcast::telegram_account::{self, Entity, Model};
use storage::violation::OnUnique;
use storage::{Folded, noun};

/// How long a claim holds.
const HOLDS: TimeDelta = TimeDelta::minutes(2);

/// Claims a session: from here to [`withdraw`], or until the row has an owner, nobody else connects with it.
///
/// # Errors
/// [`Error::Conflict`] if it is an account's already, or somebody is just adding it.
pub(super) async fn claim(
    on: &Services,
    access: &Access,
    label: &str,
    budget: Budget,
    by: Option<UserId>,
) -> Result<Model> {
    let row = &row(on, access, label, budget, by);
    on.system_write(|w| async move { insert(&w, row).await }).await?;
    Ok(row.clone())
}

async fn insert(w: &Write, row: &Model) -> Result<()> {
    match Entity::with_key(&row.auth_key_hash).one(w).await? {
        Some(other) if other.telegram_user_id.is_some() => {
            let why = format!("this session is the one of the Telegram account \"{}\" already", other.label);
            return Err(Error::Conflict(why));
        }
        Some(other) if other.created_at > w.now - HOLDS => return Err(busy()),
        Some(abandoned) => {
            Entity::delete_by_id(abandoned.id).exec(w).await?;
        }
        None => {}
    }
    let inserted = noun::fresh(row.clone()).insert(w).await;
    inserted.map(drop).on_unique(telegram_account::TABLE, "auth_key_hash", busy)
}

fn busy() -> Error {
    Error::Conflict("this session is just being added; try again in two minutes if nothing comes of it".into())
}

/// Gives a claim up: nothing is left of it.
pub(super) async fn withdraw(on: &Services, claim: TelegramAccountId) -> Result<()> {
    on.system_write(|w| async move { Ok(Entity::delete_by_id(claim).exec(&w).await?) }).await.map(drop)
}

fn row(on: &Services, access: &Access, label: &str, budget: Budget, by: Option<UserId>) -> Model {
    let (id, now) = (TelegramAccountId::generate(), on.now());
    let Access { session, api_id, api_hash } = access;
    Model {
        id,
        label: label.to_owned(),
        status: AccountStatus::Disabled,
        last_error: None,
        telegram_user_id: None,
        name: None,
        username: None,
        phone_end: None,
        dc: session.dc.into(),
        auth_key: on.vault.seal(Model::auth_key_place(id), &session.key[..]),
        auth_key_hash: key_hash(&on.keys.lasting, &session.key[..]),
        api_id: *api_id,
        api_hash: api_hash.as_ref().map(|hash| on.vault.seal_text(Model::api_hash_place(id), hash)),
        messages_per_minute: budget.messages_per_minute,
        new_peers_per_day: budget.new_peers_per_day,
        resolves_per_day: budget.resolves_per_day,
        day: 0,
        sends_today: 0,
        new_peers_today: 0,
        resolves_today: 0,
        send_not_before: None,
        resolve_not_before: None,
        read_not_before: None,
        created_at: now,
        updated_at: now,
        created_by_id: by,
        version: 1,
        label_fold: Folded::default(),
    }
}

//! An account is given another session: of the same Telegram user, or of another one.

use sea_orm::EntityTrait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::claim::{claim, withdraw};
use super::detach::detach;
use super::greet::{Shown, greet};
use super::{Access, Budget, key_hash, require_live};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::TelegramAccountId;
use events::Event;
use storage::broadcast::queue::detach::forget_peers;
use storage::broadcast::telegram_account::{Entity, Model};
use telegram::live::Identity;

/// A session in place of another.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// As `GramJS`, Telethon or Pyrogram write it.
    pub session: SecretString,
    /// None: the account's own stays.
    pub api_id: Option<i32>,
    /// None: the account's own stays.
    pub api_hash: Option<SecretString>,
    /// Only if this is still its version.
    pub expected_version: Option<i32>,
}

/// Replaces the session of an account. If it is another Telegram user's, jobs that the old one may have sent become UNKNOWN,
/// and what it knew of channels is forgotten.
///
/// # Errors
/// As of [`add`](super::add). The account keeps its session then.
pub async fn rotate(on: &Services, actor: &Actor, id: TelegramAccountId, rotation: Rotation) -> Result<Model> {
    require_live(on)?;
    let Rotation { session, api_id, api_hash, expected_version } = rotation;
    let account = Entity::introduced(id).one(on.db.reader()).await?.ok_or(Error::NotFound("Telegram account"))?;
    require_version("Telegram account", account.version, expected_version)?;
    let mut wrong = Violations::default();
    let access =
        Access::read(on, &mut wrong, session.expose_secret(), api_id.or(Some(account.api_id)), api_hash.clone());
    if let Some(access) = &access {
        let is_new = key_hash(&on.keys.lasting, &access.session.key[..]) != account.auth_key_hash;
        wrong.require(is_new, "sessionString", "this is the session that the account has");
    }
    wrong.into_result()?;
    let access = access.ok_or_else(|| Error::invalid("sessionString", "it can't be read"))?;
    // Of the hash, only what was given replaces what is there.
    let access = Access { api_hash, ..access };
    in_a_task(on, actor, account, access, expected_version).await
}

/// Gives an account a session that was just made.
pub(super) async fn renew(on: &Services, actor: &Actor, account: Model, access: Access) -> Result<Model> {
    in_a_task(on, actor, account, access, None).await
}

/// In a task of its own: a caller who stops waiting must not leave a connection, or half an exchange.
async fn in_a_task(
    on: &Services,
    actor: &Actor,
    account: Model,
    access: Access,
    expected: Option<i32>,
) -> Result<Model> {
    let (on, actor) = (on.clone(), actor.clone());
    let task = tokio::spawn(async move { replace(&on, &actor, &account, &access, expected).await });
    task.await.map_err(Error::internal)?
}

async fn replace(
    on: &Services,
    actor: &Actor,
    account: &Model,
    access: &Access,
    expected: Option<i32>,
) -> Result<Model> {
    let claimed = claim(on, access, &account.label, Budget::CAREFUL, actor.who.user()).await?.id;
    let replaced = greet_and_exchange(on, actor, account, access, claimed, expected).await;
    if replaced.is_err() {
        withdraw(on, claimed).await?;
    }
    replaced
}

async fn greet_and_exchange(
    on: &Services,
    actor: &Actor,
    account: &Model,
    access: &Access,
    claim: TelegramAccountId,
    mut expected: Option<i32>,
) -> Result<Model> {
    let identity = &*greet(on, access).await?;
    if let Some(other) = Entity::of_user(identity.user_id).one(on.db.reader()).await?
        && other.id != account.id
    {
        return Err(Error::Conflict(format!("the session is of the Telegram user of \"{}\"", other.label)));
    }
    if account.telegram_user_id != Some(identity.user_id) {
        // The old user's jobs must be let go before anybody could repeat them as the new one. It changes the row.
        detach(on, account.id).await?;
        expected = None;
    }
    let new = &New { access, identity, was: account.status };
    on.write(actor, |w| async move { exchange(on, &w, (account.id, claim), new, expected).await }).await
}

struct New<'a> {
    access: &'a Access,
    identity: &'a Identity,
    /// The account's state before it was taken out of use.
    was: AccountStatus,
}

/// One transaction: the claim goes, and its session is the account's.
async fn exchange(
    on: &Services,
    w: &Write,
    (id, claim): (TelegramAccountId, TelegramAccountId),
    new: &New<'_>,
    expected: Option<i32>,
) -> Result<Model> {
    Entity::delete_by_id(claim).exec(w).await?;
    let old = w.require(id).await?;
    require_version("Telegram account", old.version, expected)?;
    let is_other_user = old.telegram_user_id != Some(new.identity.user_id);
    if is_other_user {
        forget_peers(w, id).await?;
    }
    let account = w.replace(&old, exchanged(on, old.clone(), new, is_other_user)).await?;
    w.tell(Event::Account(id));
    let metadata = json!({
        "label": account.label,
        "telegramUserId": new.identity.user_id.to_string(),
        "isAnotherUser": is_other_user,
    });
    w.note(Action::SessionStringRotated, id, metadata).await?;
    Ok(account)
}

fn exchanged(on: &Services, old: Model, new: &New<'_>, is_other_user: bool) -> Model {
    let id = old.id;
    let Access { session, api_id, api_hash } = new.access;
    let Shown { name, username, phone_end } = new.identity.into();
    let api_hash = api_hash.as_ref().map(|hash| on.vault.seal_text(Model::api_hash_place(id), hash));
    let row = Model {
        status: status(new.was, is_other_user),
        last_error: None,
        telegram_user_id: Some(new.identity.user_id),
        name,
        username,
        phone_end,
        dc: session.dc.into(),
        auth_key: on.vault.seal(Model::auth_key_place(id), &session.key[..]),
        auth_key_hash: key_hash(&on.keys.lasting, &session.key[..]),
        api_id: *api_id,
        api_hash: api_hash.or(old.api_hash),
        ..old
    };
    if !is_other_user {
        return row;
    }
    // Waits and budgets are the user's, whichever session he has.
    Model {
        send_not_before: None,
        resolve_not_before: None,
        read_not_before: None,
        sends_today: 0,
        new_peers_today: 0,
        resolves_today: 0,
        ..row
    }
}

/// A new session mends what was wrong with the old one; what Telegram holds against the user stays with him.
const fn status(was: AccountStatus, is_other_user: bool) -> AccountStatus {
    use AccountStatus as S;
    match was {
        S::Disabled => S::Disabled,
        S::FloodWait | S::Restricted | S::Frozen if !is_other_user => was,
        _ => S::Active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_session_of_the_same_user_does_not_end_what_telegram_holds_against_him() {
        use AccountStatus as S;
        for kept in [S::Disabled, S::FloodWait, S::Restricted, S::Frozen] {
            assert_eq!(status(kept, false), kept);
        }
        assert_eq!((status(S::NeedsLogin, false), status(S::Banned, true)), (S::Active, S::Active));
        assert_eq!((status(S::Restricted, true), status(S::Disabled, true)), (S::Active, S::Disabled));
    }
}

//! An account comes in: its session is claimed, greeted, and only then an account.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::carried;
use super::claim::{claim, withdraw};
use super::greet::{Shown, greet};
use super::{Access, Budget, label, require_live};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result, Violations};
use events::Event;
use storage::broadcast::telegram_account::{self, Entity, Model};
use storage::violation::OnUnique;
use telegram::live::Identity;

/// An account to be.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub label: String,
    /// As `GramJS`, Telethon or Pyrogram write it.
    pub session: SecretString,
    /// From my.telegram.org; None: the installation's.
    pub api_id: Option<i32>,
    /// From my.telegram.org; None: the installation's, if it has one.
    pub api_hash: Option<SecretString>,
    /// The limits of what it may do.
    pub budget: Budget,
}

/// Adds an account. It sends from now on.
///
/// # Errors
/// [`Error::Invalid`] for a session that can't be read or that Telegram does not know; [`Error::Conflict`] if the session, or
/// its Telegram user, is there already. Nothing is left of what could not be added.
pub async fn add(on: &Services, actor: &Actor, new: New) -> Result<Model> {
    require_live(on)?;
    let New { label: written, session, api_id, api_hash, budget } = new;
    let mut wrong = Violations::default();
    let label = label(&mut wrong, &written);
    budget.check(&mut wrong);
    let access = Access::read(on, &mut wrong, session.expose_secret(), api_id, api_hash);
    wrong.into_result()?;
    let access = access.ok_or_else(|| Error::invalid("sessionString", "it can't be read"))?;
    enter(on, actor, access, label, budget).await
}

/// Adds what was checked.
pub(super) async fn enter(
    on: &Services,
    actor: &Actor,
    access: Access,
    label: String,
    budget: Budget,
) -> Result<Model> {
    // In a task of its own: a caller who stops waiting must not leave a connection, or half an account.
    let (on, actor) = (on.clone(), actor.clone());
    let task = tokio::spawn(async move { claim_and_introduce(&on, &actor, &access, &label, budget).await });
    task.await.map_err(Error::internal)?
}

async fn claim_and_introduce(
    on: &Services,
    actor: &Actor,
    access: &Access,
    label: &str,
    budget: Budget,
) -> Result<Model> {
    let claimed = claim(on, access, label, budget, actor.who.user()).await?;
    let entered = match greet(on, access).await {
        Ok(identity) => {
            let (claimed, identity) = (&claimed, &*identity);
            on.write(actor, |w| async move { introduce(&w, claimed, identity).await }).await
        }
        Err(error) => Err(error),
    };
    if entered.is_err() {
        withdraw(on, claimed.id).await?;
    }
    entered
}

/// The claim becomes an account.
async fn introduce(w: &Write, claim: &Model, identity: &Identity) -> Result<Model> {
    if let Some(other) = Entity::of_user(identity.user_id).one(w).await? {
        return Err(known(&other.label));
    }
    let Shown { name, username, phone_end } = identity.into();
    let mut row = w.require(claim.id).await?.into_active_model();
    row.updated_at = Set(w.now);
    row.status = Set(AccountStatus::Active);
    row.telegram_user_id = Set(Some(identity.user_id));
    row.name = Set(name);
    row.username = Set(username);
    row.phone_end = Set(phone_end);
    carried::give(w, identity.user_id, &mut row).await?;
    let account = row.update(w).await;
    let account = account.on_unique(telegram_account::TABLE, "telegram_user_id", || known(&claim.label))?;
    w.tell(Event::Account(account.id));
    let metadata = json!({ "label": account.label, "telegramUserId": identity.user_id.to_string() });
    w.note(Action::SessionStringAdded, account.id, metadata).await?;
    Ok(account)
}

fn known(label: &str) -> Error {
    Error::Conflict(format!(
        "this Telegram user is there already, as \"{label}\": give that account the new session with rotateTelegramSession"
    ))
}

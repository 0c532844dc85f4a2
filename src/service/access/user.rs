//! Users: who may sign in, and as what.

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, IntoActiveModel, PaginatorTrait, QueryOrder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::password;
use super::session::Session;
use super::throttle::Attempt;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{self, Error, Result, Violations};
use domain::id::UserId;
use domain::role::Role;
use events::Event;
use storage::access::{refresh_token, user};
use storage::violation::OnUnique;

/// The name of the user that the first start creates.
pub const FIRST: &str = "admin";

/// A user to be.
#[derive(Debug)]
pub struct NewUser {
    /// Signs in under this name.
    pub username: String,
    /// And with this password.
    pub password: SecretString,
    /// Acts as this.
    pub role: Role,
}

/// The changes of a user. None stays.
#[derive(Debug, Default)]
pub struct Change {
    /// The new role.
    pub role: Option<Role>,
    /// The new password: all sessions end.
    pub password: Option<SecretString>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Creates a user.
pub async fn create(on: &Services, actor: &Actor, new: NewUser) -> Result<user::Model> {
    let username = new.username.trim().to_lowercase();
    let mut violations = Violations::default();
    violations.require(
        is_username(&username),
        "username",
        "a username has 3 to 64 of a-z, 0-9, dot, dash and underscore",
    );
    if let Some(wrong) = password::violation("password", new.password.expose_secret()) {
        violations.push(wrong);
    }
    violations.into_result()?;

    let now = on.now();
    let row = user::Model {
        id: UserId::generate(),
        username,
        password_hash: password::hash(new.password.expose_secret().into()).await?,
        role: new.role,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        deleted_at: None,
        version: 1,
        sso_subject: None,
        sso_issued_at: None,
        sso_ended_at: None,
    };
    let new = &row;
    on.write(actor, |w| async move {
        let taken = || Error::Conflict(format!("the username {} is taken", new.username));
        new.clone().into_active_model().insert(&w).await.on_unique("users", "username", taken)?;
        w.note(Action::UserCreated, new.id, json!({ "username": new.username, "role": new.role })).await
    })
    .await?;
    Ok(row)
}

/// Gives a user another role or password.
pub async fn update(on: &Services, actor: &Actor, id: UserId, change: Change) -> Result<user::Model> {
    let Change { role, password, expected_version } = change;
    let hash = match password {
        Some(password) => Some(checked_hash("password", password).await?),
        None => None,
    };
    let hash = hash.as_ref();
    let leeway = on.rules.sso.as_ref().map_or(TimeDelta::zero(), |issuer| issuer.leeway());
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        error::require_version("user", old.version, expected_version)?;
        if role.is_some_and(|role| role != Role::Admin) {
            keep_an_admin(&w, &old).await?;
        }
        let new = user::Model {
            role: role.unwrap_or(old.role),
            password_hash: hash.unwrap_or(&old.password_hash).clone(),
            // What single sign-on told before this does not undo it, also by a clock that is ahead.
            sso_issued_at: role.map(|_| w.now + leeway).max(old.sso_issued_at),
            sso_ended_at: hash.map(|_| w.now).max(old.sso_ended_at),
            ..old.clone()
        };
        if hash.is_some() {
            refresh_token::Entity::revoke_of(id, w.now).exec(&w).await?;
        }
        let user = w.replace(&old, new).await?;
        w.tell(Event::User(id));
        w.note(Action::UserUpdated, id, json!({ "role": role, "isPasswordChanged": hash.is_some() })).await?;
        Ok(user)
    })
    .await
}

/// Marks a user as deleted and ends his sessions. His row stays, so that what he did keeps its author.
pub async fn delete(on: &Services, actor: &Actor, id: UserId) -> Result<user::Model> {
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        keep_an_admin(&w, &old).await?;
        let user = w.replace(&old, user::Model { deleted_at: Some(w.now), ..old.clone() }).await?;
        refresh_token::Entity::revoke_of(id, w.now).exec(&w).await?;
        w.tell(Event::User(id));
        w.note(Action::UserDeleted, id, json!({ "username": user.username })).await?;
        Ok(user)
    })
    .await
}

/// Changes one's own password. One's other sessions end.
pub async fn change_password(
    on: &Services,
    actor: &Actor,
    session: &Session,
    current: SecretString,
    new: SecretString,
) -> Result<user::Model> {
    let family = session.login()?;
    if let Some(violation) = password::violation("newPassword", new.expose_secret()) {
        return Err(Error::Invalid(vec![violation]));
    }
    let id = session.user.id;
    let attempt = &Attempt::in_session(family);
    attempt.wait(on).await?;
    let turn = password::turn().await;
    attempt.check(on).await?;
    if !password::verify(turn, current.expose_secret().into(), Some(session.user.password_hash.clone())).await? {
        on.write(actor, |w| async move { attempt.fail(&w).await }).await?;
        return Err(Error::invalid("currentPassword", "this is not your password"));
    }
    // Only now: a guess costs one hash, not two.
    let hash = &password::hash(new.expose_secret().into()).await?;
    on.write(actor, |w| async move {
        attempt.succeed(&w).await?;
        let old = w.require(id).await?;
        let user = w.replace(&old, user::Model { password_hash: hash.clone(), ..old.clone() }).await?;
        refresh_token::Entity::revoke_others(id, family, w.now).exec(&w).await?;
        w.tell(Event::User(id));
        w.note(Action::UserPasswordChanged, id, json!({ "username": user.username })).await?;
        Ok(user)
    })
    .await
}

/// Creates the first user, if there is none yet. Returns the password if it had to be made up.
pub async fn ensure_first(on: &Services, password: Option<SecretString>) -> Result<Option<String>> {
    if user::Entity::any().count(on.db.reader()).await? > 0 {
        return Ok(None);
    }
    let made_up = if password.is_none() { Some(password::generate()) } else { None };
    let password = password.or_else(|| made_up.clone().map(SecretString::from)).expect("it was given or made up");
    let admin = NewUser { username: FIRST.into(), password, role: Role::Admin };
    match create(on, &Actor::system(), admin).await {
        Ok(_) => Ok(made_up),
        // Another process that started at the same time was first.
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The user who signs in as `username`.
pub async fn named(on: &Services, username: &str) -> Result<user::Model> {
    let user = user::Entity::named(&username.trim().to_lowercase()).one(on.db.reader()).await?;
    user.ok_or(Error::NotFound("user"))
}

/// All users that have not been deleted.
pub async fn list(on: &Services) -> Result<Vec<user::Model>> {
    Ok(user::Entity::present().order_by_asc(user::Column::Username).all(on.db.reader()).await?)
}

/// A password for somebody who does not want to think of one.
pub fn made_up_password() -> String {
    password::generate()
}

async fn checked_hash(field: &str, password: SecretString) -> Result<String> {
    match password::violation(field, password.expose_secret()) {
        Some(violation) => Err(Error::Invalid(vec![violation])),
        None => password::hash(password.expose_secret().into()).await,
    }
}

/// Refuses to take the last admin away. It locks all admins, so that two of them can't remove each other at once.
async fn keep_an_admin(w: &Write, user: &user::Model) -> Result<()> {
    let admins = user::Entity::admins().all(w).await?;
    let others = admins.iter().any(|admin| admin.id != user.id);
    if user.role == Role::Admin && !others {
        return Err(Error::Precondition(format!(
            "{} is the last admin: somebody must be able to manage users",
            user.username
        )));
    }
    Ok(())
}

pub(super) fn is_username(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (3..=64).contains(&name.len()) && name.bytes().all(is_allowed)
}

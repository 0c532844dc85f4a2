//! Single sign-on: somebody else says who somebody is, by a token that he signs. Herald checks the signature and believes him.
//!
//! A token that comes for the first time opens a session, as a login does: so it can be ended like one, here and at once,
//! although its issuer knows nothing of that.

mod issuer;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue, IntoActiveModel, PaginatorTrait};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use self::issuer::{Identity, Issuer, Trust};
use super::audit::{self, Subject};
use super::session::{Proof, Session};
use super::token;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{RefreshTokenId, UserId};
use events::Event;
use storage::Tx;
use storage::access::{refresh_token, user};
use storage::violation::OnUnique;

/// Users' names have at most so many characters.
const NAME: usize = 64;

const ENDED: Error = Error::Unauthenticated("the session has ended, sign in again");

/// The session that a token of `issuer` opened, or opens now.
pub async fn resume(on: &Services, issuer: &Issuer, token: &str, address: Option<&str>) -> Result<Session> {
    let identity = issuer.read(token, on.now())?;
    let family = family(token);
    let session = |user| Session { user, proof: Proof::Login(family), expires_at: Some(identity.expires_at) };
    let known = user::Entity::vouched_for(&identity.subject, family).one(on.db.reader()).await?;
    if let Some(user) = known {
        return Ok(session(user));
    }
    let (told, hash) = (&identity, &format!("sso {}", token::hash(token)));
    let first = on.db.write(|tx| async move { sign_in(on, &tx, told, family, hash, address).await }).await;
    let (user, changes) = match first {
        // The same token, or the same new user, came twice at once: the other one was first.
        Err(Error::Conflict(_)) => {
            on.db.write(|tx| async move { sign_in(on, &tx, told, family, hash, address).await }).await?
        }
        result => result?,
    };
    if changes {
        on.tell(Event::User(user.id));
        on.tell(Event::Audit);
    }
    Ok(session(user))
}

/// Opens the session, with the user that it needs. Returns him, and whether anything was changed.
async fn sign_in(
    on: &Services,
    tx: &Tx,
    identity: &Identity,
    family: Uuid,
    hash: &str,
    address: Option<&str>,
) -> Result<(user::Model, bool)> {
    // In this order: who sees the session that was opened at the same instant sees its user, too.
    let opened = refresh_token::Entity::with_hash(hash).one(tx).await?;
    let there = user::Entity::with_subject(&identity.subject).one(tx).await?;
    if there.as_ref().is_some_and(|user| user.deleted_at.is_some()) {
        return Err(Error::Unauthenticated("this user was deleted"));
    }
    match (opened, &there) {
        (Some(row), Some(user)) if row.revoked_at.is_none() => return Ok((user.clone(), false)),
        (Some(_), _) => return Err(ENDED),
        (None, _) => {}
    }
    let user = match there {
        Some(user) => follow(on, tx, user, identity, address).await?,
        None => create(on, tx, identity, address).await?,
    };
    insert(on, tx, user.id, family, hash, identity.expires_at).await?;
    let actor = Actor::user(user.id, user.role, address.map(ToOwned::to_owned));
    let metadata = json!({ "username": user.username, "sso": identity.subject });
    audit::record(on, tx, &actor, Action::UserLogin, Subject("User", user.id.0), metadata).await?;
    Ok((user, true))
}

/// The user with the role that the token tells, unless a newer token has told another.
async fn follow(
    on: &Services,
    tx: &Tx,
    user: user::Model,
    identity: &Identity,
    address: Option<&str>,
) -> Result<user::Model> {
    let is_newest = user.sso_issued_at.is_none_or(|newest| identity.issued_at >= newest);
    let has_new_role = is_newest && user.role != identity.role;
    let mut row = if has_new_role { user.changed(on.now()) } else { user.into_active_model() };
    row.last_login_at = ActiveValue::Set(Some(on.now()));
    if is_newest {
        row.role = ActiveValue::Set(identity.role);
        row.sso_issued_at = ActiveValue::Set(Some(identity.issued_at));
    }
    let user = row.update(tx).await?;
    if has_new_role {
        let actor = Actor::user(user.id, user.role, address.map(ToOwned::to_owned));
        let metadata = json!({ "role": user.role, "sso": identity.subject });
        audit::record(on, tx, &actor, Action::UserUpdated, Subject("User", user.id.0), metadata).await?;
    }
    Ok(user)
}

async fn create(on: &Services, tx: &Tx, identity: &Identity, address: Option<&str>) -> Result<user::Model> {
    let now = on.now();
    let row = user::Model {
        id: UserId::generate(),
        username: free_name(tx, identity).await?,
        // No password is right.
        password_hash: String::new(),
        role: identity.role,
        created_at: now,
        updated_at: now,
        last_login_at: Some(now),
        deleted_at: None,
        version: 1,
        sso_subject: Some(identity.subject.clone()),
        sso_issued_at: Some(identity.issued_at),
    };
    let again = || Error::Conflict("somebody signs in under this name at the same time".into());
    // The subject, or the name that was free a moment ago.
    let user = row.into_active_model().insert(tx).await.on_any_unique(again)?;
    let metadata = json!({ "username": user.username, "role": user.role, "sso": identity.subject });
    let actor = Actor::user(user.id, user.role, address.map(ToOwned::to_owned));
    audit::record(on, tx, &actor, Action::UserCreated, Subject("User", user.id.0), metadata).await?;
    Ok(user)
}

async fn insert(
    on: &Services,
    tx: &Tx,
    user: UserId,
    family: Uuid,
    hash: &str,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let now = on.now();
    let row = refresh_token::Model {
        id: RefreshTokenId::generate(),
        user_id: user,
        family,
        token_hash: hash.to_owned(),
        created_at: now,
        expires_at,
        // Nobody refreshes a session by it.
        used_at: Some(now),
        revoked_at: None,
    };
    let again = || Error::Conflict("this token came twice at once".into());
    row.into_active_model().insert(tx).await.on_unique("refresh_tokens", "token_hash", again)?;
    Ok(())
}

/// A name that nobody has: a user of single sign-on never becomes one who was there before.
async fn free_name(tx: &Tx, identity: &Identity) -> Result<String> {
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    let wanted: String = identity.name.to_lowercase().chars().map(|c| if is_allowed(&c) { c } else { '-' }).collect();
    let wanted: String = wanted.chars().take(NAME).collect();
    let is_taken = user::Entity::any_named(&wanted).count(tx).await? > 0;
    if wanted.len() >= 3 && !is_taken {
        return Ok(wanted);
    }
    let digest = token::hash(&identity.subject).to_lowercase();
    let tail: String = digest.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    Ok(format!("{}-{tail}", &wanted[..wanted.len().min(NAME - 11)]))
}

/// The session of a token.
fn family(token: &str) -> Uuid {
    let digest = Sha256::digest(token.as_bytes());
    let (head, _) = digest.split_first_chunk::<16>().expect("a SHA-256 has 32 bytes");
    uuid::Builder::from_custom_bytes(*head).into_uuid()
}

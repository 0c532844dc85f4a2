//! Single sign-on: somebody else says who somebody is, by a token that he signs. Herald checks the signature and believes him.
//!
//! A token that comes for the first time opens a session, as a login does: so it can be ended like one, here and at once,
//! although its issuer knows nothing of that.

mod issuer;
mod keys;

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, IntoActiveModel, PaginatorTrait};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::issuer::{Identity, Issuer, Refusal, Trust};
use super::known::Shown;
use super::session::{self, Proof, Session};
use super::token;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{RefreshTokenId, UserId};
use domain::latin::latin;
use domain::role::Role;
use events::Event;
use storage::access::{refresh_token, user};
use storage::noun;
use storage::violation::OnUnique;

/// Users' names have at most so many characters.
const NAME: usize = 64;
/// How long a session lasts beyond the end of its last token, where the issuer does not name it: a new token within goes on with it.
const BETWEEN: TimeDelta = TimeDelta::minutes(10);

const ENDED: Error = Error::Unauthenticated("the session has ended, sign in again");

const UNDATED: Error = Error::Unauthenticated(
    "the session was ended here, and the token of single sign-on has no iat that says whether it was issued afterwards: ask whoever \
     administers it to have it add one",
);

/// How often an issuer's address is asked for its keys: so long one that was taken out still holds.
const ASK: Duration = Duration::from_mins(5);
/// How soon it is asked again when it does not tell them.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Asks the issuer's address for its keys from time to time, until `stop`. Nobody who comes with a token of a known key waits for it.
pub async fn keep_keys(on: Services, stop: CancellationToken) {
    let Some(issuer) = on.rules.sso.clone().filter(|issuer| issuer.is_remote()) else { return };
    loop {
        // Why it fails is in the log.
        let pause = if issuer.ask(on.now()).await.is_ok() { ASK } else { ASK_AGAIN };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// The session that a token of `issuer` opened, or opens now.
pub async fn resume(on: &Services, issuer: &Issuer, token: &str, address: Option<&str>) -> Result<Session> {
    let identity = issuer.read(token, on.now()).await?;
    let family = family(token);
    let session = |user| Session { user, proof: Proof::Login(family), expires_at: Some(identity.expires_at) };
    let look = async {
        let known = user::Entity::vouched_for(&identity.subject, family).one(on.db.sessions()).await?;
        Ok(known.map(session))
    };
    if let Some(known) = on.known.session(on, Shown::Sso(family), look).await? {
        return Ok(known);
    }
    let name = |text: &str| refresh_token::Model::of_sign_on(&token::hash(text));
    // Sessions that were ended before they had their present names have ended, too.
    let (told, hash, old) = (&identity, &name(signed(token)), &name(token));
    let actor = &Actor::anonymous(address.map(ToOwned::to_owned));
    let sign_in = || on.write(actor, |w| async move { sign_in(&w, told, family, (hash, old)).await });
    let user = match sign_in().await {
        // The same token, or the same new user, came twice at once: the other one was first.
        Err(Error::Conflict(_)) => sign_in().await?,
        first => first?,
    };
    Ok(session(user))
}

/// Opens the session, with the user that it needs, unless it is open.
async fn sign_in(w: &Write, identity: &Identity, family: Uuid, (hash, old): (&str, &str)) -> Result<user::Model> {
    if refresh_token::Entity::with_hash(old).one(w).await?.is_some_and(|row| row.revoked_at.is_some()) {
        return Err(ENDED);
    }
    // In this order: who sees the session that was opened at the same instant sees its user, too.
    let opened = refresh_token::Entity::with_hash(hash).one(w).await?;
    let there = user::Entity::with_subject(&identity.subject).one(w).await?;
    if there.as_ref().is_some_and(|user| user.deleted_at.is_some()) {
        return Err(Error::Unauthenticated("this user was deleted"));
    }
    match (opened, &there) {
        (Some(row), Some(user)) if row.revoked_at.is_none() => return Ok(user.clone()),
        (Some(_), _) => return Err(ENDED),
        (None, _) => {}
    }
    if let Some(user) = &there {
        refuse_ended(w, user, identity).await?;
    }
    // The user's row is locked: of two tokens of a new session at once, one is the first.
    let goes_on = match &there {
        Some(user) => {
            let told = identity.session.as_deref();
            let same = refresh_token::Entity::of_session(user.id, told, w.now - BETWEEN);
            same.count(w).await? > 0
        }
        None => false,
    };
    let user = match there {
        Some(user) => follow(w, user, identity, goes_on).await?,
        None => create(w, identity).await?,
    };
    insert(w, user.id, family, hash, identity).await?;
    w.tell(Event::User(user.id));
    if goes_on {
        return Ok(user);
    }
    if !identity.has_role {
        tracing::info!(user = %user.username, "single sign-on names no role: AUDITOR unless HERALD_SSO_NO_ROLE is refuse");
    }
    let metadata = json!({ "username": user.username, "sso": identity.subject });
    in_name_of(w, &user).note(Action::UserLogin, user.id, metadata).await?;
    Ok(user)
}

/// Refuses a token that was issued before its session was ended here, or all of its user's were: it had not been shown by then,
/// so that nothing of it could be ended. One that does not say when it was issued may be that old.
async fn refuse_ended(w: &Write, user: &user::Model, identity: &Identity) -> Result<()> {
    let session = identity.session.as_deref();
    let Some(issued) = identity.issued_at else {
        let were_all_ended = user.sso_ended_at.is_some_and(|ended| w.now - ended < session::REMEMBERED);
        let ended = refresh_token::Entity::ended_session(user.id, session, None).all(w).await?;
        // Where no session is named, the next one is told from it by time: those that were issued before have ended by then.
        let lasts = |row: &refresh_token::Model| {
            session.is_some() || row.revoked_at.is_some_and(|ended| w.now < ended + (row.expires_at - row.created_at))
        };
        return if were_all_ended || ended.iter().any(lasts) { Err(UNDATED) } else { Ok(()) };
    };
    if user.sso_ended_at.is_some_and(|ended| issued < ended) {
        return Err(ENDED);
    }
    let ended = refresh_token::Entity::ended_session(user.id, session, Some(issued)).count(w).await?;
    if ended > 0 { Err(ENDED) } else { Ok(()) }
}

/// The write in the name of the user who signs in.
fn in_name_of(w: &Write, user: &user::Model) -> Write {
    w.by(Actor::user(user.id, user.role, w.actor.address.clone()))
}

/// The user with the role that the token tells, unless a newer token has told another, or an admin has since it was issued. A
/// token that does not say when it was issued takes rights away and gives none: it may be an old one.
async fn follow(w: &Write, user: user::Model, identity: &Identity, goes_on: bool) -> Result<user::Model> {
    let is_newest = match (identity.issued_at, user.sso_issued_at) {
        (Some(issued), Some(newest)) => issued >= newest,
        (Some(_), None) => true,
        (None, _) => identity.role < user.role,
    };
    let is_kept = is_newest && identity.role < Role::Admin && is_last_admin(w, &user).await?;
    if is_kept {
        tracing::warn!(
            user = %user.username, role = ?identity.role,
            "single sign-on gives the last admin another role: he keeps his, or nobody could manage users"
        );
    }
    let has_new_role = is_newest && user.role != identity.role && !is_kept;
    let last_login_at = if goes_on { user.last_login_at } else { Some(w.now) };
    let mut new = user::Model { last_login_at, ..user.clone() };
    if is_newest && !is_kept {
        (new.role, new.sso_issued_at) = (identity.role, Some(identity.issued_at.unwrap_or(w.now)));
    }
    let user = if has_new_role { w.replace(&user, new).await? } else { noun::touch(w, &user, new).await? };
    if has_new_role {
        let metadata = json!({ "role": user.role, "sso": identity.subject });
        in_name_of(w, &user).note(Action::UserUpdated, user.id, metadata).await?;
    }
    Ok(user)
}

async fn create(w: &Write, identity: &Identity) -> Result<user::Model> {
    let row = user::Model {
        id: UserId::generate(),
        username: free_name(w, identity).await?,
        // No password is right.
        password_hash: String::new(),
        role: identity.role,
        created_at: w.now,
        updated_at: w.now,
        last_login_at: Some(w.now),
        deleted_at: None,
        version: 1,
        sso_subject: Some(identity.subject.clone()),
        sso_issued_at: identity.issued_at,
        sso_ended_at: None,
    };
    let again = || Error::Conflict("somebody signs in under this name at the same time".into());
    // The subject, or the name that was free a moment ago.
    let user = row.into_active_model().insert(w).await.on_any_unique(again)?;
    let metadata = json!({ "username": user.username, "role": user.role, "sso": identity.subject });
    in_name_of(w, &user).note(Action::UserCreated, user.id, metadata).await?;
    Ok(user)
}

/// Whether there is no other admin. It locks all of them, so that two can't lose their role at once.
async fn is_last_admin(w: &Write, user: &user::Model) -> Result<bool> {
    if user.role != Role::Admin {
        return Ok(false);
    }
    let admins = user::Entity::admins().all(w).await?;
    Ok(admins.iter().all(|admin| admin.id == user.id))
}

async fn insert(w: &Write, user: UserId, family: Uuid, hash: &str, identity: &Identity) -> Result<()> {
    let row = refresh_token::Model {
        id: RefreshTokenId::generate(),
        user_id: user,
        family,
        token_hash: hash.to_owned(),
        created_at: w.now,
        expires_at: identity.expires_at,
        // Nobody refreshes a session by it.
        used_at: Some(w.now),
        revoked_at: None,
        sso_session: identity.session.clone(),
    };
    let again = || Error::Conflict("this token came twice at once".into());
    row.into_active_model().insert(w).await.on_unique("refresh_tokens", "token_hash", again)?;
    session::seen(w, user, family).await
}

/// A name that nobody has: a user of single sign-on never becomes one who was there before.
async fn free_name(w: &Write, identity: &Identity) -> Result<String> {
    // A name of which nothing can be written in ASCII says nothing; the subject may.
    let written = [&identity.name, &identity.subject].map(|name| latin(name));
    let wanted = written.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "user".to_owned());
    let wanted: String = wanted.chars().take(NAME).collect();
    let is_taken = user::Entity::any_named(&wanted).count(w).await? > 0;
    if wanted.len() >= 3 && !is_taken {
        return Ok(wanted);
    }
    let digest = token::hash(&identity.subject).to_lowercase();
    let tail: String = digest.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    Ok(format!("{}-{tail}", &wanted[..wanted.len().min(NAME - 11)]))
}

/// The part of a token that its issuer has signed. Some signatures can be spelled in another way and still hold: whoever ends a
/// session must not have ended one spelling of it only.
fn signed(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(signed, _)| signed)
}

/// The session of a token.
fn family(token: &str) -> Uuid {
    let digest = Sha256::digest(signed(token).as_bytes());
    let (head, _) = digest.split_first_chunk::<16>().expect("a SHA-256 has 32 bytes");
    uuid::Builder::from_custom_bytes(*head).into_uuid()
}

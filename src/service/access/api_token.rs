//! API tokens: what scripts sign in with. Shown once, stored as a hash, never above their user.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::denial::{self, Denied};
use super::known::Shown;
use super::session::{Proof, Session};
use super::token;
use crate::once::{Again, Done, once};
use crate::{Actor, Services, Who, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ApiTokenId, UserId};
use domain::role::Role;
use domain::secret_key::LastingUse;
use domain::text::{self, Bounds};
use events::Event;
use storage::access::{api_token, user};
use storage::{Folded, noun};

/// By this a token is known for one, by Herald and by those who look for secrets in what should hold none.
const PREFIX: &str = "herald_";
/// Tokens that hold, of one user.
const MOST: u64 = 100;
/// How often a use is written down.
const NOTED_EACH: TimeDelta = TimeDelta::minutes(1);

const REFUSED: Error = Error::Unauthenticated("the API token is wrong, has expired or was revoked");

/// A token to be.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// When it ends; None: not by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token that has just been made.
#[derive(Debug)]
pub struct Made {
    /// The token. It is not kept: whoever loses it makes another.
    pub token: SecretString,
    /// The stored row.
    pub row: api_token::Model,
}

/// Makes a token for the user of `session`, who must have signed in himself: a token that leaks must not make others that
/// outlive it.
///
/// # Errors
/// FORBIDDEN for a role above the user's own.
pub async fn create(on: &Services, actor: &Actor, session: &Session, new: New) -> Result<Made> {
    if matches!(session.proof, Proof::ApiToken(_)) {
        return Err(Error::Precondition("an API token can't make another one: sign in with a password".into()));
    }
    // Behind that check, since a repeated request is told the token too.
    once(on, actor, make(on, actor, session, new)).await
}

async fn make(on: &Services, actor: &Actor, session: &Session, new: New) -> Result<Made> {
    let row = &checked(on, session.user.id, new)?;
    let outcome = on.write(actor, |w| async move { insert(&w, row).await }).await;
    if matches!(outcome, Err(Error::Forbidden)) {
        denial::note(on, actor, Denied::one("createApiToken"));
    }
    outcome?;
    Ok(Made { token: secret(on, row.id), row: row.clone() })
}

/// Makes a token in the name of `user`, and ends those of his that have the same name: what a machine is set up with once more
/// leaves nothing behind. For whoever has the machine itself. Also told is how many were ended.
///
/// # Errors
/// [`Error::Precondition`] for a role above the user's own.
pub async fn replace(on: &Services, actor: &Actor, user: UserId, new: New) -> Result<(Made, usize)> {
    let row = &checked(on, user, new)?;
    let ended = on.write(actor, |w| async move {
        let owner = w.require(user).await?;
        if row.role > owner.role {
            let (name, most) = (&owner.username, owner.role);
            return Err(Error::Precondition(format!("{name} is {most}: a token of {name} can't be {}", row.role)));
        }
        let holding = api_token::Entity::of(user).filter(api_token::holding(w.now)).all(&w).await?;
        let before: Vec<_> = holding.into_iter().filter(|old| old.name == row.name).collect();
        for old in &before {
            end(&w, old).await?;
        }
        insert(&w, row).await?;
        Ok(before.len())
    });
    let ended = ended.await?;
    Ok((Made { token: secret(on, row.id), row: row.clone() }, ended))
}

/// A token is 256 bits that nobody can guess without the installation's key, and that need not be kept: a request that is
/// repeated gets the same.
fn secret(on: &Services, id: ApiTokenId) -> SecretString {
    format!("{PREFIX}{}", on.keys.lasting.fingerprint(LastingUse::ApiTokens, id.0.as_bytes())).into()
}

impl Again for Made {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let row = api_token::Model::again(on, done).await?;
        Ok(Self { token: secret(on, row.id), row })
    }
}

fn checked(on: &Services, user: UserId, new: New) -> Result<api_token::Model> {
    let New { name, role, expires_at } = new;
    let now = on.now();
    let mut violations = Violations::default();
    let name = violations.take("name", text::line(&name, Bounds::NAME));
    violations.require(expires_at.is_none_or(|end| end > now), "expiresAt", "must be in the future");
    violations.into_result()?;
    let id = ApiTokenId::generate();
    Ok(api_token::Model {
        id,
        user_id: user,
        name,
        role,
        token_hash: token::hash(secret(on, id).expose_secret()),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
        name_fold: Folded::default(),
    })
}

async fn insert(w: &Write, row: &api_token::Model) -> Result<()> {
    // The lock of the user's row: his role and the number of his tokens stay what they are.
    let maker = w.require(row.user_id).await?;
    if row.role > maker.role {
        return Err(Error::Forbidden);
    }
    if api_token::Entity::of(maker.id).filter(api_token::holding(w.now)).count(w).await? >= MOST {
        return Err(Error::Precondition(format!("a user has at most {MOST} API tokens: revoke one first")));
    }
    api_token::Entity::insert(noun::fresh(row.clone())).exec_without_returning(w).await?;
    let metadata = json!({ "name": row.name, "role": row.role, "expiresAt": row.expires_at });
    w.note(Action::ApiTokenCreated, row.id, metadata).await
}

/// Ends a token, at once and everywhere: one's own, or anybody's if one is an admin. A second time changes nothing.
///
/// # Errors
/// [`Error::Precondition`] for an API token that would end another than itself.
pub async fn revoke(on: &Services, actor: &Actor, id: ApiTokenId) -> Result<api_token::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        // Of others' tokens nobody but an admin learns even that they are there.
        if !is_visible(&row, &w.actor) {
            return Err(Error::NotFound("API token"));
        }
        if matches!(w.actor.who, Who::Token { token, .. } if token != id) {
            return Err(Error::Precondition("an API token ends no other than itself: sign in with a password".into()));
        }
        if row.revoked_at.is_some() {
            return Ok(row);
        }
        end(&w, &row).await
    })
    .await
}

async fn end(w: &Write, row: &api_token::Model) -> Result<api_token::Model> {
    let row = w.replace(row, api_token::Model { revoked_at: Some(w.now), ..row.clone() }).await?;
    w.tell(Event::User(row.user_id));
    w.note(Action::ApiTokenRevoked, row.id, json!({ "name": row.name, "userId": row.user_id })).await?;
    Ok(row)
}

/// Whether `actor` may see a token: it is his, or he is an admin.
pub fn is_visible(row: &api_token::Model, actor: &Actor) -> bool {
    actor.role == Role::Admin || actor.who.user() == Some(row.user_id)
}

/// Whether `token` looks like an API token.
pub fn is_one(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// The session that an API token gives.
pub async fn resume(on: &Services, token: &str) -> Result<Session> {
    let hash = token::hash(token);
    let look = async {
        let now = on.now();
        let Some(row) = api_token::Entity::with_hash(&hash, now).one(on.db.sessions()).await? else { return Ok(None) };
        if row.last_used_at.is_none_or(|last| last + NOTED_EACH <= now) {
            note_use(on, row.id, now).await;
        }
        session(on, row).await
    };
    on.known.session(on, Shown::Token(hash.clone()), look).await?.ok_or(REFUSED)
}

/// The session as it is now; None if the token or its user has ended.
pub async fn reload(on: &Services, id: ApiTokenId) -> Result<Option<Session>> {
    let look = async {
        match api_token::Entity::held(id, on.now()).one(on.db.sessions()).await? {
            Some(row) => session(on, row).await,
            None => Ok(None),
        }
    };
    on.known.session(on, Shown::TokenId(id), look).await
}

async fn session(on: &Services, row: api_token::Model) -> Result<Option<Session>> {
    let user = user::Entity::present_one(row.user_id).one(on.db.sessions()).await?;
    Ok(user.map(|mut user| {
        // Whoever was an admin when he made the token may be less today.
        user.role = user.role.min(row.role);
        Session { user, proof: Proof::ApiToken(row.id), expires_at: row.expires_at }
    }))
}

/// Which tokens are still in use is good to know, but no reason to refuse a request.
async fn note_use(on: &Services, id: ApiTokenId, now: DateTime<Utc>) {
    let noted = on.system_write(|w| async move {
        api_token::Entity::use_at(id, now, now - NOTED_EACH).exec(&w).await?;
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(%error, "the use of an API token can't be noted now");
    }
}

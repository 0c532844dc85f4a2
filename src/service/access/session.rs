//! Sessions: opened by a login, carried on by refresh tokens that are used once each, ended by a logout. A request that comes with
//! an API token has one too, without a login.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue, IntoActiveModel};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::known::Shown;
use super::throttle::Attempt;
use super::user::is_username;
use super::{api_token, password, sso, token};
use crate::coalesce::Coalesce;
use crate::{Actor, Services, Who, Write};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::id::{ApiTokenId, RefreshTokenId, SessionId, UserId};
use domain::meters;
use events::Event;
use storage::access::{refresh_token, session as rows, user};
use storage::noun;

/// A session that a request belongs to.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user, as the row is now, or was a second ago at most if nothing was told of it: a new role acts at once. Under an API token the role is the token's, if that is less.
    pub user: user::Model,
    /// By what he is known.
    pub proof: Proof,
    /// When the token that was shown ends; None if not by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The proof that a session rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A login: the family of its refresh tokens.
    Login(Uuid),
    /// An API token.
    ApiToken(ApiTokenId),
}

impl Session {
    /// In whose name its requests act, from `address`.
    pub fn actor(&self, address: Option<String>) -> Actor {
        let actor = Actor::user(self.user.id, self.user.role, address);
        match self.proof {
            Proof::Login(_) => actor,
            Proof::ApiToken(token) => Actor { who: Who::Token { user: self.user.id, token }, ..actor },
        }
    }

    /// The login that it rests on.
    ///
    /// # Errors
    /// It rests on an API token, which is not signed in and out.
    pub fn login(&self) -> Result<Uuid> {
        match self.proof {
            Proof::Login(family) => Ok(family),
            Proof::ApiToken(_) => Err(Error::Precondition(
                "an API token has no login: sign in, or end the token with revokeApiToken".into(),
            )),
        }
    }
}

/// Look-ups of logins that are under way.
pub type Lookups = Coalesce<(UserId, Uuid), std::result::Result<Option<user::Model>, Arc<Error>>>;

/// The tokens that a login or a refresh gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Goes with each request.
    pub access: String,
    /// Gives new tokens, once.
    pub refresh: String,
    /// When the access token ends.
    pub expires_at: DateTime<Utc>,
    /// Who signed in.
    pub user: user::Model,
}

const ENDED: Error = Error::Unauthenticated("the session has ended, sign in again");

/// Opens a session for who knows the password. Who is unknown learns no more, and no sooner, than who is wrong.
///
/// # Errors
/// `RATE_LIMITED` after too many failures: see [`super::throttle`].
pub async fn login(on: &Services, actor: &Actor, username: &str, password: String) -> Result<Tokens> {
    let username = username.trim().to_lowercase();
    let attempt = &Attempt::of(&cut(&username), actor.address.as_deref());
    attempt.wait(on).await?;
    let turn = password::turn().await;
    let named = async { Ok(user::Entity::named(&username).one(on.db.sessions()).await?) };
    let ((), known) = tokio::try_join!(attempt.check(on), named)?;
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    let is_right = password::verify(turn, password, hash).await?;
    // Who types his password into the wrong field does not want to read it in the log.
    let told = if known.is_some() || is_username(&username) { cut(&username) } else { String::new() };
    let Some(user) = known.filter(|_| is_right) else {
        return Err(refuse_password(on, actor, attempt, &told).await?);
    };
    let actor = Actor { agent: actor.agent.clone(), ..Actor::user(user.id, user.role, actor.address.clone()) };
    let refresh = token::refresh();
    let family = domain::id::time_sorted();
    let (seen, minted, actor) = (&user, &refresh, &actor);
    let user = on
        .write(actor, |w| async move {
            attempt.succeed(&w).await?;
            // The row may have changed while the password was compared.
            let current = w.require(seen.id).await.map_err(|_| ENDED)?;
            if current.password_hash != seen.password_hash {
                return Err(ENDED);
            }
            let new = user::Model { last_login_at: Some(w.now), ..current.clone() };
            let user = noun::touch(&w, &current, new).await?;
            insert(&w, user.id, family, minted).await?;
            w.note(Action::UserLogin, user.id, json!({ "username": user.username })).await?;
            Ok(user)
        })
        .await?;
    tokens(on, user, family, refresh)
}

/// How long a spent refresh token still gives tokens: two tabs, a laptop that wakes up and a client whose answer was lost send
/// the same one again within seconds.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// New tokens for a refresh token, which is used up. One that comes again within 30 seconds gives tokens of the same session;
/// one that comes later has been stolen: its session ends.
pub async fn refresh(on: &Services, actor: &Actor, spent: &str) -> Result<Tokens> {
    let (hash, next) = (token::hash(spent), token::refresh());
    let (spent, minted) = (&hash, &next);
    let outcome = on.write(actor, |w| async move { rotate(&w, spent, minted).await }).await?;
    match outcome {
        Rotation::Done(user, family) => tokens(on, user, family, next),
        Rotation::Refused => Err(ENDED),
        Rotation::Stolen(user) => {
            let metadata = json!({ "userId": user.to_string(), "reason": "a refresh token came a second time" });
            Err(refuse(on, actor, metadata, "the session has ended, sign in again").await?)
        }
    }
}

/// Ends a session, or all of its user's: their access tokens are refused from now on too.
pub async fn logout(on: &Services, actor: &Actor, session: &Session, everywhere: bool) -> Result<()> {
    let family = session.login()?;
    let user = session.user.id;
    on.write(actor, |w| async move {
        if everywhere {
            refresh_token::Entity::revoke_of(user, w.now).exec(&w).await?;
            let row = w.require(user).await?;
            if row.sso_subject.is_some() {
                noun::touch(&w, &row, user::Model { sso_ended_at: Some(w.now), ..row.clone() }).await?;
            }
        } else {
            end_login(&w, family).await?;
        }
        w.tell(Event::User(user));
        w.note(Action::UserLogout, user, json!({ "everywhere": everywhere })).await
    })
    .await
}

/// The session that an access token belongs to, or that an API token gives, if it has not ended. A token of single sign-on
/// opens one when it comes for the first time, from `address`.
pub async fn resume(on: &Services, access: &str, address: Option<&str>) -> Result<Session> {
    if api_token::is_one(access) {
        return api_token::resume(on, access).await;
    }
    let (claims, expires_at) = match (token::read(&on.keys.short_lived, access, on.now()), &on.rules.sso) {
        (Ok(read), _) => read,
        (Err(_), Some(issuer)) => return sso::resume(on, issuer, access, address).await,
        (Err(refusal), None) => return Err(refusal),
    };
    let session = in_login(on, claims.user, claims.family).await?.ok_or(ENDED)?;
    Ok(Session { expires_at: Some(expires_at), ..session })
}

/// The session with which a connection goes on that was opened with `known`: of a new access token of the same user, who is still
/// what he was.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token does not hold; [`Error::Precondition`] if it is another's, or the role has changed.
pub async fn renew(on: &Services, known: &Session, access: &str, address: Option<&str>) -> Result<Session> {
    let new = resume(on, access, address).await?;
    if new.user.id != known.user.id {
        return Err(Error::Precondition("this is the token of another user: connect anew with it".into()));
    }
    if new.user.role != known.user.role {
        return Err(Error::Precondition("the role is another one by now: connect anew".into()));
    }
    Ok(new)
}

/// The session as it is now; None if it has ended.
pub async fn reload(on: &Services, session: &Session) -> Result<Option<Session>> {
    match session.proof {
        Proof::Login(family) => {
            let now = in_login(on, session.user.id, family).await?;
            Ok(now.map(|now| Session { user: now.user, ..session.clone() }))
        }
        Proof::ApiToken(id) => api_token::reload(on, id).await,
    }
}

/// The session of a login with its user; None if it has ended. Many requests that come with one token at the same instant need one
/// look, and those of the next second none.
async fn in_login(on: &Services, id: UserId, family: Uuid) -> Result<Option<Session>> {
    let look = async {
        let db = on.db.clone();
        let look = async move {
            let found = user::Entity::in_session(id, family).one(db.sessions()).await;
            found.map_err(|error| Arc::new(Error::from(error)))
        };
        let (found, _) = on.sessions.get((id, family), look).await;
        let user = found.map_err(Error::Shared)?;
        Ok(user.map(|user| Session { user, proof: Proof::Login(family), expires_at: None }))
    };
    on.known.session(on, Shown::Login(id, family), look).await
}

enum Rotation {
    Done(user::Model, Uuid),
    Refused,
    Stolen(UserId),
}

async fn rotate(w: &Write, hash: &str, next: &str) -> Result<Rotation> {
    let Some(row) = refresh_token::Entity::with_hash(hash).one(w).await? else { return Ok(Rotation::Refused) };
    let (user, family) = (row.user_id, row.family);
    if row.revoked_at.is_some() || row.expires_at <= w.now {
        return Ok(Rotation::Refused);
    }
    let used = row.used_at;
    if used.is_some_and(|used| w.now - used > GRACE) {
        refresh_token::Entity::revoke_family(family, w.now).exec(w).await?;
        w.tell(Event::User(user));
        return Ok(Rotation::Stolen(user));
    }
    let Ok(user) = w.require(user).await else { return Ok(Rotation::Refused) };
    // The time counts from the first use: else a thief could go on for ever.
    if used.is_none() {
        let mut row = row.into_active_model();
        row.used_at = ActiveValue::Set(Some(w.now));
        row.update(w).await?;
    }
    insert(w, user.id, family, next).await?;
    Ok(Rotation::Done(user, family))
}

async fn insert(w: &Write, user: UserId, family: Uuid, refresh: &str) -> Result<()> {
    let row = refresh_token::Model {
        id: RefreshTokenId::generate(),
        user_id: user,
        family,
        token_hash: token::hash(refresh),
        created_at: w.now,
        expires_at: w.now + token::REFRESH_LIFETIME,
        used_at: None,
        revoked_at: None,
        sso_session: None,
    };
    row.into_active_model().insert(w).await?;
    seen(w, user, family).await
}

/// Notes that a session begins, or is seen again: from where, and by which program.
pub(super) async fn seen(w: &Write, user: UserId, family: Uuid) -> Result<()> {
    let row = rows::Model {
        id: SessionId(family),
        user_id: user,
        began_at: w.now,
        seen_at: w.now,
        ip_address: w.actor.address.clone(),
        user_agent: w.actor.agent.as_deref().map(ToOwned::to_owned),
    };
    rows::Entity::note(w, row).await
}

/// Ends a login, and returns how many tokens it had. Of single sign-on each token has a family of its own: all of the same session end.
async fn end_login(w: &Write, family: Uuid) -> Result<u64> {
    let ended = refresh_token::Entity::revoke_family(family, w.now).exec(w).await?.rows_affected;
    let row = refresh_token::Entity::of_family(family).one(w).await?;
    let Some((user, session)) = row.and_then(|row| Some((row.user_id, row.sso_session?))) else { return Ok(ended) };
    Ok(ended + refresh_token::Entity::revoke_session(user, &session, w.now).exec(w).await?.rows_affected)
}

/// Ends a session of anybody: its tokens are refused from now on, and its sockets are closed. A second time changes nothing.
///
/// # Errors
/// `NOT_FOUND` if there is none.
pub async fn end(on: &Services, actor: &Actor, id: SessionId) -> Result<rows::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if end_login(&w, id.0).await? > 0 {
            w.tell(Event::User(row.user_id));
            w.note(Action::UserSessionEnded, row.user_id, json!({ "session": id.to_string() })).await?;
        }
        Ok(row)
    })
    .await
}

fn tokens(on: &Services, user: user::Model, family: Uuid, refresh: String) -> Result<Tokens> {
    let (access, expires_at) = token::issue(&on.keys.short_lived, token::Claims { user: user.id, family }, on.now())?;
    Ok(Tokens { access, refresh, expires_at, user })
}

/// How long it is remembered that a session of single sign-on was ended here.
pub(super) const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Forgets sessions that have ended long ago. To be called every now and then.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        refresh_token::Entity::forget(w.now - TimeDelta::days(1), w.now - REMEMBERED).exec(&w).await?;
        rows::Entity::forget().exec(&w).await?;
        Ok(())
    })
    .await
}

/// Counts and notes a wrong password and gives the error that tells of it. Whoever was stopped writes nothing more: the log is
/// not his to fill.
async fn refuse_password(on: &Services, actor: &Actor, attempt: &Attempt, username: &str) -> Result<Error> {
    on.write(actor, |w| async move {
        let failure = attempt.fail(&w).await?;
        let mut metadata = json!({ "username": username });
        if failure.is_last {
            metadata["isThrottled"] = true.into();
        }
        if !failure.is_told {
            return Ok(());
        }
        w.note(Action::UserLoginFailed, Subject::NONE, metadata).await
    })
    .await?;
    meters::login_failure();
    Ok(Error::WrongCredentials)
}

/// Notes a failed login and gives the error that tells of it.
async fn refuse(on: &Services, actor: &Actor, metadata: Json, sentence: &'static str) -> Result<Error> {
    let told = &metadata;
    on.write(actor, |w| async move { w.note(Action::UserLoginFailed, Subject::NONE, told.clone()).await }).await?;
    meters::login_failure();
    Ok(Error::Unauthenticated(sentence))
}

/// A name that somebody typed, not longer than names are.
fn cut(username: &str) -> String {
    username.chars().filter(|letter| *letter != '\0').take(64).collect()
}

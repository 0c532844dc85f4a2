//! Writes that scripts can repeat: the same idempotency key does it once, and each repetition gets the same answer.
//!
//! A key belongs to a user and a mutation. What was done under it is noted in the transaction of the write itself, with its
//! audit line, so that neither is there without the other. The answer is made anew from what was changed, as it is by then.

mod row;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, EntityTrait, ModelTrait, TryIntoModel};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use super::{Actor, Services};
use domain::error::{Error, Result};
use domain::id::{NounId, UserId};
use domain::json::canonical;
use domain::secret_key::LastingUse;
use domain::text::check_seen;
use storage::Noun;
use storage::access::idempotency_key;

/// How long a key is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// The longest key, in characters.
const LONGEST: usize = 255;
/// Under this word a key's row has the answer, if the write gave one.
pub(crate) const ANSWER: &str = "answer";
/// Under this one it has the row that the write made, for repetitions after its deletion.
const ROW: &str = "row";
/// By which words audit lines tell how many a write has moved.
const MOVED: [&str; 5] = ["added", "retried", "requested", "messages", "assigned"];

/// A request that must not be carried out twice.
#[derive(Debug, PartialEq, Eq)]
pub struct Once {
    mutation: String,
    key: String,
    /// Of the input: who sends another one under the same key is told so.
    fingerprint: String,
    /// Tells this request from its repetitions.
    request: Uuid,
}

impl Once {
    /// The request `mutation(input)` under `key`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the key has 1 to 255 printable characters.
    pub fn new(on: &Services, mutation: &str, key: String, input: &Json) -> Result<Self> {
        let length = key.chars().count();
        if length == 0 || length > LONGEST || key.chars().any(char::is_control) {
            return Err(Error::invalid("idempotencyKey", "must have 1 to 255 printable characters"));
        }
        check_seen(&key).map_err(|why| Error::invalid("idempotencyKey", why))?;
        let fingerprint = on.keys.lasting.fingerprint(LastingUse::Repetitions, canonical(input).to_string().as_bytes());
        Ok(Self { mutation: mutation.to_owned(), key, fingerprint, request: domain::id::time_sorted() })
    }
}

/// The result of an earlier request under the same key.
#[derive(Debug)]
pub struct Done {
    /// The row that was made or changed.
    pub resource: Uuid,
    /// What is in the key's row.
    result: Json,
}

impl Done {
    /// What else was answered. Where the row has no answer, the version of Herald that wrote it told it in the audit line, of
    /// which the row has the metadata: `older` finds it there.
    pub fn answer<A: DeserializeOwned>(&self, older: impl FnOnce(&Json) -> A) -> Result<A> {
        match self.result.get(ANSWER) {
            Some(answer) => A::deserialize(answer).map_err(Error::internal),
            None => Ok(older(&self.result)),
        }
    }

    /// How many were moved.
    pub fn moved(&self) -> Result<i32> {
        self.answer(|told| {
            let moved = MOVED.iter().find_map(|word| told[word].as_i64()).unwrap_or_default();
            i32::try_from(moved).unwrap_or(i32::MAX)
        })
    }
}

/// An answer that can be made anew.
pub trait Again: Sized {
    /// The answer to the request that has done `done`.
    fn again(on: &Services, done: Done) -> impl Future<Output = Result<Self>> + Send;
}

/// Carries out `work`, unless it has been carried out under the actor's key.
///
/// # Errors
/// [`Error::IdempotencyConflict`] if the key came with another input.
pub fn once<'a, T: Again + Send + 'a>(
    on: &'a Services,
    actor: &'a Actor,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<T>> {
    once_or(on, actor, work, |done| T::again(on, done))
}

/// [`once`] for a row, and how many the write has moved.
pub fn once_moving<'a, T: Again + Send + 'a>(
    on: &'a Services,
    actor: &'a Actor,
    work: impl Future<Output = Result<(T, i32)>> + Send + 'a,
) -> BoxFuture<'a, Result<(T, i32)>> {
    once_or(on, actor, work, move |done| async move {
        let moved = done.moved()?;
        Ok((T::again(on, done).await?, moved))
    })
}

/// [`once`] for an answer that only the caller can make anew.
pub fn once_or<'a, T: Send + 'a, A: Future<Output = Result<T>> + Send>(
    on: &'a Services,
    actor: &'a Actor,
    work: impl Future<Output = Result<T>> + Send + 'a,
    again: impl FnOnce(Done) -> A + Send + 'a,
) -> BoxFuture<'a, Result<T>> {
    // Boxed, because a whole use case lies in it.
    Box::pin(async move {
        if let Some(done) = find(on, actor).await? {
            return again(done).await;
        }
        let turn = on.repeats.turn(actor).await;
        if turn.has_waited
            && let Some(done) = find(on, actor).await?
        {
            return again(done).await;
        }
        match work.await {
            Ok(answer) => Ok(answer),
            // Two at a time: who came second found the other's traces.
            Err(error) => match find(on, actor).await? {
                Some(done) => again(done).await,
                None => Err(error),
            },
        }
    })
}

/// A request under a key: whose, which mutation, which key.
type Asked = (UserId, String, String);

/// Requests under a key that are being carried out in this process. Whoever repeats one waits for its answer.
#[derive(Debug, Clone, Default)]
pub struct Repeats(Arc<Mutex<HashMap<Asked, Weak<AsyncMutex<()>>>>>);

/// A request's turn, until this is dropped.
struct Turn {
    has_waited: bool,
    _held: Option<OwnedMutexGuard<()>>,
}

impl Repeats {
    /// The actor's turn: at once where he has no key, or nobody else has the same.
    async fn turn(&self, actor: &Actor) -> Turn {
        let (Some(once), Some(user)) = (&actor.once, actor.who.user()) else {
            return Turn { has_waited: false, _held: None };
        };
        let asked = (user, once.mutation.clone(), once.key.clone());
        let lock = {
            let mut all = self.0.lock();
            let known = all.get(&asked).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                // Those that nobody holds any more are forgotten.
                all.retain(|_, lock| lock.strong_count() > 0);
                let lock = Arc::<AsyncMutex<()>>::default();
                all.insert(asked, Arc::downgrade(&lock));
                lock
            })
        };
        match lock.clone().try_lock_owned() {
            Ok(held) => Turn { has_waited: false, _held: Some(held) },
            Err(_) => Turn { has_waited: true, _held: Some(lock.lock_owned().await) },
        }
    }
}

async fn find(on: &Services, actor: &Actor) -> Result<Option<Done>> {
    let (Some(once), Some(user)) = (&actor.once, actor.who.user()) else { return Ok(None) };
    let since = on.now() - KEPT;
    match idempotency_key::Entity::kept(user, &once.mutation, &once.key, since).one(on.db.reader()).await? {
        Some(row) if row.fingerprint != once.fingerprint => Err(Error::IdempotencyConflict),
        Some(row) => Ok(row.resource_id.map(|resource| Done { resource, result: row.result.unwrap_or_default() })),
        None => Ok(None),
    }
}

/// Notes, in the transaction of a write, what it has done under the actor's key.
///
/// # Errors
/// [`Error::Conflict`] if another request under the same key was quicker: this one must undo what it did.
pub(crate) async fn claim(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    resource: Option<Uuid>,
    result: Option<Json>,
) -> Result<()> {
    let (Some(once), Some(user)) = (&actor.once, actor.who.user()) else { return Ok(()) };
    let row = idempotency_key::Model {
        user_id: user,
        mutation: once.mutation.clone(),
        key: once.key.clone(),
        request: once.request,
        fingerprint: once.fingerprint.clone(),
        resource_id: resource,
        result,
        created_at: now,
    };
    if idempotency_key::Entity::claim(tx, row, now - KEPT).await? {
        Ok(())
    } else {
        Err(Error::Conflict("the same request is just being carried out; repeat it in a moment".into()))
    }
}

/// Forgets keys whose time is over.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        idempotency_key::Entity::forget(w.now - KEPT).exec(&w).await?;
        Ok(())
    })
    .await
}

/// Rows are answers by themselves.
impl<M> Again for M
where
    M: ModelTrait,
    M::Entity: EntityTrait<Model = M> + Noun,
    <M::Entity as EntityTrait>::ActiveModel: TryIntoModel<M>,
{
    async fn again(on: &Services, done: Done) -> Result<Self> {
        match <M::Entity as Noun>::get(on.db.reader(), NounId::from_uuid(done.resource)).await {
            // It was deleted since. What was answered then is still the answer.
            Err(Error::NotFound(word)) => done.result.get(ROW).and_then(row::restored).ok_or(Error::NotFound(word)),
            found => found,
        }
    }
}

/// What an answer has besides: the row that a write has made.
pub(crate) fn with_row<M: ModelTrait>(answer: Option<Json>, row: &M) -> Json {
    let mut answer = answer.unwrap_or_else(|| Json::Object(serde_json::Map::new()));
    answer[ROW] = row::kept(row);
    answer
}

//! Writes that scripts can repeat: the same idempotency key does it once, and each repetition gets the same answer.
//!
//! A key belongs to a user and a mutation. What was done under it is noted in the transaction of the write itself, with its
//! audit line, so that neither is there without the other. The answer is made anew from what was changed, as it is by then.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::Value as Json;
use uuid::Uuid;

use super::access::audit::Subject;
use super::{Actor, Services};
use domain::error::{Error, Result};
use domain::id::{
    AbTestId, BatchId, BroadcastCampaignId, ChannelId, ChannelImportId, ContactAttemptId, ConversionId,
    ConversionRuleId, IntegrationConfigId, JobId, LeadId, LeadImportId, RetentionCampaignId, RetentionSequenceId,
    ScriptId, SequenceEnrollmentId, TelegramAccountId, TemplateId, UserId,
};
use domain::json::canonical;
use storage::access::{idempotency_key, user};
use storage::broadcast::{batch, campaign, channel, channel_import, job, telegram_account, template};
use storage::retention::{
    self, ab_test, contact_attempt, conversion, conversion_rule, enrollment, integration_config, lead, lead_import,
    script, sequence,
};

/// How long a key is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// The longest key, in characters.
const LONGEST: usize = 255;
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
        let fingerprint = on.key.fingerprint("idempotency", canonical(input).to_string().as_bytes());
        Ok(Self { mutation: mutation.to_owned(), key, fingerprint, request: Uuid::now_v7() })
    }
}

/// What an earlier request under the same key has done.
#[derive(Debug)]
pub struct Done {
    /// What was made or changed.
    pub resource: Uuid,
    /// What else was answered.
    pub result: Json,
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

async fn find(on: &Services, actor: &Actor) -> Result<Option<Done>> {
    let (Some(once), Some(user)) = (&actor.once, actor.user) else { return Ok(None) };
    let since = on.now() - KEPT;
    match idempotency_key::Entity::kept(user, &once.mutation, &once.key, since).one(on.db.reader()).await? {
        Some(row) if row.fingerprint != once.fingerprint => Err(Error::IdempotencyConflict),
        Some(row) => Ok(row.resource_id.map(|resource| Done { resource, result: row.result.unwrap_or_default() })),
        None => Ok(None),
    }
}

/// Notes, in the transaction of a write, what it has done under the actor's key. [`super::access::audit::record`] calls it;
/// a write without an audit line of its own must.
///
/// # Errors
/// [`Error::Conflict`] if another request under the same key was quicker: this one must undo what it did.
pub async fn note(
    on: &Services,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    subject: Option<Subject>,
    result: Option<Json>,
) -> Result<()> {
    let (Some(once), Some(user)) = (&actor.once, actor.user) else { return Ok(()) };
    let now = on.now();
    let row = idempotency_key::Model {
        user_id: user,
        mutation: once.mutation.clone(),
        key: once.key.clone(),
        request: once.request,
        fingerprint: once.fingerprint.clone(),
        resource_id: subject.map(|Subject(_, id)| id),
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
    let before = on.now() - KEPT;
    on.write(|tx| async move { Ok(idempotency_key::Entity::forget(before).exec(&*tx).await?) }).await?;
    Ok(())
}

/// Rows are answers by themselves.
macro_rules! rows {
    ($($table:ident by $id:ident as $kind:literal),+ $(,)?) => {$(
        impl Again for $table::Model {
            async fn again(on: &Services, done: Done) -> Result<Self> {
                let found = $table::Entity::find_by_id($id(done.resource)).one(on.db.reader()).await?;
                found.ok_or(Error::NotFound($kind))
            }
        }
    )+};
}

rows!(
    user by UserId as "user",
    channel by ChannelId as "channel",
    channel_import by ChannelImportId as "channel import",
    lead_import by LeadImportId as "lead import",
    ab_test by AbTestId as "A/B test",
    lead by LeadId as "lead",
    batch by BatchId as "batch",
    template by TemplateId as "template",
    campaign by BroadcastCampaignId as "broadcast campaign",
    job by JobId as "job",
    integration_config by IntegrationConfigId as "integration config",
    telegram_account by TelegramAccountId as "Telegram account",
    conversion by ConversionId as "conversion",
    sequence by RetentionSequenceId as "retention sequence",
    enrollment by SequenceEnrollmentId as "enrollment",
);

rows!(
    script by ScriptId as "script",
    contact_attempt by ContactAttemptId as "contact attempt",
    conversion_rule by ConversionRuleId as "conversion rule",
);

impl Again for retention::campaign::Model {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let id = RetentionCampaignId(done.resource);
        let found = retention::campaign::Entity::find_by_id(id).one(on.db.reader()).await?;
        found.ok_or(Error::NotFound("retention campaign"))
    }
}

/// A row, and how many the write has moved.
impl<T: Again + Send> Again for (T, i32) {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let moved = MOVED.iter().find_map(|word| done.result[word].as_i64()).unwrap_or_default();
        let moved = i32::try_from(moved).unwrap_or(i32::MAX);
        Ok((T::again(on, done).await?, moved))
    }
}

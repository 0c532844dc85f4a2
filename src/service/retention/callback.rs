//! Callbacks of providers: first the raw row, committed; then the answer; then, once, what it means.

mod instantly;
mod intake;
mod keitaro;
mod keys;
pub mod mail;
mod pairs;
mod poll;
mod twilio;
mod vapi;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::intake::{Intake, store};
pub use self::keys::keep_older as give_keys;
pub use self::poll::calls as look_up_calls;
use super::conversion;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::WebhookEventId;
use domain::retention::credentials::Provider;
use domain::retention::words::WebhookEventStatus;
use storage::Noun;
use storage::Tx;
use storage::retention::webhook_event::{Column, Entity, Model};
use storage::retention::webhook_event_key;

/// How often rows are looked for that another process has stored.
const LOOK: Duration = Duration::from_secs(1);
/// How often what came too early is matched, and calls without a report are looked up.
const ROUND: Duration = Duration::from_mins(1);
/// Rows that are looked up at once.
const BATCH: u64 = 100;
/// After so many errors a callback is given up.
const PATIENCE: i32 = 8;
/// For how long a callback waits for what it names.
const WAITS_FOR: TimeDelta = TimeDelta::days(7);
/// How long callbacks are kept once they are done with.
const KEPT: TimeDelta = TimeDelta::days(30);
/// The end of the key of what a lead wrote.
pub const INBOUND: &str = ":inbound";

/// A callback as it came, authenticated.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The provider whose callback it is.
    pub provider: Provider,
    /// The key that the same callback has when it comes again.
    pub dedupe_key: String,
    /// The query, without what it was authenticated by.
    pub query: Option<String>,
    /// The type of the body.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

/// A digest that is the same when a callback comes again.
pub fn fingerprint(parts: &[&str]) -> String {
    hex::encode(parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update([0]).chain_update(part)).finalize())
}

/// The result of processing a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// It is done with: what was made of it, in a few words.
    Done(&'static str),
    /// Whether it names something that is not known yet.
    Unmatched,
}

/// Processes what is stored until `stop`; `woken` tells of new rows of this process.
pub async fn run(on: Services, woken: Arc<Notify>, stop: CancellationToken) {
    let mut next_round = tokio::time::Instant::now();
    while !stop.is_cancelled() {
        let more = woken.notified();
        attempt("callbacks can't be processed now", Box::pin(pump(&on))).await;
        if tokio::time::Instant::now() >= next_round {
            next_round = tokio::time::Instant::now() + ROUND;
            attempt("conversions can't be matched now", Box::pin(conversion::match_later(&on))).await;
            attempt("words of postbacks can't be mapped now", Box::pin(conversion::map_later(&on))).await;
            attempt("calls can't be looked up now", Box::pin(poll::calls(&on))).await;
            attempt("callbacks can't be given keys now", Box::pin(keys::keep_older(&on))).await;
        }
        tokio::select! {
            () = more => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn attempt(what: &str, work: impl Future<Output = Result<()>>) {
    if let Err(error) = work.await {
        tracing::warn!(error = ?error, "{what}");
    }
}

/// Processes all that is due.
pub async fn pump(on: &Services) -> Result<()> {
    loop {
        let now = on.now();
        let is_fresh = Condition::any().add(Column::NotBefore.is_null()).add(Column::NotBefore.lte(now));
        let received = Condition::all().add(Column::Status.eq(WebhookEventStatus::Received)).add(is_fresh);
        let again =
            Condition::all().add(Column::Status.eq(WebhookEventStatus::Unmatched)).add(Column::NotBefore.lte(now));
        let due: Vec<WebhookEventId> = Entity::all()
            .filter(Condition::any().add(received).add(again))
            .order_by_asc(Column::ReceivedAt)
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .select_only()
            .column(Column::Id)
            .into_tuple()
            .all(on.db.reader())
            .await?;
        let count = due.len() as u64;
        for id in due {
            process(on, id).await?;
        }
        if count < BATCH {
            return Ok(());
        }
    }
}

/// Processes one callback, in one transaction with its mark: a crash leaves both undone, so it is done once.
async fn process(on: &Services, id: WebhookEventId) -> Result<()> {
    let outcome = on.system_write(|w| async move {
        if let Some(row) = lock(&w, id).await? {
            let applied = apply(on, &w, &row).await?;
            keys::keep(&w, &row).await?;
            w.replace(&row, marked(row.clone(), applied, w.now)).await?;
        }
        Ok(())
    });
    match outcome.await {
        Err(error) if !matches!(error, Error::Unavailable(_)) => put_off(on, id, &error).await,
        outcome => outcome,
    }
}

/// The row, unless it has been processed or another process is at it.
async fn lock(tx: &Tx, id: WebhookEventId) -> Result<Option<Model>> {
    let waiting = [WebhookEventStatus::Received, WebhookEventStatus::Unmatched];
    let select = Entity::by_ids(&[id]).filter(Column::Status.is_in(waiting));
    Ok(select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).one(tx).await?)
}

async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    match Provider::named(&row.provider) {
        Some(Provider::Keitaro) => keitaro::apply(on, w, row).await,
        Some(Provider::Twilio) => twilio::apply(on, w, row).await,
        Some(Provider::Vapi) => vapi::apply(on, w, row).await,
        Some(Provider::Instantly) => instantly::apply(on, w, row).await,
        Some(Provider::Smtp) => mail::apply(on, w, row).await,
        _ => Err(Error::invalid("provider", "this provider has no callbacks")),
    }
}

/// The row after it was processed.
fn marked(row: Model, applied: Applied, now: DateTime<Utc>) -> Model {
    let attempts = row.attempts + 1;
    let row = Model { is_keyed: true, ..row };
    match applied {
        Applied::Unmatched => {
            let is_waiting = now < row.received_at + WAITS_FOR;
            let not_before = is_waiting.then(|| now + backoff(attempts));
            Model { attempts, status: WebhookEventStatus::Unmatched, not_before, ..row }
        }
        Applied::Done(outcome) => {
            let (status, processed_at, outcome) = (WebhookEventStatus::Processed, Some(now), Some(outcome.to_owned()));
            Model { attempts, status, processed_at, outcome, not_before: None, error_message: None, ..row }
        }
    }
}

/// A second, two, four and so on, at most an hour.
fn backoff(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(1 << attempts.clamp(0, 12)).min(TimeDelta::hours(1))
}

/// Puts off a callback that could not be processed: later again, or, after many times, never.
async fn put_off(on: &Services, id: WebhookEventId, error: &Error) -> Result<()> {
    tracing::warn!(%error, callback = %id, "a callback could not be processed");
    let message: &String = &error.to_string().chars().take(500).collect();
    on.system_write(|w| async move {
        let Some(row) = lock(&w, id).await? else { return Ok(()) };
        let attempts = row.attempts + 1;
        let status = if attempts >= PATIENCE { WebhookEventStatus::Failed } else { row.status };
        let (error_message, not_before) = (Some(message.clone()), Some(w.now + backoff(attempts)));
        keys::keep(&w, &row).await?;
        let put_off = Model { attempts, status, error_message, not_before, is_keyed: true, ..row.clone() };
        w.replace(&row, put_off).await.map(drop)
    })
    .await
}

/// Has a callback processed once more, at once, and for as many times as a new one.
///
/// # Errors
/// `NOT_FOUND`; [`Error::Precondition`] unless it is FAILED or UNMATCHED.
pub async fn retry(on: &Services, actor: &Actor, id: WebhookEventId) -> Result<Model> {
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        let status = match old.status {
            WebhookEventStatus::Failed => WebhookEventStatus::Received,
            WebhookEventStatus::Unmatched => WebhookEventStatus::Unmatched,
            other => {
                let why =
                    format!("callbacks that are FAILED or UNMATCHED are processed once more; this one is {other}");
                return Err(Error::Precondition(why));
            }
        };
        let new = Model { status, attempts: 0, not_before: Some(w.now), ..old.clone() };
        let row = w.replace(&old, new).await?;
        w.note(Action::WebhookEventRetried, id, json!({ "provider": row.provider, "from": old.status })).await?;
        Ok(row)
    })
    .await
}

/// Forgets callbacks that have been done with for long: there is personal data in them. Of what a lead wrote the key stays: it has
/// no instant in what is signed, so that a START that somebody keeps would count again after a later STOP.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        let is_old = Column::ReceivedAt.lt(w.now - KEPT);
        let is_said = Condition::all()
            .add(Column::Provider.eq(Provider::Twilio.name()))
            .add(Column::DedupeKey.ends_with(INBOUND));
        Entity::delete_many().filter(is_old.clone()).filter(is_said.clone().not()).exec(&w).await?;
        let is_full = Condition::all().add(is_old).add(is_said).add(Column::Body.ne(""));
        webhook_event_key::forget(&w, Entity::find().filter(is_full.clone())).await?;
        Entity::update_many()
            .col_expr(Column::Body, Expr::value(""))
            .col_expr(Column::Query, Expr::value(None::<String>))
            .filter(is_full)
            .exec(&w)
            .await?;
        Ok(())
    })
    .await
}

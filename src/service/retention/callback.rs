//! Callbacks of providers: first the raw row, committed; then the answer; then, once, what it means.

mod instantly;
mod intake;
mod keitaro;
mod pairs;
mod poll;
mod twilio;
mod vapi;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::intake::Intake;
pub use self::poll::calls as look_up_calls;
use super::conversion;
use crate::Services;
use domain::error::{Error, Result};
use domain::id::{RetentionSequenceId, WebhookEventId};
use domain::retention::credentials::Provider;
use domain::retention::words::WebhookEventStatus;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::webhook_event::{self, Column, Entity, Model};

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

/// A callback as it came, authenticated.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Whose it is.
    pub provider: Provider,
    /// What the same callback has when it comes again.
    pub dedupe_key: String,
    /// The query, without what it was authenticated by.
    pub query: Option<String>,
    /// What kind of body it has.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

/// What came of processing a callback.
#[derive(Debug, Default)]
struct Applied {
    /// It names something that is not known yet.
    is_unmatched: bool,
    /// Sequences in which something changed.
    changed: Vec<RetentionSequenceId>,
}

impl Applied {
    const UNMATCHED: Self = Self { is_unmatched: true, changed: Vec::new() };

    fn of(changed: Vec<RetentionSequenceId>) -> Self {
        Self { is_unmatched: false, changed }
    }
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
            attempt("calls can't be looked up now", Box::pin(poll::calls(&on))).await;
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
    let outcome = on.db.write(|tx| async move {
        let tx = &*tx;
        let Some(row) = lock(tx, id).await? else { return Ok(Vec::new()) };
        let applied = apply(on, tx, &row).await?;
        mark(on, row, &applied).update(tx).await?;
        Ok(applied.changed)
    });
    match outcome.await {
        Ok(changed) => {
            tell(on, &changed);
            Ok(())
        }
        Err(error @ Error::Unavailable(_)) => Err(error),
        Err(error) => put_off(on, id, &error).await,
    }
}

/// Tells of what a callback may have changed, to those who watch and to those who keep figures.
fn tell(on: &Services, changed: &[RetentionSequenceId]) {
    for sequence in changed {
        on.tell(Event::Sequence(*sequence));
    }
    on.tell(Event::Report);
    on.tell(Event::Audit);
}

/// The row, unless it has been processed or another process is at it.
async fn lock(tx: &Tx, id: WebhookEventId) -> Result<Option<Model>> {
    let waiting = [WebhookEventStatus::Received, WebhookEventStatus::Unmatched];
    let select = Entity::by_ids(&[id]).filter(Column::Status.is_in(waiting));
    Ok(select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).one(tx).await?)
}

async fn apply(on: &Services, tx: &Tx, row: &Model) -> Result<Applied> {
    match Provider::named(&row.provider) {
        Some(Provider::Keitaro) => keitaro::apply(on, tx, row).await,
        Some(Provider::Twilio) => twilio::apply(on, tx, row).await,
        Some(Provider::Vapi) => vapi::apply(on, tx, row).await,
        Some(Provider::Instantly) => instantly::apply(on, tx, row).await,
        _ => Err(Error::invalid("provider", "this provider has no callbacks")),
    }
}

fn mark(on: &Services, row: Model, applied: &Applied) -> webhook_event::ActiveModel {
    let now = on.now();
    let (attempts, received_at) = (row.attempts + 1, row.received_at);
    let mut row = row.into_active_model();
    row.attempts = Set(attempts);
    if applied.is_unmatched {
        let is_waiting = now < received_at + WAITS_FOR;
        row.status = Set(WebhookEventStatus::Unmatched);
        row.not_before = Set(is_waiting.then(|| now + backoff(attempts)));
    } else {
        row.status = Set(WebhookEventStatus::Processed);
        row.processed_at = Set(Some(now));
        row.not_before = Set(None);
        row.error_message = Set(None);
    }
    row
}

/// A second, two, four and so on, at most an hour.
fn backoff(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(1 << attempts.clamp(0, 12)).min(TimeDelta::hours(1))
}

/// It could not be processed: later again, or, after many times, never.
async fn put_off(on: &Services, id: WebhookEventId, error: &Error) -> Result<()> {
    tracing::warn!(%error, callback = %id, "a callback could not be processed");
    let message = error.to_string();
    let message = &message;
    on.db
        .write(|tx| async move {
            let Some(row) = lock(&tx, id).await? else { return Ok(()) };
            let attempts = row.attempts + 1;
            let mut row = row.into_active_model();
            row.attempts = Set(attempts);
            row.error_message = Set(Some(message.chars().take(500).collect()));
            row.not_before = Set(Some(on.now() + backoff(attempts)));
            if attempts >= PATIENCE {
                row.status = Set(WebhookEventStatus::Failed);
            }
            row.update(&*tx).await?;
            Ok(())
        })
        .await
}

/// Forgets callbacks that have been done with for long: there is personal data in them.
pub async fn sweep(on: &Services) -> Result<()> {
    let before = on.now() - KEPT;
    on.db
        .write(|tx| async move {
            Entity::delete_many().filter(Column::ReceivedAt.lt(before)).exec(&*tx).await?;
            Ok(())
        })
        .await
}

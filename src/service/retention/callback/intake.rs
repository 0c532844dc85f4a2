//! Taking callbacks in: those that come while another commit is on its way are committed together.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, QueryTrait, Statement};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::{Incoming, fingerprint};
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::WebhookEventId;
use domain::retention::words::WebhookEventStatus;
use storage::retention::webhook_event::{Column, Entity, Model};

/// Callbacks that one statement stores at most.
const TOGETHER: usize = 50;
/// Bytes of bodies that one statement stores at most, the first one aside: the report of a call may have some millions.
const BYTES: usize = 8 << 20;

/// A longer key is kept as its digest.
const LONGEST_KEY: usize = 500;

/// Callbacks on their way into the database, of this process. Each waits for the commit that is under way and then for its own,
/// however many come at once: a commit each had them queue for the disk.
#[derive(Debug, Clone, Default)]
pub struct Intake(Arc<Doors>);

#[derive(Debug, Default)]
struct Doors {
    waiting: Mutex<Vec<Waiting>>,
    /// Whoever holds it stores for all.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Waiting {
    row: Model,
    stored: oneshot::Sender<bool>,
}

impl Intake {
    /// Stores a callback: when this returns, it is committed and may be acknowledged. One that is known is not stored again.
    ///
    /// # Errors
    /// The database is away: nothing may be acknowledged.
    pub async fn store(&self, on: &Services, incoming: Incoming) -> Result<()> {
        let (stored, mut told) = oneshot::channel();
        self.waiting().push(Waiting { row: row(on, incoming), stored });
        loop {
            let turn = self.0.turn.clone().lock_owned().await;
            match told.try_recv() {
                Ok(true) => return Ok(()),
                Ok(false) | Err(oneshot::error::TryRecvError::Closed) => return Err(unavailable()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let all = next(&mut self.waiting());
            // In a task of its own: should this caller hang up, the others are stored all the same.
            tokio::spawn(together(on.clone(), all, turn));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.waiting.lock()
    }
}

/// The callbacks that have waited longest, as many as one statement stores.
fn next(waiting: &mut Vec<Waiting>) -> Vec<Waiting> {
    let sizes = waiting.iter().take(TOGETHER).scan(0, |sum, one| {
        *sum += one.row.body.len();
        Some(*sum)
    });
    let count = sizes.take_while(|sum| *sum <= BYTES).count().max(1).min(waiting.len());
    waiting.drain(..count).collect()
}

/// Stores them and tells each; then the turn is the next one's.
async fn together(on: Services, all: Vec<Waiting>, turn: OwnedMutexGuard<()>) {
    let rows = all.iter().map(|one| one.row.clone()).collect();
    let outcome = insert(&on, rows).await;
    for one in all {
        let is_stored = match &outcome {
            Ok(()) => true,
            Err(Error::Unavailable(_)) => false,
            // One of them is more than the database takes: that is none of the others' business.
            Err(_) => insert(&on, vec![one.row]).await.is_ok(),
        };
        if one.stored.send(is_stored).is_err() {
            tracing::debug!("a provider hung up before its callback was acknowledged");
        }
    }
    if let Err(error) = outcome {
        tracing::warn!(?error, "callbacks could not be stored together");
    }
    drop(turn);
}

fn unavailable() -> Error {
    Error::Unavailable(anyhow::anyhow!("the callback could not be stored"))
}

/// Stores a callback in a transaction of its own kind, with what must not be known without it. One that is known is not stored again.
pub async fn store(on: &Services, w: &Write, incoming: Incoming) -> Result<()> {
    w.execute_raw(statement(on, vec![row(on, incoming)])).await?;
    Ok(())
}

/// One statement, which commits by itself.
async fn insert(on: &Services, rows: Vec<Model>) -> Result<()> {
    on.db.write_alone(statement(on, rows)).await.map(drop)
}

fn statement(on: &Services, rows: Vec<Model>) -> Statement {
    let known = OnConflict::columns([Column::Provider, Column::DedupeKey]).do_nothing().to_owned();
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    Entity::insert_many(rows).on_conflict(known).build(on.db.backend())
}

/// The key that a callback is known by. What providers tell of themselves stands in it: nothing that an index would refuse.
fn key(told: String) -> String {
    if told.len() <= LONGEST_KEY && !told.contains('\0') { told } else { fingerprint(&[&told]) }
}

fn row(on: &Services, incoming: Incoming) -> Model {
    Model {
        id: WebhookEventId::generate(),
        provider: incoming.provider.name().into(),
        dedupe_key: key(incoming.dedupe_key),
        status: WebhookEventStatus::Received,
        query: incoming.query,
        content_type: incoming.content_type,
        body: incoming.body,
        attempts: 0,
        error_message: None,
        received_at: on.now(),
        not_before: None,
        processed_at: None,
        outcome: None,
        is_keyed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(sizes: &[usize]) -> Vec<Waiting> {
        let row = |size: &usize| Model {
            id: WebhookEventId::generate(),
            provider: "vapi".into(),
            dedupe_key: String::new(),
            status: WebhookEventStatus::Received,
            query: None,
            content_type: None,
            body: "x".repeat(*size),
            attempts: 0,
            error_message: None,
            received_at: chrono::DateTime::UNIX_EPOCH,
            not_before: None,
            processed_at: None,
            outcome: None,
            is_keyed: false,
        };
        sizes.iter().map(|size| Waiting { row: row(size), stored: oneshot::channel().0 }).collect()
    }

    #[test]
    fn one_statement_stores_so_many_and_so_much() {
        let mib = 1 << 20;
        for (sizes, count) in [
            (vec![10; 3], 3),
            (vec![10; TOGETHER + 1], TOGETHER),
            (vec![4 * mib, 4 * mib, 1], 2),
            (vec![9 * mib, 1], 1),
            (vec![], 0),
        ] {
            let mut all = waiting(&sizes);
            assert_eq!((next(&mut all).len(), all.len()), (count, sizes.len() - count));
        }
    }
}

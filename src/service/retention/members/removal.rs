//! Taking more leads out of a campaign than a request can wait for: a task does it, a chunk after the other.

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Removed, counted};
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{NounId, RetentionCampaignId};
use domain::task::TaskKind;
use storage::Noun;
use storage::retention::lead_filter::LeadFilter;
use storage::retention::{campaign, members};
use storage::task;

/// Leads that PostgreSQL takes out in one transaction.
const LARGE_CHUNK: i32 = 10_000;
/// Leads that SQLite takes out in one transaction: meanwhile nobody else writes.
const CHUNK: i32 = 5_000;

/// What the task was asked for with.
#[derive(Serialize, Deserialize)]
struct Input {
    filter: LeadFilter,
}

/// Asks for the task, and does as much of it as a request can wait for.
pub(super) async fn ask(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    total: u64,
) -> Result<Removed> {
    let filter = &filter;
    let begun = on.write(actor, |w| async move {
        w.require(id).await?;
        let new = New {
            kind: TaskKind::RemoveLeads,
            subject: id.uuid(),
            total: i64::try_from(total).ok(),
            input: written(&Input { filter: filter.clone() })?,
            // Of those that were in it when it was asked for: who comes later stays.
            cursor: written(&w.now)?,
        };
        // The audit line comes when all are out.
        Ok(tasks::begin(&w, new).await?.id)
    });
    let task = tasks::soon(on, begun.await?).await?;
    let row = campaign::Entity::get(on.db.reader(), id).await?;
    Ok(Removed { campaign: row, removed: counted(task.done.unsigned_abs()), task: Some(task) })
}

/// Takes the next leads out.
pub(crate) async fn remove_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let id = RetentionCampaignId::from_uuid(row.subject_id);
    let Input { filter } = read(&row.input)?;
    w.require(id).await?;
    let most = tasks::chunk(on, LARGE_CHUNK, CHUNK);
    let removed = members::remove_some(w, id, &filter, read(&row.cursor)?, u64::from(most.unsigned_abs())).await?;
    let done = row.done + i64::try_from(removed).map_err(Error::internal)?;
    let is_through = removed < u64::from(most.unsigned_abs());
    if is_through {
        note(w, id, done).await?;
    }
    Ok(Chunk { done, cursor: row.cursor.clone(), is_through })
}

async fn note(w: &Write, id: RetentionCampaignId, removed: i64) -> Result<()> {
    w.note(Action::LeadsRemoved, id, json!({ "removed": removed })).await
}

/// Those that are out stay so.
pub(crate) async fn leave_removed(w: &Write, row: &task::Model) -> Result<bool> {
    let id = RetentionCampaignId::from_uuid(row.subject_id);
    // The campaign may have been deleted since.
    if row.done > 0 && campaign::Entity::find_by_id(id).one(w).await?.is_some() {
        note(w, id, row.done).await?;
    }
    Ok(true)
}

//! Assigning more leads than a request can wait for: a task does it, a chunk after the other.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Assigned, counted, require_open};
use crate::once::{Again, Done};
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{LeadId, NounId, RetentionCampaignId, TaskId};
use domain::task::TaskKind;
use storage::Noun;
use storage::retention::lead_filter::LeadFilter;
use storage::retention::{campaign, lead, members};
use storage::task;

/// Leads that PostgreSQL assigns in one transaction.
const LARGE_CHUNK: i32 = 10_000;
/// Leads that SQLite assigns in one transaction: meanwhile nobody else writes.
const CHUNK: i32 = 5_000;

/// What the task was asked for with.
#[derive(Serialize, Deserialize)]
struct Input {
    filter: LeadFilter,
}

/// How far the task is.
#[derive(Serialize, Deserialize, Default)]
struct Place {
    last: Option<LeadId>,
    assigned: i32,
}

/// What is kept of an answer for its repetitions: of few leads their number alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Answer {
    Few(i32),
    Many { task: TaskId },
}

/// Asks for the task, and does as much of it as a request can wait for. It takes leads that are known by now, and no others.
pub(super) async fn ask(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    total: u64,
) -> Result<Assigned> {
    let filter = &filter;
    let begun = on.write(actor, |w| async move {
        require_open(&w.require(id).await?)?;
        let new = New {
            kind: TaskKind::AssignLeads,
            subject: id.uuid(),
            total: i64::try_from(total).ok(),
            input: written(&Input { filter: known_by(filter.clone(), w.now) })?,
            cursor: written(&Place::default())?,
        };
        let begun = tasks::begin(&w, new).await?.id;
        // The audit line comes when all are assigned.
        w.done(id, &Answer::Many { task: begun }).await?;
        Ok(begun)
    });
    let task = tasks::soon(on, begun.await?).await?;
    let row = campaign::Entity::get(on.db.reader(), id).await?;
    Ok(Assigned { campaign: row, assigned: so_far(&task)?, task: Some(task) })
}

fn known_by(filter: LeadFilter, now: DateTime<Utc>) -> LeadFilter {
    let created_before = Some(filter.created_before.map_or(now, |before| before.min(now)));
    LeadFilter { created_before: if filter.ids.is_some() { filter.created_before } else { created_before }, ..filter }
}

fn so_far(row: &task::Model) -> Result<i32> {
    Ok(read::<Place>(&row.cursor)?.assigned)
}

impl Again for Assigned {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        // Earlier versions told the number in the audit line.
        let answer = done.answer(|_| Answer::Few(done.moved().unwrap_or_default()))?;
        let (assigned, task) = match answer {
            Answer::Few(assigned) => (assigned, None),
            Answer::Many { task } => {
                let row = task::Entity::get(on.db.reader(), task).await?;
                (so_far(&row)?, Some(row))
            }
        };
        Ok(Self { campaign: campaign::Model::again(on, done).await?, assigned, task })
    }
}

/// Assigns the next leads.
pub(crate) async fn assign_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let id = RetentionCampaignId::from_uuid(row.subject_id);
    let (Input { filter }, Place { last, assigned }) = (read(&row.input)?, read(&row.cursor)?);
    require_open(&w.require(id).await?)?;
    let most = usize::try_from(tasks::chunk(on, LARGE_CHUNK, CHUNK)).map_err(Error::internal)?;
    let found = next(w, &filter, last, most).await?;
    let (done, is_through) = (row.done + i64::from(counted(found.len() as u64)), found.len() < most);
    let last = found.last().copied().or(last);
    let some = LeadFilter { ids: Some(found), ..LeadFilter::default() };
    let assigned = assigned.saturating_add(counted(members::assign(w, id, &some, w.now).await?));
    if is_through {
        note(w, id, assigned).await?;
    }
    Ok(Chunk { done, cursor: written(&Place { last, assigned })?, is_through })
}

/// The next leads that the filter finds, in the order of their ids.
pub(super) async fn next(
    db: &impl ConnectionTrait,
    filter: &LeadFilter,
    last: Option<LeadId>,
    most: usize,
) -> Result<Vec<LeadId>> {
    let mut select = filter.select().select_only().column(lead::Column::Id);
    if let Some(last) = last {
        select = select.filter(lead::Column::Id.gt(last));
    }
    Ok(select.order_by_asc(lead::Column::Id).limit(most as u64).into_tuple().all(db).await?)
}

async fn note(w: &Write, id: RetentionCampaignId, assigned: i32) -> Result<()> {
    w.note(Action::LeadsAssigned, id, json!({ "assigned": assigned })).await
}

/// Those that are assigned stay so.
pub(crate) async fn leave_assigned(w: &Write, row: &task::Model) -> Result<bool> {
    let assigned = so_far(row)?;
    if assigned > 0 {
        note(w, RetentionCampaignId::from_uuid(row.subject_id), assigned).await?;
    }
    Ok(true)
}

//! Credit by another model. Few conversions are credited anew at once; the credit of many is computed by a task, beside what they have,
//! and becomes theirs all at once: revenue of two models is never added up.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::credit::{clicked, credit};
use crate::keep::computable_since;
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Actor, Services, Write};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::id::ConversionId;
use domain::retention::attribution::{AttributionModel, Rule};
use domain::task::TaskKind;
use events::Event;
use storage::retention::{conversion, conversion_credit as aside};
use storage::{Noun, page, task};

/// Conversions that a request credits anew itself, a fraction of a second; of more it is a task.
const AT_ONCE: i32 = 300;
/// Conversions whose credit PostgreSQL computes in one transaction.
const LARGE_CHUNK: i32 = 500;
/// Conversions whose credit SQLite computes in one transaction: meanwhile nobody else writes.
const CHUNK: i32 = 100;
/// Rows that are forgotten in one transaction.
const FORGOTTEN: i32 = 5_000;

/// What was asked for.
#[derive(Debug)]
pub struct Recomputed {
    /// Conversions that were looked at; until now, if there is a task.
    pub conversions: i32,
    /// The task that goes on.
    pub task: Option<task::Model>,
}

/// What the task was asked for with.
#[derive(Serialize, Deserialize)]
struct Input {
    model: AttributionModel,
    window_days: i64,
    since: DateTime<Utc>,
}

/// How far the task is.
#[derive(Serialize, Deserialize, Default)]
struct Place {
    after: Option<ConversionId>,
}

/// Computes the credit of all conversions since `since` again, by `rule`.
///
/// # Errors
/// [`Error::Invalid`] if contacts that it would look at are kept no longer; [`Error::Transition`] while a task is at it.
pub async fn recompute(on: &Services, actor: &Actor, rule: Rule, since: DateTime<Utc>) -> Result<Recomputed> {
    if let Some(first) = computable_since(on, rule.window).await?.filter(|first| since < *first) {
        let message = format!(
            "must be {} or later, for contacts of longer ago are kept no longer (HERALD_KEEP_ATTEMPTS); or take a shorter window",
            first.to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        return Err(Error::invalid("since", message));
    }
    let count = page::count_all(on.db.reader(), due(since, None)).await?;
    if count <= u64::from(AT_ONCE.min(on.rules.at_once).unsigned_abs()) {
        return at_once(on, actor, rule, since).await;
    }
    let input = Input { model: rule.model, window_days: rule.window.num_days(), since };
    let input = &written(&input)?;
    let begun = on.write(actor, |w| async move {
        let new = New {
            kind: TaskKind::RecomputeAttribution,
            subject: Uuid::nil(),
            total: i64::try_from(count).ok(),
            input: input.clone(),
            cursor: written(&Place::default())?,
        };
        tasks::begin(&w, new).await.map(|row| row.id)
    });
    // The audit line comes with the credit.
    let task = tasks::soon(on, begun.await?).await?;
    Ok(Recomputed { conversions: counted(task.done), task: Some(task) })
}

async fn at_once(on: &Services, actor: &Actor, rule: Rule, since: DateTime<Utc>) -> Result<Recomputed> {
    on.write(actor, |w| async move {
        // What a task has put aside would be given to these, too.
        if task::Entity::unfinished_about(TaskKind::RecomputeAttribution, Uuid::nil()).one(&w).await?.is_some() {
            return Err(tasks::at_the_same());
        }
        let rows = due(since, None).lock_exclusive().all(&w).await?;
        let conversions = counted(rows.len());
        for old in rows {
            give(&w, &rule, &old).await?;
        }
        note(&w, &rule, conversions.into()).await?;
        Ok(Recomputed { conversions, task: None })
    })
    .await
}

/// The conversions that are credited, in the order of their ids.
fn due(since: DateTime<Utc>, after: Option<ConversionId>) -> Select<conversion::Entity> {
    use conversion::Column;
    let due = conversion::Entity::all().filter(Column::LeadId.is_not_null()).filter(Column::CreatedAt.gte(since));
    let due = due.order_by_asc(Column::Id);
    match after {
        Some(after) => due.filter(Column::Id.gt(after)),
        None => due,
    }
}

async fn give(w: &Write, rule: &Rule, old: &conversion::Model) -> Result<()> {
    let mut new = old.clone();
    credit(w, &mut new, rule, clicked(old)).await?;
    w.replace(old, new).await.map(drop)
}

async fn note(w: &Write, rule: &Rule, conversions: i64) -> Result<()> {
    w.tell(Event::Report);
    let metadata = json!({ "model": rule.model, "windowDays": rule.window.num_days(), "conversions": conversions });
    w.note(Action::ConversionsAttributed, Subject::NONE, metadata).await
}

fn counted(rows: impl TryInto<i32>) -> i32 {
    rows.try_into().unwrap_or(i32::MAX)
}

/// Puts the credit of the next conversions aside. With the last ones, all get theirs.
pub(crate) async fn recompute_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let (Input { model, window_days, since }, Place { after }) = (read(&row.input)?, read(&row.cursor)?);
    let rule = Rule { model, window: TimeDelta::days(window_days) };
    let most = tasks::chunk(on, LARGE_CHUNK, CHUNK).unsigned_abs();
    let mut rows = due(since, after).limit(u64::from(most)).all(w).await?;
    let is_through = rows.len() < most as usize;
    if is_through {
        // With those that have come meanwhile; who comes later is credited as he comes.
        rows = due(since, after).all(w).await?;
    }
    let after = rows.last().map(|row| row.id).or(after);
    let done = row.done + i64::from(counted(rows.len()));
    put_aside(w, &rule, rows).await?;
    if is_through {
        aside::Entity::give(w, w.now).await?;
        // What others changed since it was looked at was passed over.
        for ids in aside::Entity::outdated(w, w.now).await?.chunks(most as usize) {
            for old in conversion::Entity::by_ids(ids).lock_exclusive().all(w).await? {
                give(w, &rule, &old).await?;
            }
        }
        aside::Entity::forget_some(w, i64::MAX).await?;
        note(w, &rule, done).await?;
    }
    Ok(Chunk { done, cursor: written(&Place { after })?, is_through })
}

async fn put_aside(w: &Write, rule: &Rule, rows: Vec<conversion::Model>) -> Result<()> {
    let mut computed = Vec::new();
    for old in rows {
        let mut new = old.clone();
        credit(w, &mut new, rule, clicked(&old)).await?;
        if let (Some(lead_id), Some(attribution)) = (new.lead_id, new.attribution) {
            computed.push(aside::Model {
                conversion_id: old.id,
                seen_version: old.version,
                lead_id,
                contact_attempt_id: new.contact_attempt_id,
                attribution,
            });
        }
    }
    aside::Entity::put_aside(w, computed).await
}

/// Forgets some of what was put aside; whether nothing of it is left.
pub(crate) async fn drop_computed(w: &Write) -> Result<bool> {
    Ok(aside::Entity::forget_some(w, FORGOTTEN.into()).await? == 0)
}

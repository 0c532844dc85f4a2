//! Putting leads into campaigns and taking them out, by name or by filter, however many there are.

mod large;
mod removal;

use serde_json::json;

pub(crate) use self::large::{assign_chunk, leave_assigned};
pub(crate) use self::removal::{leave_removed, remove_chunk};
use crate::{Actor, Services, picked};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::RetentionCampaignId;
use domain::retention::words::RetentionCampaignStatus;
use storage::page;
use storage::retention::lead_filter::LeadFilter;
use storage::retention::{campaign, members};
use storage::task;

/// Leads that one call may name.
pub const MOST_LEADS: usize = 10_000;

/// Leads that SQLite, which has one writer, moves in one transaction.
const CHUNK: usize = 5_000;

/// A campaign that leads were assigned to.
#[derive(Debug)]
pub struct Assigned {
    /// The campaign.
    pub campaign: campaign::Model,
    /// How many leads were not in it before; of many, until now.
    pub assigned: i32,
    /// Where they are many, the task that goes on with them.
    pub task: Option<task::Model>,
}

/// Assigns leads to a campaign. Leads that must not be contacted are passed over; NEW ones become `IN_PROGRESS`. Many are assigned by a
/// task.
///
/// # Errors
/// `NOT_FOUND` if one of the leads that are named is not there; [`Error::Precondition`] if the campaign is COMPLETED.
pub async fn assign(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    allow_empty: bool,
) -> Result<Assigned> {
    let filter = each_once(filter);
    require_known(on, &filter).await?;
    if !allow_empty {
        picked::require_leads(on.db.reader(), &filter).await?;
    }
    let count = page::count_all(on.db.reader(), filter.select()).await?;
    if count > u64::from(on.rules.at_once.unsigned_abs()) {
        return large::ask(on, actor, id, filter, count).await;
    }
    let (campaign, assigned) = in_parts(on, actor, id, &filter, assign_part).await?;
    Ok(Assigned { campaign, assigned, task: None })
}

/// A campaign that is over gets no leads.
fn require_open(row: &campaign::Model) -> Result<()> {
    if row.status == RetentionCampaignStatus::Completed {
        return Err(Error::Precondition(format!("leads can't be assigned: the campaign is {}", row.status)));
    }
    Ok(())
}

/// A campaign that leads were taken out of.
#[derive(Debug)]
pub struct Removed {
    /// The campaign.
    pub campaign: campaign::Model,
    /// How many of the leads were in it; of many, until now.
    pub removed: i32,
    /// Where they are many, the task that goes on with them.
    pub task: Option<task::Model>,
}

/// Takes leads out of a campaign. Many are taken out by a task.
pub async fn remove(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    allow_empty: bool,
) -> Result<Removed> {
    let filter = each_once(filter);
    if !allow_empty {
        picked::require_leads(on.db.reader(), &filter).await?;
    }
    let count = members::count(on.db.reader(), id, &filter).await?;
    if count > u64::from(on.rules.at_once.unsigned_abs()) {
        return removal::ask(on, actor, id, filter, count).await;
    }
    let (campaign, removed) = in_parts(on, actor, id, &filter, remove_part).await?;
    Ok(Removed { campaign, removed, task: None })
}

/// Each id once, in rising order.
fn each_once(mut filter: LeadFilter) -> LeadFilter {
    if let Some(ids) = &mut filter.ids {
        ids.sort_unstable();
        ids.dedup();
    }
    filter
}

/// Of leads that are named, each must be there.
async fn require_known(on: &Services, filter: &LeadFilter) -> Result<()> {
    let Some(ids) = &filter.ids else { return Ok(()) };
    let named = LeadFilter { ids: Some(ids.clone()), ..LeadFilter::default() };
    if page::count_all(on.db.reader(), named.select()).await? < ids.len() as u64 {
        return Err(Error::NotFound("lead"));
    }
    Ok(())
}

/// PostgreSQL moves all leads in one transaction. SQLite does it chunk by chunk, so that others may write meanwhile: each
/// chunk has its own line in the audit log, and what a crash leaves undone a repetition does.
async fn in_parts<W: Future<Output = Result<(campaign::Model, i32)>>>(
    on: &Services,
    actor: &Actor,
    id: RetentionCampaignId,
    filter: &LeadFilter,
    part: impl Fn(Services, Actor, RetentionCampaignId, LeadFilter, i32) -> W,
) -> Result<(campaign::Model, i32)> {
    let is_small = filter.ids.as_ref().is_some_and(|ids| ids.len() <= CHUNK);
    if on.db.is_postgres() || is_small {
        return part(on.clone(), actor.clone(), id, filter.clone(), 0).await;
    }
    let (mut moved, mut last) = (0, None);
    loop {
        let found = large::next(on.db.reader(), filter, last, CHUNK).await?;
        let is_last = found.len() < CHUNK;
        last = found.last().copied();
        let some = LeadFilter { ids: Some(found), ..LeadFilter::default() };
        let actor = if is_last { actor.clone() } else { actor.in_part() };
        let (row, now) = part(on.clone(), actor, id, some, moved).await?;
        moved = now;
        if is_last {
            return Ok((row, moved));
        }
    }
}

/// Assigns some leads; `before` is how many were assigned already.
async fn assign_part(
    on: Services,
    actor: Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    before: i32,
) -> Result<(campaign::Model, i32)> {
    let filter = &filter;
    on.write(&actor, |w| async move {
        let row = w.require(id).await?;
        require_open(&row)?;
        let assigned = before.saturating_add(counted(members::assign(&w, id, filter, w.now).await?));
        w.note_answer(Action::LeadsAssigned, id, json!({ "assigned": assigned }), &assigned).await?;
        Ok((row, assigned))
    })
    .await
}

/// Takes some leads out; `before` is how many were taken out already.
async fn remove_part(
    on: Services,
    actor: Actor,
    id: RetentionCampaignId,
    filter: LeadFilter,
    before: i32,
) -> Result<(campaign::Model, i32)> {
    let filter = &filter;
    on.write(&actor, |w| async move {
        let row = w.require(id).await?;
        let removed = before.saturating_add(counted(members::remove(&w, id, filter).await?));
        w.note_answer(Action::LeadsRemoved, id, json!({ "removed": removed }), &removed).await?;
        Ok((row, removed))
    })
    .await
}

fn counted(rows: u64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

//! To which contacts a conversion is credited; it can be computed again, by another model.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::keep::computable_since;
use crate::{Actor, Services, Write};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, ConversionId};
use domain::retention::attribution::{Rule, Share, Touch};
use domain::retention::words::ContactAttemptStatus;
use events::Event;
use storage::Noun;
use storage::retention::{contact_attempt, conversion, lead};

/// Contacts of one lead that are looked at, the newest.
const TOUCHES: u64 = 1_000;
/// Conversions that one transaction computes again.
const ROUND: u64 = 200;

/// The row with its lead and its credit.
pub(super) async fn assign(
    on: &Services,
    w: &Write,
    mut row: conversion::Model,
    lead: Option<&lead::Model>,
    clicked: Option<ContactAttemptId>,
) -> Result<conversion::Model> {
    if let Some(lead) = lead {
        row.lead_id = Some(lead.id);
        credit(w, &mut row, &on.rules.attribution, clicked).await?;
    }
    Ok(row)
}

/// The contact whose link was clicked, as far as that was told of the row before.
pub(super) fn clicked(row: &conversion::Model) -> Option<ContactAttemptId> {
    let told = row.attribution.as_ref()?["clickedAttemptId"].as_str()?;
    told.parse().ok().map(ContactAttemptId)
}

async fn credit(w: &Write, row: &mut conversion::Model, rule: &Rule, clicked: Option<ContactAttemptId>) -> Result<()> {
    let Some(lead) = row.lead_id else { return Ok(()) };
    let reached = [
        ContactAttemptStatus::Sent,
        ContactAttemptStatus::Delivered,
        ContactAttemptStatus::Success,
        ContactAttemptStatus::Unknown,
    ];
    let attempts = contact_attempt::Entity::to(lead)
        .filter(contact_attempt::Column::Status.is_in(reached))
        .filter(contact_attempt::Column::StartedAt.lte(row.created_at))
        .order_by_desc(contact_attempt::Column::StartedAt)
        .limit(TOUCHES)
        .all(w)
        .await?;
    let touches: Vec<_> = attempts.iter().map(|row| Touch { attempt: row.id.0, at: row.started_at }).collect();
    let shares = rule.divide(&touches, clicked.map(|id| id.0), row.created_at, row.revenue_micros);
    // The columns have the one that counts most: of equal parts, that of the last.
    let first = shares.last().map(|share| ContactAttemptId(share.attempt_id));
    let credited = match first {
        Some(id) => match attempts.into_iter().find(|row| row.id == id) {
            Some(known) => Some(known),
            None => contact_attempt::Entity::by_ids(&[id]).one(w).await?,
        },
        None => None,
    };
    row.contact_attempt_id = credited.as_ref().map(|attempt| attempt.id);
    row.campaign_id = credited.as_ref().and_then(|attempt| attempt.campaign_id);
    row.step_id = credited.as_ref().and_then(|attempt| attempt.step_id);
    row.channel = credited.as_ref().map(|attempt| attempt.channel);
    row.attribution = Some(attribution(rule, clicked, &shares));
    row.attributed_at = Some(w.now);
    Ok(())
}

/// The value of `Conversion.attribution`.
fn attribution(rule: &Rule, clicked: Option<ContactAttemptId>, shares: &[Share]) -> serde_json::Value {
    json!({ "model": rule.model, "windowDays": rule.window.num_days(), "clickedAttemptId": clicked, "shares": shares })
}

/// Computes the credit of all conversions since `since` again, by `rule`. Returns how many these were.
///
/// # Errors
/// [`Error::Invalid`] if contacts that it would look at are kept no longer. The database is away; what was computed before stays.
pub async fn recompute(on: &Services, actor: &Actor, rule: Rule, since: DateTime<Utc>) -> Result<i32> {
    if let Some(first) = computable_since(on, rule.window).await?.filter(|first| since < *first) {
        let message = format!(
            "must be {} or later, for contacts of longer ago are kept no longer (HERALD_KEEP_ATTEMPTS); or take a shorter window",
            first.to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        return Err(Error::invalid("since", message));
    }
    let (mut after, mut count) = (None::<ConversionId>, 0_i32);
    loop {
        let round = on.system_write(|w| async move { recompute_round(&w, &rule, since, after).await }).await?;
        count = count.saturating_add(i32::try_from(round.len()).unwrap_or(i32::MAX));
        match round.last() {
            Some(last) => after = Some(*last),
            None => break,
        }
    }
    let metadata = &json!({ "model": rule.model, "windowDays": rule.window.num_days(), "conversions": count });
    let note = |w: Write| async move { w.note(Action::ConversionsAttributed, Subject::NONE, metadata.clone()).await };
    on.write(actor, note).await?;
    Ok(count)
}

async fn recompute_round(
    w: &Write,
    rule: &Rule,
    since: DateTime<Utc>,
    after: Option<ConversionId>,
) -> Result<Vec<ConversionId>> {
    use conversion::Column;
    let mut select = conversion::Entity::all()
        .filter(Column::LeadId.is_not_null())
        .filter(Column::CreatedAt.gte(since))
        .order_by_asc(Column::Id)
        .limit(ROUND);
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after));
    }
    let rows = select.lock_exclusive().all(w).await?;
    let ids = rows.iter().map(|row| row.id).collect();
    for old in rows {
        let mut new = old.clone();
        credit(w, &mut new, rule, clicked(&old)).await?;
        w.replace(&old, new).await?;
    }
    w.tell(Event::Report);
    Ok(ids)
}

//! To which contacts a conversion is credited.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::{Services, Write};
use domain::error::Result;
use domain::id::ContactAttemptId;
use domain::retention::attribution::{Rule, Share, Touch};
use domain::retention::words::ContactAttemptStatus;
use storage::Noun;
use storage::retention::{contact_attempt, conversion, lead};

/// Contacts of one lead that are looked at, the newest.
const TOUCHES: u64 = 1_000;

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

/// Computes the credit of a row by `rule`; of one without a lead there is none.
pub(super) async fn credit(
    w: &Write,
    row: &mut conversion::Model,
    rule: &Rule,
    clicked: Option<ContactAttemptId>,
) -> Result<()> {
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

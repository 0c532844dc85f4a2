//! Everything that is known of a person, for the person.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value as Json, json};

use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::{LeadId, SequenceEnrollmentId};
use domain::money::Micros;
use storage::Noun;
use storage::access::audit_log;
use storage::retention::{campaign_lead, consent, contact_attempt, conversion, enrollment, execution, lead};

/// Rows of one kind that an export has at most, the newest.
const MOST: u64 = 10_000;

/// Everything about a lead as JSON, made to be read by machines and by the person; None if there is no such lead. Who took it
/// is a line of the audit log.
pub async fn export(on: &Services, actor: &Actor, id: LeadId) -> Result<Option<Json>> {
    let Some(row) = lead::Entity::find_by_id(id).one(on.db.reader()).await? else { return Ok(None) };
    let exported = json!({
        "exportedAt": on.now(),
        "lead": person(&row),
        "consents": consents(on, id).await?,
        "campaigns": campaigns(on, id).await?,
        "contactAttempts": attempts(on, id).await?,
        "conversions": conversions(on, id).await?,
        "enrollments": enrollments(on, id).await?,
        "auditLog": audit_lines(on, id).await?,
    });
    on.db
        .write(|tx| async move {
            audit::record(on, &*tx, actor, Action::LeadExported, Subject("Lead", id.0), json!({})).await
        })
        .await?;
    on.tell(events::Event::Audit);
    Ok(Some(exported))
}

fn person(row: &lead::Model) -> Json {
    json!({
        "id": row.id, "externalId": row.external_id, "firstName": row.first_name, "lastName": row.last_name,
        "email": row.email, "phone": row.phone, "telegramUsername": row.telegram_username, "source": row.source,
        "status": row.status, "timeZone": row.time_zone, "language": row.language, "notes": row.notes, "meta": row.meta,
        "doNotContact": { "email": row.no_email, "sms": row.no_sms, "call": row.no_call, "webhook": row.no_webhook,
            "telegram": row.no_telegram },
        "createdAt": row.created_at, "updatedAt": row.updated_at,
    })
}

async fn consents(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let rows = consent::Entity::of(&[id]).limit(MOST).all(on.db.reader()).await?;
    let shown = |row: consent::Model| {
        json!({ "channel": row.channel, "kind": row.kind, "source": row.source, "wording": row.wording,
            "givenAt": row.given_at })
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn campaigns(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let rows = campaign_lead::Entity::with(id).limit(MOST).all(on.db.reader()).await?;
    let shown = |row: campaign_lead::Model| {
        json!({ "campaignId": row.campaign_id, "status": row.status, "assignedAt": row.assigned_at,
            "completedAt": row.completed_at })
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn attempts(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let newest = contact_attempt::Entity::to(id).order_by_desc(contact_attempt::Column::StartedAt).limit(MOST);
    let shown = |row: contact_attempt::Model| {
        json!({ "id": row.id, "channel": row.channel, "status": row.status, "provider": row.provider,
            "providerRef": row.provider_ref, "startedAt": row.started_at, "completedAt": row.completed_at,
            "durationSeconds": row.duration, "cost": row.cost_micros.map(|cost| Micros(cost).to_string()),
            "currency": row.currency, "result": row.result, "notes": row.notes })
    };
    Ok(newest.all(on.db.reader()).await?.into_iter().map(shown).collect())
}

async fn conversions(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let newest = conversion::Entity::by(id).order_by_desc(conversion::Column::CreatedAt).limit(MOST);
    let shown = |row: conversion::Model| {
        json!({ "id": row.id, "status": row.status, "channel": row.channel, "source": row.source,
            "revenue": Micros(row.revenue_micros).to_string(), "currency": row.currency, "subId": row.sub_id,
            "clickId": row.click_id, "transactionId": row.transaction_id, "postbackData": row.postback_data,
            "createdAt": row.created_at })
    };
    Ok(newest.all(on.db.reader()).await?.into_iter().map(shown).collect())
}

async fn enrollments(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let newest = enrollment::Entity::with(id).order_by_desc(enrollment::Column::EnrolledAt).limit(MOST);
    let rows = newest.all(on.db.reader()).await?;
    let ids: Vec<SequenceEnrollmentId> = rows.iter().take(500).map(|row| row.id).collect();
    let steps = execution::Entity::all().filter(execution::Column::EnrollmentId.is_in(ids));
    let steps = steps.order_by_asc(execution::Column::ScheduledAt).limit(MOST).all(on.db.reader()).await?;
    let shown = |row: enrollment::Model| {
        let of_this = steps.iter().filter(|step| step.enrollment_id == row.id);
        let executions: Vec<Json> = of_this
            .map(|step| {
                json!({ "stepId": step.step_id, "status": step.status, "scheduledAt": step.scheduled_at,
                    "executedAt": step.executed_at, "contactAttemptId": step.contact_attempt_id })
            })
            .collect();
        json!({ "sequenceId": row.sequence_id, "attempt": row.attempt, "status": row.status, "enrolledAt": row.enrolled_at,
            "completedAt": row.completed_at, "executions": executions })
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn audit_lines(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let rows = audit_log::Entity::about("Lead", id.0).limit(MOST).all(on.db.reader()).await?;
    let shown =
        |row: audit_log::Model| json!({ "action": row.action, "timestamp": row.timestamp, "metadata": row.metadata });
    Ok(rows.into_iter().map(shown).collect())
}

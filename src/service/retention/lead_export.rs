//! Everything that is known of a person, for the person.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value as Json, json};

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
        "lead": person(row),
        "consents": consents(on, id).await?,
        "campaigns": campaigns(on, id).await?,
        "contactAttempts": attempts(on, id).await?,
        "conversions": conversions(on, id).await?,
        "enrollments": enrollments(on, id).await?,
        "auditLog": audit_lines(on, id).await?,
    });
    on.write(actor, |w| async move { w.note(Action::LeadExported, id, json!({})).await }).await?;
    Ok(Some(exported))
}

/// The row, opened: a new field must be decided on here.
fn person(row: lead::Model) -> Json {
    let lead::Model {
        id,
        external_id,
        first_name,
        last_name,
        phone,
        email,
        telegram_username,
        source,
        status,
        status_before: _,
        no_email,
        no_sms,
        no_call,
        no_webhook,
        no_telegram,
        meta,
        notes,
        time_zone,
        language,
        created_at,
        updated_at,
        version: _,
        names_fold: _,
    } = row;
    json!({
        "id": id, "externalId": external_id, "firstName": first_name, "lastName": last_name, "email": email,
        "phone": phone, "telegramUsername": telegram_username, "source": source, "status": status,
        "timeZone": time_zone, "language": language, "notes": notes, "meta": meta,
        "doNotContact": { "email": no_email, "sms": no_sms, "call": no_call, "webhook": no_webhook,
            "telegram": no_telegram },
        "createdAt": created_at, "updatedAt": updated_at,
    })
}

async fn consents(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let rows = consent::Entity::of(&[id]).limit(MOST).all(on.db.reader()).await?;
    let shown = |row: consent::Model| {
        let consent::Model { id: _, lead_id: _, channel, kind, source, wording, given_at, created_at: _ } = row;
        json!({ "channel": channel, "kind": kind, "source": source, "wording": wording, "givenAt": given_at })
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
    Ok(newest.all(on.db.reader()).await?.into_iter().map(attempt).collect())
}

fn attempt(row: contact_attempt::Model) -> Json {
    let contact_attempt::Model {
        id,
        lead_id: _,
        campaign_id: _,
        step_id: _,
        script_id: _,
        ab_test_id: _,
        ab_variant: _,
        channel,
        status,
        provider,
        provider_ref,
        started_at,
        completed_at,
        duration,
        cost_micros,
        currency,
        result,
        notes,
        tracks_clicks: _,
    } = row;
    json!({ "id": id, "channel": channel, "status": status, "provider": provider, "providerRef": provider_ref,
        "startedAt": started_at, "completedAt": completed_at, "durationSeconds": duration,
        "cost": cost_micros.map(|cost| Micros(cost).to_string()), "currency": currency, "result": result,
        "notes": notes })
}

async fn conversions(on: &Services, id: LeadId) -> Result<Vec<Json>> {
    let newest = conversion::Entity::by(id).order_by_desc(conversion::Column::CreatedAt).limit(MOST);
    Ok(newest.all(on.db.reader()).await?.into_iter().map(converted).collect())
}

fn converted(row: conversion::Model) -> Json {
    let conversion::Model {
        id,
        lead_id: _,
        campaign_id: _,
        contact_attempt_id: _,
        step_id: _,
        channel,
        revenue_micros,
        currency,
        status,
        original_status: _,
        sub_id,
        click_id,
        source,
        subject_id: _,
        transaction_id,
        postback_data,
        attribution: _,
        attributed_at: _,
        created_at,
        updated_at: _,
        version: _,
    } = row;
    json!({ "id": id, "status": status, "channel": channel, "source": source,
        "revenue": Micros(revenue_micros).to_string(), "currency": currency, "subId": sub_id, "clickId": click_id,
        "transactionId": transaction_id, "postbackData": postback_data, "createdAt": created_at })
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

//! Enrolling leads: those that are named, and those that a trigger finds.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use crate::Tx;
use crate::retention::sequence;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use domain::retention::trigger::{Span, TriggerConfig};
use domain::retention::words::{LeadStatus, SequenceAudience, TriggerType};

/// A lead that a trigger may enroll; also the place from which the next ones are looked for.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Candidate {
    pub id: LeadId,
    pub created_at: DateTime<Utc>,
}

/// Leads of `span` that the trigger of `sequence` wants and that never were in it, in the order of their making, after `after`.
pub async fn candidates(
    db: &impl ConnectionTrait,
    sequence: &sequence::Model,
    config: &TriggerConfig,
    span: &Span,
    after: Option<Candidate>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let mut values: Vec<Value> = vec![sequence.id.into(), span.until.into(), limit.into()];
    let mut wanted = String::new();
    let mut and = |condition: &str, more: &mut dyn Iterator<Item = Value>| {
        let mut text = condition.to_owned();
        for value in more {
            values.push(value);
            text = text.replacen("{}", &format!("${}", values.len()), 1);
        }
        wanted.push_str(" AND ");
        wanted.push_str(&text);
    };
    if let Some(from) = span.from {
        and("l.created_at >= {}", &mut std::iter::once(from.into()));
    }
    if let Some(source) = &config.source {
        and("l.source = {}", &mut std::iter::once(source.clone().into()));
    }
    match config.status {
        // A new lead is IN_PROGRESS as soon as a campaign or a sequence has it: until somebody has contacted it, it is new all the same.
        Some(LeadStatus::New) => and("l.status IN ('NEW', 'IN_PROGRESS')", &mut std::iter::empty()),
        Some(status) => and("l.status = {}", &mut std::iter::once(status.to_string().into())),
        None => {}
    }
    if let Some(after) = after {
        and("(l.created_at, l.id) > ({}, {})", &mut [after.created_at.into(), after.id.into()].into_iter());
    }
    if sequence.trigger_type == TriggerType::NoConversion {
        let none = "NOT EXISTS (SELECT 1 FROM conversions c WHERE c.lead_id = l.id AND c.status <> 'REJECTED')";
        and(none, &mut std::iter::empty());
    }
    let sql = format!(
        "SELECT l.id, l.created_at FROM leads l
         WHERE l.created_at <= $2 AND {}
           AND NOT EXISTS (SELECT 1 FROM sequence_enrollments n WHERE n.sequence_id = $1 AND n.lead_id = l.id) {wanted}
         ORDER BY l.created_at, l.id LIMIT $3",
        may_be_in(sequence.audience)
    );
    let found = db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, values)).await?;
    found.iter().map(|row| Ok(Candidate::from_query_result(row, "")?)).collect()
}

/// Whether the lead `l` may come into a sequence for these leads.
const fn may_be_in(audience: SequenceAudience) -> &'static str {
    match audience {
        SequenceAudience::Open => "l.status NOT IN ('DO_NOT_CONTACT', 'CONVERTED')",
        SequenceAudience::Converted => "l.status = 'CONVERTED'",
    }
}

/// An enrollment that is to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewEnrollment {
    pub id: SequenceEnrollmentId,
    pub lead_id: LeadId,
    /// From 1: how many times the lead has been enrolled.
    pub attempt: i32,
}

/// Enrolls leads, which the caller has locked, and returns which of the enrollments were made: not for who is in the sequence
/// already, must not be contacted, or is not of those for whom it is.
pub async fn enroll(
    tx: &Tx,
    sequence: &sequence::Model,
    first_step: i32,
    wanted: &[NewEnrollment],
    now: DateTime<Utc>,
) -> Result<Vec<SequenceEnrollmentId>> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$1", &[("id", "uuid"), ("lead_id", "uuid"), ("attempt", "integer")]);
    let sql = format!(
        "INSERT INTO sequence_enrollments
             (id, sequence_id, lead_id, attempt, status, steps_version, current_step, enrolled_at, meta)
         SELECT r.id, $2, r.lead_id, r.attempt, 'ACTIVE', $3, $4, $5, {}
         FROM {table} JOIN leads l ON l.id = r.lead_id
         WHERE {} ON CONFLICT DO NOTHING RETURNING id",
        if dialect.is_postgres() { "'{}'::jsonb" } else { "'{}'" },
        may_be_in(sequence.audience)
    );
    let values: [Value; 5] =
        [rows(wanted), sequence.id.into(), sequence.steps_version.into(), first_step.into(), now.into()];
    let made = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    made.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// How often a lead has been enrolled in a sequence.
pub async fn attempts(tx: &Tx, sequence: RetentionSequenceId, lead: LeadId) -> Result<i32> {
    let sql = "SELECT COALESCE(MAX(attempt), 0) AS attempts FROM sequence_enrollments WHERE sequence_id = $1 AND lead_id = $2";
    let statement = Dialect(tx.get_database_backend()).statement(sql, [sequence.into(), lead.into()]);
    let row = tx.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "attempts")).transpose()?.unwrap_or_default())
}

/// Notes that an assignment has begun: NEW leads are in progress.
pub async fn in_progress(tx: &Tx, leads: &[LeadId], now: DateTime<Utc>) -> Result<()> {
    #[derive(Serialize)]
    struct Lead {
        id: LeadId,
    }
    let dialect = Dialect(tx.get_database_backend());
    let leads: Vec<Lead> = leads.iter().map(|id| Lead { id: *id }).collect();
    let sql = format!(
        "UPDATE leads SET status = 'IN_PROGRESS', updated_at = $2, version = version + 1
         WHERE status = 'NEW' AND id IN (SELECT r.id FROM {})",
        dialect.table("$1", &[("id", "uuid")])
    );
    let values: [Value; 2] = [rows(&leads), now.into()];
    tx.execute_raw(dialect.statement(&sql, values)).await?;
    Ok(())
}

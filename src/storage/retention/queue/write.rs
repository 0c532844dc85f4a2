//! Writing down what became of executions, contact attempts and enrollments: many rows a statement.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::Tx;
use crate::retention::tracked_links;
use crate::sql::{Dialect, instant, rows};
use crate::together::together;
use domain::error::Result;
use domain::id::{
    AbTestId, ContactAttemptId, LeadId, RetentionCampaignId, ScriptId, SenderId, SequenceEnrollmentId,
    SequenceStepExecutionId, SequenceStepId,
};
use domain::retention::words::{
    AbVariant, ContactAttemptStatus, ContactChannel, EndReason, EnrollmentStatus, ExecutionReason, ExecutionStatus,
};

/// An instant as both databases read it from JSON.
fn moment<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&instant(*at))
}

#[expect(clippy::ref_option, reason = "serde asks for it like this")]
fn moment_or_none<S: Serializer>(at: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error> {
    at.map(instant).serialize(to)
}

/// The change of an execution.
#[derive(Debug, Clone, Serialize)]
pub struct ExecutionChange {
    pub id: SequenceStepExecutionId,
    /// The key of the lease under which it is; None: nobody has leased it. Otherwise nothing happens (R9).
    pub held: Option<i64>,
    pub status: ExecutionStatus,
    pub reason: Option<ExecutionReason>,
    #[serde(serialize_with = "moment")]
    pub scheduled_at: DateTime<Utc>,
    #[serde(serialize_with = "moment_or_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "moment_or_none")]
    pub executed_at: Option<DateTime<Utc>>,
    /// How many tries this spent: 0 or 1.
    pub tries: i32,
    /// How many leases were lost: 0 or 1.
    pub lost: i32,
    pub contact_attempt_id: Option<ContactAttemptId>,
    pub holder: Option<SenderId>,
    pub lease: Option<i64>,
    /// The provider's answer; None leaves what is there.
    pub result: Option<Json>,
}

/// What one transaction writes. Each part may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entries<'a> {
    /// Contacts that are about to be made.
    pub attempts: &'a [NewAttempt],
    /// The addresses of links in them.
    pub links: &'a [tracked_links::New],
    /// Changes of executions.
    pub executions: &'a [ExecutionChange],
    /// Changes of enrollments, whose leads the caller holds.
    pub enrollments: &'a [EnrollmentChange],
    /// Steps that will be due.
    pub made: &'a [NewExecution],
    /// Leads to whom a provider took a contact, each with the campaign that it was for, and when that was.
    pub contacted: &'a [(LeadId, Option<RetentionCampaignId>)],
    pub now: DateTime<Utc>,
}

/// Writes all of it in one trip to the database, and returns the executions that were still as they were thought to be.
pub async fn all(tx: &Tx, entries: Entries<'_>) -> Result<Vec<SequenceStepExecutionId>> {
    let dialect = Dialect(tx.get_database_backend());
    let others = [
        new_attempts(dialect, entries.attempts),
        tracked_links::insert(dialect, entries.links),
        enrollments(dialect, entries.enrollments),
        new_executions(dialect, entries.made),
        contacted(dialect, entries.contacted, entries.now),
        contacted_in_campaigns(dialect, entries.contacted),
    ];
    let others = others.into_iter().flatten().collect();
    let Some(first) = executions(dialect, entries.executions) else {
        together(tx, None, others).await?;
        return Ok(Vec::new());
    };
    let found = together(tx, Some(first), others).await?;
    found.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

fn executions(dialect: Dialect, changes: &[ExecutionChange]) -> Option<Statement> {
    if changes.is_empty() {
        return None;
    }
    let columns = [
        ("id", "uuid"),
        ("held", "bigint"),
        ("status", "text"),
        ("reason", "text"),
        ("scheduled_at", "timestamptz"),
        ("next_attempt_at", "timestamptz"),
        ("executed_at", "timestamptz"),
        ("tries", "integer"),
        ("lost", "integer"),
        ("contact_attempt_id", "uuid"),
        ("holder", "uuid"),
        ("lease", "bigint"),
        ("result", "jsonb"),
    ];
    let sql = format!(
        "UPDATE sequence_step_executions AS e SET status = r.status, reason = r.reason, scheduled_at = r.scheduled_at,
             next_attempt_at = r.next_attempt_at, executed_at = COALESCE(r.executed_at, e.executed_at),
             attempt = e.attempt + r.tries, leases = e.leases + r.lost,
             contact_attempt_id = r.contact_attempt_id, holder = r.holder, lease = r.lease,
             result = COALESCE(r.result, e.result)
         FROM {} WHERE e.id = r.id AND e.status = 'SCHEDULED'
             AND (e.lease = r.held OR (e.lease IS NULL AND r.held IS NULL)) RETURNING {}",
        dialect.table("$1", &columns),
        dialect.returned("e", "id"),
    );
    Some(dialect.statement(&sql, [rows(changes)]))
}

/// A contact that is about to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewAttempt {
    pub id: ContactAttemptId,
    pub lead_id: LeadId,
    pub campaign_id: Option<RetentionCampaignId>,
    pub step_id: SequenceStepId,
    pub script_id: Option<ScriptId>,
    pub ab_test_id: Option<AbTestId>,
    pub ab_variant: Option<AbVariant>,
    pub channel: ContactChannel,
    #[serde(serialize_with = "moment")]
    pub started_at: DateTime<Utc>,
    /// Whether links in it tell of clicks.
    pub tracks_clicks: bool,
}

fn new_attempts(dialect: Dialect, attempts: &[NewAttempt]) -> Option<Statement> {
    if attempts.is_empty() {
        return None;
    }
    let columns = [
        ("id", "uuid"),
        ("lead_id", "uuid"),
        ("campaign_id", "uuid"),
        ("step_id", "uuid"),
        ("script_id", "uuid"),
        ("ab_test_id", "uuid"),
        ("ab_variant", "text"),
        ("channel", "text"),
        ("started_at", "timestamptz"),
        ("tracks_clicks", "boolean"),
    ];
    let names = columns.map(|(name, _)| name).join(", ");
    let sql = format!(
        "INSERT INTO contact_attempts ({names}, status) SELECT {names}, 'PENDING' FROM {}",
        dialect.table("$1", &columns)
    );
    Some(dialect.statement(&sql, [rows(attempts)]))
}

/// The change of a contact attempt. A callback that was quicker than the answer is not undone.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptChange {
    pub id: ContactAttemptId,
    pub status: ContactAttemptStatus,
    pub provider: Option<&'static str>,
    pub provider_ref: Option<String>,
    pub cost_micros: Option<i64>,
    pub currency: Option<String>,
    #[serde(serialize_with = "moment")]
    pub completed_at: DateTime<Utc>,
    pub result: Option<Json>,
}

/// Changes contact attempts, and returns what each is now.
pub async fn attempts(tx: &Tx, changes: &[AttemptChange]) -> Result<Vec<(ContactAttemptId, ContactAttemptStatus)>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = Dialect(tx.get_database_backend());
    let columns = [
        ("id", "uuid"),
        ("status", "text"),
        ("provider", "text"),
        ("provider_ref", "text"),
        ("cost_micros", "bigint"),
        ("currency", "text"),
        ("completed_at", "timestamptz"),
        ("result", "jsonb"),
    ];
    let sql = format!(
        "UPDATE contact_attempts AS a SET
             status = CASE WHEN a.status IN ('PENDING', 'UNKNOWN') THEN r.status ELSE a.status END,
             provider = COALESCE(a.provider, r.provider), provider_ref = COALESCE(a.provider_ref, r.provider_ref),
             cost_micros = COALESCE(a.cost_micros, r.cost_micros), currency = COALESCE(a.currency, r.currency),
             completed_at = COALESCE(a.completed_at, r.completed_at), result = COALESCE(a.result, r.result)
         FROM {} WHERE a.id = r.id RETURNING {}, {}",
        dialect.table("$1", &columns),
        dialect.returned("a", "id"),
        dialect.returned("a", "status"),
    );
    let found = tx.query_all_raw(dialect.statement(&sql, [rows(changes)])).await?;
    found.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "status")?))).collect()
}

#[derive(Serialize)]
struct Forgotten {
    id: ContactAttemptId,
}

/// Forgets contact attempts that surely never happened.
pub async fn forget_attempts(tx: &Tx, ids: &[ContactAttemptId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let dialect = Dialect(tx.get_database_backend());
    let ids: Vec<Forgotten> = ids.iter().map(|id| Forgotten { id: *id }).collect();
    let sql = format!(
        "DELETE FROM contact_attempts WHERE status = 'PENDING' AND id IN (SELECT r.id FROM {})",
        dialect.table("$1", &[("id", "uuid")])
    );
    tx.execute_raw(dialect.statement(&sql, [rows(&ids)])).await?;
    Ok(())
}

/// The change of an enrollment.
#[derive(Debug, Clone, Serialize)]
pub struct EnrollmentChange {
    pub id: SequenceEnrollmentId,
    pub status: EnrollmentStatus,
    pub current_step: i32,
    pub end_reason: Option<EndReason>,
    #[serde(serialize_with = "moment_or_none")]
    pub last_step_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "moment_or_none")]
    pub completed_at: Option<DateTime<Utc>>,
}

fn enrollments(dialect: Dialect, changes: &[EnrollmentChange]) -> Option<Statement> {
    if changes.is_empty() {
        return None;
    }
    let columns = [
        ("id", "uuid"),
        ("status", "text"),
        ("current_step", "integer"),
        ("end_reason", "text"),
        ("last_step_at", "timestamptz"),
        ("completed_at", "timestamptz"),
    ];
    let sql = format!(
        "UPDATE sequence_enrollments AS n SET status = r.status, current_step = r.current_step,
             end_reason = r.end_reason, last_step_at = COALESCE(r.last_step_at, n.last_step_at),
             completed_at = r.completed_at
         FROM {} WHERE n.id = r.id",
        dialect.table("$1", &columns)
    );
    Some(dialect.statement(&sql, [rows(changes)]))
}

/// A step that will be due.
#[derive(Debug, Clone, Serialize)]
pub struct NewExecution {
    pub id: SequenceStepExecutionId,
    pub enrollment_id: SequenceEnrollmentId,
    pub step_id: SequenceStepId,
    pub channel: ContactChannel,
    #[serde(serialize_with = "moment")]
    pub scheduled_at: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub created_at: DateTime<Utc>,
}

fn new_executions(dialect: Dialect, made: &[NewExecution]) -> Option<Statement> {
    if made.is_empty() {
        return None;
    }
    let columns = [
        ("id", "uuid"),
        ("enrollment_id", "uuid"),
        ("step_id", "uuid"),
        ("channel", "text"),
        ("scheduled_at", "timestamptz"),
        ("created_at", "timestamptz"),
    ];
    let names = columns.map(|(name, _)| name).join(", ");
    let sql = format!(
        "INSERT INTO sequence_step_executions ({names}, status) SELECT {names}, 'SCHEDULED' FROM {}",
        dialect.table("$1", &columns)
    );
    Some(dialect.statement(&sql, [rows(made)]))
}

#[derive(Serialize)]
struct Contacted {
    lead_id: LeadId,
    campaign_id: Option<RetentionCampaignId>,
}

fn contacts(leads: &[(LeadId, Option<RetentionCampaignId>)]) -> Value {
    let found = leads.iter().map(|(lead_id, campaign_id)| Contacted { lead_id: *lead_id, campaign_id: *campaign_id });
    rows(&found.collect::<Vec<_>>())
}

/// Who has gone further stays there.
fn contacted(
    dialect: Dialect,
    leads: &[(LeadId, Option<RetentionCampaignId>)],
    now: DateTime<Utc>,
) -> Option<Statement> {
    if leads.is_empty() {
        return None;
    }
    let sql = format!(
        "UPDATE leads SET status = 'CONTACTED', updated_at = $2, version = version + 1
         WHERE status IN ('NEW', 'IN_PROGRESS') AND id IN (SELECT r.lead_id FROM {})",
        dialect.table("$1", &[("lead_id", "uuid")])
    );
    let values: [Value; 2] = [contacts(leads), now.into()];
    Some(dialect.statement(&sql, values))
}

fn contacted_in_campaigns(dialect: Dialect, leads: &[(LeadId, Option<RetentionCampaignId>)]) -> Option<Statement> {
    if leads.iter().all(|(_, campaign)| campaign.is_none()) {
        return None;
    }
    let sql = format!(
        "UPDATE campaign_leads SET status = 'CONTACTED' WHERE status = 'PENDING' AND EXISTS
             (SELECT 1 FROM {} WHERE r.lead_id = campaign_leads.lead_id AND r.campaign_id = campaign_leads.campaign_id)",
        dialect.table("$1", &[("lead_id", "uuid"), ("campaign_id", "uuid")])
    );
    Some(dialect.statement(&sql, [contacts(leads)]))
}

/// Cancels what is scheduled of these enrollments and not leased, and returns of which it was.
pub async fn cancel_scheduled(tx: &Tx, enrollments: &[SequenceEnrollmentId]) -> Result<Vec<SequenceEnrollmentId>> {
    #[derive(Serialize)]
    struct Ended {
        id: SequenceEnrollmentId,
    }
    let dialect = Dialect(tx.get_database_backend());
    let ended: Vec<Ended> = enrollments.iter().map(|id| Ended { id: *id }).collect();
    let sql = format!(
        "UPDATE sequence_step_executions SET status = 'CANCELLED', reason = 'ENDED'
         WHERE status IN ('SCHEDULED', 'PENDING') AND holder IS NULL AND enrollment_id IN (SELECT r.id FROM {})
         RETURNING enrollment_id",
        dialect.table("$1", &[("id", "uuid")])
    );
    let found = tx.query_all_raw(dialect.statement(&sql, [rows(&ended)])).await?;
    found.iter().map(|row| Ok(row.try_get("", "enrollment_id")?)).collect()
}

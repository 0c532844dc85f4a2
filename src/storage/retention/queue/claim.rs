//! Finding what is due, and taking hold of it: what was decided on is looked at again by the transaction that writes it down.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable, QueryResult, Value};
use serde::Serialize;

use crate::Tx;
use crate::retention::refusal::Mark;
use crate::retention::{enrollment, lead, sequence, sequence_step};
use crate::sql::{Dialect, rows};
use crate::stop::NOTHING_IS_STOPPED;
use domain::error::{Error, Result};
use domain::id::{LeadId, RetentionSequenceId, ScriptId, SenderId, SequenceStepExecutionId};
use domain::retention::words::ContactChannel;

/// An execution whose instant has come, and that nobody has leased, with the rows that it hangs on.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: SequenceStepExecutionId,
    /// Contacts that failed.
    pub attempt: i32,
    pub scheduled_at: DateTime<Utc>,
    pub enrollment: enrollment::Model,
    pub lead: lead::Model,
    pub step: sequence_step::Model,
    pub sequence: sequence::Model,
}

/// The executions that are due on `channel` at `now`, the longest first. What another process is just leasing is passed over. A campaign
/// that does not run, by the time `real`, holds all that its sequences have to say, and a stop all there is.
///
/// Nothing stays locked: see [`hold`].
pub async fn due(
    db: &impl ConnectionTrait,
    channel: ContactChannel,
    now: DateTime<Utc>,
    limit: i64,
    real: DateTime<Utc>,
) -> Result<Vec<Due>> {
    let dialect = Dialect(db.get_database_backend());
    let sql = due_sql(dialect);
    let values: [Value; 4] = [channel.to_string().into(), now.into(), limit.into(), real.into()];
    let found = db.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(due_of).collect()
}

fn due_of(row: &QueryResult) -> Result<Due> {
    Ok(Due {
        id: row.try_get("", "id")?,
        attempt: row.try_get("", "attempt")?,
        scheduled_at: row.try_get("", "scheduled_at")?,
        enrollment: enrollment::Model::from_query_result(row, "n_")?,
        lead: lead::Model::from_query_result(row, "l_")?,
        step: sequence_step::Model::from_query_result(row, "t_")?,
        sequence: sequence::Model::from_query_result(row, "s_")?,
    })
}

/// The statement of [`due`]: `$1` is the channel, `$2` the present instant of sequences, `$3` how many, `$4` that of campaigns.
///
/// The campaign is asked for by a subselect: PostgreSQL takes a NOT EXISTS for a join that leaves next to nothing, and then begins
/// with all enrollments instead of the few that are due.
pub fn due_sql(dialect: Dialect) -> String {
    let columns = [
        columns::<enrollment::Entity>("n"),
        columns::<lead::Entity>("l"),
        columns::<sequence_step::Entity>("t"),
        columns::<sequence::Entity>("s"),
    ];
    let lock = if dialect.is_postgres() { "FOR KEY SHARE OF e SKIP LOCKED" } else { "" };
    format!(
        "SELECT e.id, e.attempt, e.scheduled_at, {}
         FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN sequence_steps t ON t.id = e.step_id
         JOIN leads l ON l.id = n.lead_id
         WHERE e.status = 'SCHEDULED' AND e.holder IS NULL AND e.channel = $1 AND e.scheduled_at <= $2
           AND {}
         ORDER BY e.scheduled_at, e.id LIMIT $3 {lock}",
        columns.join(", "),
        goes_on("$4"),
    )
}

/// All columns of a table under its alias, each with that before its name.
pub(super) fn columns<E: EntityTrait>(alias: &str) -> String {
    let columns = E::Column::iter().map(|column| {
        let name = column.as_str();
        format!("{alias}.{name} AS {alias}_{name}")
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// Whether contacts of the enrollment `n` in the sequence `s` are to be made at the instant `now`: a campaign that is no more than a
/// DRAFT, has not begun, is PAUSED or over holds them, also before somebody has noticed that its end has come.
pub(super) fn goes_on(now: &str) -> String {
    format!(
        "n.status = 'ACTIVE' AND s.status = 'ACTIVE'
         AND COALESCE((SELECT c.status = 'ACTIVE' AND (c.start_date IS NULL OR c.start_date <= {now})
                         AND (c.end_date IS NULL OR c.end_date > {now})
                       FROM retention_campaigns c WHERE c.id = s.campaign_id), s.campaign_id IS NULL)
         AND {NOTHING_IS_STOPPED}"
    )
}

/// Instants that a statement goes by.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// Since when contacts count, by the clock of sequences.
    pub since: DateTime<Utc>,
    /// The present one, by which campaigns begin.
    pub now: DateTime<Utc>,
}

/// Who leases, for whom nobody may have taken over (R15).
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// The process.
    pub sender: SenderId,
    /// Its epoch.
    pub epoch: i64,
}

#[derive(Serialize)]
struct Chosen {
    id: SequenceStepExecutionId,
    lead_id: LeadId,
    attempt: i32,
}

/// Takes hold of executions and their leads, until the transaction ends, and tells which it got: those that are still due as they
/// were when they were read, whose leads nobody else is at. The holder's row is held too, so that a takeover comes wholly before
/// this lease or wholly after it (R15); if it came before, nothing is had.
///
/// What else they hang on is to be looked at once more now: see [`standing`].
pub async fn hold(
    tx: &Tx,
    by: Holder,
    chosen: impl IntoIterator<Item = &Due>,
    now: DateTime<Utc>,
) -> Result<HashSet<SequenceStepExecutionId>> {
    let chosen = chosen.into_iter();
    let chosen: Vec<Chosen> =
        chosen.map(|due| Chosen { id: due.id, lead_id: due.lead.id, attempt: due.attempt }).collect();
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR UPDATE OF e, l SKIP LOCKED FOR KEY SHARE OF d" } else { "" };
    let sql = format!(
        "SELECT e.id FROM {}
         JOIN sequence_step_executions e ON e.id = r.id
         JOIN leads l ON l.id = r.lead_id
         JOIN senders d ON d.id = $2 AND d.epoch = $3
         WHERE e.status = 'SCHEDULED' AND e.holder IS NULL AND e.attempt = r.attempt AND e.scheduled_at <= $4
         ORDER BY e.id {lock}",
        dialect.table("$1", &[("id", "uuid"), ("lead_id", "uuid"), ("attempt", "integer")]),
    );
    let values: [Value; 4] = [rows(&chosen), by.sender.into(), by.epoch.into(), now.into()];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// The state of the rows on which a decision about an execution rests. Where it is the same, the decision holds.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Standing {
    /// Versions.
    pub enrollment: i32,
    pub lead: i32,
    pub sequence: i32,
    pub campaign: Option<i32>,
    pub script: Option<i32>,
    /// What is refused at the lead's addresses, of the channel or of everything: as long as its row says so too, nothing is.
    pub refusals: i64,
    /// The contacts of the lead that count, and when the last of them was.
    pub touches: i64,
    pub last_touch: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct Said {
    id: SequenceStepExecutionId,
    script_id: Option<ScriptId>,
}

/// An address of the lead of an execution, to be looked up among those at which something is refused.
#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    /// The execution.
    pub id: SequenceStepExecutionId,
    /// Its channel.
    pub channel: ContactChannel,
    /// The address.
    #[serde(flatten)]
    pub mark: Mark,
}

/// How executions stand that this transaction holds, with the scripts that they would send, and the addresses `reached`. Contacts since
/// `since` count. Not told is what does not go on: of a paused enrollment, sequence or campaign, or while everything is stopped.
///
/// Whoever changes an enrollment or makes a contact holds the lead. So this must be a statement of its own, after that which locked
/// the lead: it sees what the last one who held it has committed.
pub async fn standing(
    tx: &Tx,
    held: impl IntoIterator<Item = (SequenceStepExecutionId, Option<ScriptId>)>,
    reached: &[Reached],
    Moments { since, now }: Moments,
) -> Result<HashMap<SequenceStepExecutionId, Standing>> {
    let held: Vec<Said> = held.into_iter().map(|(id, script_id)| Said { id, script_id }).collect();
    let dialect = Dialect(tx.get_database_backend());
    // Of a table of its own, which is read once.
    let refused = format!(
        "SELECT r.id AS id, COUNT(*) AS count FROM {}
         JOIN refusals f ON f.kind = r.kind AND f.hash = r.hash AND f.lifted_at IS NULL
           AND (f.channel IS NULL OR f.channel = r.channel)
         GROUP BY r.id",
        dialect.table("$3", &[("id", "uuid"), ("kind", "text"), ("hash", "text"), ("channel", "text")])
    );
    let contacts = "FROM contact_attempts a WHERE a.lead_id = l.id AND a.started_at >= $2 AND a.status <> 'FAILED'";
    let sql = format!(
        "SELECT e.id, n.version AS enrollment, l.version AS lead, s.version AS sequence, c.version AS campaign,
             k.version AS script, COALESCE(refused.count, 0) AS refusals, (SELECT COUNT(*) {contacts}) AS touches,
             (SELECT MAX(a.started_at) {contacts}) AS last_touch
         FROM {}
         JOIN sequence_step_executions e ON e.id = r.id
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN leads l ON l.id = n.lead_id
         LEFT JOIN retention_campaigns c ON c.id = s.campaign_id
         LEFT JOIN scripts k ON k.id = r.script_id
         LEFT JOIN ({refused}) AS refused ON refused.id = e.id
         WHERE {}",
        dialect.table("$1", &[("id", "uuid"), ("script_id", "uuid")]),
        goes_on("$4"),
    );
    let values: [Value; 4] = [rows(&held), since.into(), rows(reached), now.into()];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(|row| Ok((row.try_get("", "id")?, Standing::from_query_result(row, "")?))).collect()
}

/// Locks the hot rows of sequences against a pause until the transaction ends, and nobody else who leases (R5, R7).
///
/// # Errors
/// [`Error::Precondition`] if one of them has been paused.
pub async fn require_active(tx: &Tx, sequences: &[RetentionSequenceId]) -> Result<()> {
    #[derive(Serialize)]
    struct Row {
        id: RetentionSequenceId,
    }
    let mut ids = sequences.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<Row> = ids.into_iter().map(|id| Row { id }).collect();
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR SHARE" } else { "" };
    let sql = format!(
        "SELECT p.sequence_id FROM sequence_progress p
         WHERE p.status = 'ACTIVE' AND p.sequence_id IN (SELECT r.id FROM {}) ORDER BY p.sequence_id {lock}",
        dialect.table("$1", &[("id", "uuid")])
    );
    let found = tx.query_all_raw(dialect.statement(&sql, [rows(&ids)])).await?;
    if found.len() == ids.len() { Ok(()) } else { Err(Error::Precondition("a sequence has just been paused".into())) }
}

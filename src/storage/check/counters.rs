//! Counters in the rows of what they count: of campaigns, batches and sequences.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::Tx;
use crate::broadcast::batch::UNFINISHED;
use crate::sql::Dialect;
use crate::sums::{Summed, pruned_until};
use domain::error::Result;

const JOBS: [(&str, &str); 6] = [
    ("queued", "'QUEUED'"),
    ("sending", "'SENDING'"),
    ("sent", "'SENT'"),
    ("failed", "'FAILED'"),
    ("cancelled", "'CANCELLED'"),
    ("unknown", "'UNKNOWN'"),
];
const ENROLLMENTS: [(&str, &str); 5] = [
    ("active", "'ACTIVE'"),
    ("paused", "'PAUSED'"),
    ("completed", "'COMPLETED'"),
    ("cancelled", "'CANCELLED'"),
    ("converted", "'CONVERTED'"),
];
/// Those that go on, and those that may be kept no longer.
const WAITING: (&str, &str) = ("steps_scheduled", "'PENDING', 'SCHEDULED'");
const STEPS: [(&str, &str); 6] = [
    ("steps_sent", "'SENT'"),
    ("steps_delivered", "'DELIVERED'"),
    ("steps_failed", "'FAILED'"),
    ("steps_skipped", "'SKIPPED'"),
    ("steps_cancelled", "'CANCELLED'"),
    ("steps_unknown", "'UNKNOWN'"),
];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// The jobs of a broadcast campaign, by status. Those of campaigns that are being started are not counted yet, and those whose jobs are
    /// kept no longer keep their numbers.
    Jobs,
    /// The channels of a batch.
    Channels,
    /// The enrollments of a sequence and their steps, by status. Where steps are kept no longer, there may be fewer of them.
    Enrollments,
}

fn sum(status: &str, (column, statuses): (&str, &str)) -> String {
    format!("CAST(COALESCE(SUM(CASE WHEN {status} IN ({statuses}) THEN 1 ELSE 0 END), 0) AS integer) AS {column}")
}

fn sums(status: &str, columns: &[(&str, &str)]) -> String {
    columns.iter().map(|column| sum(status, *column)).collect::<Vec<_>>().join(", ")
}

/// Whether the counter `column` of the row `p` is not what there is in `from`.
fn differs(from: &str, column: &str) -> String {
    format!("p.{column} <> COALESCE({from}.{column}, 0)")
}

fn jobs(which: &str) -> String {
    format!("SELECT campaign_id, COUNT(*) AS total, {} FROM jobs {which} GROUP BY campaign_id", sums("status", &JOBS))
}

fn enrollments(which: &str) -> String {
    let sums = sums("n.status", &ENROLLMENTS);
    format!("SELECT n.sequence_id, {sums} FROM sequence_enrollments n {which} GROUP BY n.sequence_id")
}

fn steps(which: &str) -> String {
    let all: Vec<_> = [WAITING].into_iter().chain(STEPS).collect();
    format!(
        "SELECT n.sequence_id, {} FROM sequence_step_executions x JOIN sequence_enrollments n ON n.id = x.enrollment_id {which}
         GROUP BY n.sequence_id",
        sums("x.status", &all)
    )
}

/// Whose counters their rows belie.
pub async fn wrong(db: &impl ConnectionTrait, what: Counter) -> Result<Vec<Uuid>> {
    let dialect = Dialect(db.get_database_backend());
    let sql = match what {
        Counter::Jobs => format!(
            "SELECT p.campaign_id AS id FROM broadcast_campaign_progress p JOIN broadcast_campaigns c ON c.id = p.campaign_id
             LEFT JOIN ({}) AS j ON j.campaign_id = p.campaign_id
             WHERE {IS_COUNTED} AND ({} OR {}) ORDER BY 1",
            jobs(""),
            differs("j", "total"),
            JOBS.map(|(column, _)| differs("j", column)).join(" OR "),
        ),
        Counter::Channels => format!(
            "SELECT p.id AS id FROM batches p
             LEFT JOIN (SELECT batch_id, COUNT(*) AS channel_count FROM batch_channels GROUP BY batch_id) AS b ON b.batch_id = p.id
             WHERE p.version <> {UNFINISHED} AND {} ORDER BY 1",
            differs("b", "channel_count"),
        ),
        Counter::Enrollments => {
            let sign = if are_pruned(db).await? { "<" } else { "<>" };
            let ended = STEPS.map(|(column, _)| format!("p.{column} {sign} COALESCE(x.{column}, 0)"));
            format!(
                "SELECT p.sequence_id AS id FROM sequence_progress p JOIN retention_sequences s ON s.id = p.sequence_id
                 LEFT JOIN ({}) AS n ON n.sequence_id = p.sequence_id LEFT JOIN ({}) AS x ON x.sequence_id = p.sequence_id
                 WHERE s.deleted_at IS NULL AND ({} OR {} OR {}) ORDER BY 1",
                enrollments(""),
                steps(""),
                ENROLLMENTS.map(|(column, _)| differs("n", column)).join(" OR "),
                differs("x", WAITING.0),
                ended.join(" OR "),
            )
        }
    };
    let rows = db.query_all_raw(dialect.statement(&sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Whether the jobs of the campaign `c`, whose hot row is `p`, are all counted. Those of a start that is taken back never are.
const IS_COUNTED: &str = "c.jobs_removed_at IS NULL AND p.status <> 'STARTING' AND NOT EXISTS
    (SELECT 1 FROM tasks t WHERE t.subject_id = c.id AND t.kind = 'START_BROADCAST_CAMPAIGN' AND t.completed_at IS NULL)";

/// Whether steps were taken away that the counters still count.
async fn are_pruned(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(pruned_until(db, Summed::Executions).await?.is_some())
}

/// Counts anew, under the lock that whoever changes the counter takes: what others have changed and not yet counted, they will add.
pub async fn mend(tx: &Tx, what: Counter, id: Uuid) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let lock = dialect.for_update();
    let (lock, sql) = match what {
        Counter::Jobs => {
            (format!("SELECT campaign_id FROM broadcast_campaign_progress WHERE campaign_id = $1 {lock}"), jobs_anew())
        }
        Counter::Channels => (format!("SELECT id FROM batches WHERE id = $1 {lock}"), channels_anew()),
        Counter::Enrollments => (
            format!("SELECT sequence_id FROM sequence_progress WHERE sequence_id = $1 {lock}"),
            enrollments_anew(dialect, are_pruned(tx).await?),
        ),
    };
    for sql in [lock, sql] {
        tx.execute_raw(dialect.statement(&sql, [Value::from(id)])).await?;
    }
    Ok(())
}

fn jobs_anew() -> String {
    let set = JOBS.map(|(column, _)| format!("{column} = COALESCE(j.{column}, 0)")).join(", ");
    format!(
        "UPDATE broadcast_campaign_progress AS p SET {set}, total = COALESCE(j.total, 0), version = p.version + 1
         FROM broadcast_campaigns AS c LEFT JOIN ({}) AS j ON j.campaign_id = c.id
         WHERE p.campaign_id = $1 AND c.id = $1 AND {IS_COUNTED}",
        jobs("WHERE campaign_id = $1"),
    )
}

fn channels_anew() -> String {
    format!(
        "UPDATE batches SET version = version + 1,
             channel_count = (SELECT COUNT(*) FROM batch_channels WHERE batch_id = $1)
         WHERE id = $1 AND version <> {UNFINISHED}"
    )
}

fn enrollments_anew(dialect: Dialect, are_pruned: bool) -> String {
    let mut set: Vec<String> =
        ENROLLMENTS.iter().map(|(column, _)| format!("{column} = COALESCE(n.{column}, 0)")).collect();
    set.push(format!("{} = COALESCE(x.{}, 0)", WAITING.0, WAITING.0));
    for (column, _) in STEPS {
        let counted = format!("COALESCE(x.{column}, 0)");
        let kept = if are_pruned { dialect.greatest(&format!("p.{column}"), &counted) } else { counted };
        set.push(format!("{column} = {kept}"));
    }
    format!(
        "UPDATE sequence_progress AS p SET {}, version = p.version + 1
         FROM retention_sequences AS s LEFT JOIN ({}) AS n ON n.sequence_id = s.id
             LEFT JOIN ({}) AS x ON x.sequence_id = s.id
         WHERE p.sequence_id = $1 AND s.id = $1 AND s.deleted_at IS NULL",
        set.join(", "),
        enrollments("WHERE n.sequence_id = $1"),
        steps("WHERE n.sequence_id = $1"),
    )
}

//! Whether the sums are what their rows come to.

use sea_orm::{ConnectionTrait, Value};

use super::add::ADDING;
use super::kept::{into_notes, merged, noted};
use super::{KEYS, NUMBERS, SHORTEST, SPANS, Summed, pruned_until};
use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// All that is summed.
pub const ALL: [Summed; 6] =
    [Summed::Contacts, Summed::Conversions, Summed::Enrollments, Summed::Executions, Summed::Leads, Summed::Jobs];

/// What is mended at once: few enough rows for one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// What happened within a longest span, which begins at this second since 1970.
    Since(i64),
    /// What happened to the jobs of a campaign: no index knows when that was.
    Campaign(BroadcastCampaignId),
}

/// Longest of the spans, in seconds.
const LONGEST: i64 = SPANS[SPANS.len() - 1];

/// Whose jobs are all there, to be compared with their sums.
const WHOLE: &str = "SELECT id FROM broadcast_campaigns WHERE jobs_removed_at IS NULL";

/// What the sums lack, for each place and span of which they are not what the rows come to. What was taken away since is not compared.
async fn missing(db: &impl ConnectionTrait, what: Summed, only: Option<Slice>) -> Result<(String, Vec<Value>)> {
    let dialect = Dialect(db.get_database_backend());
    let mut values = Vec::new();
    let (mut rows, mut spans) = ("1 = 1".to_owned(), "1 = 1".to_owned());
    if what == Summed::Jobs {
        rows = format!("campaign_id IN ({WHOLE})");
        spans = format!("owner IN ({WHOLE})");
    }
    match only {
        Some(Slice::Campaign(id)) => {
            rows.push_str(" AND campaign_id = $1");
            spans.push_str(" AND owner = $1");
            values.push(id.into());
        }
        Some(Slice::Since(from)) => {
            let (to, at) = (from + LONGEST, what.table().at);
            rows = format!("{rows} AND {at} >= $1 AND {at} < $2");
            spans = format!("{spans} AND at >= {from} AND at < {to}");
            values.extend([super::cut::instant(from).into(), super::cut::instant(to).into()]);
        }
        None => {}
    }
    let kept = match pruned_until(db, what).await? {
        Some(until) => format!("WHERE at >= {}", (until.timestamp().div_euclid(SHORTEST) + 1) * SHORTEST),
        None => String::new(),
    };
    let name = what.name();
    let less = NUMBERS.map(|number| format!("-{number}")).join(", ");
    let sql = format!(
        "SELECT at, {KEYS}, {sums} FROM (
             {rows}
             UNION ALL SELECT at, {KEYS}, {less} FROM time_sums WHERE what = '{name}' AND span = {SHORTEST} AND {spans}
             UNION ALL SELECT at, {KEYS}, {less} FROM time_notes WHERE what = '{name}' AND {spans}) AS d
         {kept} GROUP BY at, {KEYS} HAVING {differs}",
        rows = noted(dialect, what, &rows),
        sums = NUMBERS.map(|number| format!("SUM({number}) AS {number}")).join(", "),
        differs = differs(),
    );
    Ok((sql, values))
}

fn differs() -> String {
    NUMBERS.map(|number| format!("SUM({number}) <> 0")).join(" OR ")
}

/// Whether the database keeps sums of these.
fn is_kept(dialect: Dialect, what: Summed) -> bool {
    what != Summed::Leads || dialect.is_postgres()
}

/// The slices in which sums are not what their rows come to.
pub async fn wrong(db: &impl ConnectionTrait, what: Summed) -> Result<Vec<Slice>> {
    let dialect = Dialect(db.get_database_backend());
    if !is_kept(dialect, what) {
        return Ok(Vec::new());
    }
    let (sql, values) = missing(db, what, None).await?;
    let slice = if what == Summed::Jobs { "owner".to_owned() } else { format!("at - at % {LONGEST}") };
    let sql = format!("SELECT DISTINCT {slice} AS slice FROM ({sql}) AS wrong");
    let found = db.query_all_raw(dialect.statement(&sql, values)).await?;
    let slices = found.iter().map(|row| {
        Ok(if what == Summed::Jobs {
            Slice::Campaign(row.try_get("", "slice")?)
        } else {
            Slice::Since(row.try_get("", "slice")?)
        })
    });
    slices.collect()
}

/// Notes what the sums lack: one statement, which sees one state of rows, notes and sums, whatever others add to them meanwhile.
pub async fn mend(tx: &Tx, what: Summed, slice: Slice) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let (missing, values) = missing(tx, what, Some(slice)).await?;
    let sql =
        format!("{} SELECT '{}', d.* FROM ({missing}) AS d WHERE 1 = 1 {}", into_notes(), what.name(), merged(dialect));
    tx.execute_raw(dialect.statement(&sql, values)).await?;
    Ok(())
}

/// What the longer spans lack of the shortest ones that they are made of.
fn longer() -> String {
    let arms = SPANS[1..].iter().map(|span| {
        let numbers = NUMBERS.join(", ");
        format!(
            "SELECT {span} AS span, what, at - at % {span} AS at, {KEYS}, {numbers} FROM time_sums WHERE span = {SHORTEST}
             UNION ALL SELECT span, what, at, {KEYS}, {} FROM time_sums WHERE span = {span}",
            NUMBERS.map(|number| format!("-{number}")).join(", ")
        )
    });
    format!(
        "SELECT span, what, at, {KEYS}, {} FROM ({}) AS d GROUP BY span, what, at, {KEYS} HAVING {}",
        NUMBERS.map(|number| format!("SUM({number}) AS {number}")).join(", "),
        arms.collect::<Vec<_>>().join(" UNION ALL "),
        differs(),
    )
}

/// How many sums of longer spans are not what the shortest ones come to.
pub async fn wrong_spans(db: &impl ConnectionTrait) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) AS n FROM ({}) AS wrong", longer());
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Makes the longer spans what the shortest ones come to. Meanwhile nobody adds notes to either.
pub async fn mend_spans(tx: &Tx) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    if dialect.is_postgres() {
        tx.execute_raw(dialect.statement("SELECT pg_advisory_xact_lock($1)", [ADDING.into()])).await?;
    }
    let sql = format!(
        "INSERT INTO time_sums (span, what, at, {KEYS}, {}) SELECT d.* FROM ({}) AS d WHERE 1 = 1
         ON CONFLICT (what, span, at, {KEYS}) DO UPDATE SET {}",
        NUMBERS.join(", "),
        longer(),
        NUMBERS.map(|number| format!("{number} = time_sums.{number} + excluded.{number}")).join(", "),
    );
    tx.execute_raw(dialect.statement(&sql, [])).await?;
    Ok(())
}

//! The large tables that name a campaign, a sequence or a script. What is deleted is loosened from them some rows at a time: foreign keys
//! would change all of them in the one statement that removes it, and a million contacts are gigabytes of log and minutes of waiting.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{RetentionCampaignId, RetentionSequenceId, ScriptId};

/// Rows of each table that are counted; of more it is only known that they are many.
const COUNTED: i64 = 100_000;

/// What is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// A retention campaign.
    Campaign(RetentionCampaignId),
    /// A retention sequence.
    Sequence(RetentionSequenceId),
    /// A script.
    Script(ScriptId),
}

/// How many rows name what is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// So many; at least so many where they are not all counted.
    pub rows: i64,
    /// Whether all of them are counted.
    pub is_exact: bool,
}

/// What a round has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loosened {
    /// Rows that name it no more.
    pub rows: i64,
    /// Where the next round begins.
    pub place: usize,
    /// Whether there is no next one.
    pub is_all: bool,
}

/// Rows of a large table that name what is deleted, or what goes with it.
struct Tie {
    table: &'static str,
    key: &'static str,
    column: &'static str,
    /// In the order of an index, so that a round begins with what is left.
    order: &'static str,
    /// Whether the rows go; otherwise they stay without it.
    goes: bool,
    whose: Whose,
}

/// Whose ids a column has.
#[derive(Clone, Copy)]
enum Whose {
    Itself,
    Tests,
    Steps,
}

const fn loose(table: &'static str, column: &'static str, order: &'static str, whose: Whose) -> Tie {
    Tie { table, key: "id", column, order, goes: false, whose }
}

const fn gone(table: &'static str, key: &'static str, column: &'static str, whose: Whose) -> Tie {
    Tie { table, key, column, order: "", goes: true, whose }
}

/// Whom Instantly has goes first: a lead that it has and the campaign has not would be taken out there, one by one.
const OF_CAMPAIGNS: [Tie; 5] = [
    gone("instantly_leads", "campaign_id, email", "campaign_id", Whose::Itself),
    gone("campaign_leads", "id", "campaign_id", Whose::Itself),
    loose("contact_attempts", "campaign_id", "ORDER BY started_at, id", Whose::Itself),
    loose("contact_attempts", "ab_test_id", "", Whose::Tests),
    loose("conversions", "campaign_id", "ORDER BY created_at, id", Whose::Itself),
];
const OF_SEQUENCES: [Tie; 5] = [
    gone("sequence_step_executions", "id", "step_id", Whose::Steps),
    gone("sequence_enrollments", "id", "sequence_id", Whose::Itself),
    loose("contact_attempts", "step_id", "", Whose::Steps),
    loose("contact_attempts", "ab_test_id", "", Whose::Tests),
    loose("conversions", "step_id", "", Whose::Steps),
];
const OF_SCRIPTS: [Tie; 1] = [loose("contact_attempts", "script_id", "ORDER BY started_at, id", Whose::Itself)];

impl Gone {
    /// Its id.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Campaign(id) => id.0,
            Self::Sequence(id) => id.0,
            Self::Script(id) => id.0,
        }
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Campaign(_) => "retention_campaigns",
            Self::Sequence(_) => "retention_sequences",
            Self::Script(_) => "scripts",
        }
    }

    const fn ties(self) -> &'static [Tie] {
        match self {
            Self::Campaign(_) => &OF_CAMPAIGNS,
            Self::Sequence(_) => &OF_SEQUENCES,
            Self::Script(_) => &OF_SCRIPTS,
        }
    }

    /// The ids of what goes with it.
    const fn with_it(self, whose: Whose) -> &'static str {
        match (whose, self) {
            (Whose::Tests, Self::Campaign(_)) => "SELECT id FROM ab_tests WHERE campaign_id = $1",
            (Whose::Tests, _) => {
                "SELECT id FROM ab_tests WHERE step_id IN (SELECT id FROM sequence_steps WHERE sequence_id = $1)"
            }
            (Whose::Itself | Whose::Steps, _) => "SELECT id FROM sequence_steps WHERE sequence_id = $1",
        }
    }

    /// The statements that take it from the small tables which name it.
    const fn small(self) -> &'static [&'static str] {
        match self {
            Self::Campaign(_) => &[
                "UPDATE retention_sequences SET campaign_id = NULL WHERE campaign_id = $1",
                "UPDATE scripts SET campaign_id = NULL WHERE campaign_id = $1",
                "UPDATE lead_imports SET campaign_id = NULL WHERE campaign_id = $1",
            ],
            Self::Sequence(_) => &[],
            Self::Script(_) => &["UPDATE sequence_steps SET script_id = NULL WHERE script_id = $1"],
        }
    }
}

/// The planner would read a whole table for the first rows that it needs of it, and for the next ones past all that is done.
async fn by_indexes(tx: &Tx) -> Result<Dialect> {
    let dialect = Dialect(tx.get_database_backend());
    if dialect.is_postgres() {
        tx.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
    }
    Ok(dialect)
}

/// How many rows of large tables name it.
pub async fn count(tx: &Tx, what: Gone) -> Result<Count> {
    let dialect = by_indexes(tx).await?;
    let each: Vec<String> = what
        .ties()
        .iter()
        .map(|tie| {
            let is = match tie.whose {
                Whose::Itself => format!("{} = $1", tie.column),
                whose => format!("{} IN ({})", tie.column, what.with_it(whose)),
            };
            format!("SELECT COUNT(*) AS n FROM (SELECT 1 FROM {} WHERE {is} LIMIT {COUNTED}) AS part", tie.table)
        })
        .collect();
    let sql = format!(
        "SELECT CAST(SUM(n) AS bigint) AS named, CAST(MAX(n) AS bigint) AS most FROM ({}) AS all_of_them",
        each.join(" UNION ALL ")
    );
    let Some(row) = tx.query_one_raw(dialect.statement(&sql, [Value::from(what.id())])).await? else {
        return Ok(Count { rows: 0, is_exact: true });
    };
    let most: i64 = row.try_get("", "most")?;
    Ok(Count { rows: row.try_get("", "named")?, is_exact: most < COUNTED })
}

/// Whether an A/B test has it that was deleted with its campaign or sequence, and is not gone yet: it has to go first.
pub async fn is_held(tx: &Tx, what: Gone) -> Result<bool> {
    if !matches!(what, Gone::Script(_)) {
        return Ok(false);
    }
    let dialect = Dialect(tx.get_database_backend());
    let sql = "SELECT id FROM ab_tests WHERE variant_a = $1 OR variant_b = $1 LIMIT 1";
    Ok(tx.query_one_raw(dialect.statement(sql, [Value::from(what.id())])).await?.is_some())
}

/// From the end of the transaction on it is not there any more, though large tables still name it.
pub async fn hide(tx: &Tx, what: Gone, now: DateTime<Utc>) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let own = format!("UPDATE {} SET deleted_at = $2, version = version + 1 WHERE id = $1", what.table());
    let tests = format!("UPDATE ab_tests SET deleted_at = $2 WHERE id IN ({})", what.with_it(Whose::Tests));
    let has_tests = what.ties().iter().any(|tie| matches!(tie.whose, Whose::Tests));
    for sql in [own].into_iter().chain(has_tests.then_some(tests)) {
        tx.execute_raw(dialect.statement(&sql, [Value::from(what.id()), now.into()])).await?;
    }
    for sql in what.small() {
        tx.execute_raw(dialect.statement(sql, [Value::from(what.id())])).await?;
    }
    Ok(())
}

/// Loosens it from at most `most` rows, from `place` on.
pub async fn loosen(tx: &Tx, what: Gone, place: usize, most: i64) -> Result<Loosened> {
    let dialect = by_indexes(tx).await?;
    let mut done = Loosened { rows: 0, place, is_all: false };
    for (n, (tie, id)) in all(tx, what).await?.into_iter().enumerate().skip(place) {
        let left = most - done.rows;
        let rows = i64::try_from(some(tx, dialect, tie, id, left).await?).unwrap_or(i64::MAX);
        done = Loosened { rows: done.rows + rows, place: n, is_all: false };
        if rows >= left {
            return Ok(done);
        }
    }
    Ok(Loosened { is_all: true, ..done })
}

/// The ties with the ids that they have, always in one order: what goes with it does not change any more.
async fn all(tx: &Tx, what: Gone) -> Result<Vec<(&'static Tie, Uuid)>> {
    let dialect = Dialect(tx.get_database_backend());
    let mut all = Vec::new();
    for tie in what.ties() {
        if matches!(tie.whose, Whose::Itself) {
            all.push((tie, what.id()));
            continue;
        }
        let sql = format!("{} ORDER BY id", what.with_it(tie.whose));
        for row in tx.query_all_raw(dialect.statement(&sql, [Value::from(what.id())])).await? {
            all.push((tie, row.try_get("", "id")?));
        }
    }
    Ok(all)
}

async fn some(tx: &Tx, dialect: Dialect, tie: &Tie, id: Uuid, most: i64) -> Result<u64> {
    let Tie { table, key, column, order, goes, .. } = tie;
    let change = if *goes { format!("DELETE FROM {table}") } else { format!("UPDATE {table} SET {column} = NULL") };
    let sql = format!(
        "{change} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {column} = $1 {order} LIMIT $2 {})",
        dialect.for_update()
    );
    Ok(tx.execute_raw(dialect.statement(&sql, [Value::from(id), most.into()])).await?.rows_affected())
}

/// Removes it itself, with what small tables have of it; the foreign keys do the rest.
pub async fn remove(tx: &Tx, what: Gone) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("DELETE FROM {} WHERE id = $1", what.table());
    tx.execute_raw(dialect.statement(&sql, [Value::from(what.id())])).await?;
    Ok(())
}

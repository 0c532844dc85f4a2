//! Numbers over time without counting rows: the database keeps sums by spans of time, see the migration `time_sums`.
//!
//! Whatever range is asked for, it is cut into the longest spans that fit; only what is less than a quarter of an hour at its two ends
//! is counted from rows. What was noted and is not in the sums yet is added, in one statement: it reads one state of the database.

use sea_orm::{ConnectionTrait, QueryResult, TryGetable, Value};
use uuid::Uuid;

use crate::sql::Dialect;
use cut::{Cut, Part};
use domain::error::Result;
use domain::id::{BroadcastCampaignId, RetentionCampaignId, RetentionSequenceId};

mod add;
pub mod check;
mod cut;
mod kept;
mod series;

pub use add::{add_some, add_up};
pub use cut::{LONGEST, Range, SHORTEST, SPANS, begin, end};
pub use kept::{keep, pruned, pruned_until, whole};
pub(crate) use kept::{list, listed};
pub use series::series;

/// What is added up of each row.
pub(crate) const NUMBERS: [&str; 8] = ["n", "opened", "clicked", "replied", "timed", "seconds", "paid", "micros"];
const KEYS: &str = "owner, step, channel, status, detail";

/// Rows that are added up over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summed {
    /// Contact attempts, when they began: by campaign, step, channel, status and currency.
    Contacts,
    /// Conversions, when they were made: by campaign, step, channel, status and currency.
    Conversions,
    /// Enrollments, when they began: by sequence and status.
    Enrollments,
    /// Steps of enrollments, when they are due: by step and status.
    Executions,
    /// Leads, when they came. SQLite counts them.
    Leads,
    /// Jobs that were sent or have failed, when that was: by campaign, status, and why they failed. Of whole quarters of an hour only:
    /// no index knows when they were sent.
    Jobs,
}

/// By what the numbers are told apart, beside status and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing else.
    Nothing,
    /// The way in which leads are reached.
    Channel,
    /// The campaign or the sequence.
    Owner,
    /// The step of a sequence.
    Step,
}

/// Which rows alone are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Those of a campaign.
    Campaign(RetentionCampaignId),
    /// Those of a sequence.
    Sequence(RetentionSequenceId),
    /// Those of the steps of a sequence.
    StepsOf(RetentionSequenceId),
    /// Those of a broadcast campaign.
    Broadcast(BroadcastCampaignId),
}

/// Rows that have one place, status and currency or reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum<K> {
    /// What they were told apart by; None where they have none.
    pub place: Option<K>,
    /// Their status; empty for leads.
    pub status: String,
    /// Their currency, or why they failed; empty where there is none.
    pub detail: String,
    /// How many there are.
    pub n: i64,
    /// How many of them were opened.
    pub opened: i64,
    /// In how many of them a link was followed.
    pub clicked: i64,
    /// How many of them were answered.
    pub replied: i64,
    /// How many of them have a length.
    pub timed: i64,
    /// The sum of these lengths, in seconds.
    pub seconds: i64,
    /// How many of them have a price.
    pub paid: i64,
    /// The sum of these prices, in millionths.
    pub micros: i64,
}

/// The columns of a table in the words of the sums.
struct Table {
    name: &'static str,
    at: &'static str,
    owner: &'static str,
    step: &'static str,
    channel: &'static str,
    status: &'static str,
    detail: &'static str,
    is_engaged: bool,
    seconds: Option<&'static str>,
    micros: Option<&'static str>,
}

const PLAIN: Table = Table {
    name: "leads",
    at: "created_at",
    owner: "NULL",
    step: "NULL",
    channel: "NULL",
    status: "''",
    detail: "''",
    is_engaged: false,
    seconds: None,
    micros: None,
};

impl Summed {
    /// The table of the rows.
    pub const fn name(self) -> &'static str {
        self.table().name
    }

    const fn table(self) -> Table {
        match self {
            Self::Contacts => Table {
                name: "contact_attempts",
                at: "started_at",
                owner: "campaign_id",
                step: "step_id",
                channel: "channel",
                status: "status",
                detail: "COALESCE(currency, '')",
                is_engaged: true,
                seconds: Some("duration"),
                micros: Some("cost_micros"),
            },
            Self::Conversions => Table {
                name: "conversions",
                owner: "campaign_id",
                step: "step_id",
                channel: "channel",
                status: "status",
                detail: "currency",
                micros: Some("revenue_micros"),
                ..PLAIN
            },
            Self::Enrollments => Table {
                name: "sequence_enrollments",
                at: "enrolled_at",
                owner: "sequence_id",
                status: "status",
                ..PLAIN
            },
            Self::Executions => Table {
                name: "sequence_step_executions",
                at: "scheduled_at",
                step: "step_id",
                status: "status",
                ..PLAIN
            },
            Self::Leads => PLAIN,
            Self::Jobs => Table {
                name: "jobs",
                at: "CASE status WHEN 'SENT' THEN sent_at WHEN 'FAILED' THEN failed_at END",
                owner: "campaign_id",
                status: "status",
                detail: "COALESCE(reason, '')",
                ..PLAIN
            },
        }
    }
}

impl Table {
    /// The rows between two parameters, in the columns of sums.
    fn rows(&self, by: By, condition: &str, from: usize, to: usize) -> String {
        let Self { name, at, owner, step, channel, status, detail, .. } = self;
        let place = match by {
            By::Nothing => "NULL",
            By::Channel => channel,
            By::Owner => owner,
            By::Step => step,
        };
        format!(
            "SELECT {place}, {status}, {detail}, {} FROM {name} WHERE {at} >= ${from} AND {at} < ${to} {condition}",
            self.numbers()
        )
    }

    /// The numbers of one row, by their names.
    fn numbers(&self) -> String {
        let is = |column: &str| {
            if self.is_engaged {
                format!("CASE WHEN {column} THEN 1 ELSE 0 END AS {column}")
            } else {
                format!("0 AS {column}")
            }
        };
        let sums = |has: &str, sum: &str, column: Option<&str>| {
            column.map_or(format!("0 AS {has}, 0 AS {sum}"), |column| {
                format!("CASE WHEN {column} IS NULL THEN 0 ELSE 1 END AS {has}, COALESCE({column}, 0) AS {sum}")
            })
        };
        let all = [
            "1 AS n".to_owned(),
            is("opened"),
            is("clicked"),
            is("replied"),
            sums("timed", "seconds", self.seconds),
            sums("paid", "micros", self.micros),
        ];
        all.join(", ")
    }
}

impl Only {
    fn condition(self, owner: &str, step: &str) -> String {
        match self {
            Self::Campaign(_) | Self::Sequence(_) | Self::Broadcast(_) => format!("AND {owner} = $1"),
            Self::StepsOf(_) => format!("AND {step} IN (SELECT id FROM sequence_steps WHERE sequence_id = $1)"),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Campaign(id) => id.into(),
            Self::Sequence(id) | Self::StepsOf(id) => id.into(),
            Self::Broadcast(id) => id.into(),
        }
    }
}

/// What stands for nobody in the sums, whose keys have no nulls.
fn nobody(dialect: Dialect) -> &'static str {
    if dialect.is_postgres() { "'00000000-0000-0000-0000-000000000000'::uuid" } else { "zeroblob(16)" }
}

/// By what sums are told apart, in their columns.
fn place(dialect: Dialect, by: By) -> String {
    match by {
        By::Nothing => "NULL".to_owned(),
        By::Channel => "NULLIF(channel, '')".to_owned(),
        By::Owner => format!("NULLIF(owner, {})", nobody(dialect)),
        By::Step => format!("NULLIF(step, {})", nobody(dialect)),
    }
}

/// The numbers of the rows of a range of time, for each place, status and currency.
pub async fn read<K: TryGetable>(
    db: &impl ConnectionTrait,
    what: Summed,
    range: Range,
    by: By,
    only: Option<Only>,
) -> Result<Vec<Sum<K>>> {
    let dialect = Dialect(db.get_database_backend());
    let table = what.table();
    let cut = if what == Summed::Leads && !dialect.is_postgres() { Cut::rows(range) } else { Cut::of(range) };
    let mut values: Vec<Value> = only.map(Only::value).into_iter().collect();
    let mut arms = Vec::new();
    let columns = format!("{} AS place, status, detail, {}", place(dialect, by), NUMBERS.join(", "));
    let condition = only.map(|only| only.condition("owner", "step")).unwrap_or_default();
    let mut value = |value: Value| {
        values.push(value);
        values.len()
    };
    for Part { span, from, to } in cut.parts {
        let (span, from, to) = (value(span.into()), value(from.into()), value(to.into()));
        arms.push(format!(
            "SELECT {columns} FROM time_sums
             WHERE what = '{}' AND span = ${span} AND at >= ${from} AND at < ${to} {condition}",
            table.name
        ));
    }
    if let Some((from, to)) = cut.noted {
        let (from, to) = (value(from.into()), value(to.into()));
        arms.push(format!(
            "SELECT {columns} FROM time_notes WHERE what = '{}' AND at >= ${from} AND at < ${to} {condition}",
            table.name
        ));
    }
    let condition = only.map(|only| only.condition(table.owner, table.step)).unwrap_or_default();
    for Range { from, to } in cut.rows {
        let (from, to) = (value(from.into()), value(to.into()));
        arms.push(table.rows(by, &condition, from, to));
    }
    let sql = format!(
        "WITH d(place, status, detail, {}) AS ({})
         SELECT place, status, detail, {} FROM d GROUP BY place, status, detail HAVING SUM(n) <> 0",
        NUMBERS.join(", "),
        arms.join(" UNION ALL "),
        summed()
    );
    let found = db.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(sum).collect()
}

/// How many contacts some campaigns have come to, by channel.
pub async fn contacts_of(db: &impl ConnectionTrait, campaigns: &[Uuid]) -> Result<Vec<(Uuid, String, i64)>> {
    let dialect = Dialect(db.get_database_backend());
    let what = Summed::Contacts.name();
    let condition = format!("what = '{what}' AND owner IN ({})", listed(dialect));
    // The longest spans have all that is not noted.
    let sql = format!(
        "SELECT owner, channel, CAST(SUM(n) AS bigint) AS n FROM (
             SELECT owner, channel, n FROM time_sums WHERE span = {LONGEST} AND {condition}
             UNION ALL SELECT owner, channel, n FROM time_notes WHERE {condition}) AS d
         GROUP BY owner, channel HAVING SUM(n) <> 0"
    );
    let found = db.query_all_raw(dialect.statement(&sql, [list(campaigns)])).await?;
    let each = |row: &QueryResult| Ok((row.try_get("", "owner")?, row.try_get("", "channel")?, row.try_get("", "n")?));
    found.iter().map(each).collect()
}

/// The sums of the numbers, of the types that they have.
fn summed() -> String {
    NUMBERS.map(|number| format!("CAST(SUM({number}) AS bigint) AS {number}")).join(", ")
}

fn sum<K: TryGetable>(row: &QueryResult) -> Result<Sum<K>> {
    Ok(Sum {
        place: row.try_get("", "place")?,
        status: row.try_get("", "status")?,
        detail: row.try_get("", "detail")?,
        n: row.try_get("", "n")?,
        opened: row.try_get("", "opened")?,
        clicked: row.try_get("", "clicked")?,
        replied: row.try_get("", "replied")?,
        timed: row.try_get("", "timed")?,
        seconds: row.try_get("", "seconds")?,
        paid: row.try_get("", "paid")?,
        micros: row.try_get("", "micros")?,
    })
}

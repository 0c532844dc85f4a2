//! How many rows of large tables there are of each kind, without counting them: PostgreSQL keeps it, see the migration `tallies`.
//! On SQLite they are counted.

use sea_orm::{ActiveEnum, ConnectionTrait, EntityTrait, FromQueryResult, Select, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::page::{self, Length};
use crate::sql::{Dialect, rows};
use crate::{Db, letters};
use domain::error::Result;

/// Notes that are added up in one statement at most.
const TOGETHER: i64 = 100_000;
/// Notes that may stand beside the sums.
const BESIDE: i64 = 2_000;

/// A table whose rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// By status and source.
    Leads,
    /// Of a retention campaign, by channel, status and currency.
    Contacts,
    /// The leads of a retention campaign, by status.
    Members,
    /// Of a step, by status.
    Executions,
    /// By folded category, by whether they are active (`yes` or `no`), and by category.
    Channels,
}

/// Rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Tally {
    /// Whose they are; None if they are nobody's.
    pub owner: Option<Uuid>,
    /// What tells them apart, as [`Kept`] says; empty where nothing does.
    pub one: String,
    /// The second of them.
    pub other: String,
    /// The third of them.
    pub third: String,
    /// How many there are.
    pub n: i64,
    /// How many of them have a length.
    pub timed: i64,
    /// The sum of these lengths, in seconds.
    pub seconds: i64,
    /// How many of them have a price.
    pub paid: i64,
    /// The sum of these prices, in millionths.
    pub micros: i64,
}

#[derive(Serialize)]
struct Owner {
    id: Uuid,
}

impl Kept {
    /// The table of the rows.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Contacts => "contact_attempts",
            Self::Members => "campaign_leads",
            Self::Executions => "sequence_step_executions",
            Self::Channels => "channels",
        }
    }

    /// The rows by their kinds, of `owners` or of all; None where the database does not keep them.
    pub async fn tallies(self, db: &impl ConnectionTrait, owners: Option<&[Uuid]>) -> Result<Option<Vec<Tally>>> {
        let dialect = Dialect(db.get_database_backend());
        if !dialect.is_postgres() {
            return Ok(None);
        }
        let of_owners =
            owners.map(|_| format!("AND owner IN (SELECT r.id FROM {})", dialect.table("$2", &[("id", "uuid")])));
        let sums =
            ["n", "timed", "seconds", "paid", "micros"].map(|sum| format!("CAST(SUM({sum}) AS bigint) AS {sum}"));
        let sql = format!(
            "SELECT owner, one, other, third, {} FROM tallies WHERE what = $1 {}
             GROUP BY owner, one, other, third HAVING SUM(n) <> 0",
            sums.join(", "),
            of_owners.unwrap_or_default(),
        );
        let owners = owners.map(|ids| rows(&ids.iter().map(|id| Owner { id: *id }).collect::<Vec<_>>()));
        let values = [Value::from(self.table())].into_iter().chain(owners);
        Ok(Some(Tally::find_by_statement(dialect.statement(&sql, values)).all(db).await?))
    }
}

/// The word that a text is.
///
/// # Errors
/// It is none: a defect.
pub fn word<W: ActiveEnum<Value = String>>(text: &str) -> Result<W> {
    Ok(W::try_from_value(&text.to_owned())?)
}

/// How many rows these are, of those that `holds`.
pub fn sum(tallies: &[Tally], holds: impl Fn(&Tally) -> bool) -> u64 {
    let n = tallies.iter().filter(|tally| holds(tally)).map(|tally| tally.n).sum::<i64>();
    u64::try_from(n).unwrap_or_default()
}

/// Sorts what is new into the indexes of searches, where there are any: until then each search reads it.
pub async fn sort_in(db: &Db) -> Result<()> {
    if !db.is_postgres() {
        return letters::sort_in(db, letters::BEHIND).await;
    }
    let sql = "SELECT gin_clean_pending_list(s.i) FROM
               (VALUES (to_regclass('leads_search')), (to_regclass('channels_search'))) AS s(i) WHERE s.i IS NOT NULL";
    db.write_alone(Dialect(db.backend()).statement(sql, [])).await.map(drop)
}

/// Adds up what statements have noted, if it is much. Several processes may do it at once: each takes what the others have not.
pub async fn add_up(db: &Db) -> Result<()> {
    if !db.is_postgres() {
        return Ok(());
    }
    let dialect = Dialect(db.backend());
    let beside = "SELECT COUNT(*) - COUNT(DISTINCT (what, owner, one, other, third)) AS beside FROM tallies";
    let row = db.reader().query_one_raw(dialect.statement(beside, [])).await?;
    let beside: i64 = row.map(|row| row.try_get("", "beside")).transpose()?.unwrap_or_default();
    if beside < BESIDE {
        return Ok(());
    }
    let sums = ["n", "timed", "seconds", "paid", "micros"];
    let sql = format!(
        "WITH taken AS (DELETE FROM tallies WHERE ctid IN (SELECT ctid FROM tallies LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING *)
         INSERT INTO tallies (what, owner, one, other, third, {})
         SELECT what, owner, one, other, third, {} FROM taken GROUP BY what, owner, one, other, third HAVING {}
         RETURNING what",
        sums.join(", "),
        sums.map(|sum| format!("SUM({sum})")).join(", "),
        sums.map(|sum| format!("SUM({sum}) <> 0")).join(" OR "),
    );
    db.write_alone(dialect.statement(&sql, [TOGETHER.into()])).await.map(drop)
}

/// How many rows `select` finds that no tally tells. SQLite keeps none, and there all are counted.
pub async fn count_instead<E>(db: &impl ConnectionTrait, select: Select<E>) -> Result<Length>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Sized + Send + Sync,
{
    if Dialect(db.get_database_backend()).is_postgres() {
        page::count(db, select).await
    } else {
        Ok(Length::exactly(page::count_all(db, select).await?))
    }
}

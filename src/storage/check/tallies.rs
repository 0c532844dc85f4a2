//! Tallies, which triggers of PostgreSQL keep: see the migration `tallies`.

use sea_orm::ConnectionTrait;

use crate::Tx;
use crate::sql::Dialect;
use crate::tallies::Kept;
use domain::error::Result;

/// All of them.
pub const ALL: [Kept; 5] = [Kept::Leads, Kept::Contacts, Kept::Members, Kept::Executions, Kept::Channels];

const KEYS: &str = "owner, one, other, third";
const NUMBERS: [&str; 5] = ["n", "timed", "seconds", "paid", "micros"];

/// Owner, what tells rows apart, their length and their price, in columns of the table.
const fn columns(what: Kept) -> [&'static str; 6] {
    match what {
        Kept::Leads => ["CAST(NULL AS uuid)", "status", "source", "''", "NULL", "NULL"],
        Kept::Contacts => ["campaign_id", "channel", "status", "COALESCE(currency, '')", "duration", "cost_micros"],
        Kept::Members => ["campaign_id", "status", "''", "''", "NULL", "NULL"],
        Kept::Executions => ["step_id", "status", "''", "''", "NULL", "NULL"],
        Kept::Channels => [
            "CAST(NULL AS uuid)",
            "category_fold",
            "CASE WHEN is_active THEN 'yes' ELSE 'no' END",
            "category",
            "NULL",
            "NULL",
        ],
    }
}

/// By how much the tallies are less than what there is, for each kind of rows of which they are not the same.
fn missing(what: Kept) -> String {
    let [owner, one, other, third, seconds, micros] = columns(what);
    let table = what.table();
    format!(
        "SELECT {KEYS}, {sums} FROM (
             SELECT {owner} AS owner, ({one}) COLLATE \"C\" AS one, ({other}) COLLATE \"C\" AS other,
                 ({third}) COLLATE \"C\" AS third, 1::bigint AS n,
                 ({seconds} IS NOT NULL)::int AS timed, COALESCE({seconds}, 0)::bigint AS seconds,
                 ({micros} IS NOT NULL)::int AS paid, COALESCE({micros}, 0)::bigint AS micros
             FROM {table}
             UNION ALL SELECT {KEYS}, {less} FROM tallies WHERE what = '{table}') AS d
         GROUP BY {KEYS} HAVING {differs}",
        sums = NUMBERS.map(|number| format!("SUM({number}) AS {number}")).join(", "),
        less = NUMBERS.map(|number| format!("-{number}")).join(", "),
        differs = NUMBERS.map(|number| format!("SUM({number}) <> 0")).join(" OR "),
    )
}

/// Of how many kinds of rows the tally is wrong. `SQLite` has none.
pub async fn wrong(db: &impl ConnectionTrait, what: Kept) -> Result<i64> {
    let dialect = Dialect(db.get_database_backend());
    if !dialect.is_postgres() {
        return Ok(0);
    }
    let sql = format!("SELECT COUNT(*) AS n FROM ({}) AS wrong", missing(what));
    let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Notes what the tallies lack: one statement, which sees one state of rows and notes, whatever others add to both meanwhile.
pub async fn mend(tx: &Tx, what: Kept) -> Result<()> {
    let sql = format!(
        "INSERT INTO tallies (what, {KEYS}, {}) SELECT '{}', d.* FROM ({}) AS d",
        NUMBERS.join(", "),
        what.table(),
        missing(what)
    );
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, [])).await?;
    Ok(())
}

//! Statements that sea-orm can't say, written once for both databases.
//!
//! Both understand `$1`, `ON CONFLICT`, `UPDATE .. FROM` and `RETURNING`. Where they differ, [`Dialect`] has the words.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::sea_query::{Expr, Func, LikeExpr, Query, SelectStatement};
use sea_orm::{DatabaseBackend, Statement, Value};
use serde::Serialize;
use uuid::Uuid;

/// By how much a process' clock may be ahead of the database's when it claims: as much as is made good gradually.
const AHEAD_AT_MOST: Duration = Duration::from_millis(100);
/// By how much it may be behind, beside what its claim allows for: the statement was under way for a part of that. What has jumped forward by less harms no rate: who
/// goes by the earlier time finds the slots of the others beyond the horizon.
const BEHIND_AT_MOST: Duration = Duration::from_millis(600);

/// The words in which the two databases differ.
#[derive(Debug, Clone, Copy)]
pub struct Dialect(pub DatabaseBackend);

impl Dialect {
    /// A statement of `sql` and its `values`.
    pub fn statement(self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.0, sql, values)
    }

    /// Many rows in one parameter: the JSON array of objects `parameter` as a table. `columns` are names and types, in
    /// PostgreSQL's words; [`rows`] makes the parameter's value.
    pub fn table(self, parameter: &str, columns: &[(&str, &str)]) -> String {
        if self.is_postgres() {
            let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            return format!("json_to_recordset({parameter}::json) AS r({})", columns.join(", "));
        }
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, kind)| match *kind {
                // sqlx writes ids to SQLite as blobs.
                "uuid" => format!("unhex(replace(json_extract(value, '$.{name}'), '-', '')) AS {name}"),
                _ => format!("json_extract(value, '$.{name}') AS {name}"),
            })
            .collect();
        // The limit, which is none, keeps SQLite from merging this select into the statement: merged, it reads the array anew
        // for every row of the other table (500 rows: 186 ms instead of 2).
        format!("(SELECT {} FROM json_each({parameter}) LIMIT -1) AS r", columns.join(", "))
    }

    /// Many ids in one parameter, as a table with the column `id`.
    pub fn ids(self, ids: &[Uuid]) -> SelectStatement {
        let list = Value::from(serde_json::to_string(ids).expect("ids are plain data"));
        let (table, id, list) = if self.is_postgres() {
            ("json_array_elements_text", "value::uuid", Expr::cust_with_values("$1::json", [list]))
        } else {
            // sqlx writes ids to SQLite as blobs.
            ("json_each", "unhex(replace(value, '-', ''))", Expr::val(list))
        };
        Query::select().expr_as(Expr::cust(id), "id").from_function(Func::cust(table).arg(list), "list").take()
    }

    /// The greater of two numbers.
    pub fn greatest(self, a: &str, b: &str) -> String {
        if self.is_postgres() { format!("GREATEST({a}, {b})") } else { format!("MAX({a}, {b})") }
    }

    /// The lesser of two numbers.
    pub fn least(self, a: &str, b: &str) -> String {
        if self.is_postgres() { format!("LEAST({a}, {b})") } else { format!("MIN({a}, {b})") }
    }

    /// Locks what a select finds, and passes over what others have locked. SQLite has one writer at a time and no row locks.
    pub fn skip_locked(self, of: &str) -> String {
        if self.is_postgres() { format!("FOR UPDATE OF {of} SKIP LOCKED") } else { String::new() }
    }

    /// Locks the rows of one table that a select finds.
    pub fn for_update_of(self, of: &str) -> String {
        if self.is_postgres() { format!("FOR UPDATE OF {of}") } else { String::new() }
    }

    /// Locks what a select finds.
    pub fn for_update(self) -> &'static str {
        if self.is_postgres() { "FOR UPDATE" } else { "" }
    }

    /// Keeps what a select finds from being locked for update, and nothing else.
    pub fn for_key_share(self) -> &'static str {
        if self.is_postgres() { "FOR KEY SHARE" } else { "" }
    }

    /// A column of the table that an `UPDATE .. FROM` changes, in its `RETURNING`: PostgreSQL sees the other tables there too,
    /// SQLite does not know the alias.
    pub fn returned(self, alias: &str, column: &str) -> String {
        if self.is_postgres() { format!("{alias}.{column} AS {column}") } else { column.to_owned() }
    }

    /// A number as eight hexadecimal digits.
    pub fn hex8(self, number: &str) -> String {
        if self.is_postgres() { format!("lpad(to_hex({number}), 8, '0')") } else { format!("printf('%08x', {number})") }
    }

    /// An id of 32 hexadecimal digits.
    pub fn uuid_of_hex(self, hex: &str) -> String {
        if self.is_postgres() { format!("({hex})::uuid") } else { format!("unhex({hex})") }
    }

    /// A new id, for rows that a statement makes by itself. It does not sort by time.
    pub fn random_uuid(self) -> &'static str {
        if self.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" }
    }

    /// Whether the process' time `now` is the database's, of a statement that belongs to a claim which began then and is over at
    /// `ready`: it may have been under way for as long. All are in nanoseconds since 1970. One whose clock disagrees must take no slot:
    /// others take theirs by another time (R19).
    pub fn agrees(now: &str, ready: &str) -> String {
        let there = "(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::bigint * 1000";
        let (ahead, behind) = (AHEAD_AT_MOST.as_nanos(), BEHIND_AT_MOST.as_nanos());
        format!("({there} BETWEEN {now} - {ahead} AND {ready} + {behind})")
    }

    /// Whether these are PostgreSQL's.
    pub fn is_postgres(self) -> bool {
        self.0 == DatabaseBackend::Postgres
    }
}

/// The value of a parameter that [`Dialect::table`] reads.
pub fn rows<T: Serialize>(rows: &[T]) -> Value {
    serde_json::to_string(rows).expect("rows are plain data").into()
}

/// A pattern for `LIKE` that finds `part` anywhere, taken to the letter: `_` is common in usernames.
pub fn contains(part: &str) -> LikeExpr {
    let escaped = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}

/// An instant as both databases read it from JSON, and as sqlx writes it to SQLite: it sorts as text.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

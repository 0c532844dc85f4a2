//! Statements that take long: which, how often, and how long. Their values are left out.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Statement};

use super::connection::Ask;
use domain::error::Result;
use domain::meters;

/// What is slow.
const SLOW: Duration = Duration::from_secs(1);
/// Statements that are remembered; of more, those go that were slow the longest time ago.
const MOST: usize = 50;
/// Characters of a statement that are told.
const TOLD: usize = 400;

/// A statement that is slow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    /// The beginning of its text, without values.
    pub text: String,
    /// How often it was slow; None of one that runs now.
    pub times: Option<u32>,
    /// How long it took at most, or runs already.
    pub longest: Duration,
}

#[derive(Debug, Default)]
struct Memory {
    /// Rises with each that is noted.
    clock: u64,
    statements: HashMap<String, (u64, u32, Duration)>,
}

static MEMORY: LazyLock<Mutex<Memory>> = LazyLock::new(Mutex::default);

/// Notes how long a statement took, if that was long.
pub(super) fn note(ask: Ask<'_>, took: Duration) {
    if took < SLOW {
        return;
    }
    meters::slow_statement();
    let text = shape(match ask {
        Ask::Execute(statement) | Ask::One(statement) | Ask::All(statement) => &statement.sql,
        Ask::Unprepared(text) | Ask::Batch(text) => text,
    });
    tracing::warn!(took_ms = took.as_millis(), statement = text, "a statement was slow");
    let memory = &mut *MEMORY.lock();
    memory.clock += 1;
    let known = memory.statements.entry(text).or_default();
    *known = (memory.clock, known.1.saturating_add(1), known.2.max(took));
    if memory.statements.len() > MOST {
        let oldest = memory.statements.iter().min_by_key(|(_, (at, ..))| *at).map(|(text, _)| text.clone());
        if let Some(oldest) = oldest {
            memory.statements.remove(&oldest);
        }
    }
}

/// The statements of this process that were slow, the latest first.
pub fn remembered() -> Vec<Slow> {
    let memory = MEMORY.lock();
    let mut all: Vec<_> = memory.statements.iter().collect();
    all.sort_by_key(|(_, (at, ..))| std::cmp::Reverse(*at));
    let told = |(text, (_, times, longest)): (&String, &(u64, u32, Duration))| Slow {
        text: text.clone(),
        times: Some(*times),
        longest: *longest,
    };
    all.into_iter().map(told).collect()
}

/// The statements of all processes that have been running for long, the longest first. `SQLite` has no others than this process', and
/// does not tell.
///
/// # Errors
/// The database is away.
pub async fn running(db: &impl ConnectionTrait) -> Result<Vec<Slow>> {
    if db.get_database_backend() != sea_orm::DatabaseBackend::Postgres {
        return Ok(Vec::new());
    }
    let sql = "SELECT query, CAST(EXTRACT(EPOCH FROM clock_timestamp() - query_start) * 1000 AS bigint) AS ms FROM pg_stat_activity
               WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
                 AND clock_timestamp() - query_start > INTERVAL '1 second' ORDER BY query_start LIMIT 50";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let told = rows.iter().map(|row| {
        let ms: i64 = row.try_get("", "ms")?;
        let longest = Duration::from_millis(ms.max(0).unsigned_abs());
        Ok(Slow { text: shape(&row.try_get::<String>("", "query")?), times: None, longest })
    });
    told.collect()
}

/// A statement without its values, in one line.
fn shape(sql: &str) -> String {
    let mut told = String::new();
    let mut signs = sql.chars().peekable();
    // Of the last sign: a digit after one of these belongs to a name or to a parameter.
    let mut is_name = false;
    while let Some(sign) = signs.next() {
        if told.len() >= TOLD {
            told.push('…');
            break;
        }
        match sign {
            '\'' => {
                // A doubled quote is a part of it; in E'..', as texts with their values have it behind a pooler, so is a quote behind a
                // backslash.
                let before = told.strip_suffix(['E', 'e']);
                let is_escaped =
                    before.is_some_and(|before| !before.ends_with(|last: char| last.is_alphanumeric() || last == '_'));
                while let Some(inner) = signs.next() {
                    if inner == '\\' && is_escaped {
                        signs.next();
                    } else if inner == '\'' && signs.next_if_eq(&'\'').is_none() {
                        break;
                    }
                }
                told.push('?');
            }
            '0'..='9' if !is_name => {
                while signs.next_if(|next| next.is_ascii_digit() || *next == '.').is_some() {}
                told.push('?');
            }
            space if space.is_whitespace() => {
                if !told.ends_with(' ') {
                    told.push(' ');
                }
            }
            other => told.push(other),
        }
        is_name = sign.is_alphanumeric() && (is_name || !sign.is_ascii_digit()) || sign == '_' || sign == '$';
    }
    told.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_without_its_values() {
        for (sql, told) in [
            ("SELECT 1", "SELECT ?"),
            ("SELECT a2,  $1\n FROM t_3 WHERE x = 42 LIMIT 10", "SELECT a2, $1 FROM t_3 WHERE x = ? LIMIT ?"),
            ("UPDATE l SET email = 'o''hara@x.example', n = -1.5", "UPDATE l SET email = ?, n = -?"),
            ("SELECT 'Anna' || 'Boris'", "SELECT ? || ?"),
            (r"SELECT E'O\'Anna, \\', E'it''s \'Boris', 'C:\', 'Cleo'", "SELECT E?, E?, ?, ?"),
            (r"SELECT name'Anna'", "SELECT name?"),
        ] {
            assert_eq!(shape(sql), told);
        }
        assert!(shape(&"x ".repeat(1_000)).len() < TOLD + 8);
    }

    #[test]
    fn only_what_takes_long_is_remembered_and_counted() {
        note(Ask::Unprepared("SELECT quick"), Duration::from_millis(900));
        note(Ask::Unprepared("SELECT slow FROM a WHERE b = 'c'"), Duration::from_secs(2));
        note(Ask::Unprepared("SELECT slow FROM a WHERE b = 'd'"), Duration::from_secs(1));
        let found: Vec<Slow> = remembered().into_iter().filter(|slow| slow.text.starts_with("SELECT slow")).collect();
        let known =
            Slow { text: "SELECT slow FROM a WHERE b = ?".into(), times: Some(2), longest: Duration::from_secs(2) };
        assert_eq!(found, [known]);
        for n in 0..100 {
            note(Ask::Unprepared(&format!("SELECT many{n}a")), SLOW);
        }
        assert_eq!(remembered().len(), MOST);
    }
}

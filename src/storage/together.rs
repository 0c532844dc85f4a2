//! Several statements that change different tables, as one trip to the database.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Values};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;

/// Runs `first` and the others, and returns the rows of the first. They must not change the same rows, nor need what another of them
/// has changed: on PostgreSQL they are one statement, of which each part sees the tables as they were before. `first` may refer to rows
/// that the others make: elsewhere it runs last.
pub async fn together(tx: &Tx, first: Option<Statement>, others: Vec<Statement>) -> Result<Vec<QueryResult>> {
    let Some(first) = first else {
        return match others.split_first() {
            Some((one, others)) => Box::pin(together(tx, Some(one.clone()), others.to_vec())).await,
            None => Ok(Vec::new()),
        };
    };
    if others.is_empty() || !Dialect(tx.get_database_backend()).is_postgres() {
        for other in others {
            tx.execute_raw(other).await?;
        }
        return Ok(tx.query_all_raw(first).await?);
    }
    Ok(tx.query_all_raw(one(first, others)).await?)
}

/// The statements as the parts of one that selects what the first returns.
fn one(first: Statement, others: Vec<Statement>) -> Statement {
    let (backend, returns) = (first.db_backend, first.sql.contains(" RETURNING "));
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for (number, statement) in std::iter::once(first).chain(others).enumerate() {
        parts.push(format!("p{number} AS ({})", moved(&statement.sql, values.len())));
        values.extend(statement.values.map_or_else(Vec::new, |Values(values)| values));
    }
    let select = if returns { "SELECT * FROM p0" } else { "SELECT 1 AS one WHERE FALSE" };
    let sql = format!("WITH {} {select}", parts.join(", "));
    Statement { sql, values: Some(Values(values)), db_backend: backend }
}

/// The text with all its places by so many further on.
fn moved(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
        let (place, rest) = piece.split_at(digits);
        text.push('$');
        match place.parse::<usize>() {
            Ok(place) => text.push_str(&(place + by).to_string()),
            Err(_) => text.push_str(place),
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use sea_orm::{DatabaseBackend, Value};

    use super::*;

    #[test]
    fn each_part_finds_its_values() {
        let statement =
            |sql: &str, values: Vec<Value>| Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, values);
        let first = statement("UPDATE a SET b = $1 WHERE c = $2 RETURNING c", vec![1.into(), 2.into()]);
        let other = statement("INSERT INTO d SELECT $1, $12 FROM e", vec![3.into()]);
        let one = one(first, vec![other]);
        assert_eq!(
            one.sql,
            "WITH p0 AS (UPDATE a SET b = $1 WHERE c = $2 RETURNING c), \
             p1 AS (INSERT INTO d SELECT $3, $14 FROM e) SELECT * FROM p0"
        );
        assert_eq!(one.values, Some(Values(vec![1.into(), 2.into(), 3.into()])));
    }
}

//! The first statement of a transaction on PostgreSQL goes with its BEGIN: a trip to the database less for each transaction.
//!
//! sqlx has no way to send two things at once but as one text without parameters. So the values stand in that text, each with the
//! type that it would have as a parameter. What could be read in two ways is not written so, and goes after a BEGIN of its own.

use chrono::SecondsFormat;
use sea_orm::{Statement, Value};

/// The longest text that is made; longer statements are few, and cheaper with parameters.
const LONGEST: usize = 8 * 1024;

/// The statement with its values in its text; None if it is to be sent with parameters.
pub(super) fn in_one(statement: &Statement) -> Option<String> {
    let values = statement.values.as_ref().map_or(&[][..], |values| &values.0);
    let mut text = String::with_capacity(statement.sql.len() + 40 * values.len());
    let mut quote = None;
    let mut rest = statement.sql.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, quote) {
            // An escape, a comment, a second statement.
            ('\\', _) | (';', None) => return None,
            ('-' | '/', None) if matches!((letter, rest.peek()), ('-', Some('-')) | ('/', Some('*'))) => return None,
            ('$', None) => {
                let mut place = 0_usize;
                while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                    place = place.checked_mul(10)?.checked_add(usize::try_from(digit).ok()?)?;
                    rest.next();
                }
                text.push_str(&literal(values.get(place.checked_sub(1)?)?)?);
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            // One that is doubled ends and begins.
            ('\'' | '"', Some(open)) if open == letter => quote = None,
            _ => {}
        }
        text.push(letter);
        if text.len() > LONGEST {
            return None;
        }
    }
    (quote.is_none() && text.len() <= LONGEST).then_some(text)
}

/// A value as sqlx would give it, with its type; None if it is of a rare one, or has what a text may not have.
fn literal(value: &Value) -> Option<String> {
    let (kind, text) = match value {
        Value::Bool(value) => ("boolean", value.map(|value| value.to_string())),
        Value::SmallInt(value) => ("smallint", value.map(|value| value.to_string())),
        Value::Int(value) => ("integer", value.map(|value| value.to_string())),
        Value::BigInt(value) => ("bigint", value.map(|value| value.to_string())),
        Value::String(value) => ("text", value.as_ref().map(ToString::to_string)),
        Value::Uuid(value) => ("uuid", value.as_ref().map(ToString::to_string)),
        // What is finer than a microsecond falls away, as it does in a parameter.
        Value::ChronoDateTimeUtc(value) => {
            let text = value.as_ref().map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
            if text.as_ref().is_some_and(|text| text.len() != "2026-03-01T12:00:00.000000Z".len()) {
                return None;
            }
            ("timestamptz", text)
        }
        _ => return None,
    };
    let Some(text) = text else { return Some(format!("NULL::{kind}")) };
    if text.len() > LONGEST || text.contains(['\\', '\0']) {
        return None;
    }
    Some(format!("'{}'::{kind}", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use sea_orm::DatabaseBackend;
    use uuid::Uuid;

    use super::*;

    fn text(sql: &str, values: impl IntoIterator<Item = Value>) -> Option<String> {
        in_one(&Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, values))
    }

    #[test]
    fn values_stand_in_the_text_with_their_types() {
        let at = "2026-03-01T12:00:00.123456789Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let values: [Value; 6] =
            [Uuid::nil().into(), (-7_i64).into(), true.into(), at.into(), Option::<String>::None.into(), 3_i32.into()];
        assert_eq!(
            text("SELECT $2 - $6 FROM a WHERE b = $1 AND c = $3 AND d <= $4 AND e = $5 AND f = $2", values).unwrap(),
            "SELECT '-7'::bigint - '3'::integer FROM a WHERE b = '00000000-0000-0000-0000-000000000000'::uuid AND \
             c = 'true'::boolean AND d <= '2026-03-01T12:00:00.123456Z'::timestamptz AND e = NULL::text AND f = '-7'::bigint"
        );
        assert_eq!(text("SELECT 1", []).as_deref(), Some("SELECT 1"));
    }

    #[test]
    fn no_value_gets_out_of_its_quotes_and_no_text_is_taken_for_a_place() {
        let evil = "'); DROP TABLE users; --";
        assert_eq!(text("SELECT $1", [evil.into()]).unwrap(), "SELECT '''); DROP TABLE users; --'::text");
        assert_eq!(text("SELECT $1, $2", ["$2".into(), "'$1'".into()]).unwrap(), "SELECT '$2'::text, '''$1'''::text");
        assert_eq!(
            text("SELECT '$1', \"$1\", 'it''s $1', $1", [1.into()]).unwrap(),
            "SELECT '$1', \"$1\", 'it''s $1', '1'::integer"
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_goes_with_parameters() {
        for (sql, value) in [
            ("SELECT $1", Value::from("a\\b")),
            ("SELECT $1", "a\0b".into()),
            ("SELECT $1", "x".repeat(10_000).into()),
            ("SELECT $1", 1.5_f64.into()),
            ("SELECT $1 -- '", 1.into()),
            ("SELECT $1 /* ' */", 1.into()),
            ("SELECT $1; SELECT 2", 1.into()),
            ("SELECT E'\\'', $1", 1.into()),
            ("SELECT $$ $1 $$", 1.into()),
            ("SELECT $2", 1.into()),
            ("SELECT '$1", 1.into()),
        ] {
            assert_eq!(text(sql, [value]), None, "{sql}");
        }
        assert!(text("SELECT 5 - 3 / 2 - $1", [1.into()]).is_some());
    }
}

//! The custom scalars: instants, large numbers, and what has no fixed shape.

use async_graphql::{InputValueError, InputValueResult, Pos, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use domain::money::Micros;

/// An instant: RFC 3339 in UTC with milliseconds, such as `2026-11-22T18:30:00.000Z`. Other offsets are understood in
/// inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant: RFC 3339 in UTC with milliseconds, such as `2026-11-22T18:30:00.000Z`. Other offsets are understood in
/// inputs.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let parsed = chrono::DateTime::parse_from_rfc3339(text);
        let at = parsed.map_err(|_| "an instant is written as in 2026-11-22T18:30:00.000Z (RFC 3339)")?;
        let at = chrono::SubsecRound::trunc_subsecs(at.to_utc(), 3);
        // A leap second is the second after it: databases know of none.
        let leap = chrono::Timelike::nanosecond(&at).checked_sub(1_000_000_000);
        let whole = |nanos| chrono::DateTime::from_timestamp(at.timestamp() + 1, nanos);
        Ok(Self(leap.and_then(whole).unwrap_or(at)))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl From<DateTime> for chrono::DateTime<Utc> {
    fn from(at: DateTime) -> Self {
        at.0
    }
}

/// A whole number of up to 64 bits, written as a string: JavaScript's numbers end at 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BigInt(pub i64);

/// A whole number of up to 64 bits, written as a string: JavaScript's numbers end at 2^53.
#[Scalar(name = "BigInt", specified_by_url = "https://www.rfc-editor.org/rfc/rfc7493#section-2.2")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        Ok(Self(number.ok_or("a whole number between -2^63 and 2^63 is wanted")?))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

/// A JSON value whose shape depends on the case; the field says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(pub serde_json::Value);

/// A JSON value whose shape depends on the case; the field says which.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// An exact decimal number with at most six digits after the point, written as a string such as `"12.50"`: money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub Micros);

/// An exact decimal number with at most six digits after the point, written as a string such as `"12.50"`: money.
#[Scalar(name = "Decimal", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        Ok(Self(text.parse::<Micros>()?))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Micros> for Decimal {
    fn from(amount: Micros) -> Self {
        Self(amount)
    }
}

/// Whether a value can be read as the custom scalar of this name, and else what is wrong with it.
pub(super) fn check(name: &str, value: Value) -> Result<(), String> {
    match name {
        "DateTime" => told::<DateTime>(value),
        "BigInt" => told::<BigInt>(value),
        "Decimal" => told::<Decimal>(value),
        "JSON" => told::<Json>(value),
        _ => Err(format!("there is no scalar {name}")),
    }
}

/// Whether the value can be read; the message without the name of the type that the library puts before it.
fn told<T: async_graphql::InputType>(value: Value) -> Result<(), String> {
    let Err(error) = T::parse(Some(value)) else { return Ok(()) };
    let message = error.into_server_error(Pos::default()).message;
    let named = format!("Failed to parse \"{}\": ", T::type_name());
    Err(message.strip_prefix(&named).map(ToOwned::to_owned).unwrap_or(message))
}

/// A count as GraphQL's integers can hold it.
pub fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_milliseconds() {
        let parse = |text: &str| DateTime::parse(Value::from(text)).map(|at| at.to_value());
        let utc = Value::from("2026-11-22T18:30:00.120Z");
        assert_eq!(parse("2026-11-22T18:30:00.120Z").unwrap(), utc);
        assert_eq!(parse("2026-11-22T21:30:00.120999+03:00").unwrap(), utc);
        let leap = parse("2026-12-31T23:59:60.5Z").unwrap();
        assert_eq!(leap, Value::from("2027-01-01T00:00:00.500Z"), "no database knows of a second more");
        assert!(parse("2026-11-22").is_err() && parse("2026-11-22T18:30:00").is_err());
        assert!(DateTime::parse(Value::from(1)).is_err());
    }

    #[test]
    fn a_large_number_is_a_string() {
        let number = BigInt(9_007_199_254_740_993);
        assert_eq!(number.to_value(), Value::from("9007199254740993"));
        assert_eq!(BigInt::parse(number.to_value()).unwrap(), number);
        assert_eq!(BigInt::parse(Value::from(7)).unwrap(), BigInt(7));
        assert!(BigInt::parse(Value::from("7.5")).is_err());
    }

    #[test]
    fn each_scalar_of_the_schema_is_checked_before_anything_runs() {
        let sdl = crate::sdl();
        let scalars: Vec<_> = sdl.lines().filter_map(|line| line.strip_prefix("scalar ")?.split(' ').next()).collect();
        assert!(scalars.len() >= 4, "{scalars:?}");
        for scalar in scalars {
            let unknown =
                check(scalar, Value::from(f64::MIN_POSITIVE)).err().is_some_and(|told| told.contains("no scalar"));
            assert!(!unknown, "{scalar}");
        }
        assert_eq!(
            check("DateTime", Value::from("x")).unwrap_err(),
            "an instant is written as in 2026-11-22T18:30:00.000Z (RFC 3339)"
        );
    }

    #[test]
    fn money_is_exact() {
        let shown = |text: &str| Decimal::parse(Value::from(text)).map(|amount| amount.to_value());
        assert_eq!(shown("0.1").unwrap(), Value::from("0.1"));
        assert_eq!(shown("12.50").unwrap(), Value::from("12.5"));
        assert!(shown("0.0000001").is_err() && shown("1e3").is_err() && shown("").is_err());
    }
}

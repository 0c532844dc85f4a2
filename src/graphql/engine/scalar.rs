//! The custom scalars: instants, large numbers, and what has no fixed shape.

use async_graphql::{InputValueResult, Pos, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use domain::money::Micros;

/// What is said of what is none.
const INSTANT: &str = "an instant is written as in 2026-11-22T18:30:00.000Z (RFC 3339)";

/// The digits that a binary number holds of any that is written.
const DIGITS: usize = 15;

/// The digits of a number without the zeros at its ends.
fn digits(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

/// An instant: RFC 3339 in UTC with milliseconds, such as `2026-11-22T18:30:00.000Z`. Other offsets are understood in
/// inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant: RFC 3339 in UTC with milliseconds, such as `2026-11-22T18:30:00.000Z`. Other offsets are understood in
/// inputs.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(INSTANT.into()) };
        let at = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| INSTANT)?;
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
            _ => None,
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
            // What JSON and documents have is read as a binary number: it has no more digits that are surely those that were written.
            Value::Number(number) if number.is_f64() && digits(&number.to_string()) > DIGITS => {
                return Err("a number of more than 15 digits is written as a text, between quotation marks".into());
            }
            Value::Number(number) => number.to_string(),
            _ => String::new(),
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

    #[test]
    fn money_is_read_to_the_last_digit_or_not_at_all() {
        let read = |number: f64| Decimal::parse(Value::from(number)).map(|read| read.0.to_string());
        assert_eq!(read(0.1).unwrap(), "0.1");
        assert_eq!(read(1_234_567.891_234).unwrap(), "1234567.891234");
        // It was written as 123456789012.345678.
        assert!(read(123_456_789_012.345_68).is_err());
        assert_eq!(
            Decimal::parse(Value::from(9_007_199_254_740_i64)).unwrap().to_value(),
            Value::from("9007199254740")
        );
        let told = check("Decimal", Value::from(123_456_789_012.345_68)).unwrap_err();
        assert!(told.contains("quotation marks"), "{told}");
    }

    #[test]
    fn what_is_of_another_kind_is_told_in_the_scalars_own_words() {
        for name in ["DateTime", "BigInt", "Decimal"] {
            for wrong in
                [Value::from(true), Value::List(Vec::new()), Value::Object(async_graphql::indexmap::IndexMap::new())]
            {
                let told = check(name, wrong).unwrap_err();
                assert!(told.contains("wanted") || told.contains("is written as"), "{name}: {told}");
            }
        }
        assert!(check("DateTime", Value::from(1_767_225_600)).unwrap_err().contains("RFC 3339"));
    }
}

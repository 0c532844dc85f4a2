//! Money, exactly: whole millionths in the database, decimal numbers outside.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use rust_decimal::Decimal;

/// Digits after the point.
const SCALE: u32 = 6;

/// An amount in millionths of its currency, or of one where there is no currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl FromStr for Micros {
    type Err = &'static str;

    /// Reads a decimal number such as `-12.50`. Digits beyond the sixth after the point are refused unless they are zeros.
    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let wanted = "a decimal number such as 12.50 is wanted";
        // The library passes over underscores.
        let written = Some(written.trim()).filter(|written| !written.contains('_')).ok_or(wanted)?;
        let number = Decimal::from_str_exact(written).map_err(|_| wanted)?;
        let number = number.normalize();
        if number.scale() > SCALE {
            return Err("at most six digits may stand after the point");
        }
        let micros = number.checked_mul(Decimal::from(10_i64.pow(SCALE))).and_then(|micros| micros.try_into().ok());
        micros.map(Self).ok_or("the number is too large")
    }
}

impl Display for Micros {
    /// Without zeros at the end: `12.5`, `0`.
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Decimal::new(self.0, SCALE).normalize().fmt(f)
    }
}

/// A currency, as ISO 4217 writes it: three capitals.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn currency(written: &str) -> Result<String, String> {
    let code = written.trim().to_ascii_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    if is_code { Ok(code) } else { Err("must be a currency such as EUR".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_kept_to_the_last_digit() {
        for (written, micros, shown) in [
            ("0", 0, "0"),
            ("12.50", 12_500_000, "12.5"),
            ("-0.000001", -1, "-0.000001"),
            ("0.1000000000", 100_000, "0.1"),
            ("9223372036854.775807", i64::MAX, "9223372036854.775807"),
        ] {
            let read: Micros = written.parse().expect(written);
            assert_eq!((read.0, read.to_string().as_str()), (micros, shown), "{written}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for wrong in ["", "1,5", "1e3", "0.0000001", "9223372036854.775808", "NaN", "12.5 EUR", "1_000", "1_0.5"] {
            assert!(wrong.parse::<Micros>().is_err(), "{wrong}");
        }
        assert_eq!(currency(" eur ").as_deref(), Ok("EUR"));
        assert!(currency("EURO").is_err() && currency("€").is_err());
    }
}

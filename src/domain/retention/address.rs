//! How a lead is reached, in the one way in which it is stored: two spellings of one address are one lead.

use std::str::FromStr;

/// The longest address that mail servers take.
const EMAIL_LIMIT: usize = 254;

/// An email address in lower case.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn email(written: &str) -> Result<String, String> {
    let address = written.trim().to_lowercase();
    if address.len() > EMAIL_LIMIT {
        return Err(format!("must have at most {EMAIL_LIMIT} bytes"));
    }
    let domain = lettre::Address::from_str(&address).ok().map(|address| address.domain().to_owned());
    match domain {
        Some(domain) if domain.contains('.') && !domain.starts_with('[') => Ok(address),
        _ => Err("must be an email address such as ann@example.com".into()),
    }
}

/// A phone number in E.164, such as `+4915123456789`. It must begin with `+` or `00` and the country.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn phone(written: &str) -> Result<String, String> {
    let wrong = || "must be a phone number with its country, such as +49 151 23456789".to_owned();
    let written = written.trim();
    let international = match written.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => written.to_owned(),
    };
    let number = phonenumber::parse(None, &international).map_err(|_| wrong())?;
    let text = number.format().mode(phonenumber::Mode::E164).to_string();
    // E.164: a plus and at most 15 digits. No country has numbers of less than 7.
    if (8..=16).contains(&text.len()) { Ok(text) } else { Err(wrong()) }
}

/// The name of a time zone, as IANA spells it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn time_zone(written: &str) -> Result<String, String> {
    let zone = chrono_tz::Tz::from_str(written.trim());
    zone.map(|zone| zone.name().to_owned()).map_err(|_| "must be an IANA time zone such as Europe/Berlin".into())
}

/// A language, as BCP 47 tags it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn language(written: &str) -> Result<String, String> {
    let tag = written.trim();
    let is_tag = (2..=35).contains(&tag.len())
        && tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    if is_tag { Ok(tag.to_owned()) } else { Err("must be a language tag such as de or pt-BR".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        assert_eq!(email(" Ann.Smith+x@Example.COM ").as_deref(), Ok("ann.smith+x@example.com"));
        for spelling in ["+1 (415) 555-2671", "0014155552671", "+1-415-555-2671"] {
            assert_eq!(phone(spelling).as_deref(), Ok("+14155552671"), "{spelling}");
        }
        assert_eq!(time_zone(" Europe/Berlin ").as_deref(), Ok("Europe/Berlin"));
        assert_eq!(language("pt-BR").as_deref(), Ok("pt-BR"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example.com, b@x.de"] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(250))).is_err());
        for wrong in ["", "12", "0151 2345678", "+49", "+999 123", "call me"] {
            assert!(phone(wrong).is_err(), "{wrong}");
        }
        assert!(time_zone("Berlin").is_err() && language("German!").is_err());
    }
}

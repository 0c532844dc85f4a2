//! How a lead is reached, in the one way in which it is stored: two spellings of one address are one lead.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::text::is_unseen;

/// What may stand between the digits of a phone number.
const PHONE_SIGNS: [char; 12] =
    ['+', '-', '.', '(', ')', '/', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{ff0b}'];
/// What programs put before a number to say what it is.
const PHONE_SCHEMES: [&str; 3] = ["tel:", "sms:", "whatsapp:"];
/// The longest address that mail servers take.
const EMAIL_LIMIT: usize = 254;

/// What was written, without signs that nobody sees, and with letters, digits and signs of another width or script as addresses have them.
fn seen(written: &str) -> String {
    let plain = |sign: char| {
        let code = u32::from(sign);
        // Full width, as keyboards of East Asia write, and the digits of Arabic, Persian and Hindi.
        let of = match code {
            0xff01..=0xff5e => code - 0xff01 + 0x21,
            0x0660..=0x0669 => code - 0x0660 + 0x30,
            0x06f0..=0x06f9 => code - 0x06f0 + 0x30,
            0x0966..=0x096f => code - 0x0966 + 0x30,
            _ => code,
        };
        char::from_u32(of).unwrap_or(sign)
    };
    written.chars().filter(|sign| !is_unseen(*sign)).map(plain).collect()
}

/// An email address in lower case, without signs that nobody sees, its domain as the domain name system has it: two spellings of one
/// mailbox are one address.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn email(written: &str) -> Result<String, String> {
    let wrong = || "must be an email address such as ann@example.com".to_owned();
    let seen = seen(written);
    let address = seen.trim().nfc().collect::<String>().to_lowercase();
    let (local, domain) = address.rsplit_once('@').ok_or_else(wrong)?;
    if matches!(local, "" | "*" | "%") && domain.contains('.') {
        return Err("stands for a whole domain, and is nobody's address: name each address of it by itself".into());
    }
    let address = match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) if domain.contains('.') && !domain.contains('%') => format!("{local}@{domain}"),
        _ => return Err(wrong()),
    };
    if address.len() > EMAIL_LIMIT {
        return Err(format!("must have at most {EMAIL_LIMIT} bytes"));
    }
    lettre::Address::from_str(&address).map(|_| address).map_err(|_| wrong())
}

/// How earlier versions stored an address, where that was another way: its domain in its own letters.
pub fn earlier_email(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    if !domain.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (shown, outcome) = idna::domain_to_unicode(domain);
    outcome.ok().map(|()| format!("{local}@{shown}"))
}

/// How a word of a search may stand in a stored address: as it is written, and with its domain as the domain name system has it, or in its
/// own letters. Of a domain's label the whole must be written: in the other form its parts are no parts.
pub fn searched(word: &str) -> Vec<String> {
    let word = word.nfc().collect::<String>().to_lowercase();
    let (local, domain) = match word.rsplit_once('@') {
        Some((local, domain)) => (format!("{local}@"), domain),
        None => (String::new(), word.as_str()),
    };
    let ascii = idna::domain_to_ascii(domain).ok().filter(|_| domain.contains('.') && !domain.is_ascii());
    let shown = Some(idna::domain_to_unicode(domain)).filter(|_| domain.contains("xn--"));
    let shown = shown.and_then(|(shown, outcome)| outcome.ok().map(|()| shown));
    let others = [ascii, shown].into_iter().flatten().filter(|other| !other.is_empty() && other != domain);
    let others: Vec<String> = others.map(|other| format!("{local}{other}")).collect();
    std::iter::once(word.clone()).chain(others).collect()
}

/// A phone number in E.164, such as `+4915123456789`. It must begin with `+` or `00` and the country.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn phone(written: &str) -> Result<String, String> {
    let wrong = || "must be a phone number with its country, such as +49 151 23456789".to_owned();
    let seen = seen(written);
    let written = seen.trim();
    let behind = |scheme: &&str| {
        let (head, rest) = written.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let written = PHONE_SCHEMES.iter().find_map(behind).unwrap_or(written);
    // What else is written there would be cut off, and somebody else be called.
    if written.chars().any(char::is_alphabetic) && written.chars().any(char::is_numeric) {
        return Err("must be digits only: neither letters nor an extension can be dialled".into());
    }
    if written.chars().skip(1).any(|sign| sign == '+') {
        return Err("must be one number: there are several".into());
    }
    if written.chars().any(|sign| !sign.is_numeric() && !sign.is_whitespace() && !PHONE_SIGNS.contains(&sign)) {
        return Err(wrong());
    }
    let international = match written.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => written.to_owned(),
    };
    let number = phonenumber::parse(None, without_old_digit(&international)).map_err(|_| wrong())?;
    let text = number.format().mode(phonenumber::Mode::E164).to_string();
    // E.164: a plus and at most 15 digits. No country has numbers of less than 7, and most have some lengths only.
    if (8..=16).contains(&text.len()) && has_length(&number, text.len() - 1) { Ok(text) } else { Err(wrong()) }
}

/// A number of Mexico without the 1 that stood before those of mobile phones until 2019: with it, it is none any more.
fn without_old_digit(international: &str) -> String {
    let digits: String = international.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("521").filter(|rest| rest.len() == 10) {
        Some(rest) => format!("+52{rest}"),
        None => international.to_owned(),
    }
}

/// The other form of a number that is written in two, where a country has put a digit into those of mobile phones: it rings with the
/// same person.
pub fn other_phone(address: &str) -> Option<String> {
    let with = |head: &str, digit: &str, rest: &str| Some(format!("{head}{digit}{rest}"));
    if let Some(national) = address.strip_prefix("+55") {
        let (area, number) = national.split_at_checked(2)?;
        let is_mobile = number.starts_with(['6', '7', '8', '9']);
        return match number.len() {
            9 if number.starts_with('9') => with("+55", area, &number[1..]),
            8 if is_mobile => with("+55", area, &format!("9{number}")),
            _ => None,
        };
    }
    for (country, digit, digits) in [("+54", "9", 10), ("+52", "1", 10)] {
        let Some(national) = address.strip_prefix(country) else { continue };
        return match national.strip_prefix(digit) {
            Some(rest) if rest.len() == digits => with(country, "", rest),
            _ if national.len() == digits => with(country, digit, national),
            _ => None,
        };
    }
    None
}

/// Whether the country has numbers that are so long, with its code. Which of them were given to somebody changes too often to be asked.
fn has_length(number: &phonenumber::PhoneNumber, digits: usize) -> bool {
    let code = number.country().code();
    let national = u16::try_from(digits - code.to_string().len()).unwrap_or(0);
    let regions = phonenumber::metadata::DATABASE.by_code(&code).unwrap_or_default();
    let mut known = regions.iter().flat_map(|region| lengths(region.descriptors())).peekable();
    known.peek().is_none() || known.any(|length| length == national)
}

/// The lengths of the numbers of a region at which somebody can be reached from abroad. Of all its numbers together none are known.
fn lengths(of: &phonenumber::metadata::Descriptors) -> Vec<u16> {
    let kinds =
        [of.fixed_line(), of.mobile(), of.toll_free(), of.shared_cost(), of.personal_number(), of.voip(), of.pager()];
    kinds.into_iter().flatten().flat_map(|kind| kind.possible_length().iter().copied()).collect()
}

/// The name of a time zone, as IANA spells it: of a name in any case, or of an offset in whole hours such as `GMT+3`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn time_zone(written: &str) -> Result<String, String> {
    let written = written.trim();
    let known = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(written));
    let zone = known.copied().or_else(|| of_offset(written));
    zone.map(|zone| zone.name().to_owned()).ok_or_else(|| "must be an IANA time zone such as Europe/Berlin".into())
}

/// The zone of `GMT+3` and the like, which IANA spells the other way round.
fn of_offset(written: &str) -> Option<chrono_tz::Tz> {
    let head = written.get(..3)?;
    let hours: i8 = written.get(3..)?.trim().parse().ok()?;
    let is_offset = head.eq_ignore_ascii_case("GMT") || head.eq_ignore_ascii_case("UTC");
    let name = if hours == 0 { "Etc/UTC".to_owned() } else { format!("Etc/GMT{:+}", -hours) };
    chrono_tz::Tz::from_str(&name).ok().filter(|_| is_offset)
}

/// A language, as BCP 47 tags it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn language(written: &str) -> Result<String, String> {
    let tag = &written.trim().replace('_', "-");
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
        // An old number of Mexico; other widths and scripts; what programs put before.
        for (spelling, number) in [
            ("+52 1 55 1234 5678", "+525512345678"),
            ("00521 5512345678", "+525512345678"),
            ("\u{ff0b}\u{ff14}\u{ff19}15123456784", "+4915123456784"),
            ("٠٠٤٩١٥١٢٣٤٥٦٧٨٣", "+4915123456783"),
            ("+۴۹۱۵۱۲۳۴۵۶۷۸۳", "+4915123456783"),
            ("whatsapp:+4915123456787", "+4915123456787"),
            ("SMS:+4915123456787", "+4915123456787"),
        ] {
            assert_eq!(phone(spelling).as_deref(), Ok(number), "{spelling}");
        }
        assert_eq!(email("w\u{ff20}example.com").as_deref(), Ok("w@example.com"));
        let mailbox = Ok("info@xn--mnchen-3ya.de");
        for spelling in
            ["info@münchen.de", "Info@MÜNCHEN.de", "info@xn--mnchen-3ya.de", "info@mu\u{308}nchen.de\u{200b}"]
        {
            assert_eq!(email(spelling).as_deref(), mailbox, "{spelling}");
        }
        for unseen in ["\u{200b}", "\u{feff}", "\u{ad}"] {
            assert_eq!(email(&format!("ann@example.com{unseen}")).as_deref(), Ok("ann@example.com"));
        }
        assert_eq!(earlier_email("info@xn--mnchen-3ya.de").as_deref(), Some("info@münchen.de"));
        assert_eq!(earlier_email("ann@example.com"), None);
        for (word, forms) in [
            ("Bücher.example", vec!["bücher.example", "xn--bcher-kva.example"]),
            ("bu\u{308}cher.example", vec!["bücher.example", "xn--bcher-kva.example"]),
            ("ann@bücher.example", vec!["ann@bücher.example", "ann@xn--bcher-kva.example"]),
            ("xn--bcher-kva.example", vec!["xn--bcher-kva.example", "bücher.example"]),
            ("ANN", vec!["ann"]),
            ("Мария", vec!["мария"]),
            ("@", vec!["@"]),
        ] {
            assert_eq!(searched(word), forms, "{word}");
        }
        assert_eq!(time_zone(" Europe/Berlin ").as_deref(), Ok("Europe/Berlin"));
        for (written, zone) in [("europe/berlin", "Europe/Berlin"), ("GMT+3", "Etc/GMT-3"), ("utc-10", "Etc/GMT+10")] {
            assert_eq!(time_zone(written).as_deref(), Ok(zone));
        }
        assert_eq!(language("pt-BR").as_deref(), Ok("pt-BR"));
        assert_eq!(language("de_DE").as_deref(), Ok("de-DE"));
    }

    #[test]
    fn a_number_is_one_number_and_nothing_else() {
        for wrong in [
            "+1 415 555 2671 ext 5",
            "+1 415 555 2671 x5",
            "+1 415 555 2671;ext=5",
            "+1 415 555 2671, +1 415 555 2672",
            "+14155552671 / +14155552672",
            "+1 800 FLOWERS",
            "+1 415 555 2671 ?",
            "Ann +1 415 555 2671",
        ] {
            assert!(phone(wrong).is_err(), "{wrong}");
        }
        for written in [
            "tel:+1-415-555-2671",
            "+1 415/555.2671",
            "\u{202a}+1 415 555 2671\u{202c}",
            "+1\u{2011}415\u{2011}555\u{2011}2671",
        ] {
            assert_eq!(phone(written).as_deref(), Ok("+14155552671"), "{written}");
        }
    }

    #[test]
    fn numbers_with_and_without_the_digit_of_mobile_phones_are_one() {
        for (one, other) in [
            ("+5511987654321", Some("+551187654321")),
            ("+551187654321", Some("+5511987654321")),
            ("+551133334444", None),
            ("+5491123456789", Some("+541123456789")),
            ("+541123456789", Some("+5491123456789")),
            ("+5215512345678", Some("+525512345678")),
            ("+4915123456789", None),
        ] {
            assert_eq!(other_phone(one).as_deref(), other, "{one}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example.com, b@x.de"] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(250))).is_err());
        for wrong in ["", "12", "0151 2345678", "+49", "+999 123", "call me", "+1 555 0100", "+1 23456789"] {
            assert!(phone(wrong).is_err(), "{wrong}");
        }
        assert!(time_zone("Berlin").is_err() && language("German!").is_err());
    }
}

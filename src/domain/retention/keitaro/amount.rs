//! Amounts of money as people and programs write them. What can be read in one way only is read; all else is told, never guessed.

use rust_decimal::{Decimal, RoundingStrategy};

/// The most that a conversion brings, in millionths: a thousand million.
const MOST: i64 = 1_000_000_000_000_000;

/// Signs and words of currencies, in small letters, as people put them beside an amount.
const NAMES: [(&str, &str); 58] = [
    ("$", "USD"),
    ("us$", "USD"),
    ("$us", "USD"),
    ("u$s", "USD"),
    ("usd$", "USD"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("доллар", "USD"),
    ("доллара", "USD"),
    ("долларов", "USD"),
    ("долл", "USD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("s$", "SGD"),
    ("mx$", "MXN"),
    ("r$", "BRL"),
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("евро", "EUR"),
    ("£", "GBP"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("₽", "RUB"),
    ("р", "RUB"),
    ("руб", "RUB"),
    ("рубль", "RUB"),
    ("рубля", "RUB"),
    ("рублей", "RUB"),
    ("rur", "RUB"),
    ("₴", "UAH"),
    ("грн", "UAH"),
    ("гривна", "UAH"),
    ("гривны", "UAH"),
    ("гривен", "UAH"),
    ("₸", "KZT"),
    ("тг", "KZT"),
    ("тенге", "KZT"),
    ("₹", "INR"),
    ("rs", "INR"),
    ("¥", "JPY"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₫", "VND"),
    ("₪", "ILS"),
    ("฿", "THB"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("zł", "PLN"),
    ("kč", "CZK"),
    ("₼", "AZN"),
];

/// The currencies of ISO 4217: beside an amount any other three letters are a word.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP \
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR \
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE \
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF \
    YER ZAR ZMW ZWG";

/// A currency as it is written: its code in any case, its sign or its name.
pub(super) fn currency(written: &str) -> Option<String> {
    let word = written.trim().trim_end_matches('.').to_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == word) {
        return Some((*code).to_owned());
    }
    let code = word.to_uppercase();
    CODES.split_whitespace().any(|known| known == code).then_some(code)
}

/// An amount in millionths with the currency that stands beside it, if one does: `$10`, `10 USD`, `€12.50`, `10 руб.`, `-3`.
pub(super) fn amount(written: &str) -> Option<(i64, Option<String>)> {
    let written = written.trim().replace('\u{2212}', "-");
    let start = written.find(|letter: char| letter.is_ascii_digit())?;
    let end = written.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    // Half of an amount may begin with its point.
    let start = if written[..start].ends_with('.') { start - 1 } else { start };
    let is_part = |letter: char| letter.is_whitespace() || letter == '.';
    let (before, after) = (written[..start].trim(), written[end..].trim_matches(is_part));
    let is_negative = before.starts_with('-') || before.ends_with('-');
    let before = before.trim_matches(['-', '+']).trim();
    let named: Vec<Option<String>> =
        [before, after].into_iter().filter(|word| !word.is_empty()).map(currency).collect();
    let beside = match named.as_slice() {
        [] => None,
        [one] => Some(one.clone()?),
        // Named twice, it must be the same.
        [one, other] if one == other => Some(one.clone()?),
        _ => return None,
    };
    let micros = micros(&written[start..end])?;
    let micros = if is_negative { -micros } else { micros };
    (-MOST..=MOST).contains(&micros).then_some((micros, beside))
}

/// `1234.5`, `1234,5`, `1.234,50`, `1,234.50`, `1,234,567` or `1e3` in millionths; None if it is no such number.
fn micros(written: &str) -> Option<i64> {
    if let Some((number, power)) = written.split_once(['e', 'E']) {
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && power.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
        return is_plain.then(|| Decimal::from_scientific(written).ok()).flatten().and_then(exactly);
    }
    let is_sign = |letter: char| ".,'\u{2019}".contains(letter) || letter.is_whitespace();
    if !written.chars().all(|letter| letter.is_ascii_digit() || is_sign(letter)) {
        return None;
    }
    // Spaces and apostrophes part thousands.
    let parts_whole = |letter: char| letter.is_whitespace() || letter == '\'' || letter == '\u{2019}';
    if written
        .split(parts_whole)
        .skip(1)
        .any(|group| group.split(['.', ',']).next().is_none_or(|whole| whole.len() != 3))
    {
        return None;
    }
    let mut digits: String = written.chars().filter(|letter| !parts_whole(*letter)).collect();
    // The last sign is that of the decimals, those before it part thousands; one that comes again parts thousands itself.
    if let Some(point) = digits.rfind(['.', ',']) {
        let (whole, part) = digits.split_at(point);
        let sign = part.chars().next()?;
        let parts_thousands = whole.contains(sign);
        let groups: Vec<&str> = whole.split(['.', ',']).skip(1).collect();
        if groups.iter().any(|group| group.len() != 3) || (parts_thousands && part.len() != 4) {
            return None;
        }
        // Three digits after the only sign are thousands to one and a fraction to another: money is not guessed.
        let is_small = whole.len() <= 3 && whole.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
        if !parts_thousands && groups.is_empty() && part.len() == 4 && is_small {
            return None;
        }
        let point = if parts_thousands { "" } else { "." };
        digits = format!("{}{point}{}", whole.replace(['.', ','], ""), &part[1..]);
    }
    exactly(digits.parse().ok()?)
}

fn exactly(amount: Decimal) -> Option<i64> {
    let amount = amount.checked_mul(Decimal::from(1_000_000))?;
    amount.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        for (written, expected) in [
            ("0.1", Some(100_000)),
            (".5", Some(500_000)),
            ("10.", Some(10_000_000)),
            ("1234,5", Some(1_234_500_000)),
            ("1.234,50", Some(1_234_500_000)),
            ("1,234.50", Some(1_234_500_000)),
            ("19.999999", Some(19_999_999)),
            ("0.0000005", Some(0)),
            ("-3", Some(-3_000_000)),
            ("+3", Some(3_000_000)),
            ("1e3", Some(1_000_000_000)),
            ("1.5E-1", Some(150_000)),
            ("free", None),
            ("999999999999999999999", None),
            ("99999999999", None),
            ("1,234,567", Some(1_234_567_000_000)),
            ("1.234.567", Some(1_234_567_000_000)),
            ("1.234.567,89", Some(1_234_567_890_000)),
            ("1,234,567.89", Some(1_234_567_890_000)),
            ("1 234,50", Some(1_234_500_000)),
            ("1\u{a0}234,50", Some(1_234_500_000)),
            ("1'234.50", Some(1_234_500_000)),
            ("1,000", None),
            ("10.000", None),
            ("0.125", Some(125_000)),
            ("1234.500", Some(1_234_500_000)),
            ("10 20", None),
            ("1.2.3", None),
            ("1,23,456", None),
            ("1_000", None),
            ("10-20", None),
            ("0x10", None),
            ("10%", None),
            ("(10)", None),
            ("abc", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(amount(written), expected.map(|micros| (micros, None)), "{written}");
        }
    }

    #[test]
    fn a_currency_may_stand_on_either_side() {
        for (written, expected) in [
            ("$10", Some((10, "USD"))),
            ("US$10", Some((10, "USD"))),
            ("-$10", Some((-10, "USD"))),
            ("10 USD", Some((10, "USD"))),
            ("usd 10", Some((10, "USD"))),
            ("$10 USD", Some((10, "USD"))),
            ("€10", Some((10, "EUR"))),
            ("10 €", Some((10, "EUR"))),
            ("10 руб.", Some((10, "RUB"))),
            ("10 руб", Some((10, "RUB"))),
            ("$10 EUR", None),
            ("10zzz", None),
            ("10 apples", None),
            ("10 USD 20", None),
        ] {
            let expected = expected.map(|(whole, code)| (whole * 1_000_000, Some(code.to_owned())));
            assert_eq!(amount(written), expected, "{written}");
        }
        for (written, expected) in [
            ("доллар", Some("USD")),
            ("₽", Some("RUB")),
            ("eur", Some("EUR")),
            ("zzz", None),
            ("USDT", None),
            ("US", None),
        ] {
            assert_eq!(currency(written).as_deref(), expected, "{written}");
        }
    }
}

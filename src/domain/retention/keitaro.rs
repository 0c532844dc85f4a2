//! Keitaro's postbacks: a URL that an operator wrote, with macros in it. Names vary, so each meaning has many.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value as Json};

use super::words::ConversionStatus;

/// Names of the parameter `sub_id` in postbacks; the first that is given counts.
const SUB_ID: [&str; 5] = ["sub_id", "subid", "sub_id_1", "aff_sub", "s1"];
const CLICK_ID: [&str; 5] = ["click_id", "clickid", "external_id", "externalid", "cid"];
const STATUS: [&str; 4] = ["status", "conversion_status", "conversion_type", "state"];
const EVENT: [&str; 5] = ["event", "event_name", "event_type", "action", "goal"];
/// A type is an event too, unless it is the way of payment.
const TYPE: [&str; 1] = ["type"];
const PAYMENTS: [&str; 10] = ["cpa", "cpl", "cps", "cpi", "cpc", "cpm", "cpo", "ppc", "revshare", "hybrid"];
const REVENUE: [&str; 5] = ["revenue", "payout", "conversion_revenue", "amount", "sum"];
const TRANSACTION: [&str; 5] = ["tid", "transaction_id", "txid", "order_id", "conversion_id"];
/// By these a postback shows that it may come: they are kept nowhere.
pub const TOKENS: [&str; 2] = ["token", "key"];

/// The longest id, in characters.
const LONGEST_ID: usize = 255;

/// The content of a postback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postback {
    /// The sub id.
    pub sub_id: Option<String>,
    /// The click id.
    pub click_id: Option<String>,
    /// The transaction, if one click may lead to several.
    pub transaction_id: Option<String>,
    /// The status of the conversion.
    pub status: ConversionStatus,
    /// The status in Keitaro's words.
    pub original_status: Option<String>,
    /// In millionths; None if it was not told.
    pub revenue_micros: Option<i64>,
    /// ISO 4217; None if it was not told.
    pub currency: Option<String>,
    /// All of it, as it came.
    pub data: Json,
}

impl Postback {
    /// Reads the pairs of a query and a body; those of the body come later, and win.
    ///
    /// # Errors
    /// It has neither a sub id nor a click id: it can't ever be matched.
    pub fn read(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, &'static str> {
        let pairs: BTreeMap<String, String> =
            pairs.into_iter().filter(|(name, _)| !TOKENS.contains(&name.as_str())).collect();
        // Names are known in any case.
        let plain: BTreeMap<String, &String> = pairs.iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let find = |names: &[&str]| {
            names.iter().filter_map(|name| plain.get(*name)).map(|value| value.trim()).find(|value| is_given(value))
        };
        let id = |names: &[&str]| find(names).map(|id| id.chars().take(LONGEST_ID).collect::<String>());
        let named = |names: &[&str]| id(names).filter(|id| !NOBODY.contains(&id.to_lowercase().as_str()));
        let (sub_id, click_id) = (named(&SUB_ID), named(&CLICK_ID));
        if sub_id.is_none() && click_id.is_none() {
            return Err("a postback needs a sub_id or a click_id");
        }
        // What an event or a type is called is a status if it is a word for one.
        // Of one that is not, nothing follows: it is told, and may be mapped.
        let kind = || id(&TYPE).filter(|word| !PAYMENTS.contains(&word.to_lowercase().as_str()));
        let event = || id(&EVENT).or_else(kind).or_else(|| unfilled(&pairs));
        let original_status = id(&STATUS).or_else(event);
        let told = find(&REVENUE).and_then(amount);
        let beside = told.as_ref().and_then(|(_, currency)| currency.clone());
        Ok(Self {
            sub_id,
            click_id,
            transaction_id: id(&TRANSACTION),
            status: original_status.as_deref().map_or(ConversionStatus::Sale, status),
            original_status,
            revenue_micros: told.map(|(revenue, _)| revenue),
            currency: find(&["currency"]).and_then(code).or(beside),
            data: pairs.into_iter().map(|(name, value)| (name, Json::from(value))).collect::<Map<_, _>>().into(),
        })
    }
}

/// What programs write where they have no id.
const NOBODY: [&str; 7] = ["null", "undefined", "none", "nil", "nan", "0", "-"];

/// A macro that was not replaced arrives as it was written.
fn is_given(value: &str) -> bool {
    !(value.is_empty() || is_macro(value))
}

fn is_macro(value: &str) -> bool {
    let signs = [("{", "}"), ("${", "}"), ("[", "]"), ("%", "%"), ("<", ">"), ("#", "#")];
    value.len() > 2 && signs.iter().any(|(first, last)| value.starts_with(first) && value.ends_with(last))
}

/// The macro of a status that was not replaced: what the status is, nobody knows.
fn unfilled(pairs: &BTreeMap<String, String>) -> Option<String> {
    let is_status = |name: &str| STATUS.contains(&name) || EVENT.contains(&name);
    let found = pairs.iter().find(|(name, value)| is_status(&name.to_lowercase()) && is_macro(value.trim()));
    found.map(|(_, value)| value.trim().chars().take(LONGEST_ID).collect())
}

/// The meaning of a word; None if it is not known, and then nothing is made of it.
fn meaning(written: &str) -> Option<ConversionStatus> {
    let word: String = written.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match word.as_str() {
        "sale" | "approved" | "approve" | "confirmed" | "confirm" | "paid" | "deposit" | "firstdeposit" | "ftd"
        | "rebill" | "purchase" | "purchased" | "accepted" | "accept" | "success" | "successful" | "completed"
        | "complete" | "payed" | "order" | "upsell" | "redeposit" => ConversionStatus::Sale,
        "registration" | "signup" | "register" | "registered" | "reg" => ConversionStatus::Signup,
        "trial" => ConversionStatus::Trial,
        "rejected" | "reject" | "trash" | "cancelled" | "canceled" | "cancel" | "declined" | "decline"
        | "chargeback" | "refund" | "refunded" | "denied" | "deny" | "fail" | "failed" | "failure" | "fraud"
        | "fraudulent" | "spam" | "invalid" | "duplicate" | "double" | "void" | "voided" | "reversed" | "disputed"
        | "dispute" | "bad" | "returned" => ConversionStatus::Rejected,
        "lead" | "hold" | "pending" | "wait" | "waiting" | "new" | "processing" | "inprogress" => {
            ConversionStatus::Lead
        }
        _ => return None,
    })
}

/// Whether a status is one of those that are understood: of any other nothing follows for the lead.
pub fn is_known(status: &str) -> bool {
    meaning(status).is_some()
}

/// The meaning of a status. One that is unknown is taken as not confirmed, and ends nothing: see [`is_known`].
fn status(written: &str) -> ConversionStatus {
    meaning(written).unwrap_or(ConversionStatus::Lead)
}

/// Signs of currencies, as people put them beside an amount.
const SIGNS: [(&str, &str); 8] =
    [("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("₽", "RUB"), ("₴", "UAH"), ("₸", "KZT"), ("₹", "INR"), ("¥", "JPY")];

/// A currency as it is written: its code in any case, or its sign.
fn code(written: &str) -> Option<String> {
    let written = written.trim();
    if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| *sign == written) {
        return Some((*code).to_owned());
    }
    let code = written.to_ascii_uppercase();
    (code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())).then_some(code)
}

/// An amount with the currency that stands beside it, if one does: `$10`, `10 USD`, `€12.50`.
fn amount(written: &str) -> Option<(i64, Option<String>)> {
    let is_part = |letter: char| letter.is_ascii_digit() || ".,-+'".contains(letter) || letter.is_whitespace();
    let beside: String = written.chars().filter(|letter| !is_part(*letter)).collect();
    let number: String = written.chars().filter(|letter| is_part(*letter)).collect();
    // A currency stands before the number or after it.
    if !written.contains(number.trim()) {
        return None;
    }
    let beside = if beside.is_empty() { None } else { Some(code(&beside)?) };
    Some((micros(&number)?, beside))
}

/// `1234.5`, `1234,5`, `1.234,50`, `1,234.50` or `1,234,567` in millionths; None if it is no such number.
fn micros(written: &str) -> Option<i64> {
    // Spaces part thousands.
    if written
        .split_whitespace()
        .skip(1)
        .any(|group| group.split(['.', ',']).next().is_none_or(|whole| whole.len() != 3))
    {
        return None;
    }
    let mut digits: String = written.chars().filter(|letter| !letter.is_whitespace() && *letter != '\'').collect();
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
        let is_small = whole.trim_start_matches(['+', '-']).len() <= 3
            && whole.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
        if !parts_thousands && groups.is_empty() && part.len() == 4 && is_small {
            return None;
        }
        let point = if parts_thousands { "" } else { "." };
        digits = format!("{}{point}{}", whole.replace(['.', ','], ""), &part[1..]);
    }
    let amount: Decimal = digits.parse().ok()?;
    let amount = amount.checked_mul(Decimal::from(1_000_000))?;
    amount.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Postback, &'static str> {
        Postback::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn each_meaning_has_many_names() {
        let given = [("subid", "abc"), ("cid", "click"), ("status", "Sale"), ("payout", "10,50"), ("tid", "7")];
        let postback = read(&[&given[..], &[("currency", "eur"), ("offer_id", "9")]].concat()).unwrap();
        assert_eq!((postback.sub_id.as_deref(), postback.click_id.as_deref()), (Some("abc"), Some("click")));
        assert_eq!((postback.status, postback.revenue_micros), (ConversionStatus::Sale, Some(10_500_000)));
        assert_eq!((postback.currency.as_deref(), postback.transaction_id.as_deref()), (Some("EUR"), Some("7")));
        assert_eq!(postback.data["offer_id"], "9");
    }

    #[test]
    fn macros_that_were_not_replaced_are_missing_and_tokens_are_not_kept() {
        let postback = read(&[
            ("sub_id", "{subid}"),
            ("click_id", "c1"),
            ("revenue", "{revenue}"),
            ("tid", "{tid}"),
            ("status", "{status}"),
            ("currency", ""),
            ("token", "secret"),
        ])
        .unwrap();
        assert_eq!(postback.sub_id, None);
        assert_eq!((postback.revenue_micros, postback.transaction_id, postback.currency), (None, None, None));
        assert_eq!(postback.data.get("token"), None);
        assert_eq!(postback.data["revenue"], json!("{revenue}"));
        assert!(read(&[("sub_id", "{subid}"), ("status", "sale")]).is_err());
        // The next name is tried.
        assert_eq!(read(&[("sub_id", ""), ("aff_sub", "x")]).unwrap().sub_id.as_deref(), Some("x"));
    }

    #[test]
    fn statuses_are_known_in_any_case() {
        for (written, expected) in [
            ("REBILL", ConversionStatus::Sale),
            ("hold", ConversionStatus::Lead),
            ("Registration", ConversionStatus::Signup),
            ("trial", ConversionStatus::Trial),
            ("Chargeback", ConversionStatus::Rejected),
            ("something new", ConversionStatus::Lead),
        ] {
            assert_eq!(read(&[("subid", "x"), ("status", written)]).unwrap().status, expected, "{written}");
        }
        assert_eq!(read(&[("subid", "x")]).unwrap().status, ConversionStatus::Sale);
    }

    #[test]
    fn money_is_exact() {
        for (written, expected) in [
            ("0.1", Some(100_000)),
            ("1234,5", Some(1_234_500_000)),
            ("1.234,50", Some(1_234_500_000)),
            ("1,234.50", Some(1_234_500_000)),
            ("19.999999", Some(19_999_999)),
            ("0.0000005", Some(0)),
            ("-3", Some(-3_000_000)),
            ("free", None),
            ("999999999999999999999", None),
            ("1,234,567", Some(1_234_567_000_000)),
            ("1.234.567", Some(1_234_567_000_000)),
            ("1.234.567,89", Some(1_234_567_890_000)),
            ("1,234,567.89", Some(1_234_567_890_000)),
            ("1 234,50", Some(1_234_500_000)),
            ("1'234.50", Some(1_234_500_000)),
            ("1,000", None),
            ("10.000", None),
            ("0.125", Some(125_000)),
            ("1234.500", Some(1_234_500_000)),
            ("10 20", None),
            ("1.2.3", None),
            ("1,23,456", None),
        ] {
            assert_eq!(micros(written), expected, "{written}");
        }
        for (written, expected) in [
            ("$10", Some((10_000_000, Some("USD".to_owned())))),
            ("10 USD", Some((10_000_000, Some("USD".to_owned())))),
            ("€12.50", Some((12_500_000, Some("EUR".to_owned())))),
            ("10", Some((10_000_000, None))),
            ("10 apples", None),
            ("10 USD 20", None),
        ] {
            assert_eq!(amount(written), expected, "{written}");
        }
    }

    #[test]
    fn an_unknown_word_is_kept_and_nothing_is_guessed() {
        for word in ["denied", "Decline", "failed", "fraud", "spam", "invalid", "refunded"] {
            let postback = read(&[("subid", "x"), ("status", word), ("payout", "10")]).unwrap();
            assert_eq!(postback.status, ConversionStatus::Rejected, "{word}");
        }
        for word in ["accepted", "success", "completed"] {
            assert_eq!(read(&[("subid", "x"), ("status", word)]).unwrap().status, ConversionStatus::Sale, "{word}");
        }
        let odd = read(&[("subid", "x"), ("status", "frobnicated")]).unwrap();
        assert_eq!((odd.status, odd.original_status.as_deref()), (ConversionStatus::Lead, Some("frobnicated")));
        assert!(!is_known("frobnicated") && is_known("hold"));
        let by_type = read(&[("subid", "x"), ("type", "CPA")]).unwrap();
        assert_eq!((by_type.status, by_type.original_status), (ConversionStatus::Sale, None));
        assert_eq!(read(&[("subid", "x"), ("event", "reg")]).unwrap().status, ConversionStatus::Signup);
        for (name, word) in [("event", "add_to_cart"), ("type", "view"), ("Status", "what"), ("status", "{status}")] {
            let unclear = read(&[("subid", "x"), (name, word)]).unwrap();
            assert_eq!((unclear.status, unclear.original_status.as_deref()), (ConversionStatus::Lead, Some(word)));
        }
        for nobody in ["null", "%subid%", "${SUBID}", "[subid]", "0"] {
            assert!(read(&[("subid", nobody)]).is_err(), "{nobody}");
        }
        assert_eq!(read(&[("subid", "x"), ("STATUS", "declined")]).unwrap().status, ConversionStatus::Rejected);
        assert_eq!(read(&[("subid", "x"), ("currency", "₽")]).unwrap().currency.as_deref(), Some("RUB"));
    }
}

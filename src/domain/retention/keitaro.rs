//! Keitaro's postbacks: a URL that an operator wrote, with macros in it. Names vary, so each meaning has many.

mod amount;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::words::ConversionStatus;

pub use self::words::{is_additional, is_known};

/// Names of the parameter `sub_id` in postbacks; the first that is given counts. They are known in any case, with or without `_`.
const SUB_ID: [&str; 5] = ["sub_id", "subid", "sub_id_1", "aff_sub", "s1"];
const CLICK_ID: [&str; 5] = ["click_id", "clickid", "external_id", "externalid", "cid"];
const STATUS: [&str; 4] = ["status", "conversion_status", "conversion_type", "state"];
const EVENT: [&str; 5] = ["event", "event_name", "event_type", "action", "goal"];
/// A type is an event too, unless it is the way of payment.
const TYPE: [&str; 1] = ["type"];
const PAYMENTS: [&str; 10] = ["cpa", "cpl", "cps", "cpi", "cpc", "cpm", "cpo", "ppc", "revshare", "hybrid"];
const REVENUE: [&str; 5] = ["revenue", "payout", "conversion_revenue", "amount", "sum"];
const CURRENCY: [&str; 1] = ["currency"];
const TRANSACTION: [&str; 5] = ["tid", "transaction_id", "txid", "order_id", "conversion_id"];
/// By these a postback shows that it may come: they are kept nowhere.
pub const TOKENS: [&str; 2] = ["token", "key"];
/// Objects in which programs wrap what they tell.
const WRAPPERS: [&str; 9] =
    ["data", "conversion", "event", "payload", "postback", "body", "params", "attributes", "object"];
/// What the word is called in an object that stands for a status.
const LEAVES: [&str; 6] = ["name", "value", "code", "title", "status", "type"];

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
    /// Whether an amount was told that can't be read, alone or for its currency: it is not counted.
    pub is_amount_unread: bool,
    /// All of it, as it came.
    pub data: Json,
}

impl Postback {
    /// With what its word stands for by the operator's own list. A word that only the list knows is understood from then on; as it came
    /// it stays in `data`.
    #[must_use]
    pub fn mapped(self, by: &Mapping) -> Self {
        match self.original_status.as_deref().and_then(|word| by.status(word)) {
            Some(status) => {
                Self { status, original_status: self.original_status.filter(|word| is_known(word)), ..self }
            }
            None => self,
        }
    }

    /// Reads the pairs of a query and a body; those of the body come later, and win.
    ///
    /// # Errors
    /// It has neither a sub id nor a click id: it can't ever be matched.
    pub fn read(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, &'static str> {
        let pairs: BTreeMap<String, String> =
            pairs.into_iter().filter(|(name, _)| !TOKENS.contains(&name.as_str())).collect();
        let told = Told::of(&pairs);
        let (sub_id, click_id) = (told.id(&SUB_ID), told.id(&CLICK_ID));
        if sub_id.is_none() && click_id.is_none() {
            return Err("a postback needs a sub_id or a click_id");
        }
        // What an event or a type is called is a status if it is a word for one.
        // Of one that is not, nothing follows: it is told, and may be mapped.
        let word = |names: &[&str]| told.first(names).map(|word| cut(&word));
        let kind = || word(&TYPE).filter(|word| !PAYMENTS.contains(&word.to_lowercase().as_str()));
        let original_status =
            word(&STATUS).or_else(|| word(&EVENT)).or_else(kind).or_else(|| told.unfilled().map(|word| cut(&word)));
        let (amount, currency, is_amount_unread) = told.money();
        Ok(Self {
            sub_id,
            click_id,
            transaction_id: told.id(&TRANSACTION),
            status: original_status.as_deref().map_or(ConversionStatus::Sale, words::status),
            original_status,
            revenue_micros: amount,
            currency,
            is_amount_unread,
            data: pairs.into_iter().map(|(name, value)| (name, Json::from(value))).collect::<Map<_, _>>().into(),
        })
    }
}

/// What words of postbacks stand for, by an operator's list: capitals, blanks and signs between letters do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping(pub BTreeMap<String, ConversionStatus>);

impl Mapping {
    /// The list as it was typed in. A word that comes twice stays so, with a blank behind it, for [`Self::mistake`] to find.
    pub fn of(words: impl IntoIterator<Item = (String, ConversionStatus)>) -> Self {
        let mut all = BTreeMap::new();
        for (word, status) in words {
            let word = word.trim().to_owned();
            let word = if all.contains_key(&word) { word + " " } else { word };
            all.insert(word, status);
        }
        Self(all)
    }

    /// What a word stands for; None if it is not in the list.
    pub fn status(&self, word: &str) -> Option<ConversionStatus> {
        let word = comparable(word);
        self.0.iter().find(|(known, _)| comparable(known) == word).map(|(_, status)| *status)
    }

    /// The words of which nothing follows without the list, as they may have been told.
    pub fn own_words(&self) -> Vec<String> {
        let own = self.0.keys().filter(|word| !is_known(word));
        own.flat_map(|word| [word.clone(), word.to_lowercase(), word.to_uppercase()]).collect()
    }

    /// What is wrong with it, if anything is.
    pub fn mistake(&self) -> Option<String> {
        let is_word = |word: &String| !word.trim().is_empty() && word.chars().count() <= LONGEST_ID;
        if self.0.len() > 200 {
            return Some("must have at most 200 words".to_owned());
        }
        if !self.0.keys().all(is_word) {
            return Some("must have words of 1 to 255 characters".to_owned());
        }
        let mut all = BTreeSet::new();
        let twice = self.0.keys().find(|word| !all.insert(comparable(word)))?.trim();
        Some(format!("has the word \"{twice}\" twice; capitals, blanks and signs do not count"))
    }
}

/// A word as it is compared: of one without letters and digits all of it.
fn comparable(word: &str) -> String {
    let is_negative = word.trim_start().starts_with('-');
    match plain(word) {
        letters if letters.is_empty() => word.trim().to_owned(),
        letters if is_negative => format!("-{letters}"),
        letters => letters,
    }
}

/// The pairs of a postback, by their names in plain small letters.
struct Told<'a>(Vec<(String, &'a str)>);

impl<'a> Told<'a> {
    fn of(pairs: &'a BTreeMap<String, String>) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.to_lowercase(), value.trim())).collect())
    }

    /// All values under these names, those of the first name first; below a name, as in `status.name`, they are its own.
    fn all<'b>(&'b self, names: &'b [&str]) -> impl Iterator<Item = &'a str> + 'b {
        let named = move |name: &'b str| {
            let exact = self.0.iter().filter(move |(known, _)| known == name);
            let alike = self.0.iter().filter(move |(known, _)| known != name && is_name(known, name));
            exact.chain(alike).map(|(_, value)| *value)
        };
        names.iter().flat_map(move |name| named(name))
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        self.all(names).find(|value| is_given(value)).map(ToOwned::to_owned)
    }

    /// An id, whole: of one that is too long the rest is in its hash, so that two are never one.
    fn id(&self, names: &[&str]) -> Option<String> {
        let id = self.all(names).find(|value| is_given(value) && !is_nobody(value))?;
        if id.chars().count() <= LONGEST_ID {
            return Some(id.to_owned());
        }
        let hash = hex::encode(Sha256::digest(id));
        let begin: String = id.chars().take(LONGEST_ID - hash.len() - 1).collect();
        Some(format!("{begin}~{hash}"))
    }

    /// The status of which only the name or a macro came: what it is, nobody knows.
    fn unfilled(&self) -> Option<String> {
        let names = [&STATUS[..], &EVENT].concat();
        let found = self.all(&names).next().map(ToOwned::to_owned);
        // An object that has no word for it.
        found.or_else(|| {
            let below =
                |name: &str| names.iter().any(|status| name.split('.').any(|part| plain(part) == plain(status)));
            self.0.iter().find(|(name, _)| below(name)).map(|(_, value)| (*value).to_owned())
        })
    }

    /// The amount, its currency, and whether one was told that can't be counted.
    fn money(&self) -> (Option<i64>, Option<String>, bool) {
        let amounts = || self.all(&REVENUE).filter(|value| is_given(value) && !is_nothing(value));
        let told = amounts().find_map(amount::amount);
        let written = self.all(&CURRENCY).find(|value| is_given(value) && !is_nothing(value));
        let currency = written.and_then(amount::currency);
        match told {
            // In a currency that nobody knows it is no amount.
            Some((micros, None)) if written.is_some() && currency.is_none() && micros != 0 => (None, None, true),
            // The sign at the amount is nearer to it than what stands elsewhere; where they differ, nobody knows.
            Some((micros, Some(beside))) if currency.as_ref().is_some_and(|code| *code != beside) && micros != 0 => {
                (None, None, true)
            }
            Some((micros, beside)) => (Some(micros), currency.or(beside), false),
            None => (None, currency, amounts().next().is_some()),
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a pair's name stands for `name`: in another spelling, in a wrapper, or as what an object calls its word.
fn is_name(known: &str, name: &str) -> bool {
    let mut parts: Vec<&str> = known.split('.').collect();
    while parts.len() > 1 && WRAPPERS.contains(&parts[0]) && (parts.len() > 2 || !LEAVES[..4].contains(&parts[1])) {
        parts.remove(0);
    }
    match parts.as_slice() {
        [one] => plain(one) == plain(name),
        [one, leaf] => plain(one) == plain(name) && LEAVES.contains(leaf),
        _ => false,
    }
}

/// The pairs of a JSON value, those within objects under their path, such as `data.status`. A list of one is that one.
pub fn flat(value: &Json) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    spread("", value, &mut pairs);
    pairs
}

fn spread(path: &str, value: &Json, pairs: &mut Vec<(String, String)>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                spread(&path, value, pairs);
            }
        }
        Json::Array(all) if all.len() == 1 => spread(path, &all[0], pairs),
        Json::Null => {}
        Json::String(text) => pairs.push((path.to_owned(), text.clone())),
        other => pairs.push((path.to_owned(), other.to_string())),
    }
}

/// What programs write where they have no id.
const NOBODY: [&str; 4] = ["0", "-", "n/a", "[object object]"];
/// What they write where they have nothing.
const NOTHING: [&str; 6] = ["null", "(null)", "undefined", "none", "nil", "nan"];

fn is_nothing(value: &str) -> bool {
    NOTHING.contains(&value.to_lowercase().as_str())
}

fn is_nobody(value: &str) -> bool {
    is_nothing(value) || NOBODY.contains(&value.to_lowercase().as_str())
}

/// A macro that was not replaced arrives as it was written.
fn is_given(value: &str) -> bool {
    !(value.is_empty() || is_macro(value))
}

/// Whether it is a macro, or has one in it: what is left of it is the same for all.
fn is_macro(value: &str) -> bool {
    let signs =
        [("{", "}"), ("${", "}"), ("[", "]"), ("%", "%"), ("<", ">"), ("#", "#"), ("$", "$"), ("__", "__"), ("@", "@")];
    let is_whole =
        value.len() > 2 && signs.iter().any(|(first, last)| value.starts_with(first) && value.ends_with(last));
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || "_.:-".contains(letter));
    let within = |first: char, last: char| {
        value.split(first).skip(1).any(|rest| rest.split_once(last).is_some_and(|(name, _)| is_word(name.trim())))
    };
    is_whole || within('{', '}')
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_ID).collect()
}

/// An id as it is compared: one that is a UUID is the same in capitals, too.
pub fn same(id: &str) -> String {
    Uuid::try_parse(id.trim()).map_or_else(|_| id.to_owned(), |uuid| uuid.to_string())
}

#[cfg(test)]
mod tests;

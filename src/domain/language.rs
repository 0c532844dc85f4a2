//! What the language of texts with placeholders has, and what of a text it has not: told when the text is written, for it could never
//! be filled in.

mod walk;

use std::collections::BTreeSet;

use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

use self::walk::Walk;
use crate::depth;

/// The filters of every text.
pub const FILTERS: [&str; 46] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// The filters that texts for leads have besides.
pub const OF_LEADS: [&str; 2] = ["tojson", "urlencode"];

/// The tests behind `is`.
pub const TESTS: [&str; 36] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// The functions. A text has its own macros besides.
pub const FUNCTIONS: [&str; 2] = ["dict", "range"];

/// What a text is written as, as far as it matters to what may be said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words: nothing in a value has to be escaped.
    Words,
    /// HTML.
    Html,
    /// A form whose places are filled by what they are: the JSON or the URL of a webhook.
    Form,
}

/// A text's kind, and whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tongue {
    /// What it is written as.
    pub kind: Kind,
    /// Whether it is for leads: what is known of these comes from anybody.
    pub is_for_leads: bool,
}

/// Refuses a text that names what there is not, or has values escaped in a way that comes out wrong.
///
/// # Errors
/// A sentence with the name, and with what there is.
pub fn check(text: &str, tongue: Tongue) -> Result<(), String> {
    needed(text, tongue, &BTreeSet::new()).map(drop)
}

/// Checks a text, and finds of the names that nobody fills the one without which it can't be written: which stands where no
/// `default(...)` follows. What the text asks about by `is defined` is its own business.
///
/// # Errors
/// As of [`check`].
pub fn needed(text: &str, tongue: Tongue, unknown: &BTreeSet<String>) -> Result<Option<String>, String> {
    depth::check(text)?;
    depth::apart(|| {
        // What is wrong with the syntax is told by who reads the text.
        let Ok(read) = parse(text, "text", SyntaxConfig::default()) else { return Ok(None) };
        Walk::over(&read, tongue, unknown)
    })?
}

#[cfg(test)]
mod tests;

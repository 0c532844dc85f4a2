//! A form: a text in which marks stand for values, so that it is read before anything is filled in.
//!
//! What a lead is called can't close a quotation mark that way, nor begin another part of a URL: when the form is read, no value is in it.

use std::sync::Arc;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use parking_lot::Mutex;
use serde_json::Value as Json;

use super::places::{json, known, percent, readable};
use super::{Facts, Place, environment, filled};
use crate::language::{self, Kind, Tongue};

/// Between these two signs, which no text in any language has, stands the number of a value.
pub const MARKS: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// Why a text that has them is refused.
pub(super) const NO_CHARACTERS: &str = "the text has signs that are no characters (U+FDD0, U+FDD1)";

/// The longest that all values of a form may be together, in bytes.
pub(super) const VALUES_LIMIT: usize = 1 << 20;

/// What stands for a mark.
#[derive(Debug, Clone)]
enum Hole {
    Value(Value),
    /// A text that is JSON, or was said to be.
    Json(String),
    /// A text that was percent-encoded.
    Encoded(String),
}

/// What stands for the marks of a form, in the order in which they were written.
type Holes = Arc<Mutex<(Vec<Hole>, usize)>>;

/// A form and what fills it.
#[derive(Debug)]
pub struct Form {
    /// The text with its marks.
    pub text: String,
    holes: Vec<Hole>,
}

/// Writes a script with marks in place of values. What it builds may be as deep as it likes: call it on a stack of its own
/// ([`crate::depth::apart`]), and drop the form there.
///
/// # Errors
/// As of [`super::render_at`].
pub fn form(content: &str, facts: &Facts) -> Result<Form, String> {
    made(content, facts, UndefinedBehavior::SemiStrict)
}

/// Writes a script with marks as if it were filled in with these facts, where what is not known has a mark too.
///
/// # Errors
/// It can't be written with these facts; with others perhaps.
pub fn sketch(content: &str, facts: &Facts) -> Result<Form, String> {
    made(content, facts, UndefinedBehavior::Chainable)
}

fn made(content: &str, facts: &Facts, undefined: UndefinedBehavior) -> Result<Form, String> {
    if content.contains(MARKS) {
        return Err(NO_CHARACTERS.into());
    }
    language::check(content, Tongue { kind: Kind::Form, is_for_leads: true })?;
    let holes = Holes::default();
    let mut environment = environment(Place::Text);
    environment.set_undefined_behavior(undefined);
    set(&mut environment, &holes, undefined == UndefinedBehavior::Chainable);
    let text = filled(&environment, content, facts, &Value::from(()))?;
    let holes = std::mem::take(&mut holes.lock().0);
    Ok(Form { text, holes })
}

/// Has an environment write marks. What a block or a macro has written has its marks already, and is not marked again.
fn set(environment: &mut Environment<'_>, holes: &Holes, is_sketch: bool) {
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("form".into()));
    let marks = Arc::clone(holes);
    environment.set_formatter(move |out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value| {
        let text = if value.is_safe() { value.to_string() } else { mark(&marks, Hole::Value(value.clone()))? };
        out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text can't be written"))
    });
    let marks = Arc::clone(holes);
    let marked = move |value: &Value, hole: fn(&Value) -> Result<Hole, Error>| {
        let hole = if is_sketch { Hole::Value(value.clone()) } else { known(value).and_then(|()| hole(value))? };
        mark(&marks, hole).map(Value::from_safe_string)
    };
    let (urlencode, tojson, safe) = (marked.clone(), marked.clone(), marked.clone());
    environment.add_filter("urlencode", move |value: &Value| {
        unmarked(value)?;
        urlencode(value, |value| readable(value).map(|text| Hole::Encoded(percent(&text))))
    });
    environment.add_filter("tojson", move |value: &Value| {
        unmarked(value)?;
        tojson(value, |value| json(value).map(|json| Hole::Json(json.to_string())))
    });
    environment.add_filter("safe", move |value: Value| {
        if value.is_safe() { Ok(value) } else { safe(&value, |value| readable(value).map(Hole::Json)) }
    });
    for name in ["e", "escape"] {
        let marked = marked.clone();
        environment.add_filter(name, move |value: Value| {
            if value.is_safe() { Ok(value) } else { marked(&value, |value| Ok(Hole::Value(value.clone()))) }
        });
    }
}

/// Writes down what stands for a mark, and gives the mark.
fn mark(holes: &Holes, hole: Hole) -> Result<String, Error> {
    let length = match &hole {
        Hole::Value(value) => {
            unmarked(value)?;
            value.as_str().map_or_else(|| value.to_string().len(), str::len)
        }
        Hole::Json(text) | Hole::Encoded(text) => text.len(),
    };
    let (holes, total) = &mut *holes.lock();
    *total += length;
    if *total > VALUES_LIMIT {
        return Err(Error::new(ErrorKind::InvalidOperation, "what is filled in is longer than 1 MiB"));
    }
    holes.push(hole);
    Ok(format!("{}{}{}", MARKS[0], holes.len() - 1, MARKS[1]))
}

/// Refuses a value that was put together of marks: what would be made of it is not what it stands for.
fn unmarked(value: &Value) -> Result<(), Error> {
    let is_marked = value.as_str().map_or_else(|| value.to_string().contains(MARKS), |text| text.contains(MARKS));
    if is_marked {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "urlencode, tojson, e and safe come last, and what a set, a macro or the like has written is printed as it is",
        ));
    }
    Ok(())
}

/// A part of a text with marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// It stands as it is.
    Literal(&'a str),
    /// The number of a value.
    Mark(usize),
}

/// The parts of a text with marks, in their order.
pub fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    text.split_inclusive(MARKS[1]).flat_map(|part| {
        let (literal, number) = part.split_once(MARKS[0]).unwrap_or((part, ""));
        let mark = number.strip_suffix(MARKS[1]).and_then(|number| number.parse().ok()).map(Part::Mark);
        [Some(Part::Literal(literal)).filter(|_| !literal.is_empty()), mark].into_iter().flatten()
    })
}

impl Form {
    /// What stands for a mark, as words within a text.
    ///
    /// # Errors
    /// There is nothing, or it is no text.
    pub fn words(&self, mark: usize) -> Result<String, String> {
        match self.holes.get(mark) {
            Some(Hole::Value(value)) if value.is_undefined() => Ok(String::new()),
            Some(Hole::Value(value)) => readable(value)
                .map_err(|error| error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)),
            Some(Hole::Json(text) | Hole::Encoded(text)) => Ok(text.clone()),
            None => Ok(String::new()),
        }
    }

    /// What stands for a mark, as a value of JSON.
    ///
    /// # Errors
    /// It was said to be JSON and is none.
    pub fn value(&self, mark: usize) -> Result<Json, String> {
        let refused =
            || "a value that stands without quotation marks is no JSON: write \"{{ .. }}\" with them".to_owned();
        match self.holes.get(mark) {
            Some(Hole::Value(value)) => json(value).map_err(|_| refused()),
            Some(Hole::Json(text)) => serde_json::from_str(text).map_err(|_| refused()),
            Some(Hole::Encoded(_)) => Err(refused()),
            None => Ok(Json::Null),
        }
    }

    /// What stands for a mark, as a part of a URL.
    ///
    /// # Errors
    /// As of [`Form::words`].
    pub fn encoded(&self, mark: usize) -> Result<String, String> {
        match self.holes.get(mark) {
            Some(Hole::Encoded(text)) => Ok(text.clone()),
            _ => self.words(mark).map(|text| percent(&text)),
        }
    }
}

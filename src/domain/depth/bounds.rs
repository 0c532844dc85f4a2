//! How much a text may make of a value.
//!
//! The engine counts what it prints, and the letters of texts. It does not count a list that is joined of itself, nor one that
//! holds another one twice: after forty of such steps a comparison takes days, and a text of it all the memory there is. So
//! whatever a text keeps under a name is weighed as it is kept, and lists are never multiplied. The engine has no place for
//! that; so two filters are written into the text before it is read, behind each value that is kept and around each `*`.

use std::borrow::Cow;
use std::ops::Range;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::{Part, Scanner};

/// What a value that is kept under a name may weigh: a byte of a text is 1, whatever is in a list 16.
pub const MOST_WEIGHT: usize = 1 << 16;

/// What all that one rendering keeps may weigh: each time it is kept it is walked.
const MOST_KEPT: usize = 1 << 20;

/// What each value weighs, whatever it holds.
const WEIGHT: usize = 16;

/// The most numbers that `range` makes.
const MOST_NUMBERS: i64 = 4_000;

/// The filter that weighs what is kept.
const KEPT: &str = "_kept";

/// The filter that lets pass what may be multiplied.
const FACTOR: &str = "_factor";

/// Sets what bounds a text that was made ready by [`bounded`].
pub fn bound(environment: &mut Environment<'_>, fuel: u64) {
    environment.set_fuel(Some(fuel));
    // What outlives a loop could be doubled by each turn, at no cost that is counted.
    environment.remove_global("namespace");
    environment.add_function("range", range);
    environment.add_filter(KEPT, kept);
    environment.add_filter(FACTOR, factor);
}

/// The text with its bounds written into it. Its lines stay what they are.
pub fn bounded(text: &str) -> String {
    let edits: Vec<(usize, Cow<'static, str>)> = Scanner::of(text).flat_map(|tag| tag.bounds.edits).collect();
    let mut bounded = String::with_capacity(text.len() + edits.len() * 8);
    let mut from = 0;
    for (at, edit) in edits {
        bounded.push_str(&text[from..at]);
        bounded.push_str(&edit);
        from = at;
    }
    bounded + &text[from..]
}

/// Numbers in a row: `range(end)`, `range(start, end)` or `range(start, end, step)`.
fn range(first: i64, end: Option<i64>, step: Option<i64>) -> Result<Value, Error> {
    let (start, end) = end.map_or((0, first), |end| (first, end));
    let step = step.unwrap_or(1);
    let too_long = || Error::new(ErrorKind::InvalidOperation, format!("range makes {MOST_NUMBERS} numbers at most"));
    let span = if step < 0 { start.checked_sub(end) } else { end.checked_sub(start) }.ok_or_else(too_long)?;
    let step_size = i64::try_from(step.unsigned_abs())
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the step of range is 0"))?;
    let many = span.max(0).div_euclid(step_size) + i64::from(span.max(0) % step_size > 0);
    if many > MOST_NUMBERS {
        return Err(too_long());
    }
    Ok(Value::from((0..many).map(|turn| start + turn * step).collect::<Vec<_>>()))
}

/// A value that is kept: as it is, and lists that are made while they are read are made now.
fn kept(state: &mut State<'_, '_>, value: Value) -> Result<Value, Error> {
    let value = match value.kind() {
        ValueKind::Iterable => Value::from(value.try_iter()?.take(MOST_WEIGHT / WEIGHT + 1).collect::<Vec<_>>()),
        _ => value,
    };
    let weight = weight(&value)?;
    let all = state.get_or_insert_extension(Kept(0));
    all.0 += weight;
    if all.0 > MOST_KEPT {
        return Err(too_heavy());
    }
    Ok(value)
}

/// What a rendering has kept so far.
struct Kept(usize);

fn too_heavy() -> Error {
    let why = "a list or a text that is kept under a name is too long for a message; write it in parts";
    Error::new(ErrorKind::OutOfFuel, why)
}

/// What a value weighs. No more of it is walked than it may weigh.
fn weight(value: &Value) -> Result<usize, Error> {
    let (mut weight, mut left) = (0, vec![value.clone()]);
    while let Some(next) = left.pop() {
        weight += WEIGHT + next.as_str().map_or(0, str::len);
        if matches!(next.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
            for item in next.try_iter()? {
                if next.kind() == ValueKind::Map {
                    left.extend(next.get_item(&item).ok());
                }
                left.push(item);
                if weight + left.len() * WEIGHT > MOST_WEIGHT {
                    return Err(too_heavy());
                }
            }
        }
        if weight > MOST_WEIGHT {
            return Err(too_heavy());
        }
    }
    Ok(weight)
}

/// The left side of `*`.
fn factor(value: Value) -> Result<Value, Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Err(Error::new(ErrorKind::InvalidOperation, "a list can't be multiplied"));
    }
    Ok(value)
}

/// Where a tag keeps values, and where it multiplies them.
#[derive(Default)]
pub(super) struct Bounds {
    is_statement: bool,
    keeps: Option<Keeps>,
    stage: Stage,
    /// Whether a bracket was closed too often: the engine refuses the text, and nothing may be written into it.
    is_broken: bool,
    /// The sign before this place, if it is one: behind some a value begins, and a `*` does not stand between two.
    before: Option<char>,
    /// What a macro is given.
    given: Vec<String>,
    /// Why a text with this tag is not taken.
    pub refusal: Option<&'static str>,
    edits: Vec<(usize, Cow<'static, str>)>,
}

/// The statements that keep values under names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Set,
    With,
    For,
    Macro,
    /// A macro without a name.
    Call,
}

/// What of a tag is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Its first word.
    #[default]
    Begin,
    /// What comes before the first value that it keeps.
    Name,
    /// A value that it keeps, which begins here.
    Value { from: usize, is_empty: bool },
    /// The filters of a block that it keeps.
    Filters,
    /// What comes after one.
    Past,
}

impl Bounds {
    pub(super) fn of_tag(is_statement: bool) -> Self {
        Self { is_statement, before: Some('('), ..Self::default() }
    }

    /// Reads a part of the tag, which stands at `at` and behind which so many brackets are open.
    pub(super) fn part(&mut self, part: Part<'_>, at: &Range<usize>, brackets: isize) {
        self.is_broken |= brackets < 0;
        if self.stage == Stage::Begin {
            self.stage = Stage::Name;
            self.keeps = match part {
                Part::Word("set") if self.is_statement => Some(Keeps::Set),
                Part::Word("with") if self.is_statement => Some(Keeps::With),
                Part::Word("for") if self.is_statement => Some(Keeps::For),
                Part::Word("macro") if self.is_statement => Some(Keeps::Macro),
                Part::Word("call") if self.is_statement => Some(Keeps::Call),
                _ => None,
            };
        } else if brackets != 0 || !self.turns(part, at) {
            let is_at_start = matches!(self.before, Some('(' | ',' | '[' | '{' | '='));
            if part == Part::Sign('*') && !is_at_start {
                self.edits.push((at.start, "|_factor ".into()));
                self.edits.push((at.end, " - - ".into()));
            }
            if let (Part::Word(name), 1, Stage::Name) = (part, brackets, self.stage)
                && matches!(self.keeps, Some(Keeps::Macro | Keeps::Call))
                && matches!(self.before, Some('(' | ','))
            {
                self.given.push(name.to_owned());
            }
            if let Stage::Value { is_empty, .. } = &mut self.stage {
                *is_empty = false;
            }
        }
        self.before = if let Part::Sign(sign) = part { Some(sign) } else { None };
    }

    /// Whether this part, which is in no brackets, stands before a value that is kept or behind one.
    fn turns(&mut self, part: Part<'_>, at: &Range<usize>) -> bool {
        let is_within = matches!(self.stage, Stage::Value { .. });
        match (part, self.keeps) {
            (Part::Sign('='), Some(Keeps::Set | Keeps::With)) if !is_within => self.open(at.end),
            (Part::Word("in"), Some(Keeps::For)) if self.stage == Stage::Name => self.open(at.end),
            (Part::Sign(','), Some(Keeps::With)) | (Part::Word("if"), Some(Keeps::For)) => self.close(at.start),
            (Part::Word("recursive"), Some(Keeps::For)) if self.has_value() => {
                self.refusal = Some("a loop can't call itself; write the levels out");
                self.close(at.start);
            }
            // The filters of a block that is kept: they come last.
            (Part::Sign('|'), Some(Keeps::Set)) if self.stage == Stage::Name => self.stage = Stage::Filters,
            (Part::Sign(')'), Some(Keeps::Macro)) | (_, Some(Keeps::Call)) => self.stage = Stage::Past,
            _ => return false,
        }
        true
    }

    fn has_value(&self) -> bool {
        matches!(self.stage, Stage::Value { is_empty: false, .. } | Stage::Past)
    }

    /// Ends the tag, whose end stands there; with a sign, it takes the space behind it away.
    pub(super) fn end(&mut self, at: &Range<usize>, sign: &str) {
        self.close(at.start);
        if self.is_broken {
            self.edits.clear();
            return;
        }
        // Each call of it keeps what it is given under these names.
        let last = self.given.len().saturating_sub(1);
        for (turn, name) in self.given.iter().enumerate() {
            let sign = if turn == last { sign } else { "" };
            self.edits.push((at.end, format!("{{% set {name} = {name}|_kept {sign}%}}").into()));
        }
    }

    fn open(&mut self, from: usize) {
        self.stage = Stage::Value { from, is_empty: true };
    }

    fn close(&mut self, at: usize) {
        match std::mem::replace(&mut self.stage, Stage::Past) {
            Stage::Value { from, is_empty: false } => {
                // Before what was written into the value itself.
                let place = self.edits.partition_point(|(edit, _)| *edit < from);
                self.edits.insert(place, (from, " (".into()));
                self.edits.push((at, ")|_kept ".into()));
            }
            Stage::Filters => self.edits.push((at, "|_kept ".into())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;

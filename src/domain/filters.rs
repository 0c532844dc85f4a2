//! What texts with placeholders have in common, whoever gets them: filters that never turn nothing into something, and how values are
//! written.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter, filters, tests,
};

use crate::text::is_seen;

/// What is said of null where a text is wanted.
const NULL: &str = "a value is null: give another by default(...)";

/// What is said of what is not known where something is made of it.
const UNKNOWN: &str = "a value is not known: give another by default(...)";

/// Has an environment know the filters, and write values as people read them.
pub fn set(environment: &mut Environment<'_>) {
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    texts(environment);
    of_something(environment);
    environment.add_test("none", |value: &Value| value.is_undefined() || tests::is_none(value));
    // They show how the language sees a value, and are for programmers.
    environment.remove_global("debug");
    environment.remove_filter("pprint");
    environment.set_formatter(written);
}

/// Has the filters that make a text of anything refuse null: `NONE` is nobody's name.
fn texts(environment: &mut Environment<'_>) {
    environment.add_filter("text of capitalize", filters::capitalize);
    environment.add_filter("text of lines", filters::lines);
    environment.add_filter("text of lower", filters::lower);
    environment.add_filter("text of split", filters::split);
    environment.add_filter("text of string", filters::string);
    environment.add_filter("text of title", filters::title);
    environment.add_filter("text of trim", filters::trim);
    environment.add_filter("text of upper", filters::upper);
    for name in ["capitalize", "lines", "lower", "split", "string", "title", "trim", "upper"] {
        let own = format!("text of {name}");
        environment.add_filter(name, move |state: &mut State<'_, '_>, given: Rest<Value>| {
            if given.first().is_some_and(Value::is_none) {
                return Err(Error::new(ErrorKind::UndefinedError, NULL));
            }
            state.apply_filter(&own, &given)
        });
    }
}

/// Has the filters that make something of what is not known, such as a length of 0, make nothing of it: an error, or where the
/// unknown shows nothing, the unknown.
fn of_something(environment: &mut Environment<'_>) {
    environment.add_filter("some count", filters::length);
    environment.add_filter("some join", filters::join);
    environment.add_filter("some length", filters::length);
    environment.add_filter("some list", filters::list);
    environment.add_filter("some sort", filters::sort);
    environment.add_filter("some sum", filters::sum);
    environment.add_filter("some unique", filters::unique);
    for name in ["count", "join", "length", "list", "sort", "sum", "unique"] {
        let own = format!("some {name}");
        environment.add_filter(name, move |state: &mut State<'_, '_>, given: Rest<Value>| {
            if !given.first().is_some_and(Value::is_undefined) {
                return state.apply_filter(&own, &given);
            }
            match state.undefined_behavior() {
                UndefinedBehavior::Lenient | UndefinedBehavior::Chainable => Ok(Value::UNDEFINED),
                _ => Err(Error::new(ErrorKind::UndefinedError, UNKNOWN)),
            }
        });
    }
}

/// The filter `default`: like the language's own, and null or a blank text is as good as none.
fn default(state: &State<'_, '_>, value: &Value, other: Rest<Value>) -> Result<Value, Error> {
    let is_none = value.is_none() || value.as_str().is_some_and(|text| !text.chars().any(is_seen));
    filters::default(state, if is_none { &Value::UNDEFINED } else { value }, other)
}

/// The filter `int`: what is no number is an error and no 0, unless a number is given for it.
fn int(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    named: Kwargs,
) -> Result<Value, Error> {
    let default = given(default, &named)?;
    match number(value) {
        Ok(()) => filters::int(state, value, default, base, named).map_err(worded),
        Err(error) => default.ok_or(error),
    }
}

/// The filter `float`: see [`int`].
fn float(state: &State<'_, '_>, value: &Value, default: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let default = given(default, &named)?;
    match number(value) {
        Ok(()) => filters::float(state, value, default, named).map_err(worded),
        Err(error) => default.ok_or(error),
    }
}

fn given(default: Option<Value>, named: &Kwargs) -> Result<Option<Value>, Error> {
    if default.is_some() { Ok(default) } else { named.get("default") }
}

/// Refuses what the language would make 0, or a number that nobody meant.
fn number(value: &Value) -> Result<(), Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(ErrorKind::UndefinedError, "there is no number: give another by default(...)"));
    }
    let text = value.as_str().unwrap_or_default().trim();
    let is_endless = text.parse::<f64>().is_ok_and(|number| !number.is_finite());
    if is_endless || (value.as_str().is_some() && text.is_empty()) {
        return Err(no_number());
    }
    Ok(())
}

fn no_number() -> Error {
    Error::new(ErrorKind::InvalidOperation, "what should be a number is none: int(0) gives 0 for it")
}

/// The language's own words for what is no number are for programmers.
fn worded(error: Error) -> Error {
    if error.kind() == ErrorKind::InvalidOperation { no_number() } else { error }
}

/// Writes a value as people read it: `true`, a whole number without a point. Nothing, a list and an object are no text.
pub fn written(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match readable(value)? {
        Some(text) => {
            out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text can't be written"))
        }
        None => escape_formatter(out, state, value),
    }
}

/// What is read instead of a value's own form; None if that is good.
///
/// # Errors
/// It is no text.
pub fn readable(value: &Value) -> Result<Option<String>, Error> {
    let refused = |kind, why: &'static str| Err(Error::new(kind, why));
    match value.kind() {
        ValueKind::None => refused(ErrorKind::UndefinedError, NULL),
        ValueKind::Seq | ValueKind::Iterable => {
            refused(ErrorKind::InvalidOperation, "a list can't stand in a text: write it with join(\", \")")
        }
        ValueKind::Map => {
            refused(ErrorKind::InvalidOperation, "an object can't stand in a text: name one of its values")
        }
        ValueKind::Bool => Ok(Some(value.is_true().to_string())),
        ValueKind::Number => Ok(whole(value).map(|number| number.to_string())),
        _ => Ok(None),
    }
}

/// A number without a part behind the point, as far as numbers with a point are exact.
pub fn whole(value: &Value) -> Option<i64> {
    if value.is_integer() {
        return None;
    }
    let number = f64::try_from(value.clone()).ok().filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod on_texts {
    use minijinja::context;

    use super::*;

    fn rendered(text: &str) -> Result<String, ErrorKind> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        set(&mut environment);
        let known = context! { blank => " ", null => Value::from(()), text => "x", list => vec!["a", "b"], half => 2.5, yes => true };
        environment.render_str(text, known).map_err(|error| error.kind())
    }

    #[test]
    fn nothing_is_never_something() {
        for (text, told) in [
            (
                "{{ none | default('a') }}{{ null | d('b') }}{{ blank | default('c') }}{{ '' | d('d') }}{{ '\u{3164}' | d('e') }}",
                Ok("abcde"),
            ),
            ("{{ text | default('a') }}{{ 0 | default('a') }}{{ false | default(1) }}", Ok("x0false")),
            ("{{ null }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | upper }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | lower | title }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | trim }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | string }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | split(',') | join }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | capitalize | default('x') }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | default(text) | upper }}{{ ' a ' | trim }}{{ 'a,b' | split(',') | join('-') }}", Ok("Xaa-b")),
            ("{{ half | string }}{{ 'ab cd' | title }}", Ok("2.5Ab Cd")),
            ("{{ missing }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | length }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | count }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | sum }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | join(',') }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | sort | length }}", Err(ErrorKind::UndefinedError)),
            ("{{ missing | unique | list | length }}", Err(ErrorKind::UndefinedError)),
            (
                "{{ missing | default('ab') | length }}{{ '' | length }}{{ list | sort | join }}{{ 0 | bool }}",
                Ok("20abfalse"),
            ),
            ("{% if missing %}a{% endif %}{% if not missing %}b{% endif %}{{ missing or 'c' }}", Ok("bc")),
            ("{% if null is none and missing is none and text is not none %}a{% endif %}", Ok("a")),
            ("{{ '12' | int }} {{ 3.7 | int }} {{ '2.5' | float }} {{ true | int }}", Ok("12 3 2.5 1")),
            ("{{ missing | int }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | int }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | float }}", Err(ErrorKind::UndefinedError)),
            ("{{ 'many' | int }}", Err(ErrorKind::InvalidOperation)),
            ("{{ blank | int }}", Err(ErrorKind::InvalidOperation)),
            ("{{ 'nan' | int }}", Err(ErrorKind::InvalidOperation)),
            ("{{ '1e999' | float }}", Err(ErrorKind::InvalidOperation)),
            ("{{ 'many' | int(default=7) }} {{ null | int(8) }} {{ missing | default(9) | int }}", Ok("7 8 9")),
        ] {
            assert_eq!(rendered(text), told.map(ToOwned::to_owned), "{text}");
        }
    }

    #[test]
    fn values_are_written_as_people_read_them() {
        for (text, told) in [
            ("{{ yes }} {{ not yes }}", Ok("true false")),
            ("{{ 6 / 2 }} {{ half }} {{ 3.0 }} {{ -4.0 }} {{ 12345678901 }}", Ok("3 2.5 3 -4 12345678901")),
            ("{{ list }}", Err(ErrorKind::InvalidOperation)),
            ("{{ {'a': 1} }}", Err(ErrorKind::InvalidOperation)),
            ("{{ range(3) }}", Err(ErrorKind::InvalidOperation)),
            ("{{ list | join(', ') }} {{ list | length }} {{ list[0] }}", Ok("a, b 2 a")),
            ("{{ 'x' if missing }}", Ok("")),
            ("{{ debug() }}", Err(ErrorKind::UnknownFunction)),
        ] {
            assert_eq!(rendered(text), told.map(ToOwned::to_owned), "{text}");
        }
    }
}

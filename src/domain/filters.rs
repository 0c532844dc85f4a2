//! What texts with placeholders have in common, whoever gets them: filters that never turn nothing into something, and how values are
//! written.

use minijinja::functions::Function;
use minijinja::value::{FunctionArgs, FunctionResult, Kwargs, Rest, ValueKind};
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
    guarded(environment, "capitalize", of_no_null, filters::capitalize);
    guarded(environment, "lines", of_no_null, filters::lines);
    guarded(environment, "lower", of_no_null, filters::lower);
    guarded(environment, "split", of_no_null, filters::split);
    guarded(environment, "string", of_no_null, filters::string);
    guarded(environment, "title", of_no_null, filters::title);
    guarded(environment, "trim", of_no_null, filters::trim);
    guarded(environment, "upper", of_no_null, filters::upper);
    guarded(environment, "e", with_no_null, filters::escape);
    guarded(environment, "escape", with_no_null, filters::escape);
    guarded(environment, "format", with_no_null, filters::format);
    guarded(environment, "safe", with_no_null, filters::safe);
    guarded(environment, "count", of_something, filters::length);
    guarded(environment, "join", of_texts, filters::join);
    guarded(environment, "length", of_something, filters::length);
    guarded(environment, "list", of_something, filters::list);
    guarded(environment, "sort", of_something, filters::sort);
    guarded(environment, "sum", of_something, filters::sum);
    guarded(environment, "unique", of_something, filters::unique);
    environment.add_test("none", |value: &Value| value.is_undefined() || tests::is_none(value));
    // They show how the language sees a value, and are for programmers.
    environment.remove_global("debug");
    environment.remove_filter("pprint");
    environment.set_formatter(written);
}

/// What a filter does instead of its own work with what it is given, if anything.
type Guard = fn(&State<'_, '_>, &[Value]) -> Option<Result<Value, Error>>;

/// Has an environment know the filter of this name, behind a guard.
fn guarded<F, Rv, Args>(environment: &mut Environment<'_>, name: &'static str, guard: Guard, filter: F)
where
    F: Function<Rv, Args>,
    Rv: FunctionResult,
    Args: for<'a> FunctionArgs<'a>,
{
    let own = format!("{name} behind its guard");
    environment.add_filter(own.clone(), filter);
    environment.add_filter(name, move |state: &mut State<'_, '_>, given: Rest<Value>| {
        guard(state, &given).unwrap_or_else(|| state.apply_filter(&own, &given))
    });
}

/// The guard of filters that make a text of what they are given first: `NONE` is nobody's name.
fn of_no_null(_: &State<'_, '_>, given: &[Value]) -> Option<Result<Value, Error>> {
    given.first().is_some_and(Value::is_none).then(|| Err(Error::new(ErrorKind::UndefinedError, NULL)))
}

/// The guard of filters that make a text of anything that they are given.
fn with_no_null(_: &State<'_, '_>, given: &[Value]) -> Option<Result<Value, Error>> {
    given.iter().any(Value::is_none).then(|| Err(Error::new(ErrorKind::UndefinedError, NULL)))
}

/// The guard of filters that make something of what is not known, such as a length of 0: an error, or where the unknown shows
/// nothing, the unknown. What is null, or has null in it to be joined, is no better.
fn of_something(state: &State<'_, '_>, given: &[Value]) -> Option<Result<Value, Error>> {
    let first = given.first()?;
    if first.is_undefined() {
        return Some(match state.undefined_behavior() {
            UndefinedBehavior::Lenient | UndefinedBehavior::Chainable => Ok(Value::UNDEFINED),
            _ => Err(Error::new(ErrorKind::UndefinedError, UNKNOWN)),
        });
    }
    of_no_null(state, given)
}

/// The guard of what joins texts: each of them is to be there.
fn of_texts(state: &State<'_, '_>, given: &[Value]) -> Option<Result<Value, Error>> {
    let list = given.first().filter(|first| first.kind() == ValueKind::Seq);
    let has_null = list.and_then(|list| list.try_iter().ok()).is_some_and(|mut items| items.any(|item| item.is_none()));
    if has_null {
        return Some(Err(Error::new(ErrorKind::UndefinedError, NULL)));
    }
    with_no_null(state, given).or_else(|| of_something(state, given))
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
            ("{{ null | e }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | escape }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | safe }}", Err(ErrorKind::UndefinedError)),
            ("{{ '%s' | format(null) }}", Err(ErrorKind::UndefinedError)),
            ("{{ ['a', null] | join(',') }}", Err(ErrorKind::UndefinedError)),
            ("{{ list | join(null) }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | join }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | sum }}", Err(ErrorKind::UndefinedError)),
            ("{{ null | list | length }}", Err(ErrorKind::UndefinedError)),
            (
                "{{ '%s!' | format(text) }}{{ 'x' | replace('x', 'y') | indent(2) }}{{ list | join }}{{ 'ab' | join('-') }}",
                Ok("x!yaba-b"),
            ),
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

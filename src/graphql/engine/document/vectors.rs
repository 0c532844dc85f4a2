//! The published tables of graphql-js and the examples of the specification: what is valid, what values become, and how texts are
//! written. What a program has made of the tables is in `published.txt` and `coerced.txt`, whose heads say how many of how many; what
//! was changed by hand so that it fits is in `validation.txt` and `coercion.txt`.

use std::sync::LazyLock;

use apollo_compiler::parser::Parser;
use async_graphql::{Name, Value, Variables};

use super::known::Known;
use super::places::Places;
use super::schema::Published;
use super::{Refusal, literal, measure, unreadable, validity, variables};
use domain::limits::DocumentLimits;

static SCHEMA: LazyLock<&'static Published> = LazyLock::new(|| schema(include_str!("vectors/schema.graphql")));

/// Documents know their schema as long as they live: it stays until the test ends.
fn schema(sdl: &str) -> &'static Published {
    let check = |scalar: &str, _| if scalar == "Any" { Ok(()) } else { Err("nothing is right".to_owned()) };
    Box::leak(Box::new(Published::read(sdl, check)))
}

fn read(text: &str) -> Result<Known, Refusal> {
    read_for(*SCHEMA, text)
}

fn read_for(schema: &'static Published, text: &str) -> Result<Known, Refusal> {
    let (places, limits) = (Places::of(text), DocumentLimits::default());
    let written = Parser::new().parse_ast(text, "document");
    let written = written.map_err(|wrong| unreadable(&wrong.errors, |span| places.pos(span)))?;
    measure::check(&written, &limits)?;
    validity::check(schema, &written, places, true, &limits)
}

#[test]
fn documents_are_valid_as_they_were_published() {
    let (mut schemas, mut rule, mut told, mut wrong) = (Vec::new(), "", 0, Vec::new());
    let lines = include_str!("vectors/published.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((sign, rest)) = line.split_once(' ') else {
            rule = line;
            continue;
        };
        let (number, text) = rest.split_once(' ').expect(line);
        if sign == "=" {
            schemas.push(schema(text));
            continue;
        }
        told += 1;
        match (sign, read_for(schemas[number.parse::<usize>().expect(line)], text)) {
            ("+", Ok(_)) | ("-", Err(_)) => {}
            (_, found) => wrong.push(format!("{rule} {line}: {:?}", found.err().map(|refusal| refusal.message))),
        }
    }
    assert_eq!(told, 327, "the head of the file says how many there are, and why no more");
    assert!(wrong.is_empty(), "{} of {told}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn documents_are_valid_as_the_published_tables_say() {
    let (mut rule, mut told, mut wrong) = ("", 0, Vec::new());
    for line in include_str!("vectors/validation.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let Some((sign, document)) = line.split_once(' ') else {
            rule = line;
            continue;
        };
        told += 1;
        match (sign, read(document)) {
            ("+", Ok(_)) | ("-", Err(_)) => {}
            (_, found) => wrong.push(format!("{rule} {line}: {:?}", found.err().map(|refusal| refusal.message))),
        }
    }
    assert!(told >= 330, "{told}");
    assert!(wrong.is_empty(), "{} of {told}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn values_become_what_the_published_tables_say() {
    let (mut told, mut wrong) = (0, Vec::new());
    for line in include_str!("vectors/coercion.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        told += 1;
        let mut parts = line.split('|').map(str::trim);
        let (kind, given, expected) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let json = |text: &str| Value::from_json(serde_json::from_str(text).expect(line)).unwrap();
        let known = read(&format!("query($v: {kind}) {{ any(arg: [$v]) }}")).expect(line);
        let mut variables = Variables::default();
        if !given.is_empty() {
            variables.insert(Name::new("v"), json(given));
        }
        let found = variables::coerce(*SCHEMA, &known.operations[0], &variables, true);
        let found = found.map(|read| read.get("v").cloned().map(|value| value.into_json().unwrap()));
        let expected = match expected {
            "!" => Err(()),
            "" => Ok(None),
            expected => Ok(Some(json(expected).into_json().unwrap())),
        };
        if found.as_ref().ok() != expected.as_ref().ok() {
            wrong.push(format!("{line}: {found:?}"));
        }
    }
    assert!(told >= 100, "{told}");
    assert!(wrong.is_empty(), "{} of {told}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn values_become_what_was_published() {
    let (mut told, mut wrong) = (0, Vec::new());
    for line in include_str!("vectors/coerced.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        told += 1;
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [types, variable, given, expected] = parts[..] else { panic!("{line}") };
        let schema = schema(&format!("{types} scalar Any type Query {{ any(arg: Any): String }}"));
        let name = variable.split(':').next().unwrap();
        let known = read_for(schema, &format!("query({variable}) {{ any(arg: [{name}]) }}")).expect(line);
        let given = Variables::from_json(serde_json::from_str(given).expect(line));
        let found = variables::coerce(schema, &known.operations[0], &given, true);
        let found = found.map(|read| read.get(&name[1..]).cloned().map(|value| value.into_json().unwrap()));
        let expected: Option<serde_json::Value> = serde_json::from_str(expected).ok();
        if found.as_ref().ok() != expected.map(|all| all.get(&name[1..]).cloned()).as_ref() {
            wrong.push(format!("{line}: {found:?}"));
        }
    }
    assert_eq!(told, 47, "the head of the file says how many there are, and why no more");
    assert!(wrong.is_empty(), "{} of {told}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The text that a literal stands for; None if it can't be read.
fn text(literal: &str) -> Option<String> {
    let known = read(&format!("{{ some(a: {literal}) }}")).ok()?;
    let selection = known.document.operations.iter().next()?.selection_set.selections.first()?;
    match literal::constant(&selection.as_field()?.arguments[0].value)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[test]
fn texts_are_read_as_the_specification_has_them() {
    let cases = [
        (r#""""#, Some("")),
        (r#""simple""#, Some("simple")),
        (r#"" white space ""#, Some(" white space ")),
        (r#""quote \"""#, Some("quote \"")),
        (r#""escaped \n\r\b\t\f""#, Some("escaped \n\r\u{8}\t\u{c}")),
        (r#""slashes \\ \/""#, Some("slashes \\ /")),
        ("\"unescaped 😀\"", Some("unescaped 😀")),
        (r#""unicode \u1234\u5678\u90AB\uCDEF""#, Some("unicode \u{1234}\u{5678}\u{90AB}\u{CDEF}")),
        (r#""\u{1234}\u{5678}""#, Some("\u{1234}\u{5678}")),
        (r#""a\u{1F600}b""#, Some("a😀b")),
        (r#""a\u{1f600}b""#, Some("a😀b")),
        (r#""a\u{0001F600}b""#, Some("a😀b")),
        (r#""a\uD83D\uDE00b""#, Some("a😀b")),
        (r#""a\ud83d\ude00b""#, Some("a😀b")),
        (r#""\u{10FFFF}""#, Some("\u{10FFFF}")),
        (r#""a # no comment""#, Some("a # no comment")),
        (r#""""a \""" b""""#, Some("a \"\"\" b")),
        (r#""""\""" ends with \"""""""#, Some("\"\"\" ends with \"\"\"")),
        (r#""""unescaped \n\r\b\t\f\u1234""""#, Some(r"unescaped \n\r\b\t\f\u1234")),
        (r#""""slashes \\ \/""""#, Some(r"slashes \\ \/")),
        (
            "\"\"\"\n\n        spans\n          multiple\n            lines\n\n        \"\"\"",
            Some("spans\n  multiple\n    lines"),
        ),
        ("\"\"\"a\r\n  b\r  c\"\"\"", Some("a\nb\nc")),
        ("\"\"\"  first\n    second\n      third\"\"\"", Some("  first\nsecond\n  third")),
        ("\"\"\"\"a\" b\"\"\"", Some("\"a\" b")),
        ("\"\"\"\n  tab\n\tkept\n\"\"\"", Some(" tab\nkept")),
        (r#""\uD83D""#, None),
        (r#""\uDE00""#, None),
        (r#""\uD83D x""#, None),
        (r#""\uDE00\uD83D""#, None),
        (r#""\u{D83D}\u{DE00}""#, None),
        (r#""\u{110000}""#, None),
        (r#""\u{}""#, None),
        (r#""\u{FFFFFFFFFF}""#, None),
        (r#""\u12""#, None),
        (r#""\x""#, None),
        (r#""no end"#, None),
        ("\"line\nbreak\"", None),
        (r#""""no end"#, None),
    ];
    let wrong: Vec<_> = cases.iter().filter(|(literal, expected)| text(literal).as_deref() != *expected).collect();
    let found: Vec<_> = wrong.iter().map(|(literal, expected)| (literal, expected, text(literal))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

//! The pages of settings, metrics and error codes are made from the code. After a change there:
//! `UPDATE_MANUAL=1 cargo test --test suite manual::made`.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use domain::meters::{Kind, METRICS, Metric};
use herald::config::SETTINGS;

use super::root;

/// What each page says of itself.
const MADE: &str = "This page is made from the code, so it has all of them.";

/// Compares a page with what it should be, or writes it.
fn is_as_made(name: &str, made: &str) {
    let path = root().join("src/manual").join(name);
    if std::env::var_os("UPDATE_MANUAL").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let is_same = std::fs::read_to_string(&path).is_ok_and(|text| text == made);
    assert!(
        is_same,
        "the code has changed: run `UPDATE_MANUAL=1 cargo test --test suite manual::made` and read {name}"
    );
}

/// A row of a table; a bar would end its cell.
fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn table(head: &str, rows: impl Iterator<Item = String>) -> String {
    let columns = head.matches('|').count() - 1;
    format!("{head}\n|{}\n{}", "---|".repeat(columns), rows.collect::<String>())
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

#[test]
fn the_page_of_settings_is_made_from_their_table() {
    let rows = |is_secret: bool, is_limit: bool| {
        let chosen = SETTINGS.iter().filter(move |setting| {
            (setting.is_secret(), setting.name.starts_with("HERALD_LIMIT_")) == (is_secret, is_limit)
        });
        chosen.map(|setting| {
            let flag = setting.flag().map(|flag| format!("--{flag}")).unwrap_or_default();
            let default = code(setting.default().unwrap_or_default());
            row(&[code(setting.name), code(&flag), default, setting.meaning().to_owned()])
        })
    };
    let head = "| setting | flag | default | meaning |";
    let made = format!(
        "# Settings\n\n{MADE} `herald help settings` prints the same.\n\n\
         Each setting is an environment variable; most are a flag too, which wins. A wrong one stops the start with a line that\n\
         names it. So does a name that begins with `HERALD_` and is no setting, with the nearest one that is; and a set-up that can't\n\
         do its job, such as a worker alone without PostgreSQL. What works and is perhaps not meant is a line in the log.\n\n\
         ## What it does\n\n{}\n## Secrets\n\n\
         Others on the machine can read a process' flags, so these have none.\n\n{}\n## Limits\n\n\
         What one client may ask for. The defaults are meant to be left alone.\n\n{}",
        table(head, rows(false, false)),
        table(head, rows(true, false)),
        table(head, rows(false, true)),
    );
    is_as_made("settings.md", &made);
}

#[test]
fn the_page_of_metrics_is_made_from_their_table() {
    let rows = METRICS.iter().map(|Metric { name, kind, labels, meaning }| {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        row(&[format!("`{name}`"), kind.to_owned(), labels, (*meaning).to_owned()])
    });
    let made = format!(
        "# Metrics\n\n{MADE}\n\n\
         Each process serves them at `/metrics`, for Prometheus; a worker prints its address at the start. Nobody signs in there, and\n\
         they name nobody: keep the path from the public by your proxy. A histogram has the series `_bucket`, `_sum` and `_count`.\n\
         What is of the whole fleet is the same in each process: take the `max`, not the `sum`.\n\
         [Alarms](alarms.md) says which of them call for somebody.\n\n{}",
        table("| metric | kind | labels | meaning |", rows)
    );
    is_as_made("metrics.md", &made);
}

#[test]
fn the_page_of_error_codes_is_made_from_the_schema() {
    let mut rows = Vec::new();
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Enum(codes) = &definition.node.kind else { continue };
        if definition.node.name.node != "ErrorCode" {
            continue;
        }
        rows.extend(codes.values.iter().map(|code| {
            let meaning = code.node.description.as_ref().map_or("", |text| text.node.as_str());
            format!("\n## `{}`\n\n{}\n", code.node.value.node, meaning.split_whitespace().collect::<Vec<_>>().join(" "))
        }));
    }
    assert!(!rows.is_empty());
    let made = format!(
        "# Error codes\n\n{MADE} It is `enum ErrorCode` of the schema.\n\n\
         Each error of an answer has one in `extensions.code`. Decide by it, not by the message, which is for people and may change;\n\
         and bear with codes that are added later. `extensions.documentation` leads to its place on this page, and\n\
         `extensions.requestId` to the request in Herald's log.\n\
         [How to read an answer](frontend.md#how-to-read-an-answer) says what else there is.\n{}",
        rows.concat()
    );
    is_as_made("errors.md", &made);
}

/// The menu of `/graphiql` is made from `schema/operations`.
#[test]
fn the_operations_of_graphiql_are_those_of_the_schema() {
    let folder = std::fs::read_dir(root().join("schema/operations")).unwrap();
    let texts = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let read = |text: String| {
        let document = async_graphql::parser::parse_query(&text).unwrap();
        let mut found = document.operations.iter();
        let (Some((Some(name), operation)), None) = (found.next(), found.next()) else { panic!("one name: {text}") };
        serde_json::json!({ "name": name.as_str(), "kind": operation.node.ty.to_string(), "document": text })
    };
    let mut operations: Vec<_> = texts.map(read).collect();
    operations.sort_by_key(|operation| operation["name"].as_str().unwrap().to_owned());
    let lines: Vec<String> = operations.iter().map(ToString::to_string).collect();
    is_as_made("../http/assets/graphiql/operations.json", &format!("[\n{}\n]\n", lines.join(",\n")));
}

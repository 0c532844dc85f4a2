//! The published schema.

use std::path::Path;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use serde_json::json;

use crate::harness::TestApp;

fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/schema.graphql")
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let sdl = graphql::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::create_dir_all(published().parent().unwrap()).unwrap();
        std::fs::write(published(), &sdl).unwrap();
    }
    let is_published = std::fs::read_to_string(published()).is_ok_and(|text| text == sdl);
    assert!(
        is_published,
        "the API has changed: run `cargo run -- schema > schema/schema.graphql` and read the difference"
    );
}

#[test]
fn everything_in_the_schema_is_described() {
    let mut silent = Vec::new();
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        match definition {
            TypeSystemDefinition::Type(definition) => of_type(&definition.node, &mut silent),
            // The library does not print the descriptions of their arguments: see below.
            TypeSystemDefinition::Directive(definition) => {
                said("", &definition.node.name.node, definition.node.description.as_ref(), &mut silent);
            }
            TypeSystemDefinition::Schema(_) => {}
        }
    }
    assert!(silent.is_empty(), "nothing is said that the name does not say:\n{}", silent.join("\n"));
}

#[tokio::test]
async fn arguments_of_directives_are_described_where_clients_look() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let asked = "{ __schema { directives { name args { name description } } } }";
    for directive in admin.data(asked, json!({})).await["__schema"]["directives"].as_array().unwrap() {
        for argument in directive["args"].as_array().unwrap() {
            let described = argument["description"].as_str().is_some_and(|text| text.split_whitespace().count() > 1);
            assert!(described, "@{}: {argument}", directive["name"]);
        }
    }
}

#[test]
fn every_scalar_names_its_specification() {
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        if matches!(definition.node.kind, TypeKind::Scalar) {
            let directives = &definition.node.directives;
            let specified = directives.iter().find(|directive| directive.node.name.node == "specifiedBy");
            let url =
                specified.and_then(|directive| directive.node.get_argument("url")).map(|url| url.node.to_string());
            let is_there = url.is_some_and(|url| url.starts_with("\"https://www.rfc-editor.org/rfc/"));
            assert!(is_there, "{} does not say where it is specified", definition.node.name.node);
        }
    }
}

#[test]
fn what_creates_or_sends_can_be_repeated_and_what_updates_can_expect_a_version() {
    let mut wanting = Vec::new();
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::InputObject(input) = &definition.node.kind else { continue };
        let name = definition.node.name.node.as_str();
        let Some(mutation) = name.strip_suffix("Input") else { continue };
        let creates = ["Create", "Import", "Add", "Start", "Resume", "Retry", "ResolveUnknown", "Sync"];
        let field = match mutation {
            _ if creates.iter().any(|verb| mutation.starts_with(verb)) => "idempotencyKey",
            _ if mutation.starts_with("Update") => "expectedVersion",
            _ => continue,
        };
        if !input.fields.iter().any(|known| known.node.name.node == field) {
            wanting.push(format!("{name} has no {field}"));
        }
    }
    assert!(wanting.is_empty(), "{}", wanting.join("\n"));
}

fn of_type(definition: &TypeDefinition, silent: &mut Vec<String>) {
    let name = definition.name.node.as_str();
    said("", name, definition.description.as_ref(), silent);
    match &definition.kind {
        TypeKind::Object(object) => fields(name, &object.fields, silent),
        TypeKind::Interface(interface) => fields(name, &interface.fields, silent),
        TypeKind::InputObject(object) => inputs(name, &object.fields, silent),
        TypeKind::Enum(values) => {
            for value in &values.values {
                said(name, &value.node.value.node, value.node.description.as_ref(), silent);
            }
        }
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
}

fn fields(owner: &str, fields: &[Positioned<FieldDefinition>], silent: &mut Vec<String>) {
    for field in fields {
        said(owner, &field.node.name.node, field.node.description.as_ref(), silent);
        inputs(&format!("{owner}.{}", field.node.name.node), &field.node.arguments, silent);
    }
}

fn inputs(owner: &str, values: &[Positioned<InputValueDefinition>], silent: &mut Vec<String>) {
    for value in values {
        said(owner, &value.node.name.node, value.node.description.as_ref(), silent);
    }
}

/// Notes a name whose description is missing, a single word, or made of the name's own words.
fn said(owner: &str, name: &str, description: Option<&Positioned<String>>, silent: &mut Vec<String>) {
    const SMALL: &str =
        " a an and are be by how in is it its of one or that the this to was were what which who with without ";
    let text = description.map_or("", |description| description.node.as_str());
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let name_words = words_of(name);
    let says_more = words.iter().any(|word| {
        !SMALL.contains(&format!(" {word} ")) && !name_words.iter().any(|part| singular(part) == singular(word))
    });
    if words.len() < 2 || !says_more {
        silent.push(format!("{owner}.{name}: {text}"));
    }
}

/// The words of `camelCase` and `UPPER_CASE` names, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let is_upper = name.chars().all(|c| !c.is_lowercase());
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && !is_upper) {
            words.push(String::new());
        }
        words.last_mut().expect("there is one").extend(c.to_lowercase().filter(|c| *c != '_'));
    }
    words
}

/// Near enough for English nouns: batches and batch, channels and channel.
fn singular(word: &str) -> &str {
    let ends = ["ches", "shes", "sses"].iter().any(|end| word.ends_with(end));
    word.strip_suffix(if ends { "es" } else { "s" }).unwrap_or(word)
}

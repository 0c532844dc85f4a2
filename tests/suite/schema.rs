//! The published schema.

use std::path::Path;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};

fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/schema.graphql")
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let sdl = herald::graphql::sdl();
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
    let document = parse_schema(herald::graphql::sdl()).unwrap();
    let mut missing = Vec::new();
    for definition in document.definitions {
        // Arguments of directives have descriptions too, but the library does not print them.
        if let TypeSystemDefinition::Type(definition) = definition {
            undescribed(&definition.node, &mut missing);
        }
    }
    assert!(missing.is_empty(), "without a description:\n{}", missing.join("\n"));
}

fn undescribed(definition: &TypeDefinition, missing: &mut Vec<String>) {
    let name = definition.name.node.to_string();
    if definition.description.is_none() {
        missing.push(name.clone());
    }
    match &definition.kind {
        TypeKind::Object(object) => fields(&name, &object.fields, missing),
        TypeKind::Interface(interface) => fields(&name, &interface.fields, missing),
        TypeKind::InputObject(object) => inputs(&name, &object.fields, missing),
        TypeKind::Enum(values) => {
            // These say it by their names, and the enum by its description.
            let speak = ["AuditAction"].contains(&name.as_str());
            let silent = values.values.iter().filter(|value| value.node.description.is_none() && !speak);
            missing.extend(silent.map(|value| format!("{name}.{}", value.node.value.node)));
        }
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
}

fn fields(owner: &str, fields: &[Positioned<FieldDefinition>], missing: &mut Vec<String>) {
    for field in fields {
        let name = format!("{owner}.{}", field.node.name.node);
        if field.node.description.is_none() {
            missing.push(name.clone());
        }
        inputs(&name, &field.node.arguments, missing);
    }
}

fn inputs(owner: &str, values: &[Positioned<InputValueDefinition>], missing: &mut Vec<String>) {
    let silent = values.iter().filter(|value| value.node.description.is_none());
    missing.extend(silent.map(|value| format!("{owner}({})", value.node.name.node)));
}

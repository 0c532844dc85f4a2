//! One rule for each sort of name in the API, over the whole of its schema. What does not follow it was there before the rule, and
//! stays: each such name stands here, and a new one is a mistake. What gets a better name keeps the old one, deprecated.

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};

/// Queries that are neither lists nor look-ups: figures, and what there is one of.
const OTHER_QUERIES: [&str; 17] = [
    "admin",
    "broadcastOverview",
    "campaignReport",
    "channelCategories",
    "channelReport",
    "contactAttemptStats",
    "exportLead",
    "leadStats",
    "nodes",
    "previewScript",
    "previewTemplate",
    "retentionOverview",
    "retentionSeries",
    "sendSeries",
    "sequenceFunnel",
    "serverInfo",
    "viewer",
];
/// Mutations that share a payload, or have nothing to be told.
const OTHER_MUTATIONS: [&str; 3] = ["login", "refreshSession", "resumeAll"];
/// Subscriptions that were named before `<thing>Progress(id)`.
const OTHER_SUBSCRIPTIONS: [&str; 5] =
    ["auditLogged", "enrollmentUpdated", "jobUpdates", "serverUpdated", "taskUpdated"];
/// Instants that are called neither `...At` nor by where they lie: `since`, `until`, `from`, `to`, `...After`, `...Before`.
const OTHER_INSTANTS: [&str; 6] = ["endDate", "lastChecked", "notBefore", "now", "startDate", "timestamp"];
/// Truths that are not asked: settings that are switched on.
const SWITCHES: [&str; 11] = [
    "accountFailover",
    "all",
    "autoAssign",
    "doNotContact",
    "everywhere",
    "fits",
    "instantlySync",
    "leadConverts",
    "takesAddresses",
    "trackClicks",
    "trackOpens",
];

fn named(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => named(of),
    }
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// A field: the type it belongs to, its name, and its own type.
type Below = (String, String, String);

/// The fields of all types, and the roots.
fn all() -> (Vec<Below>, Vec<(String, FieldDefinition)>) {
    let (mut below, mut roots) = (Vec::new(), Vec::new());
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let owner = definition.node.name.node.to_string();
        let mut add = |name: &str, kind: &Type| below.push((owner.clone(), name.to_owned(), named(kind).to_owned()));
        match definition.node.kind {
            TypeKind::Object(object) if ["Query", "Mutation", "Subscription"].contains(&owner.as_str()) => {
                roots.extend(object.fields.into_iter().map(|field| (owner.clone(), field.node)));
            }
            TypeKind::Object(object) => fields(&object.fields, &mut add),
            TypeKind::Interface(interface) => fields(&interface.fields, &mut add),
            TypeKind::InputObject(input) => inputs(&input.fields, &mut add),
            _ => {}
        }
    }
    (below, roots)
}

fn fields(fields: &[Positioned<FieldDefinition>], add: &mut impl FnMut(&str, &Type)) {
    for field in fields {
        add(&field.node.name.node, &field.node.ty.node);
        inputs(&field.node.arguments, add);
    }
}

fn inputs(inputs: &[Positioned<InputValueDefinition>], add: &mut impl FnMut(&str, &Type)) {
    for input in inputs {
        add(&input.node.name.node, &input.node.ty.node);
    }
}

#[test]
fn roots_are_named_by_what_they_do() {
    let mut wrong = Vec::new();
    for (root, field) in all().1 {
        let name = field.name.node.as_str();
        let gives = named(&field.ty.node);
        let arguments: Vec<(&str, &str)> = field
            .arguments
            .iter()
            .map(|argument| (argument.node.name.node.as_str(), named(&argument.node.ty.node)))
            .collect();
        let follows = match root.as_str() {
            "Mutation" => {
                let (input, payload) = (format!("{}Input", capital(name)), format!("{}Payload", capital(name)));
                arguments == [("input", input.as_str())] && gives == payload || OTHER_MUTATIONS.contains(&name)
            }
            "Subscription" => {
                let is_progress = name.ends_with("Progress") && arguments.first() == Some(&("id", "ID"));
                is_progress || OTHER_SUBSCRIPTIONS.contains(&name)
            }
            _ => {
                let is_list = gives.ends_with("Connection") && arguments.first() == Some(&("first", "Int"));
                let is_by_id = arguments == [("id", "ID")] && capital(name) == gives;
                let key = format!("{gives}Key");
                let is_by_key = arguments == [("key", key.as_str())] && capital(name) == format!("{gives}By");
                is_list || is_by_id || is_by_key || OTHER_QUERIES.contains(&name)
            }
        };
        if !follows {
            wrong.push(format!("{root}.{name}{arguments:?}: {gives}"));
        }
    }
    assert!(wrong.is_empty(), "these roots are not named as the others:\n{}", wrong.join("\n"));
}

#[test]
fn fields_are_named_by_what_they_hold() {
    let asks = ["is", "has", "can", "may", "no", "are", "allow"];
    let mut wrong = Vec::new();
    for (owner, name, kind) in all().0 {
        let follows = match kind.as_str() {
            "DateTime" => {
                let places = ["At", "After", "Before"].iter().any(|end| name.ends_with(end) && name != "notBefore");
                places
                    || ["at", "since", "until", "from", "to"].contains(&name.as_str())
                    || OTHER_INSTANTS.contains(&name.as_str())
            }
            "ID" => name == "id" || name == "ids" || name.ends_with("Id") || name.ends_with("Ids"),
            "Boolean" => {
                let is_asked = asks.iter().any(|word| {
                    name.strip_prefix(word).is_some_and(|rest| rest.starts_with(|next: char| next.is_uppercase()))
                });
                is_asked || SWITCHES.contains(&name.as_str())
            }
            _ => true,
        };
        if !follows {
            wrong.push(format!("{owner}.{name}: {kind}"));
        }
    }
    assert!(wrong.is_empty(), "these fields are not named as others of their type:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_deprecated_says_what_to_use() {
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = &definition.node.kind else { continue };
        for field in &object.fields {
            let deprecated = field.node.directives.iter().find(|directive| directive.node.name.node == "deprecated");
            let Some(deprecated) = deprecated else { continue };
            let reason =
                deprecated.node.get_argument("reason").map(|reason| reason.node.to_string()).unwrap_or_default();
            let other = object.fields.iter().map(|field| field.node.name.node.as_str());
            let names_it = other.filter(|other| *other != field.node.name.node).any(|other| reason.contains(other));
            assert!(names_it, "{}.{}: {reason}", definition.node.name.node, field.node.name.node);
        }
    }
}

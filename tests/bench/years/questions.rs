//! What the API can be asked, made of its schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::support::client::Client;

/// Rows of a list that are asked for.
const FIRST: i32 = 50;
/// How deep objects are asked for that are no list.
const DEPTH: usize = 3;

const SCHEMA: &str = "{ __schema { types { kind name
    fields { name args { name defaultValue type { ...T } } type { ...T } }
    inputFields { name type { ...T } } enumValues { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// A question.
pub struct Question {
    pub name: String,
    pub document: String,
    pub variables: Json,
}

/// The schema by the names of its types, and an id of each type that has one.
struct Schema {
    types: BTreeMap<String, Json>,
    ids: BTreeMap<String, Json>,
}

/// All questions: each field of Query by itself, and each list with each order and each condition.
pub async fn all(client: &mut Client) -> anyhow::Result<Vec<Question>> {
    let mut schema = Schema { types: BTreeMap::new(), ids: BTreeMap::new() };
    let told = ask(client, SCHEMA).await?;
    for kind in list(&told["__schema"]["types"]) {
        schema.types.insert(text(&kind["name"]), kind.clone());
    }
    let fields: Vec<Json> = list(&schema.types["Query"]["fields"]).cloned().collect();
    for field in &fields {
        let name = text(&field["name"]);
        if let Some(node) = schema.node(field) {
            let document = format!("{{ {name}(first: 1) {{ nodes {{ id }} }} }}");
            if let Ok(mut told) = ask(client, &document).await {
                let id = told[&name]["nodes"][0]["id"].take();
                schema.ids.entry(node).or_insert(id);
            }
        }
    }
    let questions = fields.iter().flat_map(|field| schema.questions(field)).collect();
    Ok(questions)
}

async fn ask(client: &mut Client, document: &str) -> anyhow::Result<Json> {
    let answer = client.post(&json!({ "query": document }).to_string()).await?;
    let mut answer: Json = serde_json::from_slice(answer)?;
    anyhow::ensure!(answer["errors"].is_null(), "{}", answer["errors"]);
    Ok(answer["data"].take())
}

fn list(of: &Json) -> impl Iterator<Item = &Json> {
    of.as_array().into_iter().flatten()
}

fn text(of: &Json) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

/// The type below lists and non-nulls.
fn named(mut of: &Json) -> &Json {
    while !of["ofType"].is_null() {
        of = &of["ofType"];
    }
    of
}

fn is_required(of: &Json) -> bool {
    of["kind"] == "NON_NULL"
}

/// A type as a document writes it.
fn written(of: &Json) -> String {
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&of["ofType"])),
        Some("LIST") => format!("[{}]", written(&of["ofType"])),
        _ => text(&of["name"]),
    }
}

impl Schema {
    fn fields<'a>(&'a self, name: &str, what: &str) -> impl Iterator<Item = &'a Json> {
        self.types.get(name).into_iter().flat_map(move |kind| list(&kind[what]))
    }

    /// The type of the nodes, if the field is a list of them with ids.
    fn node(&self, field: &Json) -> Option<String> {
        let connection = text(&named(&field["type"])["name"]);
        let node = connection.strip_suffix("Connection")?.to_owned();
        let has_id = self.fields(&node, "fields").any(|field| field["name"] == "id");
        has_id.then_some(node)
    }

    /// What is asked of an object: what it is made of itself, and of the objects in it as deep as that goes.
    fn selection(&self, name: &str, depth: usize) -> String {
        let mut selected = Vec::new();
        for field in self.fields(name, "fields") {
            let of = named(&field["type"]);
            let needs = list(&field["args"]).any(|arg| is_required(&arg["type"]) && arg["defaultValue"].is_null());
            let (field, is_plain) = (text(&field["name"]), of["kind"] == "SCALAR" || of["kind"] == "ENUM");
            let of = text(&of["name"]);
            if needs || of.ends_with("Connection") {
                continue;
            }
            if is_plain {
                selected.push(field);
            } else if depth > 0 {
                let inner = self.selection(&of, depth - 1);
                selected.push(format!("{field} {inner}"));
            }
        }
        if selected.is_empty() { "{ __typename }".into() } else { format!("{{ {} }}", selected.join(" ")) }
    }

    fn questions(&self, field: &Json) -> Vec<Question> {
        let name = text(&field["name"]);
        let of = text(&named(&field["type"])["name"]);
        let mut base = Map::new();
        for arg in list(&field["args"]).filter(|arg| is_required(&arg["type"]) && arg["defaultValue"].is_null()) {
            let Some(value) = self.values(&of, &text(&arg["name"]), &arg["type"]).into_iter().next() else {
                return Vec::new();
            };
            base.insert(text(&arg["name"]), value);
        }
        let Some(node) = of.strip_suffix("Connection") else {
            let is_plain = ["SCALAR", "ENUM"].contains(&named(&field["type"])["kind"].as_str().unwrap_or_default());
            let selection = if is_plain { String::new() } else { self.selection(&of, DEPTH) };
            return vec![question(field, &name, base, &selection)];
        };
        base.insert("first".into(), json!(FIRST));
        let nodes = self.selection(node, 0);
        let selection = format!("{{ totalCount nodes {nodes} pageInfo {{ hasNextPage endCursor }} }}");
        let mut questions = vec![question(field, &name, base.clone(), &selection)];
        for arg in list(&field["args"]) {
            let (arg, kind) = (text(&arg["name"]), text(&named(&arg["type"])["name"]));
            let variants = match arg.as_str() {
                "orderBy" => self.orders(&kind),
                "filter" => self.conditions(node, &kind),
                _ => continue,
            };
            for (told, value) in variants {
                let mut with = base.clone();
                with.insert(arg.clone(), value);
                questions.push(question(field, &format!("{name} {told}"), with, &selection));
            }
        }
        questions
    }

    fn orders(&self, kind: &str) -> Vec<(String, Json)> {
        let field = self.fields(kind, "inputFields").find(|field| field["name"] == "field");
        let Some(words) = field.map(|field| text(&named(&field["type"])["name"])) else { return Vec::new() };
        let orders = self.fields(&words, "enumValues").flat_map(|word| {
            let word = text(&word["name"]);
            ["ASC", "DESC"].map(|way| (format!("by {word} {way}"), json!({ "field": word, "direction": way })))
        });
        orders.collect()
    }

    fn conditions(&self, node: &str, kind: &str) -> Vec<(String, Json)> {
        let mut all = Vec::new();
        for field in self.fields(kind, "inputFields") {
            let name = text(&field["name"]);
            for value in self.values(node, &name, &field["type"]) {
                all.push((format!("where {name} is {value}"), json!({ &name: value })));
            }
        }
        all
    }

    /// Values that a variable of this type may have, with what is asked for in mind.
    fn values(&self, asked: &str, name: &str, of: &Json) -> Vec<Json> {
        match of["kind"].as_str() {
            Some("NON_NULL") => return self.values(asked, name, &of["ofType"]),
            Some("LIST") => {
                return self
                    .values(asked, name, &of["ofType"])
                    .into_iter()
                    .take(2)
                    .map(|value| json!([value]))
                    .collect();
            }
            Some("ENUM") => {
                let words: Vec<_> =
                    self.fields(&text(&of["name"]), "enumValues").map(|word| word["name"].clone()).collect();
                return words;
            }
            Some("INPUT_OBJECT") => return self.objects(asked, &text(&of["name"])),
            _ => {}
        }
        match of["name"].as_str().unwrap_or_default() {
            "ID" => self.id(asked, name).into_iter().collect(),
            "Int" | "Float" | "BigInt" => vec![json!(7)],
            "Boolean" => vec![json!(true), json!(false)],
            "Decimal" => vec![json!("1")],
            "DateTime" => vec![json!("2026-06-01T00:00:00Z")],
            // Many, a few, and none.
            "String" => vec![json!("person"), json!("4711"), json!("nobody has this")],
            _ => Vec::new(),
        }
    }

    /// An object with one field of it; of a key, each.
    fn objects(&self, asked: &str, kind: &str) -> Vec<Json> {
        let with = |field: &Json| {
            let name = text(&field["name"]);
            let values = self.values(asked, &name, &field["type"]);
            values.into_iter().take(1).map(|value| json!({ &name: value })).collect::<Vec<_>>()
        };
        self.fields(kind, "inputFields").flat_map(with).collect()
    }

    /// The id that an argument means: of what is asked for, or of the type that its name ends with.
    fn id(&self, asked: &str, name: &str) -> Option<Json> {
        let stem = name.trim_end_matches('s').trim_end_matches("Id").trim_end_matches("id").to_lowercase();
        let of = |kind: &str| self.ids.get(kind).filter(|id| !id.is_null()).cloned();
        if stem.is_empty() {
            return of(asked).or_else(|| of("Channel"));
        }
        // Retention's campaign and broadcast's share the word.
        let is_broadcast = ["Job", "SendSeries"].contains(&asked);
        let mut kinds: Vec<_> = self.ids.keys().filter(|kind| kind.to_lowercase().ends_with(&stem)).collect();
        kinds.sort_by_key(|kind| kind.starts_with("Broadcast") != is_broadcast);
        kinds.first().and_then(|kind| of(kind))
    }
}

fn question(field: &Json, name: &str, variables: Map<String, Json>, selection: &str) -> Question {
    let types: BTreeMap<String, String> =
        list(&field["args"]).map(|arg| (text(&arg["name"]), written(&arg["type"]))).collect();
    let declared: Vec<_> = variables.keys().map(|name| format!("${name}: {}", types[name])).collect();
    let passed: Vec<_> = variables.keys().map(|name| format!("{name}: ${name}")).collect();
    let field = text(&field["name"]);
    let document = if declared.is_empty() {
        format!("{{ {field} {selection} }}")
    } else {
        format!("query Asked({}) {{ {field}({}) {selection} }}", declared.join(", "), passed.join(", "))
    };
    Question { name: name.to_owned(), document, variables: Json::Object(variables) }
}

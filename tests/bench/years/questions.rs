//! What the API can be asked, made of its schema.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use crate::support::client::Client;

#[path = "values.rs"]
mod values;

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

/// The arguments of a list.
#[derive(Clone)]
struct List {
    told: String,
    with: Map<String, Json>,
    /// Whether it has more than one order or condition.
    is_mixed: bool,
}

/// The schema by the names of its types, ids of the oldest and the newest of each type that has some, and what time it is.
struct Schema {
    types: BTreeMap<String, Json>,
    ids: BTreeMap<String, Vec<Json>>,
    now: DateTime<Utc>,
}

/// All questions: each field of Query by itself, with what it can be asked about, and each list with each order and each condition, each
/// two of them, its end, its length alone, and the lists below its nodes in the same way.
pub async fn all(client: &mut Client) -> anyhow::Result<Vec<Question>> {
    let now = ask(client, "{ serverInfo { now } }").await?["serverInfo"]["now"].take();
    let now = text(&now).parse()?;
    let mut schema = Schema { types: BTreeMap::new(), ids: BTreeMap::new(), now };
    let told = ask(client, SCHEMA).await?;
    for kind in list(&told["__schema"]["types"]) {
        schema.types.insert(text(&kind["name"]), kind.clone());
    }
    let fields: Vec<Json> = list(&schema.types["Query"]["fields"]).cloned().collect();
    for field in &fields {
        let name = text(&field["name"]);
        let Some(node) = schema.node(field) else { continue };
        for end in ["first", "last"] {
            let document = format!("{{ {name}({end}: 1) {{ nodes {{ id }} }} }}");
            if let Ok(mut told) = ask(client, &document).await
                && !told[&name]["nodes"][0].is_null()
            {
                schema.ids.entry(node.clone()).or_default().push(told[&name]["nodes"][0]["id"].take());
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
        let about = match name.as_str() {
            "exportLead" => "Lead",
            _ if name.starts_with("send") => "Job",
            _ if name.starts_with("broadcastCampaign") => "BroadcastCampaign",
            _ => of.as_str(),
        };
        let mut base = Map::new();
        for arg in list(&field["args"]).filter(|arg| is_required(&arg["type"]) && arg["defaultValue"].is_null()) {
            let Some(value) = self.values(about, &text(&arg["name"]), &arg["type"]).into_iter().next() else {
                return Vec::new();
            };
            base.insert(text(&arg["name"]), value);
        }
        if base.contains_key("interval") {
            base.insert("interval".into(), json!("DAY"));
        }
        let Some(node) = of.strip_suffix("Connection") else { return self.variants(field, &base, about) };
        let nodes = self.selection(node, 0);
        let page = format!("{{ nodes {nodes} pageInfo {{ hasNextPage endCursor }} }}");
        let mut questions = Vec::new();
        for list in self.lists(field, &base, true) {
            for (told, end, selection) in [
                ("", Some("first"), page.as_str()),
                (" from its end", Some("last"), &page),
                (" counted", None, "{ totalCount }"),
            ] {
                // A count is of no order, and an end is the beginning of the other order.
                if (end.is_none() && list.with.contains_key("orderBy")) || (end == Some("last") && list.is_mixed) {
                    continue;
                }
                let mut with = list.with.clone();
                if let Some(end) = end {
                    with.insert(end.into(), json!(FIRST));
                }
                questions.push(question(field, &format!("{name}{}{told}", list.told), with, selection));
            }
        }
        questions.extend(self.below(&name, node));
        questions
    }

    /// What a field can be asked that is no list: by itself, and with each argument that it may have.
    fn variants(&self, field: &Json, base: &Map<String, Json>, about: &str) -> Vec<Question> {
        let (name, of) = (text(&field["name"]), text(&named(&field["type"])["name"]));
        let is_plain = ["SCALAR", "ENUM"].contains(&named(&field["type"])["kind"].as_str().unwrap_or_default());
        let selection = if is_plain { String::new() } else { self.selection(&of, DEPTH) };
        let mut questions = vec![question(field, &name, base.clone(), &selection)];
        for arg in list(&field["args"]) {
            let told = text(&arg["name"]);
            let variants = match told.as_str() {
                "filter" => self.conditions(&text(&named(&arg["type"])["name"])),
                "from" => vec![("of a year".into(), self.ago(365))],
                "interval" => continue,
                _ => self
                    .values(about, &told, &arg["type"])
                    .into_iter()
                    .map(|value| (value.to_string(), value))
                    .collect(),
            };
            for (variant, value) in variants {
                let mut with = base.clone();
                with.insert(told.clone(), value);
                questions.push(question(field, &format!("{name} {told} {variant}"), with, &selection));
            }
        }
        questions
    }

    /// What the lists below a node can be asked, for some nodes at once.
    fn below(&self, name: &str, node: &str) -> Vec<Question> {
        let mut questions = Vec::new();
        for inner in self.fields(node, "fields") {
            let of = text(&named(&inner["type"])["name"]);
            if !of.ends_with("Connection") {
                continue;
            }
            let field = text(&inner["name"]);
            let node = of.trim_end_matches("Connection");
            let has_id = self.fields(node, "fields").any(|field| field["name"] == "id");
            let selection = if has_id { "{ nodes { id } }" } else { "{ nodes { __typename } }" };
            for list in self.lists(inner, &Map::new(), false) {
                for (told, selection) in [("", selection), (" counted", "{ totalCount }")] {
                    if !told.is_empty() && list.with.contains_key("orderBy") {
                        continue;
                    }
                    let mut with = list.with.clone();
                    with.insert("first".into(), json!(5));
                    let mut asked =
                        question(inner, &format!("{name} {{ {field}{}{told} }}", list.told), with, selection);
                    let (head, rest) = asked.document.split_once('{').unwrap_or_default();
                    asked.document = format!("{head}{{ {name}(first: 10) {{ nodes {{ {rest} }} }}");
                    questions.push(asked);
                }
            }
        }
        questions
    }

    /// The arguments by which a list can be sorted and narrowed down, and what they are called: each order, each condition, each order
    /// with each condition, and, where they are wanted, each two conditions.
    fn lists(&self, field: &Json, base: &Map<String, Json>, pairs: bool) -> Vec<List> {
        let mut lists = vec![List { told: String::new(), with: base.clone(), is_mixed: false }];
        let mut mixed = Vec::new();
        for arg in list(&field["args"]) {
            let (name, kind) = (text(&arg["name"]), text(&named(&arg["type"])["name"]));
            let variants = match name.as_str() {
                "orderBy" => self.orders(&kind),
                "filter" => self.conditions(&kind),
                "statuses" => {
                    self.values(&kind, &name, &arg["type"]).into_iter().map(|v| (format!("of {v}"), v)).collect()
                }
                _ => continue,
            };
            let known = lists.clone();
            for (told, value) in &variants {
                for before in &known {
                    let mut list = before.clone();
                    list.told = format!("{} {told}", before.told);
                    list.with.insert(name.clone(), value.clone());
                    list.is_mixed = !before.told.is_empty();
                    lists.push(list);
                }
            }
            if name == "filter" && pairs {
                mixed.extend(self.pairs(&kind).into_iter().map(|(told, value)| {
                    let mut with = base.clone();
                    with.insert(name.clone(), value);
                    List { told: format!(" {told}"), with, is_mixed: true }
                }));
            }
        }
        lists.extend(mixed);
        lists
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

    /// The values of each condition of a filter.
    fn by_condition(&self, kind: &str) -> Vec<(String, Vec<Json>)> {
        let asked = kind.trim_end_matches("Filter");
        let fields = self.fields(kind, "inputFields");
        fields.map(|field| (text(&field["name"]), self.values(asked, &text(&field["name"]), &field["type"]))).collect()
    }

    fn conditions(&self, kind: &str) -> Vec<(String, Json)> {
        let all = self.by_condition(kind).into_iter().flat_map(|(name, values)| {
            values.into_iter().map(move |value| (format!("where {name} is {value}"), json!({ &name: value })))
        });
        all.collect()
    }

    /// Each two conditions: what many fulfil, and what few do.
    fn pairs(&self, kind: &str) -> Vec<(String, Json)> {
        let all = self.by_condition(kind);
        let mut pairs = Vec::new();
        for (at, (one, values)) in all.iter().enumerate() {
            for (other, others) in &all[at + 1..] {
                let ends =
                    [(values.first(), others.first()), (values.last(), others.first()), (values.last(), others.last())];
                for (value, with) in ends.into_iter().filter_map(|(value, with)| value.zip(with)) {
                    let told = format!("where {one} is {value} and {other} is {with}");
                    pairs.push((told, json!({ one: value, other: with })));
                }
            }
        }
        pairs
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

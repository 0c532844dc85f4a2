//! Whether a request is one that the provider's official `OpenAPI` file allows.

use std::path::PathBuf;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value as Json, json};

use super::Caught;

/// Of the official files that which Herald asks for: operations' parameters and bodies, and the schemas that these name.
/// `HERALD_TEST_OPENAPI` names another folder, such as one with the newest files as they are published.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/openapi");

/// One provider's file.
pub struct OpenApi(Json);

impl OpenApi {
    /// Reads `name`.
    pub fn read(name: &str) -> Self {
        let folder = std::env::var_os("HERALD_TEST_OPENAPI").map_or_else(|| PathBuf::from(FOLDER), PathBuf::from);
        let file = std::fs::read(folder.join(name)).expect("the file is there");
        let mut document = serde_json::from_slice(&file).unwrap();
        allow_null(&mut document);
        Self(document)
    }

    /// What is wrong with a request; empty if nothing is.
    pub fn violations(&self, request: &Caught) -> Vec<String> {
        let Some((operation, path)) = self.operation(request) else {
            return vec![format!("there is no {} {}", request.method, request.path)];
        };
        let mut wrong = self.wrong_parameters(&operation, &path, request);
        match operation["requestBody"]["content"].as_object() {
            Some(kinds) => wrong.extend(self.wrong_body(kinds, request)),
            None if request.body.is_empty() => {}
            None => wrong.push("it takes no body".into()),
        }
        wrong
    }

    /// The operation, with the path's parameters in it, and what they are in this request.
    fn operation(&self, request: &Caught) -> Option<(Json, Vec<(String, String)>)> {
        let paths = self.0["paths"].as_object()?;
        let mut found: Vec<_> =
            paths.iter().filter_map(|(template, item)| Some((matched(template, &request.path)?, item))).collect();
        // `/campaigns/analytics` is also an id for `/campaigns/{id}`.
        found.sort_by_key(|(parameters, _)| parameters.len());
        let method = request.method.to_lowercase();
        let (parameters, item) = found.into_iter().find(|(_, item)| item.get(&method).is_some())?;
        let mut operation = item[&method].clone();
        let shared = item["parameters"].as_array().cloned().unwrap_or_default();
        let own = operation["parameters"].as_array().cloned().unwrap_or_default();
        operation["parameters"] = [shared, own].concat().into();
        Some((operation, parameters))
    }

    fn wrong_parameters(&self, operation: &Json, path: &[(String, String)], request: &Caught) -> Vec<String> {
        let query: Vec<(String, String)> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        let known = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut wrong = Vec::new();
        for (place, given) in [("path", path), ("query", &query)] {
            for (name, value) in given {
                match known.iter().find(|parameter| parameter["name"] == **name && parameter["in"] == place) {
                    Some(parameter) => wrong.extend(self.errors(&parameter["schema"], &typed(parameter, value))),
                    None => wrong.push(format!("there is no {place} parameter {name}")),
                }
            }
        }
        let is_missing = |parameter: &&Json| {
            parameter["required"] == true
                && parameter["in"] == "query"
                && !query.iter().any(|(name, _)| parameter["name"] == **name)
        };
        wrong.extend(known.iter().filter(is_missing).map(|parameter| format!("{} is missing", parameter["name"])));
        wrong
    }

    fn wrong_body(&self, kinds: &Map<String, Json>, request: &Caught) -> Vec<String> {
        let kind = request.header("content-type").split(';').next().unwrap_or_default();
        let Some(schema) = kinds.get(kind).map(|media| &media["schema"]) else {
            return vec![format!("it takes no {kind}")];
        };
        let body = if kind == "application/x-www-form-urlencoded" {
            request.form().into_iter().map(|(name, value)| (name, json!(value))).collect::<Map<_, _>>().into()
        } else {
            match serde_json::from_slice(&request.body) {
                Ok(body) => body,
                Err(error) => return vec![error.to_string()],
            }
        };
        self.errors(schema, &body)
    }

    fn errors(&self, schema: &Json, value: &Json) -> Vec<String> {
        self.validator(schema).iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &Json) -> Validator {
        let mut schema = schema.clone();
        // References are into the whole file.
        schema["components"] = self.0["components"].clone();
        let is_new = self.0["openapi"].as_str().unwrap().starts_with("3.1");
        if !is_new && let Some(reference) = schema.as_object_mut().and_then(|schema| schema.remove("$ref")) {
            // Beside a reference draft 4 sees nothing.
            schema["allOf"] = json!([{ "$ref": reference }]);
        }
        let draft = if is_new { Draft::Draft202012 } else { Draft::Draft4 };
        jsonschema::options().with_draft(draft).should_validate_formats(true).build(&schema).unwrap()
    }
}

/// The parameters of a path that `template` allows.
fn matched(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, part) in template.into_iter().zip(path) {
        // Twilio's ids have an ending behind them: `{Sid}.json`.
        let Some((name, ending)) = expected.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            if expected == part {
                continue;
            }
            return None;
        };
        parameters.push((name.to_owned(), part.strip_suffix(ending)?.to_owned()));
    }
    Some(parameters)
}

/// A parameter's text as what its schema wants.
fn typed(parameter: &Json, value: &str) -> Json {
    match parameter["schema"]["type"].as_str() {
        Some("integer" | "number" | "boolean") => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
        Some("array") => json!([value]),
        _ => json!(value),
    }
}

/// `nullable` of `OpenAPI` 3.0 in the words of JSON Schema.
fn allow_null(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if map.get("nullable") == Some(&json!(true))
                && let Some(kind) = map.get("type").and_then(Json::as_str).map(ToOwned::to_owned)
            {
                map.insert("type".into(), json!([kind, "null"]));
            }
            map.values_mut().for_each(allow_null);
        }
        Json::Array(list) => list.iter_mut().for_each(allow_null),
        _ => {}
    }
}

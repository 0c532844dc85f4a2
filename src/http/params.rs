//! The parameters of a request: `query`, `operationName`, `variables`, `extensions`, as JSON or in the URL.

use async_graphql::{Request, Variables};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::halves;
use domain::error::Code;
use domain::json;

/// Why parameters are not a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The value of `extensions.code`.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self { code: Code::BadUserInput, message: message.into() }
    }
}

/// The request that a body asks for.
pub(super) fn body(body: &[u8]) -> Result<Request, Wrong> {
    let read = json::read(body).map_err(|error| Wrong::new(not_json(body, &error)))?;
    match (read.complaint(), read.value) {
        (_, Json::Array(_)) => {
            Err(Wrong { code: Code::BatchNotAllowed, message: "send one operation a request".into() })
        }
        (Some(why), _) => Err(Wrong::new(why)),
        (None, Json::Object(parameters)) => request(parameters),
        (None, _) => Err(Wrong::new("the body is not a JSON object")),
    }
}

/// Why a body is not JSON, in words that help whoever made it.
fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    if body.starts_with(b"\xEF\xBB\xBF") {
        return "the body is not JSON: it begins with a byte order mark, leave that out".into();
    }
    if body.starts_with(b"\xFF\xFE")
        || body.starts_with(b"\xFE\xFF")
        || body.get(..4).is_some_and(|head| head.contains(&0))
    {
        return "the body is not JSON in UTF-8: it looks like UTF-16".into();
    }
    if body.is_empty() {
        return "the body is not JSON: it is empty".into();
    }
    if let Some(place) = halves::find(body) {
        return halves::told(&place);
    }
    let what = error.to_string();
    match what.split_once(" at line") {
        _ if what.starts_with("recursion limit") => "the body is nested too deeply".into(),
        Some((what, place)) => format!("the body is not JSON: {what} at line{place}"),
        None => format!("the body is not JSON: {what}"),
    }
}

/// The parameters of a request. A URL may have others, which mean nothing here.
const PARAMETERS: [&str; 5] = ["query", "operationName", "variables", "extensions", "documentId"];

/// The request that a URL asks for: `variables` and `extensions` are JSON in it.
pub(super) fn url(query: &str) -> Result<Request, Wrong> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => of_url(&name, &value)?,
            _ => Json::String(value.into_owned()),
        };
        if PARAMETERS.contains(&&*name) && parameters.contains_key(&*name) {
            return Err(Wrong::new(format!("{name} is given twice in the URL: leave one of them out")));
        }
        parameters.insert(name.into_owned(), value);
    }
    request(parameters)
}

/// A parameter that is JSON in a URL.
fn of_url(name: &str, value: &str) -> Result<Json, Wrong> {
    let read = json::read(value.as_bytes()).map_err(|_| match halves::find(value.as_bytes()) {
        Some(place) => Wrong::new(halves::told(&format!("{name}.{place}"))),
        None => Wrong::new(format!("{name} is not JSON")),
    })?;
    match read.complaint() {
        Some(why) => Err(Wrong::new(format!("{name}.{why}"))),
        None => Ok(read.value),
    }
}

/// The request that these parameters ask for.
pub(super) fn request(mut parameters: Map<String, Json>) -> Result<Request, Wrong> {
    let mut object = |name: &str| match parameters.remove(name) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object),
        Some(_) => Err(Wrong::new(format!("{name} is not an object"))),
    };
    let (variables, extensions) = (object("variables")?, object("extensions")?);
    let hash = extensions.get("persistedQuery").map(|persisted| persisted["sha256Hash"].as_str().unwrap_or_default());
    let query = match parameters.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) => return Err(without_query(hash.is_some(), parameters.contains_key("documentId"))),
        Some(_) => return Err(Wrong::new("query is not a string")),
    };
    if hash.is_some_and(|hash| !hash.eq_ignore_ascii_case(&hash_of(&query))) {
        return Err(Wrong::new("extensions.persistedQuery.sha256Hash is not the hash of the query"));
    }
    let mut request = Request::new(query).variables(Variables::from_json(Json::Object(variables)));
    request.operation_name = match parameters.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(name),
        Some(_) => return Err(Wrong::new("operationName is not a string")),
    };
    Ok(request)
}

/// Documents are not stored here. Apollo's clients know the first sentence, and send whole documents from then on.
fn without_query(has_hash: bool, has_id: bool) -> Wrong {
    if has_hash {
        return Wrong { code: Code::PersistedQueryNotAllowed, message: "PersistedQueryNotSupported".into() };
    }
    if has_id {
        let message = "no document is stored under this id: send the document itself as query";
        return Wrong { code: Code::PersistedQueryNotFound, message: message.into() };
    }
    Wrong::new("there is no query")
}

/// The SHA-256 of a document, as it is written.
fn hash_of(query: &str) -> String {
    hex::encode(Sha256::digest(query.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(parameters: &Json) -> Option<Code> {
        body(parameters.to_string().as_bytes()).err().map(|wrong| wrong.code)
    }

    #[test]
    fn what_is_given_twice_is_refused_and_named() {
        let told = |text: &str| body(text.as_bytes()).map(drop).map_err(|wrong| wrong.message);
        for (text, way) in [
            (r#"{"query":"{ a }","query":"{ b }"}"#, "query"),
            (r#"{"query":"{ a }","variables":{"a":1},"variables":{"a":2}}"#, "variables"),
            (r#"{"query":"{ a }","variables":{"i":{"n":1,"n":2}}}"#, "variables.i.n"),
            (r#"{"query":"{ a }","variables":{"l":[{"m":{"a":1,"a":1}}]}}"#, "variables.l.0.m.a"),
            (r#"{"query":"{ a }","extensions":{"x":1,"x":2}}"#, "extensions.x"),
            (r#"{"query":"{ a }","operationName":"A","operationName":null}"#, "operationName"),
        ] {
            assert!(told(text).is_err_and(|why| why.starts_with(&format!("{way} is given twice"))), "{text}");
        }
        let by_url = |query: &str| url(query).map(drop).map_err(|wrong| wrong.message);
        for (query, way) in [
            ("query=a&query=b", "query"),
            ("query=a&variables=%7B%7D&variables=", "variables"),
            ("query=a&variables=%7B%22a%22:%7B%22b%22:1,%22b%22:2%7D%7D", "variables.a.b"),
        ] {
            assert!(by_url(query).is_err_and(|why| why.starts_with(&format!("{way} is given twice"))), "{query}");
        }
        assert_eq!(by_url("query=a&utm=1&utm=2"), Ok(()));
    }

    #[test]
    fn half_a_character_in_a_url_is_told_with_its_place() {
        let told = |variables: &str| {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("query", "{ a }")
                .append_pair("variables", variables)
                .finish();
            url(&query).err().map(|wrong| wrong.message)
        };
        assert!(told(r#"{"s":["a\ud83d"]}"#).is_some_and(|why| why.starts_with("variables.s.0: not valid Unicode")));
        assert_eq!(told("x").as_deref(), Some("variables is not JSON"));
        assert_eq!(told(r#"{"s":"\ud83d\ude00"}"#), None);
    }

    #[test]
    fn each_parameter_has_its_type() {
        let query = "{ a }";
        let null = json!({ "query": query, "operationName": null, "variables": null, "extensions": null });
        let full = json!({ "query": query, "operationName": "A", "variables": {}, "extensions": { "a": 1 }, "b": 1 });
        for right in [json!({ "query": query }), null, full] {
            assert_eq!(code(&right), None, "{right}");
        }
        let mut wrong = vec![json!({}), json!(1), json!("x"), json!({ "query": null })];
        for value in [json!("x"), json!(0), json!(false), json!(["x"])] {
            wrong.push(json!({ "query": query, "variables": value }));
            wrong.push(json!({ "query": query, "extensions": value }));
            if !value.is_string() {
                wrong.push(json!({ "query": value }));
                wrong.push(json!({ "query": query, "operationName": value }));
            }
        }
        for wrong in wrong {
            assert_eq!(code(&wrong), Some(Code::BadUserInput), "{wrong}");
        }
        assert_eq!(code(&json!([{ "query": query }])), Some(Code::BatchNotAllowed));
        assert_eq!(code(&json!([])), Some(Code::BatchNotAllowed));
        assert_eq!(body(b"{").err().map(|wrong| wrong.code), Some(Code::BadUserInput));
    }

    #[test]
    fn each_reason_why_a_body_is_not_json_is_told_apart() {
        let told = |bytes: &[u8]| body(bytes).unwrap_err().message;
        let utf16: Vec<u8> = r#"{"query":"{ a }"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let deep = format!("{{\"variables\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let cases: [(&[u8], &str); 8] = [
            (b"", "empty"),
            (b"\xEF\xBB\xBF{}", "byte order mark"),
            (&utf16, "UTF-16"),
            (b"\xFF\xFE{\0}\0", "UTF-16"),
            (deep.as_bytes(), "nested too deeply"),
            (br#"{"variables":{"n":1e999}}"#, "number out of range at line 1"),
            (br#"{"query":"{ a }","variables":{"s":"a\uD83D"}}"#, "variables.s: not valid Unicode"),
            (b"query=1", "expected value at line 1 column 1"),
        ];
        for (bytes, expected) in cases {
            assert!(told(bytes).contains(expected), "{}: {expected}", told(bytes));
        }
        let pair = body(br#"{"query":"{ a }","variables":{"s":"a\uD83D\uDE00"}}"#).unwrap();
        assert_eq!(pair.variables.values().next(), Some(&async_graphql::Value::from("a\u{1F600}")));
    }

    #[test]
    fn a_url_has_json_in_it() {
        let request = url("query=%7B%20a+%7D&variables=%7B%22v%22%3A1%7D&operationName=A&extensions=").unwrap();
        assert_eq!((request.query.as_str(), request.operation_name.as_deref()), ("{ a }", Some("A")));
        assert_eq!(request.variables.len(), 1);
        assert!(url("query=%7B+a+%7D&variables=x").is_err() && url("").is_err() && url("query=a&variables=1").is_err());
    }

    #[test]
    fn documents_are_not_stored() {
        let hash = "5aa8bb2ed8c0b2a8fb97bd5cc7ae2cf2f1b1df28a79eb0f2dd7f41c0ae4ab8c1";
        let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        assert_eq!(code(&json!({ "extensions": persisted })), Some(Code::PersistedQueryNotAllowed));
        assert_eq!(code(&json!({ "documentId": hash })), Some(Code::PersistedQueryNotFound));
        assert_eq!(code(&json!({ "query": "{ a }", "extensions": persisted })), Some(Code::BadUserInput));
        let right = hash_of("{ a }");
        let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": right } });
        assert_eq!(code(&json!({ "query": "{ a }", "extensions": persisted })), None);
    }
}

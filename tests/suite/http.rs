//! How the API is reached.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use sea_orm::Statement;
use serde_json::{Value as Json, json};

use crate::harness::{PASSWORD, TestApp};

#[tokio::test]
async fn each_request_has_an_id_and_each_error_says_it() {
    let herald = TestApp::api_only().await;
    let request = herald.nobody().request(Method::POST, "/graphql").json(&json!({ "query": "{ viewer { id } }" }));
    let answer = request.send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Json = answer.json().await.unwrap();
    let page = "/manual/errors#unauthenticated";
    let expected = json!({ "code": "UNAUTHENTICATED", "documentation": page, "requestId": id });
    assert_eq!(body["errors"][0]["extensions"], expected);
    let manual = herald.nobody().request(Method::GET, "/manual/errors").send().await.unwrap().text().await.unwrap();
    assert!(manual.contains("id=\"unauthenticated\""), "the page has the code");
}

/// What is not the API has ids and codes, too.
#[tokio::test]
async fn other_paths_answer_in_the_same_way() {
    let herald = TestApp::api_only().await;
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "NOT_FOUND"),
        (Method::GET, "/dashboard/nothing.js", 404, "NOT_FOUND"),
        (Method::GET, "/unsubscribe/forged", 404, "NOT_FOUND"),
        (Method::DELETE, "/healthz", 405, "BAD_USER_INPUT"),
    ] {
        let request = herald.nobody().request(method, path).header("x-request-id", "mine-1");
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["x-request-id"]), (status, &"mine-1".parse().unwrap()));
        let body: Json = answer.json().await.unwrap();
        let page = format!("/manual/errors#{}", code.to_lowercase());
        let expected = json!({ "code": code, "documentation": page, "requestId": "mine-1" });
        assert_eq!(body["errors"][0]["extensions"], expected, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_operation_is_refused_in_json() {
    let herald = TestApp::api_only().await;
    let send = async |kind: &str, body: String| {
        let request = herald.nobody().request(Method::POST, "/graphql").header(CONTENT_TYPE, kind).body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Json = answer.json().await.unwrap();
        (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let expected = |status: u16, code: &str| (status, code.to_owned());
    let query = json!({ "query": "{ __typename }" }).to_string();
    assert_eq!(send("application/json; charset=utf-8", query.clone()).await, expected(200, ""));
    assert_eq!(send("text/plain", query.clone()).await, expected(415, "BAD_USER_INPUT"));
    assert_eq!(send("multipart/form-data; boundary=x", query.clone()).await, expected(415, "BAD_USER_INPUT"));
    assert_eq!(send("application/json", "{".into()).await, expected(400, "BAD_USER_INPUT"));
    assert_eq!(send("application/json", "{}".into()).await, expected(400, "BAD_USER_INPUT"));
    assert_eq!(send("application/json", format!("[{query}]")).await, expected(400, "BATCH_NOT_ALLOWED"));
    let long = json!({ "query": " ".repeat(2 << 20) }).to_string();
    assert_eq!(send("application/json", long).await, expected(413, "PAYLOAD_TOO_LARGE"));
}

/// In a terminal they would run together.
#[tokio::test]
async fn every_answer_ends_its_line() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let template = "mutation { createTemplate(input: { name: \"a\", content: \"b\" }) { template { id } } }";
    for query in ["{ viewer { username } }", template, "{ nonsense }", "{ node(id: \"nonsense\") { id } }"] {
        let request = admin.request(Method::POST, "/graphql").json(&json!({ "query": query }));
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{query}: {text:?}");
    }
    let lost = admin.request(Method::GET, "/nowhere").send().await.unwrap().text().await.unwrap();
    assert!(lost.ends_with("}\n"), "{lost:?}");
    let upload = admin.request(Method::POST, "/uploads").body("a").send().await.unwrap().text().await.unwrap();
    assert!(upload.ends_with("}\n"), "{upload:?}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_called() {
    let login = json!({ "query": "mutation($p: String!) { login(input: { username: \"admin\", password: $p }) { expiresAt } }",
        "variables": { "p": PASSWORD } });
    for (flags, expected) in [(&[][..], "127.0.0.1"), (&["--trusted-proxies=127.0.0.0/8"][..], "1.2.3.4")] {
        let herald = TestApp::with(flags).await;
        let request = herald.nobody().request(Method::POST, "/graphql").header("x-forwarded-for", "6.6.6.6, 1.2.3.4");
        request.json(&login).send().await.unwrap();
        let lines =
            "{ auditLogs(filter: { actions: [USER_LOGIN] }, orderBy: { field: TIMESTAMP }) { nodes { ipAddress } } }";
        let lines = herald.admin().await.data(lines, json!({})).await;
        assert_eq!(lines["auditLogs"]["nodes"][0]["ipAddress"], expected);
    }
}

#[tokio::test]
async fn it_says_whether_it_lives_and_can_work() {
    let herald = TestApp::api_only().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(herald.nobody().request(Method::GET, path).send().await.unwrap().status(), 200);
    }
    // As a fleet's older process finds it that a newer one has not migrated yet, the other way round.
    let db = &herald.services().db;
    db.write_alone(Statement::from_string(db.backend(), "DELETE FROM seaql_migrations WHERE version LIKE '%_users'"))
        .await
        .unwrap();
    let ready = herald.nobody().request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Json>().await.unwrap()["reason"], "migrations are missing");
    assert_eq!(herald.nobody().request(Method::GET, "/healthz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_page_with_tracing_may_call_and_reads_every_answer() {
    let herald = TestApp::with(&["--origins=https://console.example"]).await;
    let page = "https://console.example";
    let request = |method: Method, path: &str| herald.nobody().request(method, path).header("origin", page);
    for path in ["/graphql", "/uploads"] {
        let wanted = "authorization,content-type,traceparent,tracestate,baggage,sentry-trace,apollo-require-preflight,\
            x-apollo-operation-name,graphql-require-preflight,x-request-id,apollographql-client-name,\
            x-datadog-trace-id,b3,newrelic,cache-control,content-disposition";
        let asked = request(Method::OPTIONS, path).header("access-control-request-method", "POST");
        let answer = asked.header("access-control-request-headers", wanted).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let allowed = header("access-control-allow-headers");
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        for name in wanted.split(',').map(str::trim) {
            assert!(allowed.contains(&name), "{name}: {allowed:?}");
        }
        assert_eq!(header("access-control-allow-origin"), page);
        assert!(header("access-control-max-age").parse::<u32>().unwrap() >= 600, "each call would be two");
    }
    let query = json!({ "query": "{ viewer { id } }" });
    let exposed = request(Method::POST, "/graphql").json(&query).send().await.unwrap();
    let exposed = exposed.headers()["access-control-expose-headers"].to_str().unwrap().to_lowercase();
    assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
    let long = "x".repeat(20_000);
    for (answer, status) in [
        (request(Method::POST, "/graphql").header("x-long", &long).json(&query).send().await.unwrap(), 431),
        (request(Method::GET, &format!("/graphql?query={long}")).send().await.unwrap(), 431),
        (request(Method::GET, "/nothing").send().await.unwrap(), 404),
        (request(Method::PUT, "/uploads").send().await.unwrap(), 405),
        (request(Method::POST, "/graphql").body("x").send().await.unwrap(), 415),
    ] {
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], page, "else a page sees a network error: {status}");
        assert!(answer.json::<Json>().await.unwrap()["errors"][0]["extensions"]["code"].is_string(), "{status}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_where_a_setting_says_so() {
    let herald = TestApp::with(&["--origins=https://console.example"]).await;
    let asks = async |origin: &str| {
        let request = herald.nobody().request(Method::OPTIONS, "/graphql").header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let answer = request.header("access-control-request-headers", "authorization").send().await.unwrap();
        answer.headers().contains_key("access-control-allow-origin")
    };
    assert!(asks("https://console.example").await);
    assert!(!asks("https://evil.example").await);
    let upgrades = async |origin: &str| {
        let request = herald.nobody().request(Method::GET, "/graphql").header("origin", origin);
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.header("sec-websocket-protocol", "graphql-transport-ws").send().await.unwrap().status().as_u16()
    };
    assert_eq!(upgrades("https://console.example").await, 101);
    assert_eq!(upgrades(&herald.url()).await, 101);
    assert_eq!(upgrades("https://evil.example").await, 403);
}

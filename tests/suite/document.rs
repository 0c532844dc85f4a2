//! What a document asks for is what is answered: nothing selected is no null, what can't be merged is refused, a bad value lets
//! nothing run, what is left out is the default, and texts are what they are written as.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::{Client, RawSocket, Reply, TestApp};

const CREATE: &str = "mutation($name: String!, $content: String = \"x\") { createTemplate(input: { name: $name, content: $content }) { template { id content } } }";
const NAMES: &str = "{ templates(orderBy: { field: NAME, direction: ASC }) { nodes { name } } }";

async fn template(admin: &Client, name: &str) -> String {
    let created = admin.data(CREATE, json!({ "name": name })).await;
    created["createTemplate"]["template"]["id"].as_str().unwrap().to_owned()
}

async fn names(admin: &Client) -> Vec<String> {
    let found = admin.data(NAMES, json!({})).await;
    let nodes = found["templates"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// Refused as a whole, with this code, before anything ran.
#[track_caller]
fn refused(reply: &Reply, code: &str, document: &str) {
    assert_eq!(reply.code(), code, "{document}: {}", reply.message());
    assert!(reply.errors().iter().all(|error| error.get("path").is_none()), "{document}: nothing has run");
}

#[tokio::test]
async fn what_nothing_is_selected_of_is_an_empty_object() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let id = template(&admin, "one").await;
    let off = json!({ "i": id, "o": false });
    let cases = [
        ("query($i: ID!, $o: Boolean!) { template(id: $i) { name @include(if: $o) } }", json!({ "template": {} })),
        (
            "query($i: ID!, $o: Boolean!) { a: template(id: $i) { ...D @include(if: $o) } } fragment D on Template { name }",
            json!({ "a": {} }),
        ),
        (
            "query($i: ID!, $o: Boolean!) { template(id: $i) { ... @include(if: $o) { name } ...D } } fragment D on Template { ... { content @include(if: $o) } }",
            json!({ "template": {} }),
        ),
        ("query($i: ID!, $o: Boolean!) { node(id: $i) { id @include(if: $o) } }", json!({ "node": {} })),
        (
            "query($i: ID!, $o: Boolean!) { node(id: $i) { ... on Template { name @include(if: $o) } } }",
            json!({ "node": {} }),
        ),
        (
            "query($i: ID!, $o: Boolean!) { nodes(ids: [$i, $i]) { ... on User { username } ... on Channel @include(if: $o) { title } } }",
            json!({ "nodes": [{}, {}] }),
        ),
        (
            "query($o: Boolean!) { templates(first: 2) { nodes { name @include(if: $o) } } }",
            json!({ "templates": { "nodes": [{}] } }),
        ),
        (
            "query($o: Boolean!) { templates(first: 2) { edges { node { name @include(if: $o) } } pageInfo { endCursor @include(if: $o) } } }",
            json!({ "templates": { "edges": [{ "node": {} }], "pageInfo": {} } }),
        ),
        (
            "query($o: Boolean!) { templates(first: 2) { edges { cursor @include(if: $o) } } }",
            json!({ "templates": { "edges": [{}] } }),
        ),
        (
            "query($o: Boolean!) { templates(first: 0) { nodes { name @include(if: $o) } } }",
            json!({ "templates": { "nodes": [] } }),
        ),
        ("query($o: Boolean!) { templates { totalCount @include(if: $o) } }", json!({ "templates": {} })),
        ("query($o: Boolean!) { viewer @include(if: $o) { id } }", json!({})),
        ("query($o: Boolean!) { ... @include(if: $o) { viewer { id } } }", json!({})),
        ("{ viewer { username @skip(if: true) } }", json!({ "viewer": {} })),
    ];
    for (document, expected) in cases {
        assert_eq!(admin.data(document, off.clone()).await, expected, "{document}");
    }
    let missing = admin
        .data(
            "query($i: ID!) { template(id: $i) { name @skip(if: true) } }",
            json!({ "i": "VGVtcGxhdGU6MDE5YjAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw" }),
        )
        .await;
    assert_eq!(missing, json!({ "template": null }), "what is not there is null all the same");
    let payload =
        "mutation { createTemplate(input: { name: \"two\", content: \"x\" }) { template { id @skip(if: true) } } }";
    assert_eq!(admin.data(payload, json!({})).await, json!({ "createTemplate": { "template": {} } }));
    let payload =
        "mutation { createTemplate(input: { name: \"three\", content: \"x\" }) { template @skip(if: true) { id } } }";
    assert_eq!(admin.data(payload, json!({})).await, json!({ "createTemplate": {} }));
    assert_eq!(names(&admin).await, ["one", "three", "two"], "each has run");
}

#[tokio::test]
async fn what_is_asked_for_twice_is_resolved_once_and_merged() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let cases = [
        ("{ viewer { username @skip(if: true) } viewer { username } }", json!({ "viewer": { "username": "admin" } })),
        ("{ viewer { username } viewer { username @skip(if: true) } }", json!({ "viewer": { "username": "admin" } })),
        (
            "{ viewer { id @skip(if: true) } viewer { username } viewer { role } }",
            json!({ "viewer": { "username": "admin", "role": "ADMIN" } }),
        ),
        (
            "{ ...A ...B } fragment A on Query { viewer { ...C } } fragment B on Query { viewer { role } } fragment C on User { username }",
            json!({ "viewer": { "username": "admin", "role": "ADMIN" } }),
        ),
        (
            "{ users { nodes { username } } users { nodes { role } totalCount } }",
            json!({ "users": { "nodes": [{ "username": "admin", "role": "ADMIN" }], "totalCount": 1 } }),
        ),
    ];
    for (document, expected) in cases {
        assert_eq!(admin.data(document, json!({})).await, expected, "{document}");
    }
    let twice = "mutation { createTemplate(input: { name: \"once\", content: \"x\" }) { template { name } }
        createTemplate(input: { content: \"x\", name: \"once\" }) { template { content } } }";
    let created = admin.data(twice, json!({})).await;
    assert_eq!(created["createTemplate"]["template"], json!({ "name": "once", "content": "x" }));
    assert_eq!(names(&admin).await, ["once"]);
}

#[tokio::test]
async fn what_cant_be_merged_is_refused_however_deep() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for document in [
        "{ viewer { a: id } viewer { a: username } }",
        "{ users { nodes { username } } ...F } fragment F on Query { users { nodes { username: role } } }",
        "{ users { nodes { username } } ...F } fragment F on Query { ...G } fragment G on Query { users { ...H } } fragment H on UserConnection { nodes { username: id } }",
        "{ users(first: 1) { totalCount } users(first: 2) { totalCount } }",
        "{ nodes(ids: [\"a\"]) { id } nodes(ids: [\"a\", \"b\"]) { id } }",
        "{ node(id: \"x\") { ... on User { x: createdAt } ... on Template { x: version } } }",
        "mutation { createTemplate(input: { name: \"a\", content: \"x\" }) { template { id } } createTemplate(input: { name: \"b\", content: \"x\" }) { template { id } } }",
    ] {
        refused(&admin.query(document, json!({})).await, "GRAPHQL_VALIDATION_FAILED", document);
    }
    assert!(names(&admin).await.is_empty());
}

#[tokio::test]
async fn what_the_specification_refuses_is_refused() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for document in [
        "{ users(orderBy: { field: \"USERNAME\" }) { totalCount } }",
        "mutation { createTemplate(input: { name: \"a\", name: \"b\", content: \"x\" }) { template { id } } }",
        "subscription { auditLogged { action } stopped: auditLogged { action } }",
        "query($n: String!) { node(id: $n) { id } }",
        "query($n: [ID]!) { nodes(ids: $n) { id } }",
        "query($n: Int) { viewer { id } }",
        "query($n: Int!) { users(first: $n) { totalCount } } fragment F on User { id }",
        "{ viewer }",
        "{ viewer { id { x } } }",
        "{ viewer { id @skip } }",
        "{ viewer @skip(if: true, if: false) { id } }",
        "{ viewer @skip(if: true) @skip(if: false) { id } }",
        "{ viewer { ...F } } fragment F on Template { id }",
        "{ viewer { id } } type T { a: Int }",
    ] {
        refused(&admin.query(document, json!({ "n": "1" })).await, "GRAPHQL_VALIDATION_FAILED", document);
    }
    let again = "subscription { auditLogged { action } ...F } fragment F on Subscription { auditLogged { id } }";
    assert_eq!(admin.query(again, json!({})).await.code(), "OPERATION_RESOLUTION_FAILURE", "valid, but for a socket");
    let one_of =
        "{ __type(name: \"LoginInput\") { isOneOf specifiedByURL inputFields(includeDeprecated: true) { name } } }";
    assert_eq!(admin.data(one_of, json!({})).await["__type"]["isOneOf"], false);
}

#[tokio::test]
async fn a_bad_value_lets_nothing_run() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let first = "a: createTemplate(input: { name: \"ran\", content: \"x\" }) { template { id } }";
    let cases = [
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({}),
            "input.name",
        ),
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({ "v": null }),
            "input.name",
        ),
        (
            "$v: String!",
            "b: createTemplate(input: { name: $v, content: \"x\" }) { template { id } }",
            json!({ "v": 3 }),
            "input.name",
        ),
        (
            "$v: Int!",
            "b: updateTemplate(input: { id: \"x\", expectedVersion: $v }) { template { id } }",
            json!({ "v": 3_000_000_000_u32 }),
            "input.expectedVersion",
        ),
        (
            "$v: Int = 1",
            "b: createBroadcastCampaign(input: { name: \"x\", batchId: \"x\", templateId: \"x\", deliveryRate: $v }) { campaign { id } }",
            json!({ "v": null }),
            "input.deliveryRate",
        ),
        (
            "$v: [ID!]!",
            "b: addBatchChannels(input: { batchId: \"x\", channelIds: $v }) { batch { id } }",
            json!({ "v": ["a", null] }),
            "input.channelIds.1",
        ),
        (
            "$v: CreateTemplateInput!",
            "b: createTemplate(input: $v) { template { id } }",
            json!({ "v": { "name": "x" } }),
            "input.content",
        ),
        (
            "$v: CreateTemplateInput!",
            "b: createTemplate(input: $v) { template { id } }",
            json!({ "v": { "name": "x", "content": "y", "other": 1 } }),
            "input.other",
        ),
        (
            "$v: DateTime!",
            "b: createApiToken(input: { name: \"x\", role: AUDITOR, expiresAt: $v }) { token }",
            json!({ "v": "tomorrow" }),
            "input.expiresAt",
        ),
    ];
    for (variable, second, variables, path) in cases {
        let document = format!("mutation({variable}) {{ {first} {second} }}");
        let reply = admin.query(&document, variables).await;
        refused(&reply, "BAD_USER_INPUT", &document);
        assert_eq!(reply.violations(), [path], "{document}");
    }
    for (second, code) in [
        (
            "b: createApiToken(input: { name: \"x\", role: AUDITOR, expiresAt: \"tomorrow\" }) { token }",
            "BAD_USER_INPUT",
        ),
        (
            "b: updateTemplate(input: { id: \"x\", expectedVersion: 3000000000 }) { template { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("b: createTemplate(input: { name: null, content: \"x\" }) { template { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let document = format!("mutation {{ {first} {second} }}");
        let reply = admin.query(&document, json!({})).await;
        refused(&reply, code, &document);
        assert_eq!(reply.violations().len(), 1, "{document}: {:?}", reply.violations());
    }
    let missing = admin.query(CREATE, json!({})).await;
    assert_eq!(missing.message(), "variable $name was not given");
    assert!(names(&admin).await.is_empty(), "nothing has run");
    let unused =
        admin.query("query A($v: Int!) { users(first: $v) { totalCount } }", json!({ "v": 1, "other": [{}] })).await;
    assert_eq!(unused.data()["users"]["totalCount"], 1, "what is not declared is not looked at");
}

#[tokio::test]
async fn nothing_runs_over_a_socket_either() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    let mut ask = async |query: &str, variables: Json| {
        let payload = json!({ "query": query, "variables": variables });
        socket.say(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        socket.json().await
    };
    let bad = "mutation($v: Int!) { a: createTemplate(input: { name: \"ran\", content: \"x\" }) { template { id } }
        b: updateTemplate(input: { id: \"x\", expectedVersion: $v }) { template { id } } }";
    let told = ask(bad, json!({ "v": "1" })).await;
    assert_eq!((&told["type"], &told["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("BAD_USER_INPUT")));
    let told = ask("{ viewer { a: id } viewer { a: username } }", json!({})).await;
    assert_eq!(told["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let told = ask("{ viewer { username @skip(if: true) } }", json!({})).await;
    assert_eq!(told["payload"]["data"], json!({ "viewer": {} }));
    assert!(names(&admin).await.is_empty());
}

#[tokio::test]
async fn events_of_which_nothing_is_selected_are_empty_objects() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let lines =
        "subscription($o: Boolean!) { auditLogged { action @include(if: $o) user { username @skip(if: true) } } }";
    let mut lines = admin.subscribe(lines, json!({ "o": false })).await;
    // Nothing says that it has begun: lines are written until it hears of one.
    let told = loop {
        template(&admin, "heard").await;
        if let Ok(told) = tokio::time::timeout(Duration::from_millis(100), lines.data()).await {
            break told;
        }
    };
    assert_eq!(told, json!({ "auditLogged": { "user": {} } }));
}

#[tokio::test]
async fn a_variable_that_is_left_out_is_the_default() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for name in ["b", "a"] {
        template(&admin, name).await;
    }
    let ordered = "query($d: OrderDirection, $f: Int) { templates(orderBy: { field: NAME, direction: $d }, first: $f) { nodes { name } } }";
    let found = admin.data(ordered, json!({})).await;
    assert_eq!(found["templates"]["nodes"], json!([{ "name": "a" }, { "name": "b" }]));
    let found = admin.data(ordered, json!({ "d": "DESC" })).await;
    assert_eq!(found["templates"]["nodes"], json!([{ "name": "b" }, { "name": "a" }]));
    let null = admin.query(ordered, json!({ "d": null })).await;
    refused(&null, "BAD_USER_INPUT", ordered);
    assert_eq!(null.violations(), ["orderBy.direction"]);
    let tests = "query($d: OrderDirection) { abTests(direction: $d) { totalCount } }";
    assert_eq!(admin.data(tests, json!({})).await["abTests"]["totalCount"], 0);
}

#[tokio::test]
async fn texts_are_stored_as_they_are_written() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let cases = [
        (r#""a\uD83D\uDE00b""#, "a😀b"),
        (r#""a\u{1F600}b""#, "a😀b"),
        (r#""""a \""" b""""#, "a \"\"\" b"),
        (r#""\/ \\ \" \n""#, "/ \\ \" \n"),
        ("\"\"\"\n    two\n      lines\n  \"\"\"", "two\n  lines"),
    ];
    for (number, (literal, expected)) in cases.into_iter().enumerate() {
        let document = format!(
            "mutation {{ createTemplate(input: {{ name: \"{number}\", content: {literal} }}) {{ template {{ content }} }} }}"
        );
        let created = admin.data(&document, json!({})).await;
        assert_eq!(created["createTemplate"]["template"]["content"], expected, "{literal}");
    }
    for literal in [r#""\uD83D""#, r#""\uDE00\uD83D""#, r#""\u{110000}""#] {
        let document = format!(
            "mutation {{ createTemplate(input: {{ name: \"x\", content: {literal} }}) {{ template {{ id }} }} }}"
        );
        refused(&admin.query(&document, json!({})).await, "GRAPHQL_PARSE_FAILED", literal);
    }
    let half = br#"{"query":"query($s: String) { templates(filter: { nameContains: $s }) { totalCount } }","variables":{"s":"a\uD83D"}}"#;
    let request = admin.request(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
    let told: Json = request.body(half.to_vec()).send().await.unwrap().json().await.unwrap();
    let message = told["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("variables.s: not valid Unicode"), "{message}");
}

#[tokio::test]
async fn what_fails_takes_no_neighbour_along() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let three = "mutation {
        a: createTemplate(input: { name: \"one\", content: \"x\" }) { template { name } }
        b: createTemplate(input: { name: \"\", content: \"x\" }) { template { name } }
        c: createTemplate(input: { name: \"two\", content: \"x\" }) { template { name } } }";
    let reply = admin.query(three, json!({})).await;
    assert_eq!((reply.errors().len(), &reply.errors()[0]["path"]), (1, &json!(["b"])));
    let named = |name: &str| json!({ "template": { "name": name } });
    assert_eq!(reply.answered(), &json!({ "a": named("one"), "b": null, "c": named("two") }));
    let nobody = herald.nobody().query("{ viewer { id } serverInfo { version } __typename }", json!({})).await;
    assert_eq!(nobody.answered(), &json!({ "viewer": null, "serverInfo": null, "__typename": "Query" }));
}

#[tokio::test]
async fn one_id_that_is_none_is_null_at_its_place() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let id = template(&admin, "one").await;
    let reply =
        admin.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": [id, "", id, "x"] })).await;
    assert_eq!(reply.answered(), &json!({ "nodes": [{ "id": id }, null, { "id": id }, null] }));
    let paths: Vec<_> = reply.errors().iter().map(|error| &error["path"]).collect();
    assert_eq!(paths, [&json!(["nodes", 1]), &json!(["nodes", 3])]);
    assert_eq!((reply.code(), reply.violations()), ("BAD_USER_INPUT", vec!["ids.1".to_owned()]));
}

#[tokio::test]
async fn a_cursor_is_of_one_list_in_one_order() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for name in ["a", "b"] {
        template(&admin, name).await;
    }
    let end =
        admin.data("{ templates(first: 1, orderBy: { field: NAME }) { pageInfo { endCursor } } }", json!({})).await;
    let after = json!({ "a": end["templates"]["pageInfo"]["endCursor"] });
    let next = "query($a: String) { templates(after: $a, orderBy: { field: NAME }) { nodes { name } } }";
    assert_eq!(admin.data(next, after.clone()).await["templates"]["nodes"], json!([{ "name": "b" }]));
    for document in [
        "query($a: String) { batches(first: 5, after: $a, orderBy: { field: NAME }) { nodes { name } } }",
        "query($a: String) { templates(after: $a, orderBy: { field: NAME, direction: DESC }) { nodes { name } } }",
        "query($a: String) { users(before: $a) { totalCount } }",
    ] {
        let reply = admin.query(document, after.clone()).await;
        assert_eq!(reply.message(), "this is not a cursor of this list in this order", "{document}");
    }
}

#[tokio::test]
async fn an_empty_condition_picks_nobody_where_something_is_changed() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let batch = "mutation($c: String) { createBatch(input: { name: \"n\", filter: { category: $c } }) { batch { channelCount } } }";
    let whole = "mutation($i: CreateBatchInput!) { createBatch(input: $i) { batch { channelCount } } }";
    for (document, variables) in [
        (batch, json!({ "c": null })),
        (batch, json!({ "c": " " })),
        (batch, json!({ "c": "\u{0}" })),
        (whole, json!({ "i": { "name": "n", "filter": { "category": null } } })),
        (whole, json!({ "i": { "name": "n", "filter": { "category": "\n" } } })),
        ("mutation { createBatch(input: { name: \"n\", filter: { category: null } }) { batch { id } } }", json!({})),
        ("mutation { createBatch(input: { name: \"n\", filter: { category: \"\" } }) { batch { id } } }", json!({})),
    ] {
        let reply = admin.query(document, variables).await;
        refused(&reply, "BAD_USER_INPUT", document);
        assert!(reply.violations()[0].ends_with("filter.category"), "{document}");
    }
    assert_eq!(admin.data("{ batches { totalCount } }", json!({})).await["batches"]["totalCount"], 0);
    let listed = "query($c: String) { channels(filter: { category: $c }) { totalCount } }";
    assert_eq!(admin.data(listed, json!({ "c": null })).await["channels"]["totalCount"], 0, "in a list null is any");
    admin.data(batch, json!({})).await;
}

//! What a document asks for is what is answered: nothing selected is no null, what is selected twice is merged, what can't be is
//! refused, and what fails takes no neighbour along.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Client, Reply, TestApp};

pub const CREATE: &str = "mutation($name: String!, $content: String = \"x\") { createTemplate(input: { name: $name, content: $content }) { template { id content } } }";
const NAMES: &str = "{ templates(orderBy: { field: NAME, direction: ASC }) { nodes { name } } }";

pub async fn template(admin: &Client, name: &str) -> String {
    let created = admin.data(CREATE, json!({ "name": name })).await;
    created["createTemplate"]["template"]["id"].as_str().unwrap().to_owned()
}

pub async fn names(admin: &Client) -> Vec<String> {
    let found = admin.data(NAMES, json!({})).await;
    let nodes = found["templates"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// Refused as a whole, with this code, before anything ran.
#[track_caller]
pub fn refused(reply: &Reply, code: &str, document: &str) {
    assert_eq!(reply.code(), code, "{document}: {}", reply.message());
    assert!(reply.errors().iter().all(|error| error.get("path").is_none()), "{document}: nothing has run");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases and what holds for each")]
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
async fn a_wrong_id_hides_nothing_of_what_else_is_wrong_with_a_lead() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let update = "mutation { updateLead(input: { id: \"x\", email: \"y\", phone: \"z\", meta: [1] }) { lead { id } } }";
    let reply = admin.query(update, json!({})).await;
    assert_eq!(reply.code(), "BAD_USER_INPUT");
    assert_eq!(reply.violations(), ["input.id", "input.email", "input.phone", "input.meta"]);
}

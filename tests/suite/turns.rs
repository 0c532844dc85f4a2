//! Imports take turns, and can be ended by hand.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::{Client, TestApp, eventually};

const CHANNELS: &str = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
const LEADS: &str = "mutation($id: ID!) { importLeads(input: { uploadId: $id }) { import { id } } }";
const CANCEL: &str = "mutation($id: ID!) { cancelImport(input: { id: $id }) {
    import { id status lines ... on LeadImport { format } } } }";
const READ: &str = "query($id: ID!) { node(id: $id) {
    ... on ChannelImport { status lines inserted invalid errorMessage errors { line } }
    ... on LeadImport { status lines inserted invalid errorMessage errors { line } } } }";

/// Asks for the import of a list, and returns its id.
async fn start(by: &Client, import: &str, list: String) -> Json {
    let upload = by.upload(list).await;
    let asked = by.data(import, json!({ "id": upload })).await;
    let field = if import == LEADS { "importLeads" } else { "importChannels" };
    asked[field]["import"]["id"].clone()
}

async fn read(by: &Client, id: &Json) -> Json {
    by.data(READ, json!({ "id": id })).await["node"].clone()
}

fn channels(count: usize, prefix: &str) -> String {
    let mut list = String::new();
    for n in 0..count {
        writeln!(list, r#"{{"username":"{prefix}_{n}","category":"tech"}}"#).unwrap();
    }
    list
}

fn leads(count: usize, prefix: &str) -> String {
    let mut list = "email\n".to_owned();
    for n in 0..count {
        writeln!(list, "{prefix}{n}@example.com").unwrap();
    }
    list
}

#[tokio::test]
async fn a_long_list_does_not_keep_a_short_one_waiting() {
    let herald = TestApp::api_only().await;
    let (one, other) = (herald.operator().await, herald.user("other", "OPERATOR").await);
    for (import, long, short, short_too) in [
        (CHANNELS, channels(60_000, "long"), channels(1, "short"), channels(2, "brief")),
        (LEADS, leads(60_000, "long"), leads(1, "short"), leads(2, "brief")),
    ] {
        let long = start(&one, import, long).await;
        eventually("the long one has begun", async || read(&one, &long).await["lines"] != 0).await;
        let [of_other, of_same] = [start(&other, import, short).await, start(&one, import, short_too).await];
        for id in [&of_other, &of_same] {
            eventually("the short one is done", async || read(&one, id).await["status"] == "COMPLETED").await;
        }
        let seen = read(&one, &long).await;
        assert_eq!(seen["status"], "RUNNING", "the long one goes on: {seen}");
        one.data(CANCEL, json!({ "id": long })).await;
    }
}

#[tokio::test]
async fn whatever_comes_between_turns_each_list_goes_in_whole() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let mut ids = Vec::new();
    // More than are open at a time; each with an error at a place of its own.
    for n in 0..7 {
        let mut list = leads(3_000, &format!("p{n}x"));
        writeln!(list, "\"quoted\nover lines\"\nlast{n}@example.com").unwrap();
        ids.push(start(&operator, LEADS, list).await);
    }
    for id in &ids {
        eventually("it is done", async || read(&operator, id).await["status"] == "COMPLETED").await;
        let import = read(&operator, id).await;
        assert_eq!(
            (&import["lines"], &import["inserted"], &import["invalid"]),
            (&json!(3_002), &json!(3_001), &json!(1))
        );
        assert_eq!(import["errors"], json!([{ "line": 3_002 }]), "the number is that of the file");
    }
}

#[tokio::test]
async fn a_list_of_junk_ends_by_itself() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let junk = start(&operator, LEADS, format!("email\n{}", "x\n".repeat(40_000))).await;
    eventually("it has failed", async || read(&operator, &junk).await["status"] == "FAILED").await;
    let ended = read(&operator, &junk).await;
    let lines = ended["lines"].as_i64().unwrap();
    assert!((10_000..20_000).contains(&lines) && ended["invalid"] == lines, "{lines}");
    assert!(ended["errorMessage"].as_str().unwrap().contains("none of the first 10000 lines"), "{ended:.300}");
    // One that is right among the first: then the wrong ones are only told.
    let mut mixed = format!("email\nann@example.com\n{}", "x\n".repeat(12_000));
    mixed.push_str("bea@example.com\n");
    let mixed = start(&operator, LEADS, mixed).await;
    eventually("it is done", async || read(&operator, &mixed).await["status"] == "COMPLETED").await;
    assert_eq!(read(&operator, &mixed).await["inserted"], 2);
}

#[tokio::test]
async fn an_import_is_ended_by_hand_and_what_went_in_stays() {
    let herald = TestApp::api_only().await;
    let (operator, admin) = (herald.operator().await, herald.admin().await);
    for (import, list, table) in [
        (CHANNELS, channels(80_000, "gone"), "{ all: channels { totalCount } }"),
        (LEADS, leads(80_000, "gone"), "{ all: leads { totalCount } }"),
    ] {
        let id = start(&operator, import, list).await;
        eventually("it has begun", async || read(&operator, &id).await["lines"] != 0).await;
        let auditor = herald.auditor().await;
        assert_eq!(auditor.query(CANCEL, json!({ "id": id })).await.code(), "FORBIDDEN");
        let cancelled = admin.data(CANCEL, json!({ "id": id })).await["cancelImport"]["import"].clone();
        assert_eq!(cancelled["status"], "CANCELLED", "{cancelled}");
        let stays = admin.data(table, json!({})).await["all"]["totalCount"].clone();
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(admin.data(table, json!({})).await["all"]["totalCount"], stays, "no line goes in after the answer");
        let again = admin.data(CANCEL, json!({ "id": id })).await["cancelImport"]["import"].clone();
        assert_eq!(again, cancelled);
        // The next one has its turn.
        let next = start(&operator, import, if import == LEADS { leads(1, "next") } else { channels(1, "next") }).await;
        eventually("the next one is done", async || read(&operator, &next).await["status"] == "COMPLETED").await;
        let over = operator.query(CANCEL, json!({ "id": next })).await;
        assert_eq!(
            (over.code(), over.message()),
            ("PRECONDITION_FAILED", "the import cannot go from COMPLETED to CANCELLED")
        );
    }
    let lines = "{ auditLogs(filter: { actions: [IMPORT_CANCELLED] }) { nodes { resourceType user { username } } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    let line = |kind: &str| json!({ "resourceType": kind, "user": { "username": "admin" } });
    assert_eq!(lines, json!([line("LeadImport"), line("ChannelImport")]));
    assert_eq!(operator.query(CANCEL, json!({ "id": "nonsense" })).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn one_that_waits_is_ended_before_it_begins() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let upload = operator.upload(channels(30_000, "first")).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let asked = operator.data(CHANNELS, json!({ "id": upload })).await;
        ids.push(asked["importChannels"]["import"]["id"].clone());
    }
    for id in &ids {
        let reply = operator.query(CANCEL, json!({ "id": id })).await;
        assert!(reply.errors().is_empty() || reply.code() == "PRECONDITION_FAILED", "{reply:?}");
    }
    for id in &ids {
        let status = read(&operator, id).await["status"].clone();
        assert!(status == "CANCELLED" || status == "COMPLETED", "{status}");
    }
}

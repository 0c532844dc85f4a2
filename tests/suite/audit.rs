//! The audit log: a line for each write, chained so that no change of it goes unseen.

use domain::audit::Action;
use sea_orm::{ConnectionTrait, Iterable};
use serde_json::json;
use service::access::chain::{self, Broken};
use storage::Db;

use crate::harness::{PASSWORD, TestApp, eventually};

const CREATE: &str = "mutation($name: String!, $password: String!) {
    createUser(input: { username: $name, password: $password, role: AUDITOR }) { user { id } } }";

async fn create(herald: &TestApp, name: &str) {
    herald.admin().await.data(CREATE, json!({ "name": name, "password": PASSWORD })).await;
}

async fn sealed(herald: &TestApp) {
    eventually("all lines are sealed", async || {
        chain::verify(&herald.services().db, None).await.unwrap().unsealed == 0
    })
    .await;
}

/// Takes the triggers away that keep the log append-only.
pub async fn unguard(db: &Db) {
    let statements: &[&str] = if db.is_postgres() {
        &["ALTER TABLE audit_logs DISABLE TRIGGER USER"]
    } else {
        &["DROP TRIGGER audit_logs_new", "DROP TRIGGER audit_logs_sealed", "DROP TRIGGER audit_logs_kept"]
    };
    for statement in statements {
        db.reader().execute_unprepared(statement).await.unwrap();
    }
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_or_lose_a_line() {
    let herald = TestApp::api_only().await;
    create(&herald, "anna").await;
    sealed(&herald).await;
    let db = &herald.services().db;
    let attempts = [
        "UPDATE audit_logs SET ip_address = '10.6.6.6' WHERE seq = 1",
        "UPDATE audit_logs SET seq = NULL WHERE seq = 1",
        "DELETE FROM audit_logs WHERE seq = 1",
        "DELETE FROM audit_logs",
        "INSERT INTO audit_logs SELECT * FROM audit_logs WHERE seq = 1",
        "INSERT INTO audit_archives VALUES (1, 1, 2, 'x', 'x', 'x', '2020-01-01T00:00:00Z')",
    ];
    let of_one =
        if db.is_postgres() { "TRUNCATE audit_logs" } else { "REPLACE INTO audit_logs SELECT * FROM audit_logs" };
    for attempt in attempts.into_iter().chain([of_one]) {
        let refusal = db.reader().execute_unprepared(attempt).await.expect_err(attempt).to_string();
        assert!(refusal.contains("append-only") || refusal.contains("CHECK") || refusal.contains("check"), "{refusal}");
    }
    assert_eq!(chain::verify(db, None).await.unwrap().broken, None);

    // A line that is not sealed yet can be sealed, and nothing else.
    db.reader()
        .execute_unprepared("INSERT INTO audit_archives VALUES (1, 1, 1, 'x', 'x', 'x', '2020-01-01T00:00:00Z')")
        .await
        .unwrap();
    for attempt in ["UPDATE audit_archives SET last_seq = 9, lines = 9", "DELETE FROM audit_archives"] {
        let refusal = db.reader().execute_unprepared(attempt).await.expect_err(attempt).to_string();
        assert!(refusal.contains("append-only"), "{refusal}");
    }
    assert!(db.reader().execute_unprepared("DELETE FROM audit_logs WHERE seq = 2").await.is_err());
    db.reader().execute_unprepared("DELETE FROM audit_logs WHERE seq = 1").await.unwrap();
}

#[test]
fn each_action_is_written_somewhere() {
    fn sources(folder: &std::path::Path) -> String {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let texts = entries.map(|path| {
            if path.is_dir() { sources(&path) } else { std::fs::read_to_string(&path).unwrap_or_default() }
        });
        texts.collect::<Vec<_>>().join("\n")
    }
    let services = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let text =
        [sources(&services.join("service")), std::fs::read_to_string(services.join("app.rs")).unwrap()].join("\n");
    let words: std::collections::HashSet<&str> =
        text.split(|letter: char| !letter.is_alphanumeric() && letter != ':').collect();
    let silent: Vec<Action> =
        Action::iter().filter(|action| !words.contains(format!("Action::{action:?}").as_str())).collect();
    assert!(silent.is_empty(), "never written: {silent:?}");
}

#[tokio::test]
async fn each_line_of_a_person_says_where_he_was_and_what_he_did() {
    let herald = TestApp::api_only().await;
    let (admin, auditor) = (herald.admin().await, herald.auditor().await);
    create(&herald, "anna").await;
    auditor.query(CREATE, json!({ "name": "boris", "password": PASSWORD })).await;
    let anna = herald.nobody().sign_in("anna", PASSWORD).await;
    let change =
        "mutation($p: String!) { changePassword(input: { currentPassword: $p, newPassword: $p }) { user { id } } }";
    admin.data(change, json!({ "p": PASSWORD })).await;
    anna.data("mutation { logout { user { id } } }", json!({})).await;
    herald.nobody().login("admin", "a wrong password").await;
    let lines = "{ auditLogs(first: 100) { nodes { action ipAddress metadata user { id } } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    let mut seen = std::collections::BTreeSet::new();
    for line in lines.as_array().unwrap() {
        let is_own = line["user"].is_null() && line["action"] != "USER_LOGIN_FAILED";
        assert!(is_own || line["ipAddress"] == "127.0.0.1", "{line}");
        assert!(line["metadata"].is_object(), "{line}");
        seen.insert(line["action"].as_str().unwrap().to_owned());
    }
    for action in
        ["PERMISSION_DENIED", "USER_CREATED", "USER_LOGIN", "USER_LOGIN_FAILED", "USER_LOGOUT", "USER_PASSWORD_CHANGED"]
    {
        assert!(seen.contains(action), "{action} is not in {seen:?}");
    }
}

#[tokio::test]
async fn each_line_is_sealed_and_a_change_or_a_gap_is_found() {
    let herald = TestApp::api_only().await;
    for name in ["anna", "boris", "clara"] {
        create(&herald, name).await;
    }
    sealed(&herald).await;
    let db = &herald.services().db;
    let report = chain::verify(db, None).await.unwrap();
    assert_eq!(report.broken, None);
    assert!(report.sound >= 7, "{report:?}");

    // Whoever owns the database can take the guards away; what he does then is found.
    unguard(db).await;
    let spoil = async |sql: &str| {
        db.reader().execute_unprepared(sql).await.unwrap();
        chain::verify(db, None).await.unwrap().broken
    };
    let changed = Some(Broken { seq: 4, reason: "the line is not as it was written".into() });
    assert_eq!(spoil("UPDATE audit_logs SET ip_address = '10.6.6.6' WHERE seq = 4").await, changed);
    let gone = Some(Broken { seq: 4, reason: "the line is gone".into() });
    assert_eq!(spoil("DELETE FROM audit_logs WHERE seq = 4").await, gone);
    let cut = spoil("DELETE FROM audit_logs WHERE seq >= 4").await;
    assert_eq!(cut, gone, "the tail is missed, too");
}

#[tokio::test]
async fn who_listens_hears_of_each_line_in_the_order_of_the_chain() {
    let herald = TestApp::api_only().await;
    let auditor = herald.auditor().await;
    sealed(&herald).await;
    let document = "subscription { auditLogged { seq action metadata } }";
    let mut lines = auditor.subscribe(document, json!({})).await;
    let admin = herald.admin().await;
    lines.begun(&admin).await;
    for round in 0..20 {
        admin.data(CREATE, json!({ "name": format!("user{round}"), "password": PASSWORD })).await;
    }
    let mut last = None;
    let mut created = 0;
    while created < 20 {
        let line = lines.data().await["auditLogged"].clone();
        let seq: i64 = line["seq"].as_str().unwrap().parse().unwrap();
        assert!(last.is_none_or(|last| seq == last + 1), "{seq} came after {last:?}");
        last = Some(seq);
        if line["action"] == "USER_CREATED" {
            assert_eq!(line["metadata"]["username"], format!("user{created}"));
            created += 1;
        }
    }
}

#[tokio::test]
async fn lines_are_filtered_and_walked() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for name in ["anna", "boris", "clara"] {
        create(&herald, name).await;
    }
    let list = "query($filter: AuditLogFilter, $first: Int, $after: String, $order: AuditLogOrder) {
        auditLogs(filter: $filter, first: $first, after: $after, orderBy: $order) {
            nodes { action severity timestamp resourceType resourceId user { username } metadata }
            pageInfo { endCursor hasNextPage } totalCount } }";
    let created = json!({ "actions": ["USER_CREATED"], "severities": ["INFO"], "resourceType": "User" });
    let page = admin.data(list, json!({ "filter": created, "first": 2 })).await["auditLogs"].clone();
    assert_eq!(page["totalCount"], 4);
    let names = |page: &serde_json::Value| -> Vec<String> {
        let nodes = page["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["metadata"]["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&page), ["clara", "boris"]);
    let rest = json!({ "filter": created, "first": 2, "after": page["pageInfo"]["endCursor"] });
    let rest = admin.data(list, rest).await["auditLogs"].clone();
    assert_eq!((names(&rest), &rest["pageInfo"]["hasNextPage"]), (vec!["anna".into(), "admin".into()], &json!(false)));

    let boris = &page["nodes"][1];
    let of_boris = json!({ "filter": { "resourceId": boris["resourceId"] } });
    assert_eq!(names(&admin.data(list, of_boris).await["auditLogs"]), ["boris"]);
    let until = json!({ "filter": { "actions": ["USER_CREATED"], "until": boris["timestamp"] },
        "order": { "field": "TIMESTAMP", "direction": "ASC" } });
    assert_eq!(names(&admin.data(list, until).await["auditLogs"]), ["admin", "anna"]);
    let since = json!({ "filter": { "actions": ["USER_CREATED"], "since": boris["timestamp"] } });
    assert_eq!(names(&admin.data(list, since).await["auditLogs"]), ["clara", "boris"]);
}

#[tokio::test]
async fn a_request_leaves_one_line_however_much_it_was_refused() {
    let herald = TestApp::api_only().await;
    let (admin, auditor) = (herald.admin().await, herald.auditor().await);
    let ids: Vec<_> =
        (0..100).map(|_| domain::id::NounId::global_id(domain::id::TelegramAccountId::generate())).collect();
    let nodes: Vec<String> = (0..20).map(|n| format!("a{n}: nodes(ids: $i) {{ __typename }}")).collect();
    let nodes = nodes.join(" ");
    let query = format!("query($i: [ID!]!) {{ {nodes} }}");
    auditor.data(&query, json!({ "i": ids })).await;
    assert_eq!(denied(&admin).await, json!([{ "field": "nodes", "times": 2_000 }]));
    // Below the root, and several at once.
    let both = auditor.query("{ integrationConfigs { totalCount } telegramAccounts { totalCount } }", json!({})).await;
    assert_eq!(both.code(), "FORBIDDEN");
    let line = denied(&admin).await[0].clone();
    assert_eq!((&line["times"], line["fields"].as_object().unwrap().len()), (&json!(2), 2), "{line}");
}

#[tokio::test]
async fn who_is_refused_again_and_again_fills_no_log_and_keeps_nobody_waiting() {
    let mut herald = TestApp::api_only().await;
    let auditor = herald.auditor().await;
    let refused = (0..300).map(async |n| {
        if n % 10 == 0 {
            let upload = auditor.request(reqwest::Method::POST, "/uploads").body("x").send().await.unwrap();
            assert_eq!(upload.status(), 403);
        } else {
            let reply = auditor.query(CREATE, json!({ "name": "boris", "password": PASSWORD })).await;
            assert_eq!(reply.code(), "FORBIDDEN");
        }
    });
    futures_util::future::join_all(refused).await;
    let lines = denied(&herald.admin().await).await.as_array().unwrap().len();
    assert!((20..30).contains(&lines), "{lines}");
    // What was only counted is told when the process ends, if its minute is not over before.
    herald.restart(herald::app::Parts { api: true, worker: false }).await;
    let lines = denied(&herald.admin().await).await;
    let times = lines.as_array().unwrap().iter().map(|line| line["times"].as_u64().unwrap_or(1)).sum::<u64>();
    assert_eq!(times, 300, "{lines}");
    let all = lines.as_array().unwrap().iter().find(|line| !line["fields"].is_null()).expect("a line of many");
    assert!(all["fields"]["/uploads"].as_u64().is_some_and(|times| times > 10), "{all}");
}

/// The refusals that the log has, newest first.
async fn denied(by: &crate::harness::Client) -> serde_json::Value {
    let lines = "{ auditLogs(first: 100, filter: { actions: [PERMISSION_DENIED] }) { nodes { metadata } } }";
    let lines = by.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    lines.as_array().unwrap().iter().map(|line| line["metadata"].clone()).collect()
}

//! What an admin sees and does when something is the matter: sessions of all, processes that send, statements that are slow.

use std::time::{Duration, Instant};

use domain::broadcast::CampaignStatus;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value as Json, json};
use service::broadcast::delivery::sender::drain;
use storage::broadcast::sender;
use storage::gauges;

use crate::delivery::fixture::{Office, names};
use crate::harness::{PASSWORD, TestApp, eventually};

const SESSIONS: &str = "query($filter: SessionFilter) { admin { sessions(filter: $filter) {
    totalCount nodes { id user { username } ipAddress userAgent beganAt seenAt } } } }";
const END: &str = "mutation($id: ID!) { endUserSession(input: { id: $id }) { session { id } } }";
const VIEWER: &str = "{ viewer { id } }";

#[tokio::test]
async fn an_admin_sees_the_sessions_of_all_and_ends_them() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let login = json!({ "query": "mutation($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }",
        "variables": { "input": { "username": "admin", "password": PASSWORD } } });
    let request = herald.nobody().request(reqwest::Method::POST, "/graphql").header("user-agent", "a lost laptop");
    let opened: Json = request.json(&login).send().await.unwrap().json().await.unwrap();
    let opened = opened["data"]["login"].clone();
    let laptop = herald.nobody().with_token(opened["accessToken"].as_str().unwrap());
    let boris = herald.operator().await;
    let seen = admin.data(SESSIONS, json!({})).await["admin"]["sessions"].clone();
    let found = seen["nodes"].as_array().unwrap().iter().find(|one| one["userAgent"] == "a lost laptop").unwrap();
    assert_eq!((&found["user"]["username"], &found["ipAddress"]), (&json!("admin"), &json!("127.0.0.1")), "{seen}");
    let others = boris.data(VIEWER, json!({})).await["viewer"]["id"].clone();
    let others = admin.data(SESSIONS, json!({ "filter": { "userId": others } })).await["admin"]["sessions"].clone();
    assert_eq!(others["totalCount"], 1, "{others}");
    for nobody in [boris.clone(), herald.auditor().await] {
        assert_eq!(nobody.query(SESSIONS, json!({})).await.code(), "FORBIDDEN");
        assert_eq!(nobody.query(END, json!({ "id": "nonsense" })).await.code(), "FORBIDDEN");
    }
    let refresh =
        "mutation($token: String!) { refreshSession(input: { refreshToken: $token }) { accessToken refreshToken } }";
    let renewed = laptop.data(refresh, json!({ "token": opened["refreshToken"] })).await["refreshSession"].clone();
    let again = admin.data(SESSIONS, json!({})).await["admin"]["sessions"].clone();
    // Who makes users for the tests has signed in for that.
    assert_eq!(again["totalCount"], 6, "a session that is renewed is the same one: {again}");

    for _ in 0..2 {
        admin.data(END, json!({ "id": found["id"] })).await;
    }
    assert_eq!(laptop.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    let token = json!({ "token": renewed["refreshToken"] });
    assert_eq!(herald.nobody().query(refresh, token).await.code(), "UNAUTHENTICATED");
    admin.data(VIEWER, json!({})).await;
    boris.data(VIEWER, json!({})).await;
    let left = admin.data(SESSIONS, json!({})).await["admin"]["sessions"].clone();
    assert_eq!(left["totalCount"], 5, "{left}");
    let lines = "{ auditLogs(filter: { actions: [USER_SESSION_ENDED] }) { nodes { user { username } } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines, json!([{ "user": { "username": "admin" } }]), "the second time changed nothing");
}

#[tokio::test]
async fn a_drained_process_settles_what_it_has_and_claims_nothing_until_it_goes_on() {
    let office = Office::open().await;
    let on = &office.on;
    let id = office.campaign(&names("drain", 400), 6_000).await;
    let worker = office.worker();
    office.start(id).await;
    office.until_row(id, "some are sent", |row| row.sent > 20).await;
    let row = sender::Entity::sending().one(on.db.reader()).await.unwrap().unwrap();
    assert_eq!(row.program, env!("CARGO_PKG_VERSION"));
    for _ in 0..2 {
        drain(on, &office.actor, row.id, true).await.unwrap();
    }
    eventually("it holds nothing", async || gauges::claims_held(on.db.reader(), row.id).await.unwrap() == 0).await;
    let drained = office.progress(id).await;
    assert!(drained.sending == 0 && drained.queued > 0, "{drained:?}");
    // A hundred would be sent in this second, by a process that works.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(office.progress(id).await.sent, drained.sent);
    let still = sender::Entity::find_by_id(row.id).one(on.db.reader()).await.unwrap().unwrap();
    assert!(still.ended_at.is_none() && still.drained_at.is_some(), "it stays: {still:?}");
    assert_eq!(sender::Entity::sending().all(on.db.reader()).await.unwrap(), []);

    drain(on, &office.actor, row.id, false).await.unwrap();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let ended = drain(on, &office.actor, row.id, true).await.unwrap_err();
    assert!(ended.to_string().contains("has ended"), "{ended}");
    let sent = office.ledger().len();
    assert_eq!(sent, 400, "each once");
}

#[tokio::test]
async fn statements_that_are_slow_are_told_without_their_values() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let db = &herald.services().db;
    // How many steps take longer than a second depends on the machine: twice as many until they do.
    let mut steps = 4_000_000_u64;
    loop {
        let slow = if db.is_postgres() {
            "SELECT pg_sleep(1.2), 'a secret of Anna'".to_owned()
        } else {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {steps})
                 SELECT COUNT(*), 'a secret of Anna' FROM n"
            )
        };
        let begun = Instant::now();
        db.reader().query_all_raw(Statement::from_string(db.backend(), slow)).await.unwrap();
        if begun.elapsed() > Duration::from_millis(1_200) {
            break;
        }
        steps *= 2;
    }
    let told = "{ admin { statements { text times longestMs isRunning } workers { host programVersion claims steps accounts } } }";
    let told = admin.data(told, json!({})).await["admin"].clone();
    let text = told["statements"].to_string();
    assert!(text.contains("SELECT") && !text.contains("Anna"), "{told}");
    assert_eq!(told["workers"].as_array().unwrap().len(), 1, "{told}");
    let metrics = herald.nobody().request(reqwest::Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("herald_slow_statements_total")).unwrap();
    assert!(!line.ends_with(" 0"), "{line}");
}

//! The audit log: a line for each write, chained so that no change of it goes unseen.

use herald::service::access::seal::{self, Broken};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::harness::{PASSWORD, TestApp, eventually};

const CREATE: &str = "mutation($name: String!, $password: String!) {
    createUser(input: { username: $name, password: $password, role: AUDITOR }) { user { id } } }";

async fn create(herald: &TestApp, name: &str) {
    herald.admin().await.data(CREATE, json!({ "name": name, "password": PASSWORD })).await;
}

async fn sealed(herald: &TestApp) {
    eventually("all lines are sealed", async || seal::verify(&herald.services().db).await.unwrap().unsealed == 0).await;
}

#[tokio::test]
async fn each_line_is_sealed_and_a_change_or_a_gap_is_found() {
    let herald = TestApp::api_only().await;
    for name in ["anna", "boris", "clara"] {
        create(&herald, name).await;
    }
    sealed(&herald).await;
    let db = &herald.services().db;
    let report = seal::verify(db).await.unwrap();
    assert_eq!(report.broken, None);
    assert!(report.sound >= 7, "{report:?}");

    let spoil = async |sql: &str| {
        db.reader().execute_unprepared(sql).await.unwrap();
        seal::verify(db).await.unwrap().broken
    };
    let changed = Some(Broken { seq: 4, reason: "the line is not as it was written" });
    assert_eq!(spoil("UPDATE audit_logs SET ip_address = '10.6.6.6' WHERE seq = 4").await, changed);
    let gone = Some(Broken { seq: 4, reason: "the line is gone" });
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
    // The subscription has begun once it has answered; before, there is nothing to wait for.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let admin = herald.admin().await;
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

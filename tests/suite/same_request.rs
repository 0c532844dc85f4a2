//! Queries that come at the same instant: executed together, answered as if each had been alone.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{TestApp, eventually};

const CREATE: &str =
    "mutation($name: String!) { createTemplate(input: { name: $name, content: \"x\" }) { template { id } } }";
const NAMES: &str = "{ templates(first: 100) { nodes { name } } }";

/// Each of twenty clients reads what it wrote an instant ago, while the others ask the same.
#[tokio::test]
async fn everybody_reads_his_own_writes() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let rounds = (0..20).map(async |client| {
        for round in 0..3 {
            let name = format!("{client} in round {round}");
            admin.data(CREATE, json!({ "name": name })).await;
            let found = admin.data(NAMES, json!({})).await;
            let names = found["templates"]["nodes"].as_array().unwrap();
            assert!(
                names.iter().any(|node| node["name"] == name.as_str()),
                "{name} was written before it was asked for"
            );
        }
    });
    join_all(rounds).await;
}

#[tokio::test]
async fn a_refusal_is_everybodys_own() {
    let herald = TestApp::api_only().await;
    let (operator, admin) = (herald.operator().await, herald.admin().await);
    let refused = join_all((0..20).map(|_| operator.query("{ users { totalCount } }", json!({})))).await;
    let ids: HashSet<_> =
        refused.iter().map(|reply| reply.errors()[0]["extensions"]["requestId"].to_string()).collect();
    assert!(refused.iter().all(|reply| reply.code() == "FORBIDDEN"));
    assert_eq!(ids.len(), 20, "each has its own request id");
    let denied = "{ auditLogs(filter: { actions: [PERMISSION_DENIED] }) { totalCount } }";
    eventually("each refusal is noted", async || admin.data(denied, json!({})).await["auditLogs"]["totalCount"] == 20)
        .await;
}

#[tokio::test]
async fn nobody_gets_what_another_role_may_see() {
    let herald = TestApp::api_only().await;
    let (admin, auditor) = (herald.admin().await, herald.auditor().await);
    let viewers = join_all((0..20).map(async |number| {
        let by = if number % 2 == 0 { &admin } else { &auditor };
        by.data("{ viewer { role } }", json!({})).await["viewer"]["role"] == ["ADMIN", "AUDITOR"][number % 2]
    }))
    .await;
    assert!(viewers.into_iter().all(|is_right| is_right));
}

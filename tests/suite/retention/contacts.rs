//! Contacts that were made elsewhere, what became of all in numbers, and the rules about them.

use serde_json::json;

use super::{campaign, contact, some_leads};
use crate::harness::TestApp;

#[tokio::test]
async fn a_contact_that_went_out_moves_the_lead_forward() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let (id, leads) = (campaign(&operator, json!({})).await, some_leads(&operator, "a", 2).await);
    let assign = "mutation($input: AssignLeadsInput!) { assignLeads(input: $input) { assigned } }";
    operator.data(assign, json!({ "input": { "campaignId": id, "leadIds": leads } })).await;
    let failed = json!({ "leadId": leads[0], "campaignId": id, "channel": "SMS", "status": "FAILED" });
    assert_eq!(
        contact(&operator, failed).await.data()["recordContactAttempt"]["contactAttempt"]["lead"]["status"],
        "IN_PROGRESS"
    );
    let sent =
        json!({ "leadId": leads[0], "campaignId": id, "channel": "SMS", "status": "SENT", "idempotencyKey": "k" });
    for _ in 0..2 {
        let noted = contact(&operator, sent.clone()).await.data()["recordContactAttempt"]["contactAttempt"].clone();
        assert_eq!((&noted["lead"]["status"], &noted["provider"]), (&json!("CONTACTED"), &json!("manual")));
    }
    let read = "query($id: ID!) { retentionCampaign(id: $id) { leadCounts { status count } attemptCounts { channel count } } }";
    let shown = operator.data(read, json!({ "id": id })).await["retentionCampaign"].clone();
    let counts = |of: &str| shown[of].as_array().unwrap().iter().map(|line| line["count"].clone()).collect::<Vec<_>>();
    assert_eq!(counts("leadCounts"), [1, 1, 0]);
    assert_eq!(counts("attemptCounts"), [0, 2, 0, 0, 0], "a repeated request is one contact");
    let wrong = json!({ "leadId": leads[0], "channel": "CALL", "status": "SENT", "duration": -1, "cost": "1",
        "startedAt": "2026-01-02T00:00:00Z", "completedAt": "2026-01-01T00:00:00Z" });
    let mut paths = contact(&operator, wrong).await.violations();
    paths.sort();
    assert_eq!(paths, ["input.completedAt", "input.currency", "input.duration"]);
    let nowhere = json!({ "leadId": leads[0], "scriptId": leads[0], "channel": "CALL", "status": "SENT" });
    assert_eq!(contact(&operator, nowhere).await.violations(), ["input.scriptId"]);
}

#[tokio::test]
async fn counts_means_and_shares_are_those_of_the_contacts_found() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let leads = some_leads(&operator, "a", 1).await;
    for (status, duration, cost, currency) in [
        ("SUCCESS", 60, "0.10", "EUR"),
        ("SUCCESS", 121, "0.25", "EUR"),
        ("SUCCESS", 0, "1", "USD"),
        ("FAILED", 0, "0.000001", "EUR"),
    ] {
        let call = json!({ "leadId": leads[0], "channel": "CALL", "status": status, "duration": duration, "cost": cost,
            "currency": currency, "startedAt": "2026-01-01T00:00:00Z" });
        contact(&operator, call).await.data();
    }
    contact(&operator, json!({ "leadId": leads[0], "channel": "SMS", "status": "SENT" })).await.data();
    let stats = "query($filter: ContactAttemptFilter) { contactAttemptStats(filter: $filter) { total
        groups { channel status count averageDuration averageCosts { currency amount } }
        channels { channel count successRate } } }";
    let all = operator.data(stats, json!({})).await["contactAttemptStats"].clone();
    assert_eq!(all["total"], 5);
    let calls = json!({ "channel": "CALL", "status": "SUCCESS", "count": 3, "averageDuration": 181.0 / 3.0,
        "averageCosts": [{ "currency": "EUR", "amount": "0.175" }, { "currency": "USD", "amount": "1" }] });
    assert_eq!(all["groups"][1], calls);
    assert_eq!(all["groups"][2]["averageDuration"], json!(null));
    assert_eq!(all["channels"][2], json!({ "channel": "CALL", "count": 4, "successRate": 0.75 }));
    assert_eq!(all["channels"][0], json!({ "channel": "EMAIL", "count": 0, "successRate": null }));
    let some = json!({ "filter": { "startedBefore": "2026-01-02T00:00:00Z", "statuses": ["SUCCESS"] } });
    assert_eq!(operator.data(stats, some).await["contactAttemptStats"]["total"], 3);
    let list =
        "query($filter: ContactAttemptFilter) { contactAttempts(filter: $filter) { nodes { channel } totalCount } }";
    let found = operator.data(list, json!({ "filter": { "leadId": leads[0] } })).await["contactAttempts"].clone();
    assert_eq!((&found["totalCount"], &found["nodes"][0]["channel"]), (&json!(5), &json!("SMS")), "the latest first");
}

#[tokio::test]
async fn a_rule_has_bounds() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let create = "mutation($input: CreateConversionRuleInput!) { createConversionRule(input: $input) {
        conversionRule { id value version } } }";
    let wrong = json!({ "channel": "SMS", "metric": "CTR", "value": "1.5", "sampleSize": 0, "confidence": 1.0, "conversionRate": 2.0 });
    let mut paths = operator.query(create, json!({ "input": wrong })).await.violations();
    paths.sort();
    assert_eq!(paths, ["confidence", "conversionRate", "sampleSize", "value"].map(|field| format!("input.{field}")));
    let good = json!({ "channel": "SMS", "metric": "CPC", "value": "1.5", "sampleSize": 1, "confidence": 0.9 });
    let rule = operator.data(create, json!({ "input": good })).await["createConversionRule"]["conversionRule"].clone();
    let update = "mutation($input: UpdateConversionRuleInput!) { updateConversionRule(input: $input) {
        conversionRule { value version } } }";
    let change = json!({ "input": { "id": rule["id"], "value": "0.000001", "expectedVersion": 1 } });
    let changed = operator.data(update, change.clone()).await["updateConversionRule"]["conversionRule"].clone();
    assert_eq!(changed, json!({ "value": "0.000001", "version": 2 }));
    assert_eq!(operator.query(update, change).await.code(), "CONFLICT");
}

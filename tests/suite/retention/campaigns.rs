//! Retention campaigns: their states and settings, and the leads in them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use super::{campaign, change_campaign, lead, some_leads};
use crate::harness::{Client, Reply, TestApp, eventually};

async fn assign(by: &Client, input: Json) -> Reply {
    let assign = "mutation($input: AssignLeadsInput!) {
        assignLeads(input: $input) { assigned campaign { leadCount leadCounts { status count } } } }";
    by.query(assign, json!({ "input": input })).await
}

async fn status(by: &Client, campaign: &Json) -> Json {
    let read = "query($id: ID!) { retentionCampaign(id: $id) { status } }";
    by.data(read, json!({ "id": campaign })).await["retentionCampaign"]["status"].clone()
}

#[tokio::test]
async fn a_campaign_goes_only_where_the_table_says() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = campaign(&operator, json!({})).await;
    for (to, is_allowed) in [
        ("PAUSED", false),
        ("COMPLETED", false),
        ("ACTIVE", true),
        ("DRAFT", false),
        ("PAUSED", true),
        ("ACTIVE", true),
        ("COMPLETED", true),
        ("ACTIVE", false),
        ("PAUSED", false),
    ] {
        let from = status(&operator, &id).await;
        let reply = change_campaign(&operator, json!({ "id": id, "status": to })).await;
        if is_allowed {
            assert_eq!(reply.data()["updateRetentionCampaign"]["campaign"]["status"], to);
        } else {
            let sentence = format!("the retention campaign cannot go from {} to {to}", from.as_str().unwrap());
            assert_eq!((reply.code(), reply.message()), ("PRECONDITION_FAILED", sentence.as_str()));
        }
    }
}

#[tokio::test]
async fn settings_are_checked_as_a_whole() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = campaign(&operator, json!({ "channels": [] })).await;
    let start = change_campaign(&operator, json!({ "id": id, "status": "ACTIVE" })).await;
    assert_eq!(start.code(), "PRECONDITION_FAILED", "it has no channel");
    let wrong = json!({
        "id": id, "name": " ", "contactHoursStart": "9", "timeZone": "Berlin", "maxContactsPerDay": 0,
        "delayBetweenChannels": -1, "vapiConfig": [], "startDate": "2026-02-01T00:00:00Z",
        "endDate": "2026-01-01T00:00:00Z",
    });
    let mut paths = change_campaign(&operator, wrong).await.violations();
    paths.sort();
    let fields = [
        "contactHoursEnd",
        "contactHoursStart",
        "delayBetweenChannels",
        "endDate",
        "maxContactsPerDay",
        "name",
        "timeZone",
        "vapiConfig",
    ];
    assert_eq!(paths, fields.map(|field| format!("input.{field}")));
    let good = json!({ "id": id, "channels": ["SMS", "EMAIL", "SMS"], "contactHoursStart": "22:00", "contactHoursEnd": "06:30" });
    let good = change_campaign(&operator, good).await.data()["updateRetentionCampaign"]["campaign"].clone();
    assert_eq!((&good["channels"], &good["contactHoursStart"]), (&json!(["EMAIL", "SMS"]), &json!("22:00")));
    let stale = json!({ "id": id, "name": "x", "expectedVersion": 1 });
    assert_eq!(change_campaign(&operator, stale).await.code(), "CONFLICT");
}

#[tokio::test]
async fn leads_are_assigned_once_however_they_are_named() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let (id, leads) = (campaign(&operator, json!({})).await, some_leads(&operator, "a", 5).await);
    let refuse = "mutation($id: ID!) { setDoNotContact(input: { leadId: $id, source: \"x\" }) { lead { id } } }";
    operator.data(refuse, json!({ "id": leads[4] })).await;
    let twice = json!({ "campaignId": id, "leadIds": [leads[0], leads[1], leads[0], leads[4]], "idempotencyKey": "k" });
    for _ in 0..2 {
        let first = assign(&operator, twice.clone()).await.data()["assignLeads"].clone();
        assert_eq!((&first["assigned"], &first["campaign"]["leadCount"]), (&json!(2), &json!(2)));
    }
    let all = assign(&operator, json!({ "campaignId": id, "filter": { "search": "example" } })).await;
    let all = all.data()["assignLeads"].clone();
    assert_eq!(all["assigned"], 2, "all but those in it and the one that must not be contacted");
    assert_eq!(all["campaign"]["leadCounts"][0], json!({ "status": "PENDING", "count": 4 }));
    let stats = operator.data("{ leadStats { byStatus { status count } } }", json!({})).await;
    assert_eq!(stats["leadStats"]["byStatus"][1], json!({ "status": "IN_PROGRESS", "count": 4 }));
    let members = "query($id: ID!) { retentionCampaign(id: $id) { campaignLeads(first: 2, statuses: [PENDING]) {
        totalCount nodes { status lead { campaignLeads { nodes { campaign { name } } } } } pageInfo { hasNextPage } } } }";
    let members = operator.data(members, json!({ "id": id })).await["retentionCampaign"]["campaignLeads"].clone();
    assert_eq!((&members["totalCount"], &members["pageInfo"]["hasNextPage"]), (&json!(4), &json!(true)));
    assert_eq!(members["nodes"][0]["lead"]["campaignLeads"]["nodes"][0]["campaign"]["name"], "Win back");
    let remove =
        "mutation($input: RemoveLeadsInput!) { removeLeads(input: $input) { removed campaign { leadCount } } }";
    let some = json!({ "input": { "campaignId": id, "leadIds": [leads[0], leads[4]] } });
    let removed = operator.data(remove, some).await["removeLeads"].clone();
    assert_eq!((&removed["removed"], &removed["campaign"]["leadCount"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn what_can_not_be_assigned_is_told() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let (id, leads) = (campaign(&operator, json!({})).await, some_leads(&operator, "a", 2).await);
    let delete = "mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }";
    operator.data(delete, json!({ "id": leads[1] })).await;
    let gone = assign(&operator, json!({ "campaignId": id, "leadIds": leads })).await;
    assert_eq!((gone.code(), gone.message()), ("NOT_FOUND", "lead not found"));
    for wrong in [json!({}), json!({ "leadIds": [leads[0]], "filter": {} })] {
        let mut input = json!({ "campaignId": id });
        input.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(assign(&operator, input).await.violations(), ["input.filter"]);
    }
    let strange = assign(&operator, json!({ "campaignId": leads[0], "leadIds": [id] })).await;
    assert_eq!(strange.violations(), ["input.campaignId", "input.leadIds.0"]);
    for status in ["ACTIVE", "COMPLETED"] {
        change_campaign(&operator, json!({ "id": id, "status": status })).await.data();
    }
    let over = assign(&operator, json!({ "campaignId": id, "leadIds": [leads[0]] })).await;
    assert_eq!(
        (over.code(), over.message()),
        ("PRECONDITION_FAILED", "leads can't be assigned: the campaign is COMPLETED")
    );
}

#[tokio::test]
async fn two_assignments_of_the_same_leads_do_not_meet() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    some_leads(&operator, "a", 30).await;
    let campaigns = [campaign(&operator, json!({})).await, campaign(&operator, json!({})).await];
    let all = (0..8).map(|n| assign(&operator, json!({ "campaignId": campaigns[n % 2], "filter": {} })));
    let assigned: i64 =
        join_all(all).await.iter().map(|reply| reply.data()["assignLeads"]["assigned"].as_i64().unwrap()).sum();
    assert_eq!(assigned, 60, "each lead in each campaign once");
}

#[tokio::test]
async fn new_leads_go_to_the_active_campaigns_that_want_them() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let wants = campaign(&operator, json!({ "name": "wants", "autoAssign": true })).await;
    campaign(&operator, json!({ "name": "draft", "autoAssign": true })).await;
    let shy = campaign(&operator, json!({ "name": "shy" })).await;
    let early = lead(&operator, json!({ "email": "early@example.com" })).await;
    for id in [&wants, &shy] {
        change_campaign(&operator, json!({ "id": id, "status": "ACTIVE" })).await.data();
    }
    let late = lead(&operator, json!({ "email": "late@example.com" })).await;
    assert_eq!((&early["lead"]["status"], &late["lead"]["status"]), (&json!("NEW"), &json!("IN_PROGRESS")));
    let read = "query($id: ID!) { lead(id: $id) { campaignLeads { nodes { campaign { name } } } } }";
    let shown = operator.data(read, json!({ "id": late["lead"]["id"] })).await;
    assert_eq!(shown["lead"]["campaignLeads"]["nodes"], json!([{ "campaign": { "name": "wants" } }]));
}

#[tokio::test]
async fn a_campaign_begins_and_ends_by_its_dates() {
    let herald = TestApp::start().await;
    let operator = herald.operator().await;
    let now = herald.services().now();
    let past = (now - TimeDelta::hours(1)).to_rfc3339();
    let soon = (now + TimeDelta::hours(1)).to_rfc3339();
    let due = campaign(&operator, json!({ "startDate": past, "endDate": soon })).await;
    let waiting = campaign(&operator, json!({ "startDate": soon })).await;
    let silent = campaign(&operator, json!({ "startDate": past, "channels": [] })).await;
    eventually("it has begun", async || status(&operator, &due).await == "ACTIVE").await;
    let earlier = (now - TimeDelta::hours(2)).to_rfc3339();
    change_campaign(&operator, json!({ "id": due, "startDate": earlier, "endDate": past })).await.data();
    eventually("it has ended", async || status(&operator, &due).await == "COMPLETED").await;
    assert_eq!((status(&operator, &waiting).await, status(&operator, &silent).await), (json!("DRAFT"), json!("DRAFT")));
    let admin = herald.admin().await;
    let lines = "{ auditLogs(filter: { actions: [RETENTION_CAMPAIGN_ACTIVATED, RETENTION_CAMPAIGN_COMPLETED] }) {
        nodes { action user { id } } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 2, "{lines}");
}

#[tokio::test]
async fn a_deleted_campaign_leaves_contacts_and_scripts() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let (id, leads) = (campaign(&operator, json!({})).await, some_leads(&operator, "a", 1).await);
    assign(&operator, json!({ "campaignId": id, "leadIds": leads })).await.data();
    super::contact(&operator, json!({ "leadId": leads[0], "campaignId": id, "channel": "CALL", "status": "FAILED" }))
        .await;
    super::script(&operator, json!({ "name": "s", "type": "SMS", "content": "x", "campaignId": id })).await;
    change_campaign(&operator, json!({ "id": id, "status": "ACTIVE" })).await.data();
    let delete = "mutation($id: ID!) { deleteRetentionCampaign(input: { id: $id }) { deletedId } }";
    assert_eq!(operator.query(delete, json!({ "id": id })).await.code(), "PRECONDITION_FAILED");
    change_campaign(&operator, json!({ "id": id, "status": "PAUSED" })).await.data();
    operator.data(delete, json!({ "id": id })).await;
    let left = "{ contactAttempts { nodes { campaign { id } } } scripts { nodes { campaign { id } } }
        leads { nodes { campaignLeads { totalCount } } } }";
    let left = operator.data(left, json!({})).await;
    assert_eq!(left["contactAttempts"]["nodes"], json!([{ "campaign": null }]));
    assert_eq!(left["scripts"]["nodes"], json!([{ "campaign": null }]));
    assert_eq!(left["leads"]["nodes"][0]["campaignLeads"]["totalCount"], 0);
}

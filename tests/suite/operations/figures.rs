//! The story of imports of leads, A/B tests and reports.

use domain::id::{BroadcastCampaignId, TaskId};
use domain::retention::words::ContactChannel;
use domain::task::{TaskKind, TaskStatus};
use graphql::engine::id::GlobalId;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;
use service::Services;
use storage::retention::{campaign, lead, script, sequence, sequence_step};
use storage::task;

use super::Story;
use crate::harness::eventually;
use crate::retention::rows;

/// A list of leads goes in.
pub(super) async fn leads(story: &mut Story) {
    let upload = story.client.upload("Mail,Phone\nann@example.com,+14155552671\nbroken,\n").await;
    let mapping = json!({ "email": "Mail", "phone": "Phone" });
    let asked = story.input("import-leads", json!({ "uploadId": upload, "mapping": mapping })).await;
    let id = json!({ "id": asked["importLeads"]["import"]["id"] });
    story.first("lead-import-progress", id.clone()).await;
    let (document, client) = (story.document("lead-import"), story.client.clone());
    eventually("the import has ended", async || {
        client.data(&document, id.clone()).await["leadImport"]["status"] == "COMPLETED"
    })
    .await;
    let import = story.run("lead-import", id).await["leadImport"].clone();
    let listed = story.run("list-lead-imports", json!({ "statuses": null })).await["leadImports"]["nodes"].clone();
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&import["id"], &json!("COMPLETED")), "{listed}");
    assert_eq!((&import["inserted"], &import["errors"][0]["line"]), (&json!(1), &json!(3)), "{import}");
}

/// Two scripts are tested in a campaign.
pub(super) async fn ab_test(story: &mut Story, on: &Services) {
    let (now, campaign) = (on.now(), rows::campaign(on.now()));
    let scripts = vec![rows::script(ContactChannel::Email, now), rows::script(ContactChannel::Email, now)];
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<script::Entity, _>(on, scripts.clone()).await;
    let new = json!({
        "name": "Subject", "campaignId": campaign.id.global(), "channel": "EMAIL",
        "variantAId": scripts[0].id.global(), "variantBId": scripts[1].id.global(),
    });
    let test = story.input("create-ab-test", new).await["createAbTest"]["abTest"].clone();
    let id = json!({ "id": test["id"] });
    let renamed =
        story.input("update-ab-test", json!({ "id": test["id"], "name": "Subjects" })).await["updateAbTest"].clone();
    assert_eq!(renamed["abTest"]["name"], "Subjects");
    let another = json!({
        "name": "Mistake", "campaignId": campaign.id.global(), "channel": "EMAIL",
        "variantAId": scripts[0].id.global(), "variantBId": scripts[1].id.global(),
    });
    let another = story.input("create-ab-test", another).await["createAbTest"]["abTest"]["id"].clone();
    story.input("delete-ab-test", json!({ "id": another })).await;
    story.input("start-ab-test", id.clone()).await;
    let shown = story.run("ab-test", id.clone()).await["abTest"].clone();
    assert_eq!(shown["statistics"]["decision"], "KEEP_RUNNING", "{shown}");
    let listed = story.run("list-ab-tests", json!({ "statuses": ["RUNNING"] })).await;
    assert_eq!(listed["abTests"]["totalCount"], 1);
    let document = story.document("declare-ab-test-winner");
    let refused = story.client.query(&document, json!({ "input": id })).await;
    assert_eq!(refused.code(), "PRECONDITION_FAILED");
    let stopped = story.input("stop-ab-test", id).await;
    assert_eq!(stopped["stopAbTest"]["abTest"]["status"], "COMPLETED");
}

/// What was done is looked at from every side.
pub(super) async fn reports(story: &mut Story, on: &Services) {
    let sequence = rows::sequence(on.now());
    rows::insert::<sequence::Entity, _>(on, vec![sequence.clone()]).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![rows::step(sequence.id, 1, on.now())]).await;
    let overview = story.run("retention-overview", json!({})).await["retentionOverview"].clone();
    assert!(overview["newLeads"].as_i64().unwrap() > 0, "{overview}");
    assert!(story.run("channel-report", json!({})).await["channelReport"]["channels"].is_array());
    assert!(story.run("campaign-report", json!({})).await["campaignReport"]["campaigns"].is_array());
    let days = story.run("retention-series", json!({ "interval": "DAY", "timeZone": "Asia/Kolkata" })).await;
    assert!(days["retentionSeries"]["points"].as_array().is_some_and(|points| points.len() >= 30), "{days}");
    let hours = story.run("send-series", json!({ "interval": "HOUR" })).await["sendSeries"]["points"].clone();
    assert!(hours.as_array().is_some_and(|points| points.len() >= 48), "{hours}");
    let overview = story.run("broadcast-overview", json!({})).await["broadcastOverview"].clone();
    assert!(overview["campaignCount"].is_number() && overview["failures"].is_array(), "{overview}");
    let funnel = story.run("sequence-funnel", json!({ "sequenceId": sequence.id.global() })).await;
    assert_eq!(funnel["sequenceFunnel"]["steps"][0]["stepOrder"], 1);
}

/// Two leads are one person, who takes everything along and is forgotten.
pub(super) async fn person(story: &mut Story, on: &Services) {
    let (ann, again) = (rows::lead(on.now()), rows::lead(on.now()));
    rows::insert::<lead::Entity, _>(on, vec![ann.clone(), again.clone()]).await;
    let id = json!({ "id": ann.id.global() });
    let merged = json!({ "keepId": id["id"], "duplicateId": again.id.global() });
    assert_eq!(story.input("merge-leads", merged).await["mergeLeads"]["lead"]["id"], id["id"]);
    let export = story.run("export-lead", id.clone()).await["exportLead"].clone();
    assert_eq!(export["lead"]["firstName"], "Ann", "{export}");
    assert_eq!(story.input("erase-lead", id.clone()).await["eraseLead"]["erasedId"], id["id"]);
}

/// A task that somebody has cancelled.
pub(super) async fn tasks(story: &mut Story, on: &Services) {
    let row = &task::Model {
        id: TaskId::generate(),
        kind: TaskKind::StartBroadcastCampaign,
        subject_id: BroadcastCampaignId::generate().0,
        status: TaskStatus::Cancelled,
        ends_as: None,
        done: 0,
        total: Some(20_000),
        input: json!({}),
        cursor: json!({}),
        asker: json!({}),
        error: None,
        created_by_id: None,
        created_at: on.now(),
        started_at: None,
        completed_at: Some(on.now()),
        version: 2,
    };
    let insert = on.db.write(|tx| async move {
        task::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await?;
        Ok(())
    });
    insert.await.unwrap();
    let listed = story.run("list-tasks", json!({ "statuses": ["CANCELLED"] })).await["tasks"]["nodes"][0].clone();
    assert_eq!((&listed["kind"], &listed["total"]), (&json!("START_BROADCAST_CAMPAIGN"), &json!(20_000)));
    let id = json!({ "id": listed["id"] });
    assert_eq!(story.run("task", id.clone()).await["task"]["isBeingTakenBack"], false);
    assert_eq!(story.input("cancel-task", id.clone()).await["cancelTask"]["task"]["status"], "CANCELLED");
    assert_eq!(story.first("task-updated", id).await["taskUpdated"]["status"], "CANCELLED");
}

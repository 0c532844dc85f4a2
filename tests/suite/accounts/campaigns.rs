//! Accounts and the campaigns that go by them.

use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use super::{added, mutate, start};
use crate::harness::Client;
use crate::harness::telegram::TelegramServer;

const CAMPAIGN: &str = "campaign { id status accountFailover telegramAccounts { label } }";

/// A campaign to so many channels, with these settings besides.
pub async fn campaign(client: &Client, channels: usize, more: Json) -> crate::harness::Reply {
    let mut ids = Vec::new();
    for number in 0..channels {
        let input = json!({ "input": { "username": format!("channel_{number}"), "category": "x" } });
        let made = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
        ids.push(client.data(made, input).await["createChannel"]["channel"]["id"].clone());
    }
    let input = json!({ "input": { "name": "b", "channelIds": ids } });
    let batch = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
    let batch = client.data(batch, input).await["createBatch"]["batch"]["id"].clone();
    let input = json!({ "input": { "name": "t", "content": "Hello {{ username }}" } });
    let template = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let template = client.data(template, input).await["createTemplate"]["template"]["id"].clone();
    let mut input = json!({ "name": "c", "batchId": batch, "templateId": template, "mode": "LIVE" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    run(client, "createBroadcastCampaign", input).await
}

pub async fn run(client: &Client, name: &str, input: Json) -> crate::harness::Reply {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let document = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {CAMPAIGN} }} }}");
    client.query(&document, json!({ "input": input })).await
}

#[tokio::test]
async fn a_campaign_goes_by_the_accounts_that_it_is_given_and_does_not_start_without_one() {
    let telegram = TelegramServer::start(2).await;
    let (herald, admin) = start(&telegram).await;
    let made = campaign(&admin, 1, json!({})).await.data()["createBroadcastCampaign"]["campaign"].clone();
    let id = json!({ "id": made["id"] });
    assert_eq!((&made["telegramAccounts"], &made["accountFailover"]), (&json!([]), &json!(false)));
    let refused = run(&admin, "startBroadcastCampaign", id.clone()).await;
    assert!(
        refused.code() == "PRECONDITION_FAILED" && refused.message().contains("no Telegram account"),
        "{refused:?}"
    );

    let (one, two) = (added(&admin, &telegram, 0).await, added(&admin, &telegram, 1).await);
    let both = json!([two["id"], one["id"], two["id"]]);
    let change = json!({ "id": made["id"], "telegramAccountIds": both, "accountFailover": true });
    let changed = run(&admin, "updateBroadcastCampaign", change).await;
    let changed = &changed.data()["updateBroadcastCampaign"]["campaign"];
    let expected = json!([{ "label": "account 1" }, { "label": "account 0" }]);
    assert_eq!((&changed["telegramAccounts"], &changed["accountFailover"]), (&expected, &json!(true)));
    for account in [&one, &two] {
        mutate(&admin, "updateTelegramAccount", json!({ "id": account["id"], "status": "DISABLED" })).await.data();
    }
    let refused = run(&admin, "startBroadcastCampaign", id.clone()).await;
    assert!(refused.message().contains("\"account 1\" is DISABLED, \"account 0\" is DISABLED"), "{refused:?}");
    let missing = json!({ "id": made["id"], "telegramAccountIds": [made["id"]] });
    assert_eq!(run(&admin, "updateBroadcastCampaign", missing).await.code(), "BAD_USER_INPUT");

    mutate(&admin, "updateTelegramAccount", json!({ "id": two["id"], "status": "ACTIVE" })).await.data();
    assert_eq!(
        run(&admin, "startBroadcastCampaign", id.clone()).await.data()["startBroadcastCampaign"]["campaign"]["status"],
        "RUNNING"
    );
    let refused = mutate(&admin, "removeTelegramAccount", json!({ "id": one["id"] })).await;
    assert!(refused.code() == "PRECONDITION_FAILED" && refused.message().contains("needed by"), "{refused:?}");
    let fewer = json!({ "id": made["id"], "telegramAccountIds": [two["id"]] });
    assert_eq!(run(&admin, "updateBroadcastCampaign", fewer.clone()).await.code(), "PRECONDITION_FAILED");
    run(&admin, "pauseBroadcastCampaign", id.clone()).await.data();
    let refused = run(&admin, "updateBroadcastCampaign", fewer).await;
    assert!(refused.message().contains("none can be taken away"), "{refused:?}");
    run(&admin, "cancelBroadcastCampaign", id).await.data();
    mutate(&admin, "removeTelegramAccount", json!({ "id": one["id"] })).await.data();
    let seen = herald
        .operator()
        .await
        .data("{ broadcastCampaigns { nodes { telegramAccounts { label } } } }", json!({}))
        .await;
    assert_eq!(seen["broadcastCampaigns"]["nodes"][0]["telegramAccounts"], Json::Null);
}

#[tokio::test]
async fn what_a_lost_user_may_have_sent_is_unknown_and_the_rest_is_free() {
    let telegram = TelegramServer::start(2).await;
    let (herald, admin) = start(&telegram).await;
    let account = added(&admin, &telegram, 0).await;
    let made = campaign(&admin, 4, json!({})).await.data()["createBroadcastCampaign"]["campaign"].clone();
    run(&admin, "startBroadcastCampaign", json!({ "id": made["id"] })).await.data();
    run(&admin, "pauseBroadcastCampaign", json!({ "id": made["id"] })).await.data();
    // One may have gone out, one waits for a flood to end, and two were never touched.
    let db = herald.services().db.reader().clone();
    for (position, ambiguous) in [(0, "'2026-01-01T00:00:00+00:00'"), (1, "NULL")] {
        let sql = format!(
            "UPDATE jobs SET account_id = (SELECT id FROM telegram_accounts), random_id = {position} + 5,
                 ambiguous_since = {ambiguous} WHERE position = (SELECT MIN(position) FROM jobs) + {position}"
        );
        db.execute_unprepared(&sql).await.unwrap();
    }
    let input = json!({ "id": account["id"], "sessionString": telegram.session_string(1) });
    let rotated = mutate(&admin, "rotateTelegramSession", input).await;
    let rotated = &rotated.data()["rotateTelegramSession"]["account"];
    assert_eq!(
        (&rotated["telegramUserId"], &rotated["status"]),
        (&json!(telegram.user_id(1).to_string()), &json!("ACTIVE"))
    );
    let progress = "query($id: ID!) { broadcastCampaign(id: $id) { status jobs { nodes { status } } progress } }";
    let seen = admin.data(progress, json!({ "id": made["id"] })).await["broadcastCampaign"].clone();
    let statuses: Vec<_> =
        seen["jobs"]["nodes"].as_array().unwrap().iter().map(|job| job["status"].as_str().unwrap()).collect();
    assert_eq!(
        (statuses.iter().filter(|status| **status == "UNKNOWN").count(), seen["progress"].clone()),
        (1, json!(1))
    );
    let free = "SELECT COUNT(*) AS n FROM jobs WHERE account_id IS NULL AND random_id IS NULL AND status = 'QUEUED'";
    let row =
        db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), free)).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 3);
    let audit = admin
        .data("{ auditLogs(filter: { actions: [SESSION_STRING_ROTATED] }) { nodes { metadata } } }", json!({}))
        .await;
    assert_eq!(audit["auditLogs"]["nodes"][0]["metadata"]["isAnotherUser"], true);
}

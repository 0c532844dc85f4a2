//! Where a message that was sent can be read.

use herald::app::Parts;
use serde_json::json;

use super::campaigns::{campaign, run};
use super::{added, mutate};
use crate::harness::telegram::TelegramServer;
use crate::harness::{Client, TestApp, eventually};

/// The names of the channels, the numbers and the links of a campaign's messages.
async fn sent(client: &Client, id: &serde_json::Value) -> Vec<(String, String, Option<String>)> {
    let jobs = "query($id: ID!) { broadcastCampaign(id: $id) { jobs(first: 10) { nodes { link messageId channel { username } } } } }";
    let seen = client.data(jobs, json!({ "id": id })).await;
    let jobs = seen["broadcastCampaign"]["jobs"]["nodes"].as_array().unwrap().clone();
    let told = |job: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        (text(&job["channel"]["username"]).unwrap(), text(&job["messageId"]).unwrap_or_default(), text(&job["link"]))
    };
    jobs.iter().map(told).collect()
}

#[tokio::test]
async fn a_message_has_a_link_until_it_is_deleted() {
    let telegram = TelegramServer::start(1).await;
    let herald = TestApp::live(&telegram, &[], Parts { api: true, worker: true }).await;
    let admin = herald.admin().await;
    let account = added(&admin, &telegram, 0).await;
    mutate(&admin, "updateTelegramAccount", json!({ "id": account["id"], "messagesPerMinute": 6000 })).await.data();
    let made = campaign(&admin, 2, json!({ "deliveryRate": 6000 })).await;
    let id = made.data()["createBroadcastCampaign"]["campaign"]["id"].clone();
    assert!(sent(&admin, &id).await.iter().all(|(_, _, link)| link.is_none()), "nothing was sent yet");
    run(&admin, "startBroadcastCampaign", json!({ "id": id })).await.data();
    let status = "query($id: ID!) { broadcastCampaign(id: $id) { status sentChanges { queued done } } }";
    let look = async || admin.data(status, json!({ "id": id })).await["broadcastCampaign"].clone();
    eventually("it is sent", async || look().await["status"] == "COMPLETED").await;
    let accepted = telegram.accepted();
    assert_eq!(accepted.len(), 2);
    for (username, number, link) in sent(&admin, &id).await {
        assert_eq!(link, Some(format!("https://t.me/{username}/{number}")));
        let is_it = |post: &crate::harness::telegram::Accepted| {
            post.username == username
                && post.message_id.to_string() == number
                && post.text == format!("Hello {username}")
        };
        assert!(accepted.iter().any(is_it), "it leads to the message: {username} {number}");
    }
    let delete = "mutation($input: DeleteSentMessagesInput!) { deleteSentMessages(input: $input) { campaign { id } } }";
    admin.data(delete, json!({ "input": { "campaignId": id } })).await;
    eventually("they are deleted", async || look().await["sentChanges"]["done"] == 2).await;
    let left = sent(&admin, &id).await;
    assert!(left.iter().all(|(_, number, link)| link.is_none() && !number.is_empty()), "{left:?}");
}

//! What leads refuse and allow, with its proof.

use serde_json::{Value as Json, json};

use super::lead;
use crate::harness::{Client, Reply, TestApp};

async fn set(by: &Client, input: Json) -> Reply {
    let set = "mutation($input: SetDoNotContactInput!) { setDoNotContact(input: $input) {
        lead { status doNotContact consents { channel kind source wording givenAt } version } } }";
    by.query(set, json!({ "input": input })).await
}

fn shown(reply: &Reply) -> Json {
    reply.data()["setDoNotContact"]["lead"].clone()
}

#[tokio::test]
async fn a_channel_is_refused_and_allowed_again() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = lead(&operator, json!({ "email": "ann@example.com" })).await["lead"]["id"].clone();
    let stop = json!({ "leadId": id, "channels": ["SMS", "CALL", "SMS"], "source": "STOP by SMS" });
    let refused = shown(&set(&operator, stop).await);
    assert_eq!((&refused["status"], &refused["doNotContact"]), (&json!("NEW"), &json!(["SMS", "CALL"])));
    let agreed = json!({ "leadId": id, "channels": ["SMS"], "doNotContact": false, "source": "form 7",
        "wording": "You may write to me.", "givenAt": "2026-01-02T03:04:05Z" });
    let agreed = shown(&set(&operator, agreed).await);
    assert_eq!(agreed["doNotContact"], json!(["CALL"]));
    let proofs = agreed["consents"].as_array().unwrap();
    let of = |proof: &Json| (proof["channel"].clone(), proof["kind"].clone());
    assert_eq!(of(&proofs[0]), (json!("SMS"), json!("GIVEN")), "the oldest first");
    assert_eq!(proofs[0]["wording"], "You may write to me.");
    assert_eq!(proofs.len(), 3);
}

#[tokio::test]
async fn who_refuses_everything_gets_back_to_where_it_was() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let made = lead(&operator, json!({ "email": "ann@example.com" })).await["lead"].clone();
    super::contact(&operator, json!({ "leadId": made["id"], "channel": "EMAIL", "status": "SENT" })).await.data();
    let refused = shown(&set(&operator, json!({ "leadId": made["id"], "source": "a letter" })).await);
    assert_eq!(refused["status"], "DO_NOT_CONTACT");
    assert_eq!(refused["doNotContact"].as_array().unwrap().len(), 5);
    let part = json!({ "leadId": made["id"], "channels": ["SMS"], "doNotContact": false, "source": "a call" });
    let part = shown(&set(&operator, part).await);
    assert_eq!(part["doNotContact"].as_array().unwrap().len(), 5, "one channel does not lift what was said of all");
    let again =
        json!({ "leadId": made["id"], "doNotContact": false, "source": "a call", "expectedVersion": part["version"] });
    let again = shown(&set(&operator, again).await);
    assert_eq!((&again["status"], &again["doNotContact"]), (&json!("CONTACTED"), &json!([])));
    let stale = json!({ "leadId": made["id"], "source": "x", "expectedVersion": 1 });
    assert_eq!(set(&operator, stale).await.code(), "CONFLICT");
    let wrong = json!({ "leadId": made["id"], "channels": [], "source": " " });
    assert_eq!(set(&operator, wrong).await.violations(), ["input.channels", "input.source"]);
}

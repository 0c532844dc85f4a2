//! Who says no, by whichever way: what is refused, and what takes it back.

use domain::id::LeadId;
use domain::retention::words::ContactChannel;
use graphql::engine::id::GlobalId;
use sea_orm::Iterable;
use serde_json::{Value as Json, json};

use super::{contact, lead, lead_of, post, settled, start, twilio};
use crate::harness::{Client, TestApp};

const SECRET: (&str, &str) = ("x-herald-secret", super::SECRET);

/// The channels that a lead refuses.
async fn get_refused(herald: &TestApp, id: LeadId) -> Vec<String> {
    let row = lead_of(herald, id).await;
    ContactChannel::iter().filter(|channel| row.has_refused(*channel)).map(|channel| channel.to_string()).collect()
}

async fn says(herald: &TestApp, by: &Client, sid: &str, from: &str, body: &str) {
    let form = [("MessageSid", sid), ("From", from), ("To", "+14155552672"), ("Body", body)];
    assert_eq!(twilio(by, "/api/webhooks/twilio", &form).await, 200);
    settled(herald).await;
}

#[tokio::test]
async fn a_text_refuses_whatever_it_names() {
    let (herald, nobody) = start().await;
    for (n, (body, refused)) in [
        ("STOP", vec!["SMS"]),
        ("Don't call me", vec!["SMS", "CALL"]),
        ("do not\ncontact me in any way", vec!["EMAIL", "SMS", "CALL", "WEBHOOK", "TELEGRAM"]),
        ("My friend said stop by", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555270{n}");
        let ann = lead(&herald, &format!("ann{n}"), &phone).await;
        says(&herald, &nobody, &format!("SM{n}"), &phone, body).await;
        assert_eq!(get_refused(&herald, ann.id).await, refused, "{body}");
    }
    // Of somebody who is no lead yet.
    says(&herald, &nobody, "SM9", "+14155552790", "Never contact me again").await;
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    let admin = herald.admin().await;
    let made = admin.query(create, json!({ "input": { "phone": "+14155552790" } })).await;
    assert_eq!(made.code(), "PRECONDITION_FAILED");
}

#[tokio::test]
async fn a_start_takes_back_what_the_person_said_and_nothing_else() {
    let (herald, nobody) = start().await;
    let admin = herald.admin().await;
    let set = "mutation($input: SetDoNotContactInput!) { setDoNotContact(input: $input) { lead { id } } }";
    let set = async |id: &str, is_refusal: bool| {
        let word = json!({ "leadId": id, "doNotContact": is_refusal, "channels": ["SMS"], "source": "a call" });
        admin.data(set, json!({ "input": word })).await;
    };
    for (n, (steps, is_refused)) in [
        (vec!["stop", "start"], false),
        (vec!["team", "start"], true),
        (vec!["team", "stop", "start"], true),
        // It is kept as it was said first, and yet it is not only that.
        (vec!["stop", "team", "start"], true),
        (vec!["team", "lift", "stop", "start"], false),
        (vec!["Don't call me", "start"], false),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555270{n}");
        let ann = lead(&herald, &format!("ann{n}"), &phone).await;
        for (m, step) in steps.iter().enumerate() {
            match *step {
                "team" => set(&ann.id.global(), true).await,
                "lift" => set(&ann.id.global(), false).await,
                words => says(&herald, &nobody, &format!("SM{n}-{m}"), &phone, words).await,
            }
        }
        assert_eq!(lead_of(&herald, ann.id).await.no_sms, is_refused, "{steps:?}");
    }
    let last = lead_of(&herald, lead(&herald, "bob", "+14155552780").await.id).await;
    assert!(!last.no_sms);
}

#[tokio::test]
async fn answers_and_labels_of_instantly_are_heard() {
    let (herald, nobody) = start().await;
    for (n, (event, refused)) in [
        (json!({ "event_type": "reply_received", "reply_text": "Please stop\n\nAnn wrote:\n> Hi" }), vec!["EMAIL"]),
        (
            json!({ "event_type": "reply_received", "reply_text_snippet": "don’t call or email me" }),
            vec!["EMAIL", "CALL"],
        ),
        (json!({ "event_type": "lead_not_interested" }), vec!["EMAIL"]),
        (json!({ "event_type": "lead_wrong_person" }), vec!["EMAIL"]),
        (json!({ "event_type": "reply_received", "reply_text": "Tell me more\n\nAnn wrote:\n> reply stop" }), vec![]),
        (json!({ "event_type": "lead_interested" }), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = lead(&herald, &format!("ann{n}"), &format!("+1415555270{n}")).await;
        contact(&herald, ann.id, ContactChannel::Email, "instantly").await;
        let mut told: Json = event.clone();
        told["lead_email"] = json!(format!("ann{n}@example.com"));
        told["timestamp"] = json!(format!("2026-01-01T10:00:{n:02}Z"));
        assert_eq!(post(&nobody, "/api/webhooks/instantly", SECRET, told).await, 200);
        settled(&herald).await;
        assert_eq!(get_refused(&herald, ann.id).await, refused, "{event}");
    }
}

#[tokio::test]
async fn an_answer_that_somebody_writes_down_is_heard_too() {
    let (herald, _) = start().await;
    let admin = herald.admin().await;
    let mark = "mutation($input: MarkRepliedInput!) { markReplied(input: $input) { lead { doNotContact } } }";
    for (n, (words, refused)) in [
        ("He said: do not text me", json!(["SMS", "CALL"])),
        ("STOP", json!(["CALL"])),
        ("Call me back tomorrow", json!([])),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = lead(&herald, &format!("ann{n}"), &format!("+1415555270{n}")).await;
        contact(&herald, ann.id, ContactChannel::Call, "manual").await;
        let input = json!({ "leadId": ann.id.global(), "reply": words });
        let marked = admin.data(mark, json!({ "input": input })).await;
        assert_eq!(marked["markReplied"]["lead"]["doNotContact"], refused, "{words}");
    }
}

#[tokio::test]
async fn a_call_tells_a_refusal_in_any_form() {
    let (herald, nobody) = start().await;
    for (n, (data, refused)) in [
        (json!({ "wantsToOptOut": true }), vec!["CALL"]),
        (json!({ "outcome": { "do_not_text": "yes" } }), vec!["SMS", "CALL"]),
        (json!({ "callBack": true }), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = lead(&herald, &format!("ann{n}"), &format!("+1415555270{n}")).await;
        let id = contact(&herald, ann.id, ContactChannel::Call, "vapi").await;
        let call = json!({ "id": format!("call-{n}"), "assistantOverrides": { "metadata": { "attempt": id } } });
        let report = json!({ "message": { "type": "end-of-call-report", "endedReason": "customer-ended-call",
            "call": call, "analysis": { "structuredData": data } } });
        assert_eq!(post(&nobody, "/api/webhooks/vapi", ("x-vapi-secret", super::SECRET), report).await, 200);
        settled(&herald).await;
        assert_eq!(get_refused(&herald, ann.id).await, refused, "{data}");
    }
}

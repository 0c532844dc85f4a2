//! Callbacks of providers: who may call, what is kept, and what it means, told once or often, in any order.

mod instantly;
pub mod log;
mod postbacks;
mod refusals;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::id::{ContactAttemptId, LeadId};
use domain::retention::words::{ContactAttemptStatus, ContactChannel, LeadStatus, WebhookEventStatus};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use serde_json::{Value as Json, json};
use sha1::Sha1;
use storage::Noun;
use storage::retention::{contact_attempt, conversion, lead, webhook_event};

use crate::harness::{Client, TestApp, eventually};
use crate::providers::Catcher;
use crate::retention::rows;

const SAVE: &str = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) {
    integrationConfig { id } } }";
const PUBLIC: &str = "https://herald.example";
const AUTH_TOKEN: &str = "the auth token of tests";
const KEITARO: &str = "a-token-that-nobody-guesses";
const SECRET: &str = "a webhook secret";

/// A Herald with all providers set up, and somebody who calls it.
async fn start() -> (TestApp, Client) {
    start_with(&[]).await
}

async fn start_with(flags: &[&str]) -> (TestApp, Client) {
    let herald = TestApp::with(&[&["--public-url", PUBLIC], flags].concat()).await;
    let admin = herald.admin().await;
    let twilio =
        json!({ "accountSid": "AC0123456789abcdef0123456789abcdef", "authToken": AUTH_TOKEN, "from": "+14155552672" });
    for input in [
        json!({ "twilio": twilio }),
        json!({ "keitaro": { "token": KEITARO, "currency": "EUR" } }),
        json!({ "vapi": { "apiKey": "a key of some length", "webhookSecret": SECRET } }),
        json!({ "instantly": { "apiKey": "a key of some length", "webhookSecret": SECRET } }),
    ] {
        admin.data(SAVE, json!({ "input": input })).await;
    }
    let nobody = herald.nobody();
    (herald, nobody)
}

async fn lead(herald: &TestApp, name: &str, phone: &str) -> lead::Model {
    let on = herald.services();
    let row = lead::Model {
        external_id: Some(format!("crm-{name}")),
        first_name: Some(name.into()),
        phone: Some(phone.into()),
        email: Some(format!("{name}@example.com")),
        source: "API".into(),
        status: LeadStatus::Contacted,
        ..lead::Model::new(on.now())
    };
    let made = &row;
    on.db.write(|tx| async move { Ok(storage::noun::fresh(made.clone()).insert(&*tx).await?) }).await.unwrap();
    row
}

/// A contact that was accepted.
async fn contact(herald: &TestApp, lead: LeadId, channel: ContactChannel, provider: &str) -> ContactAttemptId {
    let on = herald.services();
    let row = contact_attempt::Model {
        provider: Some(provider.into()),
        provider_ref: Some("019ffad2-9b9d-70ff-a76b-0e093eb63e6c".into()),
        result: Some(json!({ "segments": 1 })),
        ..rows::attempt(lead, channel, on.now() - chrono::TimeDelta::hours(1))
    };
    let made = &row;
    on.db.write(|tx| async move { Ok(made.clone().into_active_model().insert(&*tx).await?) }).await.unwrap();
    row.id
}

async fn attempt(herald: &TestApp, id: ContactAttemptId) -> contact_attempt::Model {
    contact_attempt::Entity::find_by_id(id).one(herald.services().db.reader()).await.unwrap().unwrap()
}

async fn lead_of(herald: &TestApp, id: LeadId) -> lead::Model {
    lead::Entity::find_by_id(id).one(herald.services().db.reader()).await.unwrap().unwrap()
}

async fn conversions(herald: &TestApp) -> Vec<conversion::Model> {
    conversion::Entity::all().all(herald.services().db.reader()).await.unwrap()
}

/// Waits until all that was stored has been processed, and returns with which result.
async fn settled(herald: &TestApp) -> Vec<WebhookEventStatus> {
    let rows = async || webhook_event::Entity::all().all(herald.services().db.reader()).await.unwrap();
    eventually("all callbacks are processed", async || {
        rows().await.iter().all(|row| row.status != WebhookEventStatus::Received)
    })
    .await;
    rows().await.iter().map(|row| row.status).collect()
}

/// A form, signed as Twilio signs it.
async fn twilio(by: &Client, path: &str, form: &[(&str, &str)]) -> u16 {
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let text = sorted.iter().fold(format!("{PUBLIC}{path}"), |text, (name, value)| text + name + value);
    let mac = Hmac::<Sha1>::new_from_slice(AUTH_TOKEN.as_bytes()).unwrap().chain_update(text);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    unsigned_twilio(by, path, form, &signature).await
}

async fn unsigned_twilio(by: &Client, path: &str, form: &[(&str, &str)], signature: &str) -> u16 {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = by.request(Method::POST, path).header("x-twilio-signature", signature).body(body);
    request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap().status().as_u16()
}

async fn get(by: &Client, path: &str) -> u16 {
    by.request(Method::GET, path).send().await.unwrap().status().as_u16()
}

async fn post(by: &Client, path: &str, secret: (&str, &str), body: Json) -> u16 {
    by.request(Method::POST, path).header(secret.0, secret.1).json(&body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_text_message_only_goes_forward_whatever_order_its_callbacks_come_in() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let id = contact(&herald, ann.id, ContactChannel::Sms, "twilio").await;
    let path = format!("/api/webhooks/twilio?attempt={id}");
    let status = async |status: &str| twilio(&nobody, &path, &[("MessageSid", "SM1"), ("MessageStatus", status)]).await;
    for told in ["delivered", "sent", "queued", "sending", "delivered", "undelivered"] {
        assert_eq!(status(told).await, 200);
    }
    // Told twice it is stored once.
    assert_eq!(settled(&herald).await, [WebhookEventStatus::Processed; 5]);
    let row = attempt(&herald, id).await;
    assert_eq!(row.status, ContactAttemptStatus::Delivered);
    assert_eq!(row.result.unwrap(), json!({ "segments": 1, "status": "delivered" }));
    assert!(row.completed_at.is_some());
}

#[tokio::test]
async fn what_a_provider_tells_is_of_its_own_contacts_and_of_what_they_cost() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    // Both call it the same.
    let text = contact(&herald, ann.id, ContactChannel::Sms, "twilio").await;
    let call = contact(&herald, ann.id, ContactChannel::Call, "vapi").await;
    let by_hand = contact(&herald, ann.id, ContactChannel::Sms, "desk").await;
    let reference = "019ffad2-9b9d-70ff-a76b-0e093eb63e6c";
    let priced =
        [("MessageSid", reference), ("MessageStatus", "delivered"), ("Price", "-0.00790"), ("PriceUnit", "USD")];
    assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &priced).await, 200);
    settled(&herald).await;
    let rows = [attempt(&herald, text).await, attempt(&herald, call).await, attempt(&herald, by_hand).await];
    assert_eq!(
        rows.each_ref().map(|row| row.status),
        [ContactAttemptStatus::Delivered, ContactAttemptStatus::Sent, ContactAttemptStatus::Sent]
    );
    assert_eq!((rows[0].cost_micros, rows[0].currency.as_deref()), (Some(7_900), Some("USD")));
    let report = json!({ "message": { "type": "end-of-call-report", "endedReason": "customer-busy",
        "call": { "id": reference }, "cost": 0.1 } });
    assert_eq!(post(&nobody, "/api/webhooks/vapi", ("x-vapi-secret", SECRET), report).await, 200);
    settled(&herald).await;
    let (text, told) = (attempt(&herald, text).await, attempt(&herald, call).await);
    assert_eq!((text.status, text.cost_micros), (ContactAttemptStatus::Delivered, Some(7_900)));
    assert_eq!((told.status, told.cost_micros), (ContactAttemptStatus::Failed, Some(100_000)));
    // Named by its id, a contact of another provider is none of Twilio's either.
    let path = format!("/api/webhooks/twilio?attempt={call}");
    assert_eq!(twilio(&nobody, &path, &[("MessageSid", "SM404"), ("MessageStatus", "delivered")]).await, 200);
    assert!(settled(&herald).await.contains(&WebhookEventStatus::Unmatched));
    assert_eq!(attempt(&herald, call).await.status, ContactAttemptStatus::Failed);
}

#[tokio::test]
async fn only_what_twilio_signed_is_taken() {
    let (herald, nobody) = start().await;
    let form = [("MessageSid", "SM1"), ("MessageStatus", "sent")];
    assert_eq!(unsigned_twilio(&nobody, "/api/webhooks/twilio", &form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=").await, 401);
    assert_eq!(unsigned_twilio(&nobody, "/api/webhooks/twilio", &form, "").await, 401);
    assert_eq!(post(&nobody, "/api/webhooks/vapi", ("x-vapi-secret", "wrong"), json!({})).await, 401);
    assert_eq!(post(&nobody, "/api/webhooks/vapi", ("x-vapi-secret", ""), json!({})).await, 401);
    assert_eq!(post(&nobody, "/api/webhooks/instantly", ("x-herald-secret", "wrong"), json!({})).await, 401);
    assert_eq!(get(&nobody, "/api/webhooks/keitaro?subid=1&token=wrong-wrong-wrong-wrong").await, 401);
    assert_eq!(get(&nobody, "/api/webhooks/keitaro/wrong-wrong-wrong-wrong?subid=1").await, 401);
    let huge = nobody.request(Method::POST, &format!("/api/webhooks/keitaro/{KEITARO}")).body("x".repeat(70_000));
    assert_eq!(huge.send().await.unwrap().status(), 413);
    assert!(settled(&herald).await.is_empty(), "nothing of that is kept");
}

#[tokio::test]
async fn stop_ends_text_messages_and_start_allows_them_again() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let id = contact(&herald, ann.id, ContactChannel::Sms, "twilio").await;
    let say = async |sid: &str, body: &str| {
        let form = [("MessageSid", sid), ("From", "+14155552671"), ("To", "+14155552672"), ("Body", body)];
        assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &form).await, 200);
        settled(&herald).await;
    };
    say("SM1", "Where are you?").await;
    let row = attempt(&herald, id).await;
    assert_eq!((row.status, &row.result.unwrap()["reply"]), (ContactAttemptStatus::Success, &json!("Where are you?")));
    assert!(!lead_of(&herald, ann.id).await.no_sms);
    say("SM2", " stop ").await;
    assert!(lead_of(&herald, ann.id).await.no_sms);
    say("SM3", "START").await;
    assert!(!lead_of(&herald, ann.id).await.no_sms);
    let lines = herald.admin().await;
    let lines =
        lines.data("{ auditLogs(filter: { actions: [LEAD_OPTED_OUT, LEAD_OPTED_IN] }) { totalCount } }", json!({}));
    assert_eq!(lines.await["auditLogs"]["totalCount"], 2);
    // A START that somebody has kept does not count again, however long ago it was.
    say("SM5", "STOP").await;
    let on = herald.services();
    let sql = "UPDATE webhook_events SET received_at = '2020-01-01T00:00:00Z'";
    on.db.reader().execute_unprepared(sql).await.unwrap();
    service::retention::callback::sweep(on).await.unwrap();
    let keys = "SELECT COUNT(*) AS n FROM webhook_event_keys";
    let keys = Statement::from_string(on.db.backend(), keys);
    let keys: i64 = on.db.reader().query_one_raw(keys).await.unwrap().unwrap().try_get("", "n").unwrap();
    assert_eq!(keys, 0, "nor is it known any more whom they named");
    say("SM3", "START").await;
    assert!(lead_of(&herald, ann.id).await.no_sms);
    let kept = webhook_event::Entity::all().all(on.db.reader()).await.unwrap();
    assert!(kept.iter().all(|row| row.body.is_empty() && row.query.is_none()), "{kept:?}");
    // Somebody who is not a lead yet: it is kept for when he is.
    let form = [("MessageSid", "SM4"), ("From", "+14155550000"), ("Body", "STOP")];
    assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &form).await, 200);
    assert!(settled(&herald).await.contains(&WebhookEventStatus::Unmatched));
    let late = lead(&herald, "late", "+14155550000").await;
    eventually("the STOP is matched", async || lead_of(&herald, late.id).await.no_sms).await;
}

/// The lead that is made by the API.
async fn made(by: &Client, input: Json) -> Json {
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id doNotContact
        consents { source wording } } } }";
    by.data(create, json!({ "input": input })).await["createLead"]["lead"].clone()
}

#[tokio::test]
async fn a_stop_of_somebody_who_is_no_lead_yet_holds_from_the_first_moment() {
    let (herald, nobody) = start().await;
    let admin = herald.admin().await;
    let say = async |sid: &str, from: &str, body: &str| {
        let form = [("MessageSid", sid), ("From", from), ("To", "+14155552672"), ("Body", body)];
        assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &form).await, 200);
        settled(&herald).await;
    };
    say("SM1", "+4917000000001", "СТОП, пожалуйста").await;
    let late = made(&admin, json!({ "phone": "+49 170 00000001" })).await;
    assert_eq!(late["doNotContact"], json!(["SMS"]), "{late}");
    assert_eq!(late["consents"][0]["wording"], "СТОП, пожалуйста", "{late}");
    // Lifted with a reason, it does not come back by itself.
    say("SM2", "+4917000000002", "stop").await;
    say("SM3", "+4917000000002", "start").await;
    service::retention::callback::pump(herald.services()).await.unwrap();
    assert_eq!(made(&admin, json!({ "phone": "+4917000000002" })).await["doNotContact"], json!([]));
}

#[tokio::test]
async fn a_refusal_in_other_words_is_one_and_a_yes_of_who_has_not_refused_is_a_reply() {
    let (herald, nobody) = start().await;
    for (n, body) in ["stop please", "Unsubscribe me", "remove me", "ОТПИСАТЬСЯ"].iter().enumerate() {
        let phone = format!("+1415555270{n}");
        let ann = lead(&herald, &format!("ann{n}"), &phone).await;
        let form = [("MessageSid", &*format!("SM{n}")), ("From", &phone), ("Body", body)];
        assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &form).await, 200);
        settled(&herald).await;
        assert!(lead_of(&herald, ann.id).await.no_sms, "{body}");
    }
    let bob = lead(&herald, "bob", "+14155552680").await;
    let id = contact(&herald, bob.id, ContactChannel::Sms, "twilio").await;
    let form = [("MessageSid", "SM9"), ("From", "+14155552680"), ("Body", "YES")];
    assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &form).await, 200);
    settled(&herald).await;
    let row = attempt(&herald, id).await;
    assert_eq!((row.status, &row.result.unwrap()["reply"]), (ContactAttemptStatus::Success, &json!("YES")));
}

#[tokio::test]
async fn a_postback_that_names_a_merged_lead_goes_to_the_one_that_it_is_a_part_of() {
    let (herald, nobody) = start().await;
    let (kept, gone) = (lead(&herald, "kept", "+14155552671").await, lead(&herald, "gone", "+14155552673").await);
    let merge = service::retention::lead_merge::Merge {
        keep: kept.id,
        duplicate: gone.id,
        takes_addresses: true,
        expected_version: None,
    };
    service::retention::lead_merge::merge(herald.services(), &service::Actor::system(), merge).await.unwrap();
    let path = format!("/api/webhooks/keitaro?token={KEITARO}&subid={}&status=sale&payout=5", gone.id);
    assert_eq!(get(&nobody, &path).await, 200);
    settled(&herald).await;
    assert_eq!(conversions(&herald).await[0].lead_id, Some(kept.id));
}

#[tokio::test]
async fn a_postback_moves_one_conversion_from_lead_to_sale_to_rejected() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let first = contact(&herald, ann.id, ContactChannel::Sms, "twilio").await;
    let tell = async |query: &str| {
        assert_eq!(get(&nobody, &format!("/api/webhooks/keitaro?token={KEITARO}&{query}")).await, 200);
        settled(&herald).await;
        conversions(&herald).await
    };
    let rows = tell(&format!("subid={first}&status=lead&revenue=&tid={{tid}}")).await;
    assert_eq!((rows.len(), rows[0].revenue_micros, rows[0].currency.as_str()), (1, 0, "EUR"));
    assert_eq!((rows[0].lead_id, rows[0].contact_attempt_id), (Some(ann.id), Some(first)));
    assert_eq!(lead_of(&herald, ann.id).await.status, LeadStatus::Converted);
    let rows = tell(&format!("subid={first}&status=Sale&payout=19,99&currency=usd")).await;
    assert_eq!((rows.len(), rows[0].revenue_micros, rows[0].currency.as_str()), (1, 19_990_000, "USD"));
    let data = rows[0].postback_data.clone().unwrap().to_string();
    assert!(data.contains("19,99") && !data.contains(KEITARO), "{data}");
    // Late or repeated, it changes nothing.
    let before = rows[0].clone();
    tell(&format!("subid={first}&status=lead&again=1")).await;
    assert_eq!(tell(&format!("subid={first}&status=sale&payout=19.99&currency=usd&again=2")).await, [before]);
    let rows = tell(&format!("subid={first}&status=sale&payout=25&currency=usd")).await;
    assert_eq!((rows.len(), rows[0].revenue_micros), (1, 25_000_000), "another amount of the same is a correction");
    let rows = tell(&format!("subid={first}&status=rejected")).await;
    assert_eq!((rows.len(), rows[0].revenue_micros, rows[0].status.to_string()), (1, 0, "REJECTED".into()));
    let rows = tell(&format!("subid={first}&status=rebill&tid=2&revenue=5")).await;
    assert_eq!(rows.len(), 2, "another transaction is another conversion");
    let stored = webhook_event::Entity::all().all(herald.services().db.reader()).await.unwrap();
    assert!(!format!("{stored:?}").contains(KEITARO), "the token is kept nowhere");
}

#[tokio::test]
async fn a_postback_comes_in_many_ways_and_may_be_matched_later() {
    let (herald, nobody) = start().await;
    let path = format!("/api/webhooks/keitaro/{KEITARO}");
    assert_eq!(post(&nobody, &path, ("x-nothing", ""), json!({ "click_id": "c1", "revenue": 12.5 })).await, 200);
    let form = nobody.request(Method::POST, "/api/webhooks/keitaro").header("x-webhook-token", KEITARO);
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body("sub_id=crm-bob&status=sale&sum=3");
    assert_eq!(form.send().await.unwrap().status(), 200);
    assert_eq!(get(&nobody, &format!("{path}?sub_id=s3&status=trial")).await, 200);
    assert_eq!(get(&nobody, &format!("{path}?sub_id={{subid}}&status=sale")).await, 400);
    assert_eq!(get(&nobody, "/api/webhooks/keitaro").await, 200);
    assert_eq!(nobody.request(Method::HEAD, &path).send().await.unwrap().status(), 200);
    settled(&herald).await;
    let rows = conversions(&herald).await;
    assert!(rows.len() == 3 && rows.iter().all(|row| row.lead_id.is_none()), "{rows:?}");
    assert_eq!(rows.iter().map(|row| row.revenue_micros).max(), Some(12_500_000));
    let bob = lead(&herald, "bob", "+14155552671").await;
    service::retention::conversion::match_later(herald.services()).await.unwrap();
    let matched = conversions(&herald).await.into_iter().filter(|row| row.lead_id == Some(bob.id)).count();
    assert_eq!((matched, lead_of(&herald, bob.id).await.status), (1, LeadStatus::Converted));
}

#[tokio::test]
async fn a_call_is_reported_or_looked_up() {
    let provider = Catcher::start(|_| {
        (200, json!({ "id": "x", "status": "ended", "endedReason": "customer-busy", "cost": 0.05 }))
    })
    .await;
    let (herald, nobody) = start_with(&["--vapi-url", &provider.url]).await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let id = contact(&herald, ann.id, ContactChannel::Call, "vapi").await;
    let secret = ("x-vapi-secret", SECRET);
    let call = json!({ "id": "call-1", "assistantOverrides": { "metadata": { "attempt": id } } });
    let report = json!({ "message": { "type": "end-of-call-report", "endedReason": "customer-ended-call", "call": call,
        "startedAt": "2026-01-01T10:00:00Z", "endedAt": "2026-01-01T10:01:30Z", "cost": 0.21,
        "artifact": { "recordingUrl": "https://a.example/r.mp3" },
        "analysis": { "summary": "fine", "structuredData": { "optOut": true } } } });
    for _ in 0..2 {
        assert_eq!(post(&nobody, "/api/webhooks/vapi", secret, report.clone()).await, 200);
    }
    let late = json!({ "message": { "type": "status-update", "status": "in-progress", "call": call } });
    assert_eq!(post(&nobody, "/api/webhooks/vapi", secret, late).await, 200);
    let talk = json!({ "message": { "type": "conversation-update", "call": call } });
    assert_eq!(post(&nobody, "/api/webhooks/vapi", ("authorization", "Bearer a webhook secret"), talk).await, 200);
    assert_eq!(settled(&herald).await, [WebhookEventStatus::Processed; 2]);
    let row = attempt(&herald, id).await;
    assert_eq!((row.status, row.duration, row.cost_micros), (ContactAttemptStatus::Success, Some(90), Some(210_000)));
    let result = row.result.unwrap();
    assert_eq!((&result["outcome"], &result["recordingUrl"]), (&json!("answered"), &json!("https://a.example/r.mp3")));
    assert!(lead_of(&herald, ann.id).await.no_call);

    let silent = contact(&herald, ann.id, ContactChannel::Call, "vapi").await;
    service::retention::callback::look_up_calls(herald.services()).await.unwrap();
    let row = attempt(&herald, silent).await;
    assert_eq!((row.status, row.cost_micros), (ContactAttemptStatus::Failed, Some(50_000)));
}

#[tokio::test]
async fn one_click_ends_all_emails_but_a_look_at_the_link_does_not() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let url = service::retention::unsubscribe::url(herald.services(), &ann);
    let path = url.strip_prefix(PUBLIC).unwrap();
    assert_eq!(get(&nobody, path).await, 200);
    assert!(!lead_of(&herald, ann.id).await.no_email);
    let forged = format!("{}0", &path[..path.len() - 1]);
    let forged = if forged == path { format!("{}1", &path[..path.len() - 1]) } else { forged };
    assert_eq!(nobody.request(Method::POST, &forged).send().await.unwrap().status(), 404);
    for _ in 0..2 {
        let click = nobody.request(Method::POST, path).body("List-Unsubscribe=One-Click").send().await.unwrap();
        assert_eq!(click.status(), 200);
    }
    assert!(lead_of(&herald, ann.id).await.no_email);
}

/// 100 postbacks a second for `HERALD_TEST_SECONDS`: one by default, so that the suite stays quick.
#[tokio::test]
async fn heavy_postbacks_are_acknowledged_at_once() {
    let (herald, nobody) = start().await;
    let seconds: u32 = std::env::var("HERALD_TEST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..seconds * 100 {
        tick.tick().await;
        let nobody = nobody.clone();
        calls.spawn(async move {
            let begun = Instant::now();
            let status = get(&nobody, &format!("/api/webhooks/keitaro?token={KEITARO}&subid=s{n}&status=sale")).await;
            (status, begun.elapsed())
        });
    }
    let mut times: Vec<Duration> = Vec::new();
    while let Some(call) = calls.join_next().await {
        let (status, time) = call.unwrap();
        assert_eq!(status, 200);
        times.push(time);
    }
    times.sort_unstable();
    println!("{} postbacks, p50 {:?}, p99 {:?}", times.len(), times[times.len() / 2], times[times.len() * 99 / 100]);
    eventually("each is one conversion", async || conversions(&herald).await.len() == times.len()).await;
}

//! Emails of sequences, all the way: through the API and the engine to a real mail server, and back by the link in them.

use domain::clock::nanos;
use domain::retention::schedule_clock::Pace;
use reqwest::Method;
use serde_json::{Value as Json, json};
use storage::retention::queue::pace;

use super::lead;
use crate::harness::{Client, TestApp, eventually};
use crate::providers::MailServer;

pub const PUBLIC: &str = "https://herald.example";

/// A Herald with this mail server, whose sequences live an hour a second.
async fn start(server: &MailServer) -> (TestApp, Client) {
    start_with(server, json!({})).await
}

/// [`start`] with more settings of the mail server.
pub async fn start_with(server: &MailServer, more: Json) -> (TestApp, Client) {
    start_as(server, &[], more).await
}

/// [`start_with`] with more settings of Herald's.
pub async fn start_as(server: &MailServer, flags: &[&str], more: Json) -> (TestApp, Client) {
    let herald = TestApp::with(&[&["--public-url", PUBLIC, "--mailbox-every=200ms"], flags].concat()).await;
    let admin = herald.admin().await;
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
    let mut smtp = json!({ "host": "127.0.0.1", "port": server.port, "security": "NONE", "perSecond": 100,
        "from": "Herald <hello@herald.example>" });
    smtp.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.data(save, json!({ "input": { "smtp": smtp } })).await;
    let on = herald.services();
    let start = nanos("2026-03-03T10:00:00Z".parse().unwrap());
    let flying = Pace { anchor: on.clock.nanos(), start, speed: 3_600, catches_up: false };
    pace::set_clock(on.db.reader(), flying).await.unwrap();
    (herald, admin)
}

/// An active sequence: an email at once, another one weeks later.
pub async fn sequence(by: &Client) -> Json {
    let script = json!({ "name": "Come back", "type": "EMAIL", "subject": "Dear {{ first_name }}",
        "content": "We miss you. No more of this: {{ unsubscribe_url }}" });
    let script = super::script(by, script).await;
    let step =
        |weeks: i32| json!({ "channel": "EMAIL", "scriptId": script, "delayValue": weeks, "delayUnit": "WEEKS" });
    let input = json!({ "name": "Come back", "triggerType": "MANUAL", "steps": [step(0), step(8)] });
    let create = "mutation($input: CreateRetentionSequenceInput!) { createRetentionSequence(input: $input) { sequence { id } } }";
    let id = by.data(create, json!({ "input": input })).await["createRetentionSequence"]["sequence"]["id"].clone();
    let activate = "mutation($id: ID!) { activateRetentionSequence(input: { id: $id }) { sequence { status } } }";
    by.data(activate, json!({ "id": id })).await;
    id
}

pub async fn enrolled(by: &Client, sequence: &Json, name: &str) -> Json {
    let input = json!({ "email": format!("{name}@example.com"), "firstName": name });
    let lead = lead(by, input).await["lead"]["id"].clone();
    let enroll = "mutation($input: EnrollLeadInput!) { enrollLead(input: $input) { enrollment { id } } }";
    by.data(enroll, json!({ "input": { "sequenceId": sequence, "leadId": lead } })).await;
    lead
}

/// The first step of a lead: how it ended, why, after how many tries; and how the enrollment stands.
pub async fn first_step(by: &Client, lead: &Json) -> Json {
    let read = "query($id: ID!) { lead(id: $id) { doNotContact sequenceEnrollments { nodes { status endReason
        executions { status reason attempts result } } } contactAttempts { nodes { status provider startedAt } } } }";
    let lead = by.data(read, json!({ "id": lead })).await["lead"].clone();
    let enrollment = &lead["sequenceEnrollments"]["nodes"][0];
    let step = &enrollment["executions"][0];
    json!({ "status": step["status"], "reason": step["reason"], "attempt": step["attempts"], "result": step["result"],
        "enrollment": enrollment["status"], "endReason": enrollment["endReason"], "second": enrollment["executions"][1]["status"],
        "doNotContact": lead["doNotContact"], "attempts": lead["contactAttempts"]["nodes"] })
}

#[tokio::test]
async fn each_answer_of_a_mail_server_moves_its_step_on() {
    let server = MailServer::start().await;
    let (herald, admin) = start(&server).await;
    let sequence = sequence(&admin).await;
    let mut leads = Vec::new();
    for name in ["ann", "busy", "nobody"] {
        leads.push(enrolled(&admin, &sequence, name).await);
    }
    eventually("all first steps are over", async || {
        let mut all = true;
        for lead in &leads {
            all &= first_step(&admin, lead).await["status"] != "SCHEDULED";
        }
        all
    })
    .await;
    let [ann, busy, nobody] = [0, 1, 2].map(|n| first_step(&admin, &leads[n]));
    let (ann, busy, nobody) = (ann.await, busy.await, nobody.await);
    assert_eq!((&ann["status"], &ann["attempts"][0]["provider"]), (&json!("SENT"), &json!("smtp")), "{ann}");
    assert_eq!(
        (&busy["status"], &busy["reason"], &busy["attempt"]),
        (&json!("SKIPPED"), &json!("FAILED_TWICE"), &json!(2))
    );
    let times: Vec<chrono::DateTime<chrono::Utc>> =
        (0..2).map(|n| serde_json::from_value(busy["attempts"][n]["startedAt"].clone()).unwrap()).collect();
    assert!(times[0] - times[1] >= chrono::TimeDelta::hours(1), "an hour lies between both: {busy}");
    assert_eq!((&nobody["status"], &nobody["attempts"].as_array().unwrap().len()), (&json!("FAILED"), &1), "{nobody}");
    assert!(nobody["result"]["error"].as_str().unwrap().contains("550"), "{nobody}");
    assert_eq!((&nobody["attempts"][0]["status"], &nobody["doNotContact"]), (&json!("BOUNCED"), &json!(["EMAIL"])));
    for lead in [&ann, &busy, &nobody] {
        assert_eq!((&lead["enrollment"], &lead["second"]), (&json!("ACTIVE"), &json!("SCHEDULED")), "{lead}");
    }
    assert_eq!(server.mails().len(), 1);
    drop(herald);
}

#[tokio::test]
async fn one_click_on_the_link_in_an_email_ends_all_of_them() {
    let server = MailServer::start().await;
    let (herald, admin) = start(&server).await;
    let sequence = sequence(&admin).await;
    let ann = enrolled(&admin, &sequence, "ann").await;
    eventually("the email has arrived and is settled", async || first_step(&admin, &ann).await["status"] == "SENT")
        .await;
    let mail = server.mails()[0].clone();
    let header =
        |name: &str| mail.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).map(ToOwned::to_owned);
    assert_eq!(header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"), "{mail}");
    // Long header lines are folded.
    let flat = mail.replace("\n ", "").replace("=\n", "");
    let link = flat.split("List-Unsubscribe: <").nth(1).and_then(|rest| rest.split('>').next()).expect("a link");
    let token = link.strip_prefix(&format!("{PUBLIC}/unsubscribe/")).expect("Herald's own address");
    assert!(flat.contains(&format!("No more of this: {link}")), "the script says it, too: {mail}");
    let nobody = herald.nobody();
    let path = format!("/unsubscribe/{token}");
    // A program that follows links ends nothing.
    let looked = nobody.request(Method::GET, &path).send().await.unwrap();
    assert!(looked.status().is_success());
    let header = |name: &str| looked.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!([header("cache-control"), header("referrer-policy")], ["no-store", "no-referrer"]);
    assert_eq!(header("x-content-type-options"), "nosniff");
    let asked = looked.text().await.unwrap();
    assert!(asked.contains("Do you want") && !asked.contains("You will get no more"), "it asks first: {asked}");
    let russian = nobody.request(Method::GET, &path).header("accept-language", "ru-RU").send().await.unwrap();
    assert!(russian.text().await.unwrap().contains("Вы хотите больше не получать"));
    assert_eq!(first_step(&admin, &ann).await["enrollment"], "ACTIVE");
    let click = nobody.request(Method::POST, &path).body("List-Unsubscribe=One-Click");
    let click = click.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert!(click.status().is_success());
    assert_eq!(click.text().await.unwrap(), "You will get no more emails from us.");
    let ended = first_step(&admin, &ann).await;
    assert_eq!((&ended["enrollment"], &ended["endReason"]), (&json!("CANCELLED"), &json!("OPT_OUT")), "{ended}");
    assert_eq!((&ended["second"], &ended["doNotContact"]), (&json!("CANCELLED"), &json!(["EMAIL"])));
    let by_hand = nobody.request(Method::POST, &path).header("accept", "text/html").header("accept-language", "de");
    let by_hand = by_hand.send().await.unwrap().text().await.unwrap();
    assert!(by_hand.contains("<html lang=de>") && by_hand.contains("<h1>Abmelden</h1>"), "{by_hand}");
    assert!(by_hand.contains("Versehen"), "and a way back: {by_hand}");
    let forged = format!("/unsubscribe/{}", token.chars().rev().collect::<String>());
    assert_eq!(nobody.request(Method::POST, &forged).send().await.unwrap().status(), 404);
    let seen = nobody.request(Method::GET, &forged).header("accept", "text/html").send().await.unwrap();
    assert_eq!(seen.status(), 404);
    assert!(seen.text().await.unwrap().contains("This link is not whole"), "a person reads a page");
}

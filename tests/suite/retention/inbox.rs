//! Emails that come in, from real messages by a mail server to what they mean: bounces, answers, refusals, and what is none of these.

use domain::id::ContactAttemptId;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::lead;
use super::mail::{PUBLIC, enrolled, first_step, sequence, start_with};
use crate::harness::{Client, TestApp, eventually};
use crate::providers::MailServer;

const TOKEN: &str = "a-token-that-nobody-guesses";

/// What the mail server got of an email to a lead.
#[derive(Debug)]
pub struct Sent {
    /// Of the envelope.
    pub sender: String,
    pub reply_to: String,
    /// Without the signs around it.
    pub id: String,
}

/// A Herald with a mailbox, and three leads who have had an email.
pub struct Scene {
    pub herald: TestApp,
    pub admin: Client,
    pub leads: Vec<Json>,
    pub sent: Vec<Sent>,
}

async fn scene(names: &[&str]) -> Scene {
    scene_with(names, json!({ "inbox": "inbox@herald.example", "webhookToken": TOKEN })).await
}

/// [`scene`] with other settings of the mailbox.
pub async fn scene_with(names: &[&str], inbox: Json) -> Scene {
    let server = MailServer::start().await;
    let (herald, admin) = start_with(&server, inbox).await;
    let sequence = sequence(&admin).await;
    let (mut leads, mut sent) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        let lead = enrolled(&admin, &sequence, name).await;
        eventually("the email is settled", async || first_step(&admin, &lead).await["status"] == "SENT").await;
        let mail = server.mails()[index].replace("\n ", " ");
        let header = |name: &str| {
            let line = mail.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default();
            line.rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned()
        };
        let sender = server.senders()[index].clone();
        sent.push(Sent { sender, reply_to: header("Reply-To"), id: header("Message-ID") });
        leads.push(lead);
    }
    Scene { herald, admin, leads, sent }
}

impl Scene {
    /// Posts a message, and waits until it is processed. Returns what was made of it.
    async fn post(&self, message: &str) -> String {
        let before = self.log().await.len();
        let path = format!("/api/webhooks/mail/{TOKEN}");
        let request = self.herald.nobody().request(Method::POST, &path).body(message.replace('\n', "\r\n"));
        assert_eq!(request.send().await.unwrap().status(), 200);
        let mut log = Vec::new();
        eventually("the email is processed", async || {
            log = self.log().await;
            log.len() == before + 1 && log.iter().all(|event| event["status"] == "PROCESSED")
        })
        .await;
        log[0]["outcome"].as_str().unwrap().to_owned()
    }

    pub async fn log(&self) -> Vec<Json> {
        let list = "{ webhookEvents(first: 50, filter: { provider: \"smtp\" }) { nodes { status outcome } } }";
        self.admin.data(list, json!({})).await["webhookEvents"]["nodes"].as_array().unwrap().clone()
    }

    pub async fn state(&self, lead: usize) -> Json {
        first_step(&self.admin, &self.leads[lead]).await
    }

    /// The contact to a lead: its status and what is known of it.
    pub async fn contact(&self, lead: usize) -> Json {
        let read = "query($id: ID!) { lead(id: $id) { contactAttempts { nodes { status result } } } }";
        let lead = self.admin.data(read, json!({ "id": self.leads[lead] })).await["lead"].clone();
        lead["contactAttempts"]["nodes"][0].clone()
    }
}

pub fn bounce(to: &str, about: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\n\
        Auto-Submitted: auto-replied\nMessage-ID: <{}@mx.example>\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"x\"\n\n--x\nContent-Type: text/plain\n\n\
        We could not deliver it.\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
        Final-Recipient: rfc822; somebody@example.com\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}\n\n\
        --x\nContent-Type: message/rfc822\n\nSubject: Dear\nMessage-ID: <{about}>\n\nWe miss you.\n\n--x--\n",
        Uuid::new_v4()
    )
}

pub fn reply(from: &str, headers: &str, body: &str) -> String {
    let id = Uuid::new_v4();
    format!("From: {from}\nSubject: Re: Dear\nMessage-ID: <{id}@mail.example>\n{headers}\n\n{body}\n")
}

#[tokio::test]
async fn a_bounce_is_the_contact_s_and_a_dead_address_gets_no_more_emails() {
    let scene = scene(&["ann", "bob", "cid", "dee"]).await;
    let sent = &scene.sent;
    for one in sent {
        assert!(one.sender.starts_with("inbox+") && one.sender.ends_with("@herald.example"), "{one:?}");
        assert_eq!(one.sender, one.reply_to, "answers come there, too");
    }
    assert_ne!(sent[0].sender, sent[1].sender);
    // By the address of its own, whatever was returned; by the message; and a mailbox that is full.
    scene.post(&bounce(&sent[0].sender.to_uppercase(), "nothing", "5.1.1", "550 5.1.1 no such user")).await;
    scene.post(&bounce("postmaster@herald.example", &sent[1].id, "5.1.1", "550 5.1.1 no such user")).await;
    scene.post(&bounce(&sent[2].sender, &sent[2].id, "5.2.2", "552 5.2.2 mailbox full")).await;
    for (lead, refused) in [(0, json!(["EMAIL"])), (1, json!(["EMAIL"])), (2, json!([]))] {
        let (state, contact) = (scene.state(lead).await, scene.contact(lead).await);
        assert_eq!((&contact["status"], &contact["result"]["bounced"]), (&json!("BOUNCED"), &json!(true)), "{contact}");
        assert_eq!(state["doNotContact"], refused, "{state}");
    }
    assert_eq!(scene.contact(2).await["result"]["bounce"]["status"], "5.2.2");
    // The address is remembered, whoever has it.
    let gone = json!({ "id": scene.leads[0] });
    scene.admin.data("mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }", gone).await;
    let again = lead(&scene.admin, json!({ "email": "ann@example.com" })).await["lead"]["id"].clone();
    let read = "query($id: ID!) { lead(id: $id) { doNotContact } }";
    assert_eq!(scene.admin.data(read, json!({ "id": again })).await["lead"]["doNotContact"], json!(["EMAIL"]));

    // Nobody makes the sign of a contact, or a report of an email that was never sent.
    let forged = format!(
        "inbox+{}0000000000@herald.example",
        Uuid::parse_str(sent[3].id.split('@').next().unwrap()).unwrap().simple()
    );
    let unknown = format!("{}@herald.example", ContactAttemptId::generate().0);
    scene.post(&bounce(&forged, "nothing", "5.1.1", "550 5.1.1 no such user")).await;
    let outcome = scene.post(&bounce("inbox@herald.example", &unknown, "5.1.1", "550 5.1.1 no such user")).await;
    assert_eq!(outcome, "a report of an email that nobody knows");
    assert_eq!(
        (&scene.contact(3).await["status"], &scene.state(3).await["doNotContact"]),
        (&json!("SENT"), &json!([]))
    );
}

#[tokio::test]
async fn bounces_in_the_same_words_and_without_an_id_are_each_its_own() {
    let scene = scene(&["ann", "bob"]).await;
    for lead in 0..2 {
        let told = bounce(&scene.sent[lead].sender, "nothing", "5.1.1", "550 5.1.1 no such user");
        let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("Message-ID: ")).collect();
        assert_eq!(scene.post(&lines.join("\n")).await, "an email that bounced");
        assert_eq!(scene.contact(lead).await["status"], "BOUNCED");
        assert_eq!(scene.state(lead).await["doNotContact"], json!(["EMAIL"]));
    }
    let before = scene.log().await.len();
    let again = bounce(&scene.sent[0].sender, "nothing", "5.1.1", "550 5.1.1 no such user");
    let lines: Vec<&str> = again.lines().filter(|line| !line.starts_with("Message-ID: ")).collect();
    let path = format!("/api/webhooks/mail/{TOKEN}");
    let request = scene.herald.nobody().request(Method::POST, &path).body(lines.join("\r\n"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(scene.log().await.len(), before, "told twice, it is one");
}

#[tokio::test]
async fn an_answer_ends_the_sequences_and_an_automatic_one_does_not() {
    let scene = scene(&["ann", "bob", "cid"]).await;
    let sent = &scene.sent;
    for headers in ["Auto-Submitted: auto-replied", "Precedence: auto_reply", "X-Autoreply: yes"] {
        let headers = format!("In-Reply-To: <{}>\n{headers}", sent[0].id);
        let outcome = scene.post(&reply("ann@example.com", &headers, "I am on holiday. Please stop by in May.")).await;
        assert_eq!(outcome, "an automatic answer, which is no reply");
    }
    let away =
        reply("ann@example.com", &format!("To: {}", sent[0].reply_to), "x").replace("Re: Dear", "Out of Office: Dear");
    scene.post(&away).await;
    assert_eq!(
        (&scene.state(0).await["enrollment"], &scene.contact(0).await["status"]),
        (&json!("ACTIVE"), &json!("SENT"))
    );

    let talk = "What does it cost?\n\nOn Tue Herald wrote:\n> Stop paying too much\n";
    // By what it answers; by the address, from another mailbox; and only by who writes.
    let first =
        reply("Ann <ann@example.com>", &format!("To: hello@herald.example\nIn-Reply-To: <{}>", sent[0].id), talk);
    assert_eq!(scene.post(&first).await, "a lead has answered");
    scene.post(&reply("bob@work.example", &format!("To: {}", sent[1].reply_to), talk)).await;
    scene.post(&reply("CID@Example.com", "To: hello@herald.example", talk)).await;
    for lead in 0..3 {
        let (state, contact) = (scene.state(lead).await, scene.contact(lead).await);
        assert_eq!((&state["enrollment"], &state["endReason"]), (&json!("CANCELLED"), &json!("REPLY")), "{state}");
        assert_eq!((&state["second"], &state["doNotContact"]), (&json!("CANCELLED"), &json!([])));
        assert_eq!(
            (&contact["status"], &contact["result"]["reply"], &contact["result"]["replied"]),
            (&json!("SUCCESS"), &json!("What does it cost?"), &json!(true))
        );
    }
    // The same message once more is the same.
    let path = format!("/api/webhooks/mail?token={TOKEN}");
    let before = scene.log().await.len();
    let request = scene.herald.nobody().request(Method::POST, &path).body(first.replace('\n', "\r\n"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(scene.log().await.len(), before);
}

#[tokio::test]
async fn a_refusal_by_email_is_obeyed_in_any_wording_and_whoever_writes_it() {
    let scene = scene(&["ann", "bob", "cid"]).await;
    let sent = &scene.sent;
    let to = |lead: usize| format!("To: {}\nIn-Reply-To: <{}>", sent[lead].reply_to, sent[lead].id);
    scene.post(&reply("ann@example.com", &to(0), "Please stop.\n\nOn Tue Herald wrote:\n> We miss you\n")).await;
    scene.post(&reply("bob@work.example", &to(1), "Больше не пишите мне\n> old\n")).await;
    let own = reply("cid@example.com", "To: hello@herald.example", "").replace("Re: Dear", "unsubscribe");
    assert_eq!(scene.post(&own).await, "emails were refused");
    for lead in 0..3 {
        let state = scene.state(lead).await;
        assert_eq!((&state["enrollment"], &state["endReason"]), (&json!("CANCELLED"), &json!("OPT_OUT")), "{state}");
        assert_eq!(state["doNotContact"], json!(["EMAIL"]));
    }
    // At the address that it was written from as well, and of somebody who is no lead yet.
    scene.post(&reply("later@example.com", "To: hello@herald.example", "unsubscribe me please")).await;
    let read = "query($id: ID!) { lead(id: $id) { doNotContact } }";
    for email in ["bob@work.example", "later@example.com"] {
        let id = lead(&scene.admin, json!({ "email": email })).await["lead"]["id"].clone();
        assert_eq!(
            scene.admin.data(read, json!({ "id": id })).await["lead"]["doNotContact"],
            json!(["EMAIL"]),
            "{email}"
        );
    }
    let other = scene.post(&reply("stranger@example.com", "To: hello@herald.example", "Buy my book")).await;
    assert_eq!(other, "nobody who is a lead has written it");
}

#[tokio::test]
async fn only_who_has_the_token_may_post_emails_and_only_emails_are_taken() {
    let scene = scene(&[]).await;
    let nobody = scene.herald.nobody();
    let message = reply("ann@example.com", "To: hello@herald.example", "Stop");
    let post = async |path: &str, header: Option<(&str, String)>, body: &str| {
        let mut request = nobody.request(Method::POST, path).body(body.to_owned());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let path = "/api/webhooks/mail";
    for (path, header) in [
        (path, None),
        ("/api/webhooks/mail/another-token-of-length", None),
        ("/api/webhooks/mail?token=", None),
        (path, Some(("x-webhook-token", "no".to_owned()))),
    ] {
        assert_eq!(post(path, header, &message).await, 401, "{path}");
    }
    for header in [("x-webhook-token", TOKEN.to_owned()), ("authorization", format!("Bearer {TOKEN}"))] {
        assert_eq!(post(path, Some(header.clone()), &message).await, 200);
        assert_eq!(post(path, Some(header), "{\"no\": \"email\"}").await, 400);
    }
    assert_eq!(nobody.request(Method::GET, path).send().await.unwrap().status(), 405);
    eventually("it is obeyed", async || {
        scene.log().await.iter().any(|event| event["outcome"] == "emails were refused")
    })
    .await;
    // Where no token is set up, nothing is taken.
    let server = MailServer::start().await;
    let (other, _admin) = start_with(&server, json!({})).await;
    let request = other.nobody().request(Method::POST, &format!("{path}/{TOKEN}")).body(message);
    assert_eq!(request.send().await.unwrap().status(), 401);
    assert!(PUBLIC.starts_with("https://"));
}

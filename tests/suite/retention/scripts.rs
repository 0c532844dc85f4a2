//! Scripts are checked when they are written, and stay while they are used.

use domain::id::{ContactAttemptId, LeadId};
use domain::retention::words::ContactChannel;
use providers::Message;
use serde_json::{Value as Json, json};
use service::retention::delivery::message::{Known, message};
use storage::retention::lead;

use super::{campaign, rows, script};
use crate::harness::{Client, Reply, TestApp};

async fn create(by: &Client, input: Json) -> Reply {
    let create = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id placeholders } } }";
    by.query(create, json!({ "input": input })).await
}

/// What a script of a webhook or an email says to somebody of that name.
fn said(channel: ContactChannel, content: &str, first_name: &str) -> Result<Message, String> {
    let now = chrono::DateTime::UNIX_EPOCH;
    let script = storage::retention::script::Model { content: Some(content.into()), ..rows::script(channel, now) };
    let lead = lead::Model {
        id: LeadId::generate(),
        first_name: Some(first_name.into()),
        email: Some("a+b@example.com".into()),
        ..lead::Model::new(now)
    };
    let known =
        Known { attempt: ContactAttemptId::generate(), link: "https://herald.example/u".into(), tag: "t".into() };
    message(channel, &script, None, &lead, known)
}

#[test]
fn what_a_lead_is_called_changes_neither_where_a_webhook_goes_nor_which_fields_it_has() {
    let script = r#"{ "url": "https://hook.example/p?n={{ first_name }}", "payload": { "name": "{{ first_name }}" } }"#;
    for name in [r#"x","isVip":"yes"#, r#"An"n"#, "A B&c", "{{ 7 * 7 }}", "line\nbreak\\"] {
        let Ok(Message::Webhook { url, payload }) = said(ContactChannel::Webhook, script, name) else {
            panic!("{name} is a name")
        };
        assert_eq!(payload, json!({ "name": name }));
        let read = url::Url::parse(&url).unwrap();
        assert_eq!(read.query_pairs().collect::<Vec<_>>(), [("n".into(), name.into())], "{url}");
        assert_eq!(read.host_str(), Some("hook.example"));
    }
    let Ok(Message::Webhook { url, .. }) = said(ContactChannel::Webhook, "https://hook.example/?e={{ email }}", "Ann")
    else {
        panic!("a URL is a script")
    };
    assert_eq!(url, "https://hook.example/?e=a%2Bb%40example.com");
    let whole = r#"{ "url": "{{ first_name }}" }"#;
    assert!(said(ContactChannel::Webhook, whole, "https://evil.example").unwrap_err().contains("safe"));
    let Ok(Message::Email(mail)) =
        said(ContactChannel::Email, "{% if first_name %}<p>Hi {{ first_name }}</p>{% endif %}", "A & <i>B")
    else {
        panic!("an email")
    };
    assert_eq!((mail.is_html, mail.body.as_str()), (true, "<p>Hi A &amp; &lt;i&gt;B</p>"));
}

#[tokio::test]
async fn what_no_lead_has_and_what_the_channel_does_not_take_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for (input, path) in [
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{ firstname }}" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{ channel_name }}" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{ first_name | shout }}" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "x".repeat(1_601) }), "content"),
        (json!({ "name": "x", "type": "SMS" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "x", "subject": "x" }), "subject"),
        (json!({ "name": "x", "type": "EMAIL", "content": "x", "subject": "{{ y }}" }), "subject"),
        (json!({ "name": "x", "type": "EMAIL", "content": "x", "vapiConfig": {} }), "vapiConfig"),
        (json!({ "name": "x", "type": "CALL", "vapiConfig": "x" }), "vapiConfig"),
        (json!({ "name": "x", "type": "CALL", "vapiConfig": { "server": { "secret": "s3cr3t" } } }), "vapiConfig"),
        (
            json!({ "name": "x", "type": "CALL", "vapiConfig": { "phoneNumber": { "twilioAuthToken": "s" } } }),
            "vapiConfig",
        ),
        (json!({ "name": " ", "type": "SMS", "content": "x" }), "name"),
    ] {
        assert_eq!(create(&operator, input.clone()).await.violations(), [format!("input.{path}")], "{input}");
    }
    let call = json!({ "name": "x", "type": "CALL", "vapiConfig": { "model": {} } });
    assert_eq!(create(&operator, call).await.data()["createScript"]["script"]["placeholders"], json!([]));
    let read =
        json!({ "name": "x", "type": "EMAIL", "subject": "{{ name }}", "content": "{{ meta.plan }} {{ email }}" });
    let read = create(&operator, read).await.data()["createScript"]["script"]["placeholders"].clone();
    assert_eq!(read, json!(["email", "meta", "name"]));
}

#[tokio::test]
async fn what_could_never_be_sent_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let webhook = |payload: &str| format!(r#"{{ "url": "https://hook.example/", "payload": {payload} }}"#);
    for (channel, content, why) in [
        ("EMAIL", "<p>{{ meta.note | safe }}</p>", "| safe would put"),
        ("EMAIL", "{% if phone %}{{ first_name | truncate(3) }}{% endif %}", "no filter \"truncate\": there are abs"),
        ("SMS", "{{ caller() }}", "no function \"caller()\""),
        ("WEBHOOK", "https://{{ meta.host }}/", "in the host"),
        ("WEBHOOK", &webhook(r#"{ "{{ source }}": 1 }"#), "in the name of a field"),
        ("WEBHOOK", &webhook("{ "), "is no JSON"),
    ] {
        let reply = create(&operator, json!({ "name": "x", "type": channel, "content": content })).await;
        assert_eq!(reply.violations(), ["input.content"], "{content}");
        let told = reply.errors()[0]["extensions"]["violations"][0]["message"].as_str().unwrap();
        assert!(told.contains(why), "{content}: {told}");
    }
    let unseen = json!({ "name": "\u{3164}", "type": "SMS", "content": "x", "idempotencyKey": "1" });
    assert_eq!(create(&operator, unseen).await.violations(), ["input.name"]);
    let unseen = json!({ "name": "x", "type": "SMS", "content": "x", "idempotencyKey": "\u{2800}" });
    assert_eq!(create(&operator, unseen).await.violations(), ["input.idempotencyKey"]);
    let good = webhook(r#"{ "vip": {{ meta.vip }}, "tags": {{ meta.tags }}, "name": "{{ name | default('you') }}" }"#);
    create(&operator, json!({ "name": "x", "type": "WEBHOOK", "content": good })).await.data();
}

#[tokio::test]
async fn of_the_scripts_for_a_channel_one_is_the_default() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let of = campaign(&operator, json!({})).await;
    let sms = |name: &str| json!({ "name": name, "type": "SMS", "content": "x", "isDefault": true });
    script(&operator, sms("first")).await;
    script(&operator, sms("second")).await;
    let mut own = sms("own");
    own["campaignId"] = of;
    script(&operator, own).await;
    script(&operator, json!({ "name": "mail", "type": "EMAIL", "content": "x", "isDefault": true })).await;
    let list = "{ scripts(filter: { isDefault: true }, orderBy: { field: NAME }) { nodes { name } } }";
    let found = operator.data(list, json!({})).await["scripts"]["nodes"].clone();
    assert_eq!(found, json!([{ "name": "mail" }, { "name": "own" }, { "name": "second" }]));
}

#[tokio::test]
async fn a_script_that_is_used_is_not_deleted() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = script(&operator, json!({ "name": "x", "type": "SMS", "content": "x" })).await;
    let row = graphql::engine::id::decode(id.as_str().unwrap()).unwrap().1;
    super::statements::use_script(herald.services(), row).await;
    let delete = "mutation($id: ID!) { deleteScript(input: { id: $id }) { deletedId } }";
    let reply = operator.query(delete, json!({ "id": id })).await;
    assert_eq!((reply.code(), reply.message()), ("PRECONDITION_FAILED", "the script is used by the sequence \"uses\""));
    let update = "mutation($input: UpdateScriptInput!) { updateScript(input: $input) { script { version } } }";
    let change = json!({ "input": { "id": id, "content": "y", "expectedVersion": 1 } });
    assert_eq!(operator.data(update, change.clone()).await["updateScript"]["script"]["version"], 2);
    assert_eq!(operator.query(update, change).await.code(), "CONFLICT");
}

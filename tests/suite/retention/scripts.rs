//! Scripts are checked when they are written, and stay while they are used.

use domain::id::{ContactAttemptId, LeadId};
use domain::retention::words::{ContactChannel, ScriptFormat};
use providers::{Body, Message};
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use service::retention::delivery::message::{Known, message};
use storage::retention::lead;

use super::{campaign, rows, script};
use crate::harness::{Client, Reply, TestApp};

async fn create(by: &Client, input: Json) -> Reply {
    let create = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id placeholders } } }";
    by.query(create, json!({ "input": input })).await
}

/// What a script in words says to somebody of that name.
fn said(channel: ContactChannel, content: &str, first_name: &str) -> Result<Message, String> {
    let now = chrono::DateTime::UNIX_EPOCH;
    of(&storage::retention::script::Model { content: Some(content.into()), ..rows::script(channel, now) }, first_name)
}

fn of(script: &storage::retention::script::Model, first_name: &str) -> Result<Message, String> {
    let now = chrono::DateTime::UNIX_EPOCH;
    let lead = lead::Model {
        id: LeadId::generate(),
        first_name: Some(first_name.into()),
        email: Some("a+b@example.com".into()),
        ..lead::Model::new(now)
    };
    let known =
        Known { attempt: ContactAttemptId::generate(), link: "https://herald.example/u".into(), tag: "t".into() };
    message(script.channel, script, None, &lead, known)
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
}

#[test]
fn an_email_is_html_if_it_is_said_and_has_its_words_beside_it() {
    let tags = "{% if first_name %}<p>Hi {{ first_name }}</p>{% endif %}";
    let own = Some("In words: {{ first_name }}");
    for (format, content, plain, body) in [
        (
            ScriptFormat::Html,
            tags,
            None,
            Body::Html { html: "<p>Hi A &amp; &lt;i&gt;B</p>".into(), plain: "Hi A & <i>B".into() },
        ),
        (
            ScriptFormat::Html,
            "{{ first_name }}!",
            own,
            Body::Html { html: "A &amp; &lt;i&gt;B!".into(), plain: "In words: A & <i>B".into() },
        ),
        (ScriptFormat::Text, tags, None, Body::Text("<p>Hi A & <i>B</p>".into())),
    ] {
        let script = storage::retention::script::Model {
            content: Some(content.into()),
            format,
            plain_content: plain.map(Into::into),
            ..rows::script(ContactChannel::Email, chrono::DateTime::UNIX_EPOCH)
        };
        let Ok(Message::Email(mail)) = of(&script, "A & <i>B") else { panic!("an email") };
        assert_eq!(mail.body, body);
    }
}

#[tokio::test]
async fn what_an_email_is_written_as_is_said_by_whoever_writes_it() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let page = "Hi {{ first_name }}<br>you";
    for (input, path) in [
        (json!({ "type": "EMAIL", "content": page }), "format"),
        (json!({ "type": "SMS", "content": "x", "format": "HTML" }), "format"),
        (json!({ "type": "EMAIL", "content": "x", "plainContent": "x" }), "plainContent"),
        (json!({ "type": "SMS", "content": "x", "plainContent": "x" }), "plainContent"),
        (json!({ "type": "EMAIL", "format": "HTML", "content": page, "plainContent": "{{ nobody }}" }), "plainContent"),
        (json!({ "type": "EMAIL", "format": "HTML", "content": "<p {{ first_name }}>x</p>" }), "content"),
    ] {
        let mut named = input.clone();
        named["name"] = json!("x");
        assert_eq!(create(&operator, named).await.violations(), [format!("input.{path}")], "{input}");
    }
    for format in ["HTML", "TEXT"] {
        let input = json!({ "name": format, "type": "EMAIL", "content": page, "format": format });
        create(&operator, input).await.data();
    }
    let id = script(&operator, json!({ "name": "words", "type": "EMAIL", "content": "Hi {{ first_name }}" })).await;
    let update = "mutation($input: UpdateScriptInput!) {
        updateScript(input: $input) { script { format content plainContent placeholders } } }";
    let change = async |mut input: Json| {
        input["id"] = id.clone();
        operator.query(update, json!({ "input": input })).await
    };
    let asked = change(json!({ "content": page })).await;
    assert_eq!(asked.violations(), ["input.format"]);
    let told = asked.errors()[0]["extensions"]["violations"][0]["message"].as_str().unwrap().to_owned();
    assert!(told.contains("format: HTML") && told.contains("format: TEXT"), "{told}");
    let html = json!({ "content": page, "format": "HTML", "plainContent": "Hi {{ last_name }}" });
    let html = change(html).await.data()["updateScript"]["script"].clone();
    assert_eq!(
        html,
        json!({ "format": "HTML", "content": page, "plainContent": "Hi {{ last_name }}",
        "placeholders": ["first_name", "last_name"] })
    );
    // What was said holds, and need not be said again.
    change(json!({ "content": "<p>{{ first_name }}</p>" })).await.data();
    assert_eq!(change(json!({ "format": "TEXT" })).await.violations(), ["input.plainContent"]);
    change(json!({ "format": "TEXT", "plainContent": null })).await.data();
    change(json!({ "content": "<p>still words</p>", "name": "x" })).await.data();
}

#[tokio::test]
async fn a_script_is_looked_at_as_one_lead_gets_it() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ann = super::lead(&operator, json!({ "email": "ann@example.com", "firstName": "Ann & Bob" })).await;
    let seen = async |input: Json| {
        let id = script(&operator, input).await;
        let read = "query($s: ID!, $l: ID!) { previewScript(scriptId: $s, leadId: $l) {
            subject text html url payload problem warnings } }";
        operator.data(read, json!({ "s": id, "l": ann["lead"]["id"] })).await["previewScript"].clone()
    };
    let nothing = json!({ "subject": null, "text": null, "html": null, "url": null, "payload": null, "problem": null, "warnings": [] });
    let with = |fields: Json| {
        let mut seen = nothing.clone();
        seen.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        seen
    };
    let page = json!({ "name": "x", "type": "EMAIL", "format": "HTML", "subject": "For {{ first_name }}",
        "content": "<p>Hi {{ first_name }}, <a href=\"https://a.example/?n={{ first_name }}\">buy</a> {first_name}</p>" });
    let shown = seen(page).await;
    let warned = shown["warnings"].as_array().unwrap().len();
    assert_eq!(
        (&shown["subject"], &shown["text"], warned),
        (&json!("For Ann & Bob"), &json!("Hi Ann & Bob, buy (https://a.example/?n=Ann%20%26%20Bob) {first_name}"), 1)
    );
    assert_eq!(
        shown["html"],
        "<p>Hi Ann &amp; Bob, <a href=\"https://a.example/?n=Ann%20%26%20Bob\">buy</a> {first_name}</p>"
    );
    let words = json!({ "name": "x", "type": "EMAIL", "subject": "S", "content": "Hi {{ first_name }}" });
    assert_eq!(seen(words).await, with(json!({ "subject": "S", "text": "Hi Ann & Bob" })));
    let hook = json!({ "name": "x", "type": "WEBHOOK",
        "content": r#"{ "url": "https://hook.example/", "payload": { "n": "{{ first_name }}" } }"# });
    let wanted = json!({ "url": "https://hook.example/", "payload": { "n": "Ann & Bob" } });
    assert_eq!(seen(hook).await, with(wanted));
    let unknown = json!({ "name": "x", "type": "EMAIL", "content": "Hi {{ last_name }}" });
    assert_eq!(seen(unknown).await, with(json!({ "problem": "not known of the lead: last_name" })));
    let text = json!({ "name": "x", "type": "SMS", "content": "Hi" });
    assert_eq!(seen(text).await, with(json!({ "problem": "the lead has no address" })));
}

#[tokio::test]
async fn emails_of_before_are_html_by_the_rule_of_then() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let texts = [
        ("<p>Hi {{ first_name }}</p>", "HTML"),
        ("{% if first_name %}<p>Hi</p>{% endif %}", "HTML"),
        ("\u{feff}<!DOCTYPE html><p>", "HTML"),
        ("Hi <b>you</b>", "TEXT"),
        ("<3 you", "TEXT"),
        ("Hi", "TEXT"),
    ];
    for (name, (content, _)) in texts.iter().enumerate() {
        // Said the other way round.
        let input = json!({ "name": name.to_string(), "type": "EMAIL", "content": content, "format": "TEXT" });
        script(&operator, input).await;
    }
    script(&operator, json!({ "name": "6", "type": "SMS", "content": "<p>a text message</p>" })).await;
    let db = &herald.services().db;
    for sql in [
        "ALTER TABLE scripts DROP COLUMN format",
        "ALTER TABLE scripts DROP COLUMN plain_content",
        "DELETE FROM seaql_migrations WHERE version LIKE '%000430%'",
    ] {
        db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
    }
    assert_eq!(db.migrate().await.unwrap(), 1);
    let list = "{ scripts(orderBy: { field: NAME, direction: ASC }) { nodes { format plainContent } } }";
    let formats = operator.data(list, json!({})).await["scripts"]["nodes"].clone();
    let wanted = texts.iter().map(|(_, format)| *format).chain(["TEXT"]);
    let wanted: Vec<Json> = wanted.map(|format| json!({ "format": format, "plainContent": null })).collect();
    assert_eq!(formats, json!(wanted));
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
        ("WEBHOOK", r#"{ "ulr": "https://hook.example/" }"#, "Did you mean \"url\"?"),
        ("WEBHOOK", r#"{ "url": "https://hook.example/", "pay_load": {} }"#, "Did you mean \"payload\"?"),
        ("WEBHOOK", r#"{ "url": "https://hook.example/", "method": "PUT" }"#, "of the key \"method\""),
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
    let page = json!({ "name": "x", "type": "EMAIL", "format": "HTML", "content": "<p>{{ meta.note | safe }}</p>" });
    let reply = create(&operator, page).await;
    assert_eq!(reply.violations(), ["input.content"]);
    assert!(reply.errors()[0].to_string().contains("| safe would put"), "{:?}", reply.errors());
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

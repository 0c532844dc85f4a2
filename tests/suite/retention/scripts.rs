//! Scripts are checked when they are written, and stay while they are used.

use serde_json::{Value as Json, json};

use super::{campaign, script};
use crate::harness::{Client, Reply, TestApp};

async fn create(by: &Client, input: Json) -> Reply {
    let create = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id placeholders } } }";
    by.query(create, json!({ "input": input })).await
}

#[tokio::test]
async fn what_no_lead_has_and_what_the_channel_does_not_take_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for (input, path) in [
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{ firstname }}" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{ channel_name }}" }), "content"),
        (json!({ "name": "x", "type": "SMS", "content": "Hi {{" }), "content"),
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

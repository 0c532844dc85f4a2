//! Integrations: sealed, shown by no way, and tried by asking the provider.

use domain::retention::credentials::{Credentials, Provider};
use serde_json::{Value as Json, json};
use service::retention::integration;
use storage::Noun;
use storage::retention::integration_config;

use crate::harness::{Client, Reply, TestApp};
use crate::providers::Catcher;

const SAVE: &str = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) {
    integrationConfig { id provider type isActive version fields { name value } } warnings } }";
const TEST: &str = "mutation($id: ID!) { testIntegration(input: { id: $id }) { isOk message } }";
const DELETE: &str = "mutation($id: ID!) { deleteIntegrationConfig(input: { id: $id }) { deletedId warnings } }";
const LIST: &str = "{ integrationConfigs { totalCount nodes { provider isActive version fields { name value } } } }";
const TOKEN: &str = "0123456789abcdef-the-auth-token-wxyz";

async fn save(by: &Client, input: Json) -> Reply {
    by.query(SAVE, json!({ "input": input })).await
}

fn twilio() -> Json {
    json!({ "accountSid": "AC0123456789abcdef0123456789abcdef", "authToken": TOKEN, "from": "+14155552672" })
}

#[tokio::test]
async fn secrets_are_sealed_and_shown_nowhere() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let saved = save(&admin, json!({ "twilio": twilio() })).await.data()["saveIntegrationConfig"].clone();
    let saved = saved["integrationConfig"].clone();
    assert_eq!((&saved["provider"], &saved["type"], &saved["version"]), (&json!("TWILIO"), &json!("SMS"), &json!(1)));
    assert!(saved["fields"].as_array().unwrap().contains(&json!({ "name": "authToken", "value": "****wxyz" })));
    let again = save(&admin, json!({ "twilio": twilio(), "isActive": false, "expectedVersion": 1 })).await;
    let again = again.data()["saveIntegrationConfig"]["integrationConfig"].clone();
    assert_eq!((&again["id"], &again["version"], &again["isActive"]), (&saved["id"], &json!(2), &json!(false)));
    assert_eq!(save(&admin, json!({ "twilio": twilio(), "expectedVersion": 1 })).await.code(), "CONFLICT");

    let on = herald.services();
    let rows = integration_config::Entity::all().all(on.db.reader()).await.unwrap();
    assert!(rows.len() == 1 && !format!("{rows:?}").contains(TOKEN), "{rows:?}");
    assert!(integration::active(on, Provider::Twilio).await.unwrap().is_none(), "it is switched off");
    let Credentials::Twilio(opened) = integration::open(on, &rows[0]).unwrap() else { panic!("they are Twilio's") };
    assert_eq!(opened.auth_token.expose(), TOKEN);
    let mut moved = rows[0].clone();
    moved.id = domain::id::IntegrationConfigId::generate();
    assert!(integration::open(on, &moved).is_err(), "what is copied to another row does not open there");

    let lines = admin.data("{ auditLogs { nodes { action metadata } } }", json!({})).await;
    assert!(lines.to_string().contains("INTEGRATION_SAVED") && !lines.to_string().contains(TOKEN), "{lines}");
    let shown = admin.data(LIST, json!({})).await;
    assert!(shown["integrationConfigs"]["totalCount"] == 1 && !shown.to_string().contains(TOKEN), "{shown}");
    assert_eq!(
        admin.data(DELETE, json!({ "id": saved["id"] })).await["deleteIntegrationConfig"]["deletedId"],
        saved["id"]
    );
    assert_eq!(admin.query(DELETE, json!({ "id": saved["id"] })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn an_integration_is_for_admins_and_of_one_provider() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for other in [herald.operator().await, herald.auditor().await] {
        assert_eq!(save(&other, json!({ "twilio": twilio() })).await.code(), "FORBIDDEN");
        assert_eq!(other.query(LIST, json!({})).await.code(), "FORBIDDEN");
    }
    let webhook = json!({ "secret": "a secret of some length" });
    assert_eq!(save(&admin, json!({ "twilio": twilio(), "webhook": webhook })).await.violations(), ["input.smtp"]);
    assert_eq!(save(&admin, json!({})).await.violations(), ["input.smtp"]);
    let mut wrong = twilio();
    wrong["accountSid"] = json!("AC1");
    wrong["messagingServiceSid"] = json!("MG0123456789abcdef0123456789abcdef");
    let violations = save(&admin, json!({ "twilio": wrong })).await.violations();
    assert_eq!(violations, ["input.twilio.accountSid", "input.twilio.from"]);
    let smtp = json!({ "host": "mail.example.com", "security": "NONE", "from": "ann@example.com", "port": 70_000 });
    assert_eq!(save(&admin, json!({ "smtp": smtp })).await.violations(), ["input.smtp.port", "input.smtp.security"]);
    let keitaro = json!({ "token": "short" });
    assert_eq!(save(&admin, json!({ "keitaro": keitaro })).await.violations(), ["input.keitaro.token"]);
}

#[tokio::test]
async fn to_try_an_integration_is_to_ask_the_provider() {
    let provider = Catcher::start(|request| match request.header("authorization") {
        "Bearer the right key of ours" => (200, json!([])),
        _ => (401, json!({ "message": "Invalid Key" })),
    })
    .await;
    let herald = TestApp::with(&["--vapi-url", &provider.url]).await;
    let admin = herald.admin().await;
    let vapi = |key: &str| json!({ "vapi": { "apiKey": key, "webhookSecret": "a webhook secret" } });
    let saved = save(&admin, vapi("the wrong key of ours")).await.data()["saveIntegrationConfig"].clone();
    let id = json!({ "id": saved["integrationConfig"]["id"] });
    let trial = admin.data(TEST, id.clone()).await["testIntegration"].clone();
    assert_eq!(trial["isOk"], false);
    let message = trial["message"].as_str().unwrap();
    assert!(message.contains("401") && message.contains("Invalid Key") && !message.contains("wrong key"), "{message}");
    save(&admin, vapi("the right key of ours")).await;
    assert_eq!(admin.data(TEST, id).await["testIntegration"]["isOk"], true);
    assert_eq!(provider.caught().len(), 2);
}

const SWITCH: &str = "mutation($input: SwitchIntegrationInput!) { switchIntegration(input: $input) {
    integrationConfig { id isActive version fields { name value } } warnings } }";

#[tokio::test]
async fn an_integration_is_switched_paced_and_readdressed_without_its_secrets() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let saved = save(&admin, json!({ "twilio": twilio() })).await.data()["saveIntegrationConfig"].clone();
    let id = saved["integrationConfig"]["id"].clone();
    let switch = async |mut input: Json| {
        input["id"] = id.clone();
        admin.query(SWITCH, json!({ "input": input })).await
    };
    let off = switch(json!({ "isActive": false })).await.data()["switchIntegration"]["integrationConfig"].clone();
    assert_eq!((&off["isActive"], &off["version"]), (&json!(false), &json!(2)));
    let service = "MG0123456789abcdef0123456789abcdef";
    let other = json!({ "from": null, "messagingServiceSid": service, "segmentsPerSecond": 30, "expectedVersion": 2 });
    let other = switch(other).await.data()["switchIntegration"]["integrationConfig"].clone();
    let fields = other["fields"].as_array().unwrap();
    for field in [("messagingServiceSid", service), ("segmentsPerSecond", "30"), ("authToken", "****wxyz")] {
        assert!(fields.contains(&json!({ "name": field.0, "value": field.1 })), "{field:?} in {other}");
    }
    assert_eq!(other["isActive"], false, "what is left out stays");
    for (wrong, field) in [
        (json!({ "from": "+14155552672" }), "from"),
        (json!({ "segmentsPerSecond": 0 }), "segmentsPerSecond"),
        (json!({ "perSecond": 5 }), "perSecond"),
        (json!({ "leadConverts": false }), "leadConverts"),
    ] {
        let refused = switch(wrong.clone()).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{wrong}");
        assert!(refused.violations().iter().any(|violation| violation.contains(field)), "{wrong}: {refused:?}");
    }
    assert_eq!(switch(json!({ "isActive": true, "expectedVersion": 2 })).await.code(), "CONFLICT");
    let on = herald.services();
    let row = integration_config::Entity::all().one(on.db.reader()).await.unwrap().unwrap();
    let Credentials::Twilio(opened) = integration::open(on, &row).unwrap() else { panic!("they are Twilio's") };
    assert_eq!((opened.auth_token.expose(), opened.segments_per_second, opened.from), (TOKEN, 30, None));
    let lines = admin.data("{ auditLogs { nodes { action metadata } } }", json!({})).await.to_string();
    assert!(lines.contains("INTEGRATION_SWITCHED") && lines.contains(service) && !lines.contains(TOKEN), "{lines}");
    assert_eq!(herald.operator().await.query(SWITCH, json!({ "input": { "id": id } })).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn who_goes_by_an_integration_is_told_when_it_ends_or_leads_elsewhere() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let saved = save(&admin, json!({ "twilio": twilio() })).await.data()["saveIntegrationConfig"].clone();
    assert_eq!(saved["warnings"], json!([]));
    let id = saved["integrationConfig"]["id"].clone();
    let script = json!({ "input": { "name": "s", "type": "SMS", "content": "Hi" } });
    let ask = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
    let script = operator.data(ask, script).await["createScript"]["script"]["id"].clone();
    let steps = json!([{ "channel": "SMS", "scriptId": script }]);
    let ask = "mutation($input: CreateRetentionSequenceInput!) { createRetentionSequence(input: $input) { sequence { id } } }";
    let made = operator.data(ask, json!({ "input": { "name": "Come back", "steps": steps } })).await;
    let sequence = made["createRetentionSequence"]["sequence"]["id"].clone();
    let act = async |verb: &str| {
        let ask =
            format!("mutation($id: ID!) {{ {verb}RetentionSequence(input: {{ id: $id }}) {{ sequence {{ id }} }} }}");
        operator.data(&ask, json!({ "id": sequence })).await
    };
    let obstacles = async || {
        let ask = "query($id: ID!) { retentionSequence(id: $id) { obstacles } }";
        operator.data(ask, json!({ "id": sequence })).await["retentionSequence"]["obstacles"].clone()
    };
    let switch = async |mut input: Json| {
        input["id"] = id.clone();
        admin.data(SWITCH, json!({ "input": input })).await["switchIntegration"]["warnings"].clone()
    };
    assert_eq!(switch(json!({ "isActive": false })).await, json!([]), "a DRAFT goes by nothing");
    switch(json!({ "isActive": true })).await;
    act("activate").await;
    assert_eq!((switch(json!({ "segmentsPerSecond": 9 })).await, obstacles().await), (json!([]), json!([])));
    let elsewhere = switch(json!({ "from": "+14155552673" })).await;
    assert!(elsewhere[0].as_str().unwrap().contains("from now on as it is set up now: \"Come back\""), "{elsewhere}");
    let off = switch(json!({ "isActive": false })).await;
    assert!(off[0].as_str().unwrap().contains("waits until it is set up and switched on: \"Come back\""), "{off}");
    let why = obstacles().await;
    assert_eq!(why, json!(["step 1 (SMS): nothing is set up for SMS: see saveIntegrationConfig"]));
    let again = save(&admin, json!({ "twilio": twilio() })).await.data()["saveIntegrationConfig"]["warnings"].clone();
    assert_eq!((again, obstacles().await), (json!([]), json!([])));
    let gone = admin.data(DELETE, json!({ "id": id })).await["deleteIntegrationConfig"]["warnings"].clone();
    assert!(gone[0].as_str().unwrap().contains("\"Come back\""), "{gone}");
    act("pause").await;
    assert_eq!(obstacles().await, json!([]), "PAUSED says it all");
}

//! Look-ups by what people and other systems know things by.

use domain::retention::lead_field::Field;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, QueryTrait, Select, Statement};
use serde_json::{Value as Json, json};
use storage::access::user;
use storage::broadcast::{batch, channel, template};
use storage::retention::{contact_attempt, lead};

use crate::harness::{Client, Reply, TestApp};

const LEAD: &str = "query($key: LeadKey!) { leadBy(key: $key) { id externalId } }";
const CREATE: &str = "mutation($input: CreateLeadInput!) { createLead(input: $input) { isNew lead { id } } }";
const CHANNEL: &str = "query($key: ChannelKey!) { channelBy(key: $key) { id } }";

async fn by(client: &Client, document: &str, key: Json) -> Reply {
    client.query(document, json!({ "key": key })).await
}

async fn create(client: &Client, input: Json) -> Reply {
    client.query(CREATE, json!({ "input": input })).await
}

async fn lead(client: &Client, input: Json) -> Json {
    create(client, input).await.data()["createLead"]["lead"]["id"].clone()
}

/// Runs a mutation of one input, and returns the id of what it made.
async fn made(client: &Client, noun: &str, what: &str, input: Json) -> Json {
    let document =
        format!("mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ it: {what} {{ id }} }} }}");
    client.data(&document, json!({ "input": input })).await[format!("create{noun}")]["it"]["id"].clone()
}

#[tokio::test]
async fn a_lead_is_found_by_each_of_its_keys_in_any_spelling() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ann = json!({ "email": "ann@example.com", "phone": "+4915123456789", "externalId": "CRM 7", "telegramUsername": "ann_s" });
    let ann = lead(&operator, ann).await;
    lead(&operator, json!({ "email": "bob@example.com" })).await;
    for key in [
        json!({ "email": " ANN@Example.com " }),
        json!({ "phone": "0049 (151) 234-567 89" }),
        json!({ "externalId": " CRM 7 " }),
        json!({ "telegramUsername": "https://t.me/Ann_S" }),
        json!({ "telegramUsername": "@ann_s" }),
    ] {
        assert_eq!(by(&operator, LEAD, key.clone()).await.data()["leadBy"]["id"], ann, "{key}");
    }
    for key in
        [json!({ "email": "eve@example.com" }), json!({ "externalId": "crm 7" }), json!({ "phone": "+4915123456780" })]
    {
        assert_eq!(by(&operator, LEAD, key.clone()).await.data()["leadBy"], Json::Null, "{key}");
    }
    for (key, path) in [
        (json!({ "email": "ann" }), "key.email"),
        (json!({ "phone": "12" }), "key.phone"),
        (json!({ "externalId": "" }), "key.externalId"),
        (json!({ "telegramUsername": "https://t.me/+abc" }), "key.telegramUsername"),
    ] {
        let refused = by(&operator, LEAD, key).await;
        assert_eq!((refused.code(), refused.violations()), ("BAD_USER_INPUT", vec![path.to_owned()]));
    }
    let auditor = herald.auditor().await;
    assert_eq!(by(&auditor, LEAD, json!({ "externalId": "CRM 7" })).await.data()["leadBy"]["id"], ann);
    for key in
        [json!({ "email": "ann@example.com" }), json!({ "phone": "+1" }), json!({ "telegramUsername": "nobody_s" })]
    {
        assert_eq!(by(&auditor, LEAD, key).await.code(), "FORBIDDEN", "whose address it is, is not for everybody");
    }
    assert_eq!(by(&herald.nobody(), LEAD, json!({ "externalId": "CRM 7" })).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_key_of_several_names_them() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut leads = Vec::new();
    for n in 0..5 {
        let input = json!({ "email": format!("{n}@example.com"), "telegramUsername": "shared_name" });
        leads.push(lead(&admin, input).await);
    }
    let several = by(&admin, LEAD, json!({ "telegramUsername": "shared_name" })).await;
    assert_eq!(several.code(), "CONFLICT");
    let named = leads.iter().filter(|id| several.message().contains(id.as_str().unwrap())).count();
    assert_eq!(named, 3, "{}", several.message());
    for (noun, what, input) in [
        ("Template", "template", json!({ "name": "Hello", "content": "x" })),
        ("Batch", "batch", json!({ "name": "Hello" })),
    ] {
        let document = format!("query($key: {noun}Key!) {{ {what}By(key: $key) {{ id }} }}");
        let id = made(&admin, noun, what, input.clone()).await;
        let field = format!("{what}By");
        assert_eq!(by(&admin, &document, json!({ "name": " Hello " })).await.data()[&field]["id"], id);
        assert_eq!(by(&admin, &document, json!({ "name": "hello" })).await.data()[&field], Json::Null);
        made(&admin, noun, what, input).await;
        assert_eq!(by(&admin, &document, json!({ "name": "Hello" })).await.code(), "CONFLICT");
        assert_eq!(by(&admin, &document, json!({ "name": "" })).await.violations(), ["key.name"]);
    }
}

#[tokio::test]
async fn channels_users_and_contacts_are_found_by_their_keys() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let id = made(&admin, "Channel", "channel", json!({ "username": "proof_news", "category": "tech" })).await;
    for username in ["@Proof_News", "https://t.me/s/proof_news", "tg://resolve?domain=proof_news", "proof_news.t.me"] {
        assert_eq!(by(&operator, CHANNEL, json!({ "username": username })).await.data()["channelBy"]["id"], id);
    }
    assert_eq!(by(&operator, CHANNEL, json!({ "username": "other_news" })).await.data()["channelBy"], Json::Null);
    assert_eq!(by(&operator, CHANNEL, json!({ "username": "t.me/+abc" })).await.violations(), ["key.username"]);
    for number in [json!("7"), json!(-1_000_000_000_007_i64), json!("-9223372036854775808")] {
        assert_eq!(by(&operator, CHANNEL, json!({ "telegramId": number })).await.data()["channelBy"], Json::Null);
    }
    let user = "query($key: UserKey!) { userBy(key: $key) { username deletedAt } }";
    assert_eq!(by(&admin, user, json!({ "name": " Operator " })).await.data()["userBy"]["username"], "operator");
    assert_eq!(by(&admin, user, json!({ "name": "nobody" })).await.data()["userBy"], Json::Null);
    assert_eq!(by(&operator, user, json!({ "name": "operator" })).await.code(), "FORBIDDEN");
    let ann = lead(&admin, json!({ "email": "ann@example.com" })).await;
    let record = "mutation($input: RecordContactAttemptInput!) { recordContactAttempt(input: $input) { contactAttempt { id } } }";
    let call =
        json!({ "leadId": ann, "channel": "CALL", "status": "SUCCESS", "provider": "desk", "providerRef": "call-7" });
    let call =
        admin.data(record, json!({ "input": call })).await["recordContactAttempt"]["contactAttempt"]["id"].clone();
    let contact = "query($key: ContactAttemptKey!) { contactAttemptBy(key: $key) { id } }";
    assert_eq!(by(&admin, contact, json!({ "providerRef": "call-7" })).await.data()["contactAttemptBy"]["id"], call);
    assert_eq!(by(&admin, contact, json!({ "providerRef": "call-8" })).await.data()["contactAttemptBy"], Json::Null);
}

#[tokio::test]
async fn an_id_of_another_system_is_one_leads() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ann = lead(&operator, json!({ "externalId": "crm-1", "email": "ann@example.com" })).await;
    let again = create(&operator, json!({ "externalId": "crm-1", "email": "ann.new@example.com" })).await;
    assert_eq!(again.data()["createLead"], json!({ "isNew": false, "lead": { "id": ann } }));
    let bob = lead(&operator, json!({ "phone": "+4915123456789" })).await;
    let torn = create(&operator, json!({ "externalId": "crm-1", "phone": "+4915123456789" })).await;
    assert_eq!(torn.code(), "CONFLICT");
    let (ann_id, bob_id) = (ann.as_str().unwrap(), bob.as_str().unwrap());
    assert_eq!(
        torn.message(),
        format!("the phone number is that of the lead {bob_id}, the externalId that of the lead {ann_id}")
    );
    let update = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { lead { externalId } } }";
    let taken = operator.query(update, json!({ "input": { "id": bob, "externalId": "crm-1" } })).await;
    assert_eq!(taken.code(), "CONFLICT");
    assert!(taken.message().contains(ann_id) && taken.message().contains("externalId"), "{}", taken.message());
    let many = (0..10).map(|_| create(&operator, json!({ "externalId": "crm-2" })));
    let many = futures_util::future::join_all(many).await;
    assert_eq!(many.iter().filter(|reply| reply.data()["createLead"]["isNew"] == true).count(), 1);
}

#[tokio::test]
async fn lists_know_people_by_their_id_in_another_system() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ann = lead(&operator, json!({ "externalId": "crm-1", "email": "ann@example.com" })).await;
    lead(&operator, json!({ "phone": "+4915123456789" })).await;
    let list = "externalId,email,phone\n\
        crm-1,ann.new@example.com,\n\
        crm-1,,+4915123456789\n\
        crm-3,zoe@example.com,\n\
        crm-3,zoe.other@example.com,\n";
    let upload = operator.upload(list).await;
    let import = "mutation($id: ID!) { importLeads(input: { uploadId: $id }) { import { id } } }";
    let id = operator.data(import, json!({ "id": upload })).await["importLeads"]["import"]["id"].clone();
    let read = "query($id: ID!) { leadImport(id: $id) { status inserted duplicates invalid errors { line message } } }";
    let mut ended = Json::Null;
    crate::harness::eventually("the import has ended", async || {
        ended = operator.data(read, json!({ "id": id })).await["leadImport"].clone();
        ended["status"] == "COMPLETED"
    })
    .await;
    // The second line has keys of two leads: whom it means, nobody knows.
    assert_eq!((&ended["inserted"], &ended["invalid"]), (&json!(1), &json!(1)), "{ended:#}");
    let torn = operator.upload("externalId,phone\ncrm-1,+4915123456789\n").await;
    let id = operator.data(import, json!({ "id": torn })).await["importLeads"]["import"]["id"].clone();
    crate::harness::eventually("the import has ended", async || {
        ended = operator.data(read, json!({ "id": id })).await["leadImport"].clone();
        ["COMPLETED", "FAILED"].contains(&ended["status"].as_str().unwrap())
    })
    .await;
    let why = ended["errors"][0]["message"].as_str().unwrap();
    assert!(why.contains(ann.as_str().unwrap()) && why.contains("externalId"), "{ended:#}");
}

#[tokio::test]
async fn of_leads_that_shared_an_id_the_first_keeps_it_and_nothing_is_lost() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(lead(&operator, json!({ "email": format!("{n}@example.com"), "meta": { "n": n } })).await);
    }
    let db = &herald.services().db;
    for statement in [
        "DROP INDEX leads_external_id_key",
        "CREATE INDEX leads_external_id ON leads (external_id) WHERE external_id IS NOT NULL",
        "UPDATE leads SET external_id = 'crm-1' WHERE email <> '1@example.com'",
        "UPDATE leads SET external_id = 'crm-2' WHERE email = '1@example.com'",
        "DELETE FROM seaql_migrations WHERE version LIKE '%000240%'",
    ] {
        db.write_alone(Statement::from_string(db.backend(), statement)).await.unwrap();
    }
    assert_eq!(db.migrate().await.unwrap(), 1);
    let shown = "query($id: ID!) { lead(id: $id) { externalId meta version } }";
    for (n, external, meta) in [
        (0, json!("crm-1"), json!({ "n": 0 })),
        (1, json!("crm-2"), json!({ "n": 1 })),
        (2, Json::Null, json!({ "n": 2, "duplicateExternalId": "crm-1" })),
    ] {
        let lead = operator.data(shown, json!({ "id": ids[n] })).await["lead"].clone();
        assert_eq!((&lead["externalId"], &lead["meta"]), (&external, &meta), "{n}");
    }
    assert_eq!(by(&operator, LEAD, json!({ "externalId": "crm-1" })).await.data()["leadBy"]["id"], ids[0]);
}

/// How the database finds what a statement wants, when reading the whole table is the last that it would do.
async fn plan<E: EntityTrait>(herald: &TestApp, select: Select<E>) -> String {
    let db = &herald.services().db;
    let statement = &select.build(db.backend());
    let rows = db
        .write(|tx| async move {
            let explain = if tx.get_database_backend() == DatabaseBackend::Postgres {
                tx.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
                "EXPLAIN"
            } else {
                "EXPLAIN QUERY PLAN"
            };
            let (sql, values) = (format!("{explain} {}", statement.sql), statement.values.clone());
            let explained = Statement { sql, values, db_backend: statement.db_backend };
            Ok(tx.query_all_raw(explained).await?)
        })
        .await
        .unwrap();
    let column = if db.is_postgres() { 0 } else { 3 };
    rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_look_up_goes_by_an_index() {
    let herald = TestApp::api_only().await;
    for field in [Field::Email, Field::Phone, Field::ExternalId, Field::TelegramUsername] {
        let plan = plan(&herald, lead::Entity::known_as(field, "x")).await;
        assert!(plan.contains(&format!("leads_{}", field.column())), "{plan}");
    }
    let shared = lead::Model {
        email: Some("a@b.de".into()),
        phone: Some("+4915123456789".into()),
        external_id: Some("7".into()),
        ..lead::Model::new(herald.services().now())
    };
    let plan_of_all = plan(&herald, lead::Entity::sharing_keys(&shared).unwrap()).await;
    for index in ["leads_email_key", "leads_phone_key", "leads_external_id_key"] {
        assert!(plan_of_all.contains(index), "{plan_of_all}");
    }
    for (index, plan) in [
        ("channels_username_key", plan(&herald, channel::Entity::named("x")).await),
        ("account_peers_peer_id", plan(&herald, channel::Entity::numbered(7)).await),
        ("users_username_key", plan(&herald, user::Entity::any_named("x")).await),
        ("templates_name_fold", plan(&herald, template::Entity::named("x")).await),
        ("batches_name_fold", plan(&herald, batch::Entity::named("x")).await),
        ("contact_attempts_provider_ref", plan(&herald, contact_attempt::Entity::referred_to("x")).await),
    ] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
}

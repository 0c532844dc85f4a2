//! Campaigns at Instantly: made once, fed with each lead once, started, and asked for their figures.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::id::CampaignLeadId;
use domain::retention::words::{CampaignLeadStatus, ContactChannel, LeadStatus, RetentionCampaignStatus};
use graphql::engine::id::GlobalId;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use service::Actor;
use service::retention::{blocked, instantly_keep};
use storage::retention::lists::{Channels, Texts};
use storage::retention::{campaign, campaign_lead, instantly_lead, lead};

use crate::harness::{TestApp, eventually};
use crate::providers::{Catcher, Caught, assert_allowed};
use crate::retention::engine::email;
use crate::retention::{person, rows};

const SYNC: &str =
    "mutation($id: ID!, $key: String) { syncRetentionCampaign(input: { id: $id, idempotencyKey: $key }) {
    pushed remaining timeZone campaign { instantlyCampaignId } analytics { emailsSent } } }";
const THERE: &str = "019ffad2-9b9d-70ff-a76b-0e093eb63e6c";

/// Instantly, as far as a campaign needs it.
pub async fn workspace() -> Catcher {
    Catcher::start(|request: &Caught| match request.path.as_str() {
        "/api/v2/campaigns/analytics" => (200, json!([{ "campaign_id": THERE, "emails_sent_count": 7 }])),
        "/api/v2/leads/list" => (200, json!({ "items": [{ "id": THERE, "email": "lead0@example.com" }] })),
        "/api/v2/leads/add" => (200, json!({ "status": "success", "created_leads": [] })),
        _ => (200, json!({ "id": THERE })),
    })
    .await
}

/// A campaign that goes by Instantly, with leads; the last of them wants no emails.
pub async fn campaign(herald: &TestApp, time_zone: &str) -> Json {
    let on = herald.services();
    let row = campaign::Model {
        channels: Channels(vec![ContactChannel::Email]),
        contact_hours_start: Some(9 * 60),
        contact_hours_end: Some(24 * 60),
        time_zone: Some(time_zone.into()),
        instantly_sync: true,
        email_sequence: Texts(vec!["Subject: Hello {{firstName}}\nHow are you?\nWe miss you.".into()]),
        ..rows::campaign(on.now())
    };
    let (now, id) = (row.created_at, row.id);
    let mut leads = Vec::new();
    for n in 0..3 {
        let change = |lead: &mut lead::Model| {
            lead.first_name = Some("Ann".into());
            lead.email = Some(format!("lead{n}-{}@example.com", id.0.simple()));
            lead.status = LeadStatus::InProgress;
            (lead.no_email, lead.time_zone) = (n == 2, None);
        };
        leads.push(person(on, "ann", change).await);
    }
    let (row, leads) = (&row, &leads);
    on.db
        .write(|tx| async move {
            row.clone().into_active_model().insert(&*tx).await?;
            for lead in leads {
                let assigned = campaign_lead::Model {
                    id: CampaignLeadId::generate(),
                    campaign_id: id,
                    lead_id: *lead,
                    status: CampaignLeadStatus::Pending,
                    assigned_at: now,
                    completed_at: None,
                };
                assigned.into_active_model().insert(&*tx).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    json!(id.global())
}

#[tokio::test]
async fn a_campaign_is_made_there_once_and_each_lead_is_added_once() {
    let there = workspace().await;
    let herald = TestApp::with(&["--instantly-url", &there.url]).await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let id = campaign(&herald, "Europe/Berlin").await;
    assert_eq!(operator.query(SYNC, json!({ "id": id })).await.code(), "PRECONDITION_FAILED");
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
    let account =
        json!({ "apiKey": "a key of some length", "webhookSecret": "a webhook secret", "accounts": ["a@example.com"] });
    admin.data(save, json!({ "input": { "instantly": account } })).await;
    let synced = operator.data(SYNC, json!({ "id": id, "key": "k" })).await["syncRetentionCampaign"].clone();
    let expected = json!({ "pushed": 2, "remaining": 0, "timeZone": "Europe/Belgrade",
        "campaign": { "instantlyCampaignId": THERE }, "analytics": { "emailsSent": 7 } });
    assert_eq!(synced, expected);
    let repeated = operator.data(SYNC, json!({ "id": id, "key": "k" })).await["syncRetentionCampaign"].clone();
    assert_eq!(repeated, expected, "the same request has the same answer");
    let again = operator.data(SYNC, json!({ "id": id })).await["syncRetentionCampaign"].clone();
    assert_eq!((&again["pushed"], &again["remaining"]), (&json!(0), &json!(0)));
    let paths: Vec<_> = there.caught().into_iter().map(|request| request.path).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/api/v2/campaigns").count(), 1, "{paths:?}");
    assert_eq!(paths.iter().filter(|path| *path == "/api/v2/leads/add").count(), 1, "{paths:?}");
    let made = there.caught()[0].json();
    let step = &made["sequences"][0]["steps"][0]["variants"][0];
    assert_eq!(step, &json!({ "subject": "Hello {{firstName}}", "body": "How are you?<br/>We miss you." }));
    assert_allowed("instantly.json", &there);

    let pacific = campaign(&herald, "America/Los_Angeles").await;
    let refused = operator.query(SYNC, json!({ "id": pacific })).await;
    assert!(refused.message().contains("America/Los_Angeles"), "{refused:?}");
}

const SAVE: &str = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";

/// A Herald that speaks to that Instantly.
async fn set_up(there: &Catcher) -> TestApp {
    let herald = TestApp::with(&["--instantly-url", &there.url]).await;
    let account = json!({ "apiKey": "a key of some length", "webhookSecret": "a webhook secret" });
    herald.admin().await.data(SAVE, json!({ "input": { "instantly": account } })).await;
    herald
}

/// The row of a campaign, changed past the API.
async fn change(herald: &TestApp, id: &Json, change: impl Fn(&mut campaign::Model) + Sync) -> campaign::Model {
    let on = herald.services();
    let all = campaign::Entity::find().all(on.db.reader()).await.unwrap();
    let row = all.into_iter().find(|row| json!(row.id.global()) == *id).unwrap();
    let (row, change) = (&row, &change);
    on.system_write(|w| async move {
        let mut new = row.clone();
        change(&mut new);
        w.replace(row, new).await
    })
    .await
    .unwrap()
}

/// The requests since the last ones, as methods and paths.
fn since(there: &Catcher, seen: &mut usize) -> Vec<String> {
    let all = there.caught();
    let new = all[*seen..].iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    *seen = all.len();
    new
}

#[tokio::test]
async fn what_changes_here_is_brought_there_once() {
    let there = workspace().await;
    let herald = set_up(&there).await;
    let (operator, on) = (herald.operator().await, herald.services());
    let id = campaign(&herald, "Europe/Berlin").await;
    operator.data(SYNC, json!({ "id": id })).await;
    let mut seen = there.caught().len();
    instantly_keep::campaigns(on).await.unwrap();
    assert_eq!(since(&there, &mut seen), Vec::<String>::new(), "it knows all of it");

    let path = |rest: &str| format!("/api/v2/campaigns/{THERE}{rest}");
    change(&herald, &id, |row| row.status = RetentionCampaignStatus::Paused).await;
    instantly_keep::campaigns(on).await.unwrap();
    instantly_keep::campaigns(on).await.unwrap();
    let told = since(&there, &mut seen);
    assert!(!told.is_empty() && told.iter().all(|one| *one == format!("POST {}", path("/pause"))), "{told:?}");

    change(&herald, &id, |row| {
        row.status = RetentionCampaignStatus::Active;
        row.email_sequence = Texts(vec!["Subject: New\nWords.".into(), "Subject: More\nWords.".into()]);
    })
    .await;
    instantly_keep::campaigns(on).await.unwrap();
    eventually("it runs again, with other words", async || {
        let told: Vec<String> =
            there.caught()[seen..].iter().map(|request| format!("{} {}", request.method, request.path)).collect();
        let changed = told.iter().position(|one| *one == format!("PATCH {}", path("")));
        let activated = told.iter().position(|one| *one == format!("POST {}", path("/activate")));
        changed.is_some() && changed < activated
    })
    .await;
    assert!(
        there
            .caught()
            .iter()
            .any(|request| request.method == "PATCH" && request.json()["sequences"][0]["steps"][1].is_object())
    );
    assert_allowed("instantly.json", &there);
}

#[tokio::test]
async fn it_is_told_where_to_tell_until_it_knows_and_again_when_the_secret_is_another() {
    static IS_BUSY: AtomicBool = AtomicBool::new(true);
    let hook = json!({ "id": THERE, "name": "Herald", "status": -1 });
    let there = Catcher::start(move |request: &Caught| match (request.method.as_str(), request.path.as_str()) {
        (_, "/api/v2/campaigns/analytics") => (200, json!([])),
        ("POST", "/api/v2/webhooks") if IS_BUSY.load(Ordering::SeqCst) => (503, json!({})),
        ("GET", "/api/v2/webhooks") if IS_BUSY.load(Ordering::SeqCst) => (200, json!({ "items": [] })),
        ("GET", "/api/v2/webhooks") => (200, json!({ "items": [hook] })),
        (_, "/api/v2/leads/add") => (200, json!({ "status": "success", "created_leads": [] })),
        _ => (200, json!({ "id": THERE })),
    })
    .await;
    let herald = set_up(&there).await;
    let (operator, on) = (herald.operator().await, herald.services());
    let id = campaign(&herald, "Europe/Berlin").await;
    assert_eq!(operator.query(SYNC, json!({ "id": id })).await.code(), "PRECONDITION_FAILED");
    let paths = || since(&there, &mut 0);
    let activated = format!("POST /api/v2/campaigns/{THERE}/activate");
    assert!(!paths().contains(&activated), "nobody would hear of what comes of it: {:?}", paths());
    let mut seen = there.caught().len();
    IS_BUSY.store(false, Ordering::SeqCst);
    operator.data(SYNC, json!({ "id": id })).await;
    let told = since(&there, &mut seen);
    let at = |wanted: &str| told.iter().position(|one| one == wanted).unwrap_or_else(|| panic!("{wanted} in {told:?}"));
    let patched = format!("PATCH /api/v2/webhooks/{THERE}");
    assert!(at(&patched) < at(&format!("POST /api/v2/webhooks/{THERE}/resume")) && at(&patched) < at(&activated));
    instantly_keep::campaigns(on).await.unwrap();
    assert_eq!(since(&there, &mut seen), Vec::<String>::new(), "it knows all of it");

    let account = json!({ "apiKey": "a key of some length", "webhookSecret": "another webhook secret" });
    herald.admin().await.data(SAVE, json!({ "input": { "instantly": account } })).await;
    instantly_keep::campaigns(on).await.unwrap();
    let last = there.caught().into_iter().rfind(|request| request.method == "PATCH").unwrap().json();
    assert_eq!(last["headers"], json!({ "x-herald-secret": "another webhook secret" }));
    assert_allowed("instantly.json", &there);
}

#[tokio::test]
async fn a_campaign_is_held_there_before_it_is_deleted() {
    static IS_AWAY: AtomicBool = AtomicBool::new(true);
    let there = Catcher::start(|request: &Caught| match request.path.as_str() {
        path if path.ends_with("/pause") && IS_AWAY.load(Ordering::SeqCst) => (503, json!({})),
        "/api/v2/campaigns/analytics" => (200, json!([])),
        "/api/v2/leads/add" => (200, json!({ "status": "success", "created_leads": [] })),
        _ => (200, json!({ "id": THERE })),
    })
    .await;
    let herald = set_up(&there).await;
    let operator = herald.operator().await;
    let id = campaign(&herald, "Europe/Berlin").await;
    operator.data(SYNC, json!({ "id": id })).await;
    // Paused, and deleted before anybody has told Instantly.
    change(&herald, &id, |row| row.status = RetentionCampaignStatus::Paused).await;
    let delete = "mutation($id: ID!) { deleteRetentionCampaign(input: { id: $id }) { deletedId } }";
    let refused = operator.query(delete, json!({ "id": id })).await;
    assert_eq!(refused.code(), "PRECONDITION_FAILED");
    assert!(refused.message().contains("would go on writing"), "{refused:?}");
    let mut seen = there.caught().len();
    IS_AWAY.store(false, Ordering::SeqCst);
    operator.data(delete, json!({ "id": id })).await;
    assert!(since(&there, &mut seen).contains(&format!("POST /api/v2/campaigns/{THERE}/pause")));
}

#[tokio::test]
async fn who_has_bought_was_taken_out_or_is_gone_is_taken_out_there() {
    let there = workspace().await;
    let herald = set_up(&there).await;
    let (operator, on) = (herald.operator().await, herald.services());
    let id = campaign(&herald, "Europe/Berlin").await;
    operator.data(SYNC, json!({ "id": id })).await;
    instantly_keep::leads(on).await.unwrap();
    let removed =
        || there.caught().into_iter().filter(|request| request.path == "/api/v2/leads/list").collect::<Vec<_>>();
    assert!(removed().is_empty(), "all of them belong there");
    let rows = instantly_lead::Entity::find().all(on.db.reader()).await.unwrap();
    assert_eq!(rows.len(), 2);
    let bought = rows[0].lead_id;
    let convert = on.system_write(|w| async move {
        let lead = w.require(bought).await?;
        service::retention::effects::convert(on, &w, lead).await
    });
    convert.await.unwrap();
    service::retention::lead::delete(on, &Actor::system(), rows[1].lead_id).await.unwrap();
    instantly_keep::leads(on).await.unwrap();
    instantly_keep::leads(on).await.unwrap();
    let mut asked: Vec<Json> =
        removed().iter().flat_map(|one| one.json()["contacts"].as_array().unwrap().clone()).collect();
    asked.sort_by_key(ToString::to_string);
    asked.dedup();
    let mut expected: Vec<Json> = rows.iter().map(|row| json!(row.email)).collect();
    expected.sort_by_key(ToString::to_string);
    assert_eq!(asked, expected);
    assert!(there.caught().iter().any(|request| request.method == "DELETE" && request.path == "/api/v2/leads"));
    assert!(instantly_lead::Entity::find().all(on.db.reader()).await.unwrap().is_empty());
    assert_allowed("instantly.json", &there);
}

#[tokio::test]
async fn no_lead_is_added_without_a_text_and_steps_that_would_never_go_out_are_refused() {
    let there = workspace().await;
    let herald = set_up(&there).await;
    let (operator, on) = (herald.operator().await, herald.services());
    let id = campaign(&herald, "Europe/Berlin").await;
    let row = change(&herald, &id, |row| row.email_sequence = Texts(Vec::new())).await;
    let synced = operator.data(SYNC, json!({ "id": id })).await["syncRetentionCampaign"].clone();
    assert_eq!((&synced["pushed"], &synced["remaining"]), (&json!(0), &json!(0)), "{synced}");
    assert!(there.caught().iter().all(|request| request.path != "/api/v2/leads/add"));

    let script = rows::script(ContactChannel::Email, on.now());
    let by = script.id;
    rows::insert::<storage::retention::script::Entity, _>(on, vec![script]).await;
    let sequence = async |emails: usize| {
        let new = service::retention::sequence::New {
            name: "Welcome back".into(),
            description: None,
            channels: Vec::new(),
            trigger: domain::retention::words::TriggerType::Manual,
            config: domain::retention::trigger::TriggerConfig::default(),
            campaign: Some(row.id),
            audience: domain::retention::words::SequenceAudience::Open,
            steps: (0..emails).map(|_| email(by, 1)).collect(),
        };
        let made = service::retention::sequence::create(on, &Actor::system(), new).await.unwrap();
        service::retention::sequence::activate(on, &Actor::system(), made.id).await
    };
    let refused = sequence(2).await.unwrap_err().to_string();
    assert!(refused.contains("one email"), "{refused}");
    assert!(sequence(1).await.is_ok());
    let texts = service::retention::campaign::Fields {
        email_sequence: Some(vec!["Subject: Hi\nthere".into()]),
        ..service::retention::campaign::Fields::default()
    };
    let system = Actor::system();
    let update = service::retention::campaign::update(on, &system, row.id, texts, None, None);
    let refused = update.await.unwrap_err().to_string();
    assert!(refused.contains("emailSequence"), "{refused}");
}

#[tokio::test]
async fn who_wants_no_emails_is_put_on_its_block_list_once() {
    let instantly = workspace().await;
    let herald = TestApp::with(&["--instantly-url", &instantly.url]).await;
    let on = herald.services();
    let unwilling = person(on, "unwilling", |row| row.no_email = true).await;
    person(on, "closed", |row| row.status = LeadStatus::DoNotContact).await;
    person(on, "willing", |row| row.no_sms = true).await;
    blocked::tell(on).await.unwrap();
    assert!(instantly.caught().is_empty(), "it is not set up");
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
    let account = json!({ "apiKey": "a key of some length", "webhookSecret": "a webhook secret" });
    herald.admin().await.data(save, json!({ "input": { "instantly": account } })).await;
    for _ in 0..2 {
        blocked::tell(on).await.unwrap();
    }
    let told = |caught: &Caught| caught.path == "/api/v2/block-lists-entries";
    let told: Vec<Caught> = instantly.caught().into_iter().filter(told).collect();
    assert_allowed("instantly.json", &instantly);
    let mut addresses: Vec<Json> = told.iter().map(|request| request.json()["bl_value"].clone()).collect();
    addresses.sort_by_key(ToString::to_string);
    assert_eq!(addresses, ["closed@example.org", "unwilling@example.org"]);
    // The note goes with the lead.
    service::retention::lead::delete(on, &Actor::system(), unwilling).await.unwrap();
}

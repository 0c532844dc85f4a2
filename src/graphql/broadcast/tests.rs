//! Campaigns and jobs through the API, from creation to cancellation; nobody sends here.

use async_graphql::Request;
use futures_util::StreamExt;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value as Json, json};

use crate::engine::context::Caller;
use crate::engine::execution::{Event, Execution};
use crate::prelude::*;
use domain::role::Role;
use service::access::session::{self, Session};
use service::access::user::{self, NewUser};
use service::testing::{self, Fixture};
use service::{Actor, Services};
use storage::broadcast::batch_channel;

const PASSWORD: &str = "a password of some length";

struct Api {
    fixture: Fixture,
    execution: Execution,
    admin: Session,
}

impl Api {
    async fn new() -> Self {
        let fixture = Fixture::new(20).await;
        let execution = Execution::new(fixture.services.clone());
        let admin = sign_in(&fixture.services, "admin", Role::Admin).await;
        Self { fixture, execution, admin }
    }

    /// The data of an answer without errors.
    async fn ask(&self, document: &str) -> Json {
        let answer = self.answer(&self.admin, document).await;
        assert_eq!(answer.get("errors"), None, "{document}");
        answer["data"].clone()
    }

    async fn answer(&self, session: &Session, document: &str) -> Json {
        let caller = Caller { session: Some(session.clone()), ..Caller::default() };
        serde_json::to_value(self.execution.run(Request::new(document), caller).await).unwrap()
    }

    /// All that a subscription tells until it completes.
    async fn watch(&self, document: &str) -> Vec<Json> {
        let caller = Caller { session: Some(self.admin.clone()), ..Caller::default() };
        let stream = self.execution.stream(Request::new(document), caller);
        let told = stream.map(|event| match event {
            Event::Encoded(text) => serde_json::from_str(&text).unwrap(),
            Event::Next(response) | Event::Failed(response) => serde_json::to_value(response).unwrap(),
        });
        let told = told.collect();
        tokio::time::timeout(std::time::Duration::from_secs(20), told).await.expect("it completes")
    }

    /// A batch of `channels` channels and a template; their ids, as arguments.
    async fn audience(&self, channels: usize) -> String {
        let (services, admin) = (&self.fixture.services, self.admin.user.id);
        let now = services.now();
        let batch = testing::batch(admin, channels, now);
        let template = testing::template("Hello, {{ channel_name }}! {{ offer }}", now);
        let ids = format!(r#"batchId: "{}", templateId: "{}""#, *batch.id.global(), *template.id.global());
        let (batch, template) = (&batch, &template);
        let insert = services.db.write(|tx| async move {
            let tx = &*tx;
            batch.clone().into_active_model().insert(tx).await?;
            template.clone().into_active_model().insert(tx).await?;
            for number in 0..channels {
                let channel = testing::channel(&format!("channel_{number:03}"), now);
                let member = batch_channel::Model { batch_id: batch.id, channel_id: channel.id };
                channel.into_active_model().insert(tx).await?;
                member.into_active_model().insert(tx).await?;
            }
            Ok(())
        });
        insert.await.unwrap();
        ids
    }

    async fn create(&self, name: &str, audience: &str) -> Result<String, Json> {
        let document = format!(
            r#"mutation {{ createBroadcastCampaign(input: {{ name: "{name}", {audience}, mode: LIVE, deliveryRate: 60,
                params: {{ offer: "20 %" }} }}) {{ campaign {{ id }} }} }}"#
        );
        let answer = self.answer(&self.admin, &document).await;
        let id = answer["data"]["createBroadcastCampaign"]["campaign"]["id"].as_str().map(ToOwned::to_owned);
        id.ok_or_else(|| answer["errors"].clone())
    }

    async fn act(&self, verb: &str, id: &str) -> Json {
        let field = format!("{verb}BroadcastCampaign");
        let document = format!(r#"mutation {{ {field}(input: {{ id: "{id}" }}) {{ campaign {{ status }} }} }}"#);
        let answer = self.answer(&self.admin, &document).await;
        match answer["data"][&field]["campaign"]["status"].clone() {
            Json::Null => answer["errors"][0]["extensions"]["code"].clone(),
            status => status,
        }
    }
}

async fn sign_in(services: &Services, name: &str, role: Role) -> Session {
    let new = NewUser { username: name.into(), password: PASSWORD.to_owned().into(), role };
    user::create(services, &Actor::system(), new).await.unwrap();
    let tokens = session::login(services, &Actor::anonymous(None), name, PASSWORD.into()).await.unwrap();
    session::resume(services, &tokens.access, None).await.unwrap()
}

#[tokio::test]
async fn a_campaign_from_its_creation_to_its_end() {
    let api = Api::new().await;
    let audience = api.audience(30).await;
    let id = api.create("Autumn", &audience).await.unwrap();
    let document = format!(
        r#"{{ broadcastCampaign(id: "{id}") {{ name status mode progress totalJobs deliveryRate retryLimit testLimit
            params content isSimulated createdBy {{ username }} batch {{ id }} template {{ id }}
            counters {{ total queued }} jobs(first: 2) {{ totalCount nodes {{ position status channel {{ id }}
                campaign {{ name }} explanation {{ reason until }} }} }} }} }}"#
    );
    let shown = api.ask(&document).await["broadcastCampaign"].clone();
    assert_eq!((&shown["status"], &shown["progress"], &shown["totalJobs"]), (&json!("QUEUED"), &json!(0), &json!(30)));
    assert_eq!((&shown["retryLimit"], &shown["testLimit"]), (&json!(3), &json!(20)));
    assert_eq!((&shown["createdBy"], &shown["content"]), (&json!({ "username": "admin" }), &Json::Null));
    assert_eq!(shown["counters"], json!({ "total": 0, "queued": 0 }));
    assert_eq!(shown["jobs"], json!({ "totalCount": 0, "nodes": [] }));

    assert_eq!(api.act("pause", &id).await, "PRECONDITION_FAILED");
    assert_eq!(api.act("start", &id).await, "RUNNING");
    assert_eq!(api.act("start", &id).await, "PRECONDITION_FAILED");
    let shown = api.ask(&document).await["broadcastCampaign"].clone();
    assert_eq!(shown["content"], "Hello, {{ channel_name }}! {{ offer }}");
    assert_eq!(shown["counters"], json!({ "total": 30, "queued": 30 }));
    assert_eq!(shown["jobs"]["totalCount"], 30);
    let job = &shown["jobs"]["nodes"][1];
    assert_eq!(
        (&job["position"], &job["status"], &job["campaign"]["name"]),
        (&json!(2), &json!("QUEUED"), &json!("Autumn"))
    );
    assert_eq!(job["explanation"]["reason"], "PACING");
    assert!(job["explanation"]["until"].is_string());

    assert_eq!(api.act("pause", &id).await, "PAUSED");
    let shown = api.ask(&document).await["broadcastCampaign"].clone();
    assert_eq!(shown["jobs"]["nodes"][0]["explanation"], json!({ "reason": "PAUSED", "until": null }));
    assert_eq!(api.act("resume", &id).await, "RUNNING");
    assert_eq!(api.act("cancel", &id).await, "CANCELLED");
    let shown = api.ask(&document).await["broadcastCampaign"].clone();
    assert_eq!((&shown["progress"], &shown["totalJobs"]), (&json!(30), &json!(30)));
    assert_eq!(shown["jobs"]["nodes"][0]["explanation"], Json::Null);
    let delete = format!(r#"mutation {{ deleteBroadcastCampaign(input: {{ id: "{id}" }}) {{ deletedId }} }}"#);
    assert_eq!(api.ask(&delete).await["deleteBroadcastCampaign"]["deletedId"], id);
    assert_eq!(api.ask(&document).await["broadcastCampaign"], Json::Null);
}

#[tokio::test]
async fn both_streams_of_a_running_campaign_end_with_it() {
    let api = Api::new().await;
    let audience = api.audience(5).await;
    let id = api.create("Autumn", &audience).await.unwrap();
    api.act("start", &id).await;
    let progress = format!(
        r#"subscription {{ broadcastCampaignProgress(id: "{id}") {{ campaignId version status total queued sending sent
            failed cancelled unknown ratePerMinute etaSeconds at }} }}"#
    );
    let updates = |after: &str| {
        format!(
            r#"subscription {{ jobUpdates(campaignId: "{id}"{after}) {{ cursor job {{ id status attempts errorMessage
                channel {{ id }} }} }} }}"#
        )
    };
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        api.act("cancel", &id).await
    };
    let from_the_start = updates("");
    let (told, jobs, _) = tokio::join!(api.watch(&progress), api.watch(&from_the_start), cancel);
    let told: Vec<&Json> = told.iter().map(|event| &event["data"]["broadcastCampaignProgress"]).collect();
    assert_eq!((&told[0]["status"], &told[0]["queued"]), (&json!("RUNNING"), &json!(5)));
    assert!(told[0]["etaSeconds"].as_i64().is_some_and(|left| (5..=6).contains(&left)), "{}", told[0]);
    let last = told.last().unwrap();
    assert_eq!((&last["status"], &last["cancelled"]), (&json!("CANCELLED"), &json!(5)));
    assert!(told.is_sorted_by_key(|event| event["version"].as_i64()));

    let jobs: Vec<&Json> = jobs.iter().map(|event| &event["data"]["jobUpdates"]).collect();
    assert_eq!(jobs.len(), 10, "queued, then cancelled");
    assert!(jobs.iter().all(|update| update["job"]["channel"]["id"].is_string()));
    let middle = jobs[6]["cursor"].as_str().unwrap();
    let rest = api.watch(&updates(&format!(r#", after: "{middle}""#))).await;
    let rest: Vec<&Json> = rest.iter().map(|event| &event["data"]["jobUpdates"]).collect();
    assert_eq!(rest, jobs[7..]);
    let ended = api.watch(&progress).await;
    assert_eq!(ended.len(), 1, "its state, and that is all");

    let wrong = api.watch(&updates(r#", after: "nonsense""#)).await;
    assert_eq!(wrong[0]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let unknown = domain::id::BroadcastCampaignId::generate().global();
    let wrong = format!(r#"subscription {{ broadcastCampaignProgress(id: "{}") {{ version }} }}"#, *unknown);
    assert_eq!(api.watch(&wrong).await[0]["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn campaigns_are_found_by_what_they_are() {
    let api = Api::new().await;
    let audience = api.audience(3).await;
    for name in ["Осень 100%", "Winter_sale", "Winter sale"] {
        api.create(name, &audience).await.unwrap();
    }
    let names = async |arguments: &str| -> Vec<String> {
        let document = format!("{{ broadcastCampaigns{arguments} {{ nodes {{ name }} }} }}");
        let answer = api.ask(&document).await;
        let nodes = answer["broadcastCampaigns"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["Winter sale", "Winter_sale", "Осень 100%"], "newest first");
    assert_eq!(names("(orderBy: { field: NAME })").await, ["Winter sale", "Winter_sale", "Осень 100%"]);
    assert_eq!(names(r#"(filter: { nameContains: "wINTER" })"#).await.len(), 2);
    assert_eq!(names(r#"(filter: { nameContains: "R_S" })"#).await, ["Winter_sale"], "no wild cards");
    assert_eq!(names(r#"(filter: { nameContains: "0%" })"#).await, ["Осень 100%"]);
    assert_eq!(names(r#"(filter: { nameContains: "Осень" })"#).await, ["Осень 100%"]);
    assert_eq!(names("(filter: { statuses: [RUNNING] })").await.len(), 0);
    assert_eq!(names("(filter: { statuses: [QUEUED, RUNNING], mode: LIVE })").await.len(), 3);
    assert_eq!(names(r#"(filter: { createdBefore: "2020-01-01T00:00:00Z" })"#).await.len(), 0);
    let batch = audience.split('"').nth(1).unwrap();
    assert_eq!(names(&format!(r#"(filter: {{ batchId: "{batch}" }})"#)).await.len(), 3);
    let wrong = format!(r#"{{ broadcastCampaigns(filter: {{ templateId: "{batch}" }}) {{ totalCount }} }}"#);
    let answer = api.answer(&api.admin, &wrong).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn jobs_are_paged_filtered_and_counted() {
    let api = Api::new().await;
    let audience = api.audience(7).await;
    let (one, other) = (api.create("One", &audience).await.unwrap(), api.create("Other", &audience).await.unwrap());
    for id in [&one, &other] {
        api.act("start", id).await;
    }
    let jobs = async |arguments: &str| {
        let document = format!(
            "{{ broadcastCampaign(id: \"{one}\") {{ jobs{arguments} {{ totalCount nodes {{ id position channel {{ id }} }}
                pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        api.ask(&document).await["broadcastCampaign"]["jobs"].clone()
    };
    let positions = |jobs: &Json| -> Vec<i64> {
        jobs["nodes"].as_array().unwrap().iter().map(|job| job["position"].as_i64().unwrap()).collect()
    };
    let first = jobs("(first: 3)").await;
    assert_eq!((positions(&first), &first["totalCount"]), (vec![1, 2, 3], &json!(7)));
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(positions(&jobs(&format!(r#"(first: 9, after: "{cursor}")"#)).await), [4, 5, 6, 7]);
    assert_eq!(positions(&jobs("(last: 2)").await), [6, 7]);
    assert_eq!(positions(&jobs("(first: 2, orderBy: { field: POSITION, direction: DESC })").await), [7, 6]);
    let job = first["nodes"][1]["id"].as_str().unwrap();
    let cancel = format!(r#"mutation {{ cancelJob(input: {{ id: "{job}" }}) {{ job {{ status }} }} }}"#);
    assert_eq!(api.ask(&cancel).await["cancelJob"]["job"]["status"], "CANCELLED");
    let cancelled = jobs("(filter: { statuses: [CANCELLED, CANCELLED, FAILED] })").await;
    assert_eq!((positions(&cancelled), &cancelled["totalCount"]), (vec![2], &json!(1)));
    let channel = first["nodes"][2]["channel"]["id"].as_str().unwrap();
    let to_one = jobs(&format!(r#"(filter: {{ channelId: "{channel}" }})"#)).await;
    assert_eq!((positions(&to_one), &to_one["totalCount"]), (vec![3], &json!(1)));

    let root = format!(r#"{{ jobs(filter: {{ channelId: "{channel}", statuses: [QUEUED] }}) {{ totalCount }} }}"#);
    assert_eq!(api.ask(&root).await["jobs"]["totalCount"], 2, "of both campaigns");
    let many = "{ broadcastCampaigns { nodes { jobs(first: 1, orderBy: { field: CREATED_AT, direction: DESC }) {
        totalCount nodes { position } } } } }";
    let many = api.ask(many).await;
    let each = json!({ "jobs": { "totalCount": 7, "nodes": [{ "position": 7 }] } });
    assert_eq!(many["broadcastCampaigns"]["nodes"], json!([each, each]));
    let retry = format!(r#"mutation {{ retryJob(input: {{ id: "{job}" }}) {{ job {{ status }} }} }}"#);
    assert_eq!(api.ask(&retry).await["retryJob"]["job"]["status"], "QUEUED");
    let again = api.answer(&api.admin, &retry).await;
    assert_eq!(again["errors"][0]["extensions"]["code"], "PRECONDITION_FAILED");
}

#[tokio::test]
async fn wrong_input_is_told_at_once_and_an_operator_runs_campaigns_but_no_single_jobs() {
    let api = Api::new().await;
    let audience = api.audience(1).await;
    let document = format!(
        r#"mutation {{ createBroadcastCampaign(input: {{ name: " ", {audience}, deliveryRate: 0, retryLimit: 101,
            testLimit: 0 }}) {{ campaign {{ id }} }} }}"#
    );
    let answer = api.answer(&api.admin, &document).await;
    let violations = answer["errors"][0]["extensions"]["violations"].as_array().unwrap();
    let fields: Vec<&str> = violations.iter().map(|violation| violation["path"][1].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "deliveryRate", "retryLimit", "testLimit"]);
    let wrong = format!(
        r#"mutation {{ createBroadcastCampaign(input: {{ name: "x", {audience}, params: [1] }}) {{ campaign {{ id }} }} }}"#
    );
    let answer = api.answer(&api.admin, &wrong).await;
    assert_eq!(answer["errors"][0]["extensions"]["violations"][0]["path"], json!(["input", "params"]));

    let operator = sign_in(&api.fixture.services, "operator", Role::Operator).await;
    let auditor = sign_in(&api.fixture.services, "auditor", Role::Auditor).await;
    let id = api.create("Autumn", &audience).await.unwrap();
    let start = format!(
        r#"mutation {{ startBroadcastCampaign(input: {{ id: "{id}" }}) {{ campaign {{ status
        createdBy {{ username }} }} }} }}"#
    );
    assert_eq!(api.answer(&auditor, &start).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let started = api.answer(&operator, &start).await;
    let campaign = &started["data"]["startBroadcastCampaign"]["campaign"];
    assert_eq!(campaign, &json!({ "status": "RUNNING", "createdBy": null }), "operators see no users");
    for nonsense in ["retryJob(input: { id: 1 }) { job { id } }", "cancelJob(input: { id: 1 }) { job { id } }"] {
        let answer = api.answer(&operator, &format!("mutation {{ {nonsense} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

/// What is wrong with a mutation, by the ways to it.
async fn wrong(api: &Api, mutation: &str) -> Vec<String> {
    let answer = api.answer(&api.admin, &format!("mutation {{ {mutation} }}")).await;
    let violations = answer["errors"][0]["extensions"]["violations"].as_array().cloned().unwrap_or_default();
    let path = |one: &Json| -> Vec<String> {
        one["path"].as_array().unwrap().iter().map(|step| step.as_str().unwrap().to_owned()).collect()
    };
    violations.iter().map(|one| path(one).join("/")).collect()
}

#[tokio::test]
async fn a_wrong_id_hides_nothing_else_that_is_wrong() {
    let api = Api::new().await;
    let campaign = "createBroadcastCampaign(input: { name: \" \", batchId: \"x\", templateId: \"y\", deliveryRate: 0,
        telegramAccountIds: [\"z\"], params: [1] }) { campaign { id } }";
    let all = ["batchId", "templateId", "params", "telegramAccountIds/0", "name", "deliveryRate"];
    assert_eq!(wrong(&api, campaign).await, all.map(|field| format!("input/{field}")));
    for (mutation, expected) in [
        (
            "createBatch(input: { name: \"\", channelIds: [\"x\", \"y\"] }) { batch { id } }",
            vec!["channelIds/0", "channelIds/1", "name"],
        ),
        (
            "createBatch(input: { name: \"\", filter: { ids: [\"x\"] } }) { batch { id } }",
            vec!["filter/ids/0", "name"],
        ),
        ("createBatch(input: { name: \"\", filter: {}, all: true }) { batch { id } }", vec!["all", "name"]),
        ("updateBatch(input: { id: \"x\", name: \"\" }) { batch { id } }", vec!["id", "name"]),
        (
            "createTemplate(input: { name: \"\", content: \"x\", mediaUploadId: \"y\" }) { template { id } }",
            vec!["mediaType", "mediaUploadId", "name"],
        ),
        (
            "addBatchChannels(input: { batchId: \"x\", channelIds: [\"y\"], idempotencyKey: \"\" }) { added }",
            vec!["channelIds/0", "batchId", "idempotencyKey"],
        ),
        ("startBroadcastCampaign(input: { id: \"x\" }) { campaign { id } }", vec!["id"]),
        ("deleteChannel(input: { id: \"x\" }) { deletedId }", vec!["id"]),
        (
            "createRetentionSequence(input: { name: \"\", campaignId: \"x\", steps: [{ channel: EMAIL, delayValue: -1 },
                { channel: SMS, scriptId: \"y\" }] }) { sequence { id } }",
            vec!["campaignId", "steps/1/scriptId", "name", "steps/0/delayValue"],
        ),
    ] {
        let mut found = wrong(&api, mutation).await;
        let mut expected: Vec<String> = expected.into_iter().map(|field| format!("input/{field}")).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{mutation}");
    }
    assert_eq!(api.ask("{ batches { totalCount } }").await["batches"]["totalCount"], 0, "nothing was written");
    // Its neighbour in the document has nothing to do with it.
    let two = "mutation { a: updateBatch(input: { id: \"x\" }) { batch { id } }
        b: createTemplate(input: { name: \"n\", content: \"x\" }) { template { name } } }";
    let answer = api.answer(&api.admin, two).await;
    assert_eq!(answer["data"], json!({ "a": null, "b": { "template": { "name": "n" } } }));
}

//! Batches: filled by ids and by filters, counted right whatever happens at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};

use ::service::Actor;
use ::service::access::user;
use ::service::broadcast::batch as service;
use ::service::tasks;
use domain::audit::Action;
use domain::id::BatchId;
use domain::role::Role;
use domain::task::{TaskKind, TaskStatus};
use futures_util::future::join_all;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use serde_json::{Value as Json, json};
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::{batch as rows, batch_channel};
use storage::{Noun, task};

use tokio_util::sync::CancellationToken;

use super::{batch, campaign, channel, channels, template};
use crate::delivery::fixture::{Office, names};
use crate::harness::{Client, TestApp, eventually};

const CREATE: &str = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
const ADD: &str =
    "mutation($batch: ID!, $ids: [ID!]!) { addBatchChannels(input: { batchId: $batch, channelIds: $ids }) {
    added batch { channelCount version } } }";
const REMOVE: &str = "mutation($batch: ID!, $ids: [ID!]!) {
    removeBatchChannels(input: { batchId: $batch, channelIds: $ids }) { removed batch { channelCount } } }";
const DELETE: &str = "mutation($id: ID!) { deleteBatch(input: { id: $id }) { deletedId batch { name } } }";

async fn count_batches(by: &Client) -> Json {
    by.data("{ batches { totalCount } }", json!({})).await["batches"]["totalCount"].clone()
}

#[tokio::test]
async fn a_batch_is_made_of_ids_or_of_what_a_filter_finds() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "made", 4).await;
    channel(&admin, json!({ "username": "unlike", "category": "other" })).await;
    let twice: Vec<&Json> = ids.iter().chain(&ids[..2]).collect();
    let by_ids = batch(&admin, json!({ "name": " Mine ", "channelIds": twice })).await;
    assert_eq!((&by_ids["name"], &by_ids["channelCount"], &by_ids["version"]), (&json!("Mine"), &json!(4), &json!(1)));
    assert_eq!(by_ids["createdBy"]["username"], "admin");
    let filter = json!({ "category": "tech", "usernameContains": "made_00", "isActive": true });
    assert_eq!(batch(&admin, json!({ "name": "found", "filter": filter })).await["channelCount"], 4);
    assert_eq!(batch(&admin, json!({ "name": "all", "filter": {} })).await["channelCount"], 5);
    assert_eq!(batch(&admin, json!({ "name": "none" })).await["channelCount"], 0);

    let both = json!({ "name": "", "channelIds": ids, "filter": {}, "description": "x".repeat(2_001) });
    let mut violations = admin.query(CREATE, json!({ "input": both })).await.violations();
    violations.sort_unstable();
    assert_eq!(violations, ["input.description", "input.filter", "input.name"]);
    let batches = count_batches(&admin).await;
    let delete = "mutation($id: ID!) { deleteChannel(input: { id: $id }) { deletedId } }";
    let gone = channel(&admin, json!({ "username": "gone_one", "category": "x" })).await;
    admin.data(delete, json!({ "id": gone })).await;
    let unknown = json!({ "name": "x", "channelIds": [ids[0], gone] });
    assert_eq!(admin.query(CREATE, json!({ "input": unknown })).await.code(), "NOT_FOUND");
    let nonsense = json!({ "name": "x", "channelIds": [ids[0], "nonsense", by_ids["id"]] });
    let reply = admin.query(CREATE, json!({ "input": nonsense })).await;
    assert_eq!(reply.violations(), ["input.channelIds.1", "input.channelIds.2"]);
    assert_eq!(count_batches(&admin).await, batches);
}

#[tokio::test]
async fn a_batch_is_changed_and_shown() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let ids = channels(&operator, "shown", 3).await;
    let made = batch(&operator, json!({ "name": "shown", "description": "x", "channelIds": ids })).await;
    let update = "mutation($input: UpdateBatchInput!) { updateBatch(input: $input) {
        batch { name description version } } }";
    let input = json!({ "id": made["id"], "name": "new", "description": null });
    let changed = operator.data(update, json!({ "input": input })).await["updateBatch"]["batch"].clone();
    assert_eq!(changed, json!({ "name": "new", "description": null, "version": 2 }));
    let read = r#"query($id: ID!) { batch(id: $id) {
        all: channels(first: 2) { totalCount nodes { username } pageInfo { hasNextPage } }
        some: channels(filter: { usernameContains: "_001" }) { totalCount nodes { username } }
        campaigns { totalCount } } }"#;
    let shown = operator.data(read, json!({ "id": made["id"] })).await["batch"].clone();
    assert_eq!((&shown["all"]["totalCount"], &shown["all"]["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    assert_eq!(shown["some"], json!({ "totalCount": 1, "nodes": [{ "username": "shown_001" }] }));
    let node = "query($id: ID!) { node(id: $id) { ... on Batch { name } } }";
    assert_eq!(operator.data(node, json!({ "id": made["id"] })).await["node"]["name"], "new");
    let found = operator.data(r#"{ batches(filter: { nameContains: "NE" }) { totalCount } }"#, json!({})).await;
    assert_eq!(found["batches"]["totalCount"], 1);
}

#[tokio::test]
async fn the_count_is_exact_however_many_change_a_batch_at_the_same_time() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "exact", 24).await;
    let made = batch(&admin, json!({ "name": "exact", "channelIds": ids[..8] })).await["id"].clone();
    // Each of 16 is added twice at the same time, and each of the first 8 removed twice.
    let changes = (0..16).flat_map(|n| {
        let add = admin.data(ADD, json!({ "batch": made, "ids": [ids[8 + n], ids[8 + (n + 1) % 16]] }));
        let remove = admin.data(REMOVE, json!({ "batch": made, "ids": [ids[n % 8]] }));
        [futures_util::FutureExt::boxed(add), futures_util::FutureExt::boxed(remove)]
    });
    let changes = join_all(changes.collect::<Vec<_>>()).await;
    let sum =
        |field: &str, word: &str| -> i64 { changes.iter().filter_map(|change| change[field][word].as_i64()).sum() };
    assert_eq!((sum("addBatchChannels", "added"), sum("removeBatchChannels", "removed")), (16, 8));
    let read = "query($id: ID!) { batch(id: $id) { channelCount version
        channels(filter: { isActive: true }) { totalCount } } }";
    let read = admin.data(read, json!({ "id": made })).await["batch"].clone();
    let effective = |change: &&Json| {
        [("addBatchChannels", "added"), ("removeBatchChannels", "removed")]
            .iter()
            .any(|(field, word)| change[field][word].as_i64() > Some(0))
    };
    let version = 1 + changes.iter().filter(effective).count();
    assert_eq!(read, json!({ "channelCount": 16, "version": version, "channels": { "totalCount": 16 } }));
    let unknown = admin.query(ADD, json!({ "batch": ids[0], "ids": [ids[0]] })).await;
    assert_eq!(unknown.violations(), ["input.batchId"]);
}

#[tokio::test]
async fn a_batch_in_use_stays() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "inuse", 1).await;
    let made = batch(&admin, json!({ "name": "used", "channelIds": ids })).await["id"].clone();
    let message = template(&admin, "Hi").await;
    for _ in 0..2 {
        campaign(&admin, &made, &message).await;
    }
    let reply = admin.query(DELETE, json!({ "id": made })).await;
    assert_eq!(reply.code(), "PRECONDITION_FAILED");
    assert_eq!(reply.message(), "the batch is used by 2 campaigns, such as \"Spring\"");
    let free = batch(&admin, json!({ "name": "free", "channelIds": ids })).await["id"].clone();
    let deleted = admin.data(DELETE, json!({ "id": free })).await["deleteBatch"].clone();
    assert_eq!(deleted, json!({ "deletedId": free, "batch": { "name": "free" } }));
    assert_eq!(count_batches(&admin).await, 1);
}

/// Twelve thousand channels: more than SQLite puts into a batch in one transaction.
async fn twelve_thousand(herald: &TestApp) -> Actor {
    let admin = herald.admin().await;
    let list = (0..12_000).map(|n| format!(r#"{{"username":"many_{n}","category":"many"}}"#));
    let list = list.collect::<Vec<_>>().join("\n");
    let upload = admin.upload(list).await;
    let import = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let import = admin.data(import, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    let read = "query($id: ID!) { channelImport(id: $id) { status } }";
    eventually("all are there", async || {
        admin.data(read, json!({ "id": import })).await["channelImport"]["status"] == "COMPLETED"
    })
    .await;
    let admin = user::named(herald.services(), user::FIRST).await.unwrap();
    Actor::user(admin.id, Role::Admin, None)
}

#[tokio::test]
async fn a_large_batch_is_there_when_it_is_whole_and_gone_at_once() {
    let herald = TestApp::api_only().await;
    let actor = twelve_thousand(&herald).await;
    let on = herald.services();
    let filter = ChannelFilter { categories: Some(vec!["many".into()]), ..ChannelFilter::default() };
    let new = |filter| service::New { name: "many".into(), filter: Some(filter), ..service::New::default() };
    let created = async |filter| {
        let service::Created { batch, task } = service::create(on, &actor, new(filter)).await.unwrap();
        let task = task.expect("they are many").id;
        eventually("it is whole", async || {
            task::Entity::get(on.db.reader(), task).await.unwrap().status == TaskStatus::Completed
        })
        .await;
        rows::Entity::get(on.db.reader(), batch.id).await.unwrap()
    };
    let made = created(filter.clone()).await;
    assert_eq!((made.channel_count, made.version), (12_000, 1));
    let members = async |id: BatchId| batch_channel::Entity::of(id).count(on.db.reader()).await.unwrap();
    assert_eq!(members(made.id).await, 12_000);

    // As a crash leaves one that was being filled or emptied.
    let interrupted = created(filter).await;
    let mut row = interrupted.clone().into_active_model();
    row.version = Set(rows::UNFINISHED);
    // On PostgreSQL another process may still be at one that is young.
    row.created_at = Set(interrupted.created_at - chrono::TimeDelta::hours(2));
    let row = &row;
    on.db.write(|tx| async move { Ok(row.clone().update(&*tx).await?) }).await.unwrap();
    let admin = herald.admin().await;
    assert_eq!(count_batches(&admin).await, 1);
    service::undo_interrupted(on).await.unwrap();
    assert_eq!(members(interrupted.id).await, 0);
    assert!(rows::Entity::find_by_id(interrupted.id).one(on.db.reader()).await.unwrap().is_none());

    let (_, task) = service::delete(on, &actor, made.id).await.unwrap();
    assert_eq!((count_batches(&admin).await, task.unwrap().kind), (json!(0), TaskKind::DeleteBatch));
    eventually("it is gone", async || members(made.id).await == 0).await;
}

/// What a campaign will have to send follows the batch until it starts.
#[tokio::test]
async fn a_campaign_counts_the_active_channels_of_its_batch_before_its_start() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "count", 3).await;
    let audience = batch(&admin, json!({ "name": "all", "channelIds": ids })).await["id"].clone();
    let message = template(&admin, "Hi").await;
    let first = campaign(&admin, &audience, &message).await;
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let test = json!({ "name": "try", "batchId": audience, "templateId": message, "mode": "TEST", "testLimit": 4 });
    admin.data(create, json!({ "input": test })).await;
    let list = "{ broadcastCampaigns(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { totalJobs } } }";
    let counted = async || {
        let list = admin.data(list, json!({})).await;
        let nodes = list["broadcastCampaigns"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["totalJobs"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [3, 3]);
    let more = channels(&admin, "later", 3).await;
    admin.data(ADD, json!({ "batch": audience, "ids": more })).await;
    let off = "mutation($id: ID!) { updateChannel(input: { id: $id, isActive: false }) { channel { id } } }";
    admin.data(off, json!({ "id": ids[0] })).await;
    assert_eq!(counted().await, [5, 4]);
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { totalJobs } } }";
    assert_eq!(admin.data(start, json!({ "id": first })).await["startBroadcastCampaign"]["campaign"]["totalJobs"], 5);
    admin.data(off, json!({ "id": ids[1] })).await;
    assert_eq!(counted().await, [5, 4], "what has started stays as it is");
}

#[tokio::test]
async fn only_an_admin_lets_a_batch_reach_persons() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let operator = herald.operator().await;
    let create = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id allowPrivate } } }";
    let made = async |by: &Client, allow: Json| {
        by.query(create, json!({ "input": { "name": "x", "allowPrivate": allow } })).await
    };
    assert_eq!(made(&operator, json!(true)).await.code(), "FORBIDDEN");
    let plain = made(&operator, Json::Null).await.data()["createBatch"]["batch"].clone();
    assert_eq!(plain["allowPrivate"], false);
    assert_eq!(made(&admin, json!(true)).await.data()["createBatch"]["batch"]["allowPrivate"], true);
    let update = "mutation($input: UpdateBatchInput!) { updateBatch(input: $input) { batch { name allowPrivate } } }";
    let allow = json!({ "input": { "id": plain["id"], "allowPrivate": true } });
    assert_eq!(operator.query(update, allow.clone()).await.code(), "FORBIDDEN");
    assert_eq!(admin.data(update, allow).await["updateBatch"]["batch"]["allowPrivate"], true);
    let renamed = json!({ "input": { "id": plain["id"], "name": "y", "allowPrivate": true } });
    assert_eq!(operator.data(update, renamed).await["updateBatch"]["batch"]["name"], "y", "it changes nothing of it");
}

/// Seventy channels in a batch, which is filled by a task that was cut off after some of them.
async fn half_filled() -> (Office, BatchId) {
    let mut office = Office::open().await;
    office.batch(&names("many", 70)).await;
    office.rule(|rules| rules.at_once = 20);
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    let inserts = AtomicUsize::new(0);
    on.db = on.db.watched(move |sql| {
        if sql.starts_with("INSERT INTO batch_channels") && inserts.fetch_add(1, Ordering::Relaxed) == 2 {
            seen.cancel();
        }
    });
    let new = service::New { name: "many".into(), filter: Some(ChannelFilter::default()), ..service::New::default() };
    let whole = async {
        service::create(&on, &office.actor, new).await.expect("it is asked for");
        tasks::run_pending(&on, &CancellationToken::new()).await.expect("gets on");
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = whole => panic!("it is cut off"),
    }
    let task = task::Entity::unfinished().one(office.on.db.reader()).await.unwrap().expect("a task");
    (office, BatchId(task.subject_id))
}

#[tokio::test]
async fn a_batch_that_a_task_fills_is_not_there_until_it_is_whole() {
    let (office, id) = half_filled().await;
    let on = &office.on;
    assert_eq!(rows::Entity::present().filter(rows::Column::Id.eq(id)).count(on.db.reader()).await.unwrap(), 0);
    let early = rows::Entity::hold(on.db.reader(), id).await.expect_err("it is not there");
    assert!(early.to_string().contains("still being filled"), "{early}");
    let other = office.another().await;
    service::undo_interrupted(&other.on).await.unwrap();
    let latest = async || tasks::latest(on, TaskKind::CreateBatch, id.0).await.unwrap().unwrap();
    eventually("it is through", async || {
        other.do_tasks().await;
        latest().await.status == TaskStatus::Completed
    })
    .await;
    let row = rows::Entity::hold(on.db.reader(), id).await.unwrap();
    assert_eq!((row.channel_count, row.version, latest().await.done), (70, 1, 70));
    assert_eq!(batch_channel::Entity::of(id).count(on.db.reader()).await.unwrap(), 70);
    assert_eq!(office.audited(Action::BatchCreated).await, 1);

    let (office, id) = half_filled().await;
    let on = &office.on;
    let task = tasks::latest(on, TaskKind::CreateBatch, id.0).await.unwrap().unwrap();
    tasks::cancel(on, &office.actor, task.id).await.expect("it is cancelled");
    office.do_tasks().await;
    assert_eq!(batch_channel::Entity::of(id).count(on.db.reader()).await.unwrap(), 0);
    assert!(rows::Entity::find_by_id(id).one(on.db.reader()).await.unwrap().is_none());
}

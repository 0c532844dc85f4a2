//! How often an operation goes to the database and back: over a line of 100 ms each trip takes as long.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::broadcast::CampaignMode;
use domain::retention::lead_field::Field;
use domain::role::Role;
use herald::app::Parts;
use serde_json::json;
use service::access::{session, user};
use service::broadcast::{batch, campaign, channel, template};
use service::retention::lead;
use service::{Actor, Services};
use storage::broadcast::channel_filter::ChannelFilter;

use crate::harness::{Cable, PASSWORD, Postgres, TestApp, only_on};

/// How much longer a trip takes: longer than what a busy machine adds to an operation.
const LINE: Duration = Duration::from_millis(400);

/// How often an operation is tried over the short line, and at most over the long one.
const NEAR: usize = 3;
const FAR: usize = 8;

/// The trips of operations at most, as the manual tells them.
const TRIPS: [(&str, usize); 6] = [
    ("viewer", 0),
    ("login", 10),
    ("createTemplate", 3),
    ("createLead", 6),
    ("createBroadcastCampaign", 9),
    ("startBroadcastCampaign", 16),
];

/// An operation takes as few trips as the manual says: they are how much longer it takes on the longer line. The shortest of
/// several counts, for beside it others use the line and the machine, and a connection that has not heard a statement yet takes a
/// trip more for it.
async fn look(cable: &Cable, name: &str, mut operation: impl AsyncFnMut()) {
    let (_, most) = TRIPS.into_iter().find(|(known, _)| *known == name).expect("it is in the table");
    // Two more are tests of connections that have rested: one for callers, one for all else.
    let most = most + 2;
    let mut near = Duration::MAX;
    for _ in 0..NEAR {
        near = near.min(time(&mut operation).await);
    }
    cable.lengthen(LINE);
    let mut trips = usize::MAX;
    for _ in 0..FAR {
        let longer = time(&mut operation).await.saturating_sub(near) + LINE / 2;
        trips = trips.min(usize::try_from(longer.as_micros() / LINE.as_micros()).expect("a few trips"));
        println!("{name}: {trips} trips, or {longer:?}");
        if trips <= most {
            break;
        }
    }
    cable.lengthen(Duration::ZERO);
    assert!(trips <= most, "{name} takes {trips} trips, and may take {most}");
}

async fn time(operation: &mut impl AsyncFnMut()) -> Duration {
    let began = Instant::now();
    operation().await;
    began.elapsed()
}

fn some(on: &Services, batch: domain::id::BatchId, template: domain::id::TemplateId) -> campaign::New {
    campaign::New {
        name: format!("campaign at {}", on.now()),
        description: None,
        batch,
        template,
        params: BTreeMap::default(),
        mode: CampaignMode::Live,
        delivery_rate: 60,
        retry_limit: 3,
        test_limit: 20,
        scheduled_at: None,
        accounts: vec![],
        account_failover: false,
    }
}

#[tokio::test]
async fn heavy_operations_go_to_the_database_as_seldom_as_the_manual_says() {
    if !only_on(Postgres, "there is no way to SQLite") {
        return;
    }
    let (herald, cable) = TestApp::behind_a_cable(Parts { api: true, worker: false }).await;
    let on = herald.services();
    let admin = user::named(on, user::FIRST).await.unwrap();
    let actor = &Actor::user(admin.id, Role::Admin, None);
    let client = herald.admin().await;
    for n in 0..10 {
        let new = channel::Fields { username: Some(format!("trips_{n:03}")), ..channel::Fields::default() };
        channel::create(on, actor, new, None).await.unwrap();
    }
    let all = batch::New { name: "all".into(), filter: Some(ChannelFilter::default()), ..batch::New::default() };
    let batch = batch::create(on, actor, all).await.unwrap().batch.id;
    let text = || template::Fields {
        name: Some("hello".into()),
        content: Some("Hello {{ username }}".into()),
        ..template::Fields::default()
    };
    let hello = template::create(on, actor, text()).await.unwrap().id;
    look(&cable, "viewer", async || drop(client.data("{ viewer { id } }", json!({})).await)).await;
    let login = async || drop(session::login(on, &Actor::anonymous(None), "admin", PASSWORD.into()).await.unwrap());
    look(&cable, "login", login).await;
    let make = async || drop(template::create(on, actor, text()).await.unwrap());
    look(&cable, "createTemplate", make).await;
    let mut number = 0;
    let make = async || {
        number += 1;
        let texts = BTreeMap::from([(Field::Email, Some(format!("trip{number}@example.com")))]);
        lead::create(on, actor, lead::Fields { texts, meta: None }).await.unwrap();
    };
    look(&cable, "createLead", make).await;
    let make = async || drop(campaign::create(on, actor, some(on, batch, hello)).await.unwrap());
    look(&cable, "createBroadcastCampaign", make).await;
    let mut waiting = Vec::new();
    for _ in 0..NEAR + FAR {
        waiting.push(campaign::create(on, actor, some(on, batch, hello)).await.unwrap().id);
    }
    let start = async || drop(campaign::start(on, actor, waiting.pop().unwrap()).await.unwrap());
    look(&cable, "startBroadcastCampaign", start).await;
}

/// What a process asks for in a second in which nothing is to be done, in trips. Some of them are no statements, but tests of
/// connections that have rested.
async fn at_rest(parts: Parts) -> f64 {
    let (herald, cable) = TestApp::behind_a_cable(parts).await;
    // The audit log is sealed, connections are open.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = cable.trips();
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let trips = u32::try_from(cable.trips() - before).expect("some trips");
    let trips = f64::from(trips) / began.elapsed().as_secs_f64();
    drop(herald);
    trips
}

#[tokio::test]
async fn a_worker_at_rest_asks_for_two_statements_a_second_at_most() {
    if !only_on(Postgres, "there is no way to SQLite") {
        return;
    }
    let trips = at_rest(Parts { api: false, worker: true }).await;
    assert!(trips <= 3.0, "{trips} trips a second");
}

//! However many rows a query shows, it takes the same few statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Request, Variables};
use herald::domain::role::Role;
use herald::graphql::context::Caller;
use herald::graphql::execution::Execution;
use herald::service::Actor;
use herald::service::access::{session, user};
use herald::service::broadcast::{batch, channel};
use serde_json::{Value as Json, json};

use crate::harness::{PASSWORD, TestApp};

/// Batches with their creators and their channels, and the batches of those: three levels.
const THREE_LEVELS: &str = "query($batches: Int!, $channels: Int!) {
    batches(first: $batches) { totalCount nodes {
        name createdBy { username } campaigns(first: 5) { totalCount nodes { name template { name } } }
        channels(first: $channels, filter: { isActive: true }) { totalCount nodes {
            username batches(first: 5) { totalCount nodes { name createdBy { username } } } } } } } }";

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_rows() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let admin = user::named(on, user::FIRST).await.unwrap();
    let actor = Actor::user(admin.id, Role::Admin, None);
    let mut channels = Vec::new();
    for n in 0..100 {
        let new = channel::New { username: format!("row_{n}"), category: "tech".into(), ..channel::New::default() };
        channels.push(channel::create(on, &actor, new).await.unwrap().id);
    }
    for n in 0..10 {
        let name = format!("batch {n}");
        let new = batch::New { name, description: None, channels: Some(channels.clone()), filter: None };
        batch::create(on, &actor, new).await.unwrap();
    }

    let counted = Arc::new(AtomicUsize::new(0));
    let mut services = on.clone();
    let seen = counted.clone();
    services.db = services.db.watched(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    // More than a client may ask for: it shows whether the number grows.
    let limits = &mut Arc::make_mut(&mut services.rules).limits.document;
    (limits.complexity, limits.nodes) = (100_000, 100_000);
    let tokens = session::login(on, &Actor::anonymous(None), user::FIRST, PASSWORD.into()).await.unwrap();
    let caller =
        Caller { session: Some(session::resume(on, &tokens.access, None).await.unwrap()), ..Caller::default() };
    let execution = Execution::new(services);
    let run = async |batches: i32, channels: i32| -> (usize, Json) {
        counted.store(0, Ordering::Relaxed);
        let variables = Variables::from_json(json!({ "batches": batches, "channels": channels }));
        let answer = execution.run(Request::new(THREE_LEVELS).variables(variables), caller.clone()).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        (counted.load(Ordering::Relaxed), serde_json::to_value(answer.data).unwrap())
    };
    let (few, _) = run(1, 10).await;
    let (many, data) = run(10, 100).await;
    let nodes = data["batches"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 10);
    for node in nodes {
        let channels = node["channels"]["nodes"].as_array().unwrap();
        assert_eq!((&node["channels"]["totalCount"], channels.len()), (&json!(100), 100));
        assert_eq!(channels[0]["batches"]["totalCount"], 10);
        assert_eq!(channels[99]["batches"]["nodes"].as_array().unwrap().len(), 5);
    }
    assert!((5..=12).contains(&few), "{few} statements for a thousandth of the rows");
    assert_eq!(few, many, "a thousand rows take as many statements as ten");
}

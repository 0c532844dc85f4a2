//! However many rows a query shows, it takes the same few statements.

use domain::role::Role;
use serde_json::json;
use service::Actor;
use service::access::user;
use service::broadcast::{batch, channel};

use crate::harness::{Counted, TestApp};

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
        let new = channel::Fields {
            username: Some(format!("row_{n}")),
            category: Some("tech".into()),
            ..channel::Fields::default()
        };
        channels.push(channel::create(on, &actor, new, None).await.unwrap().id);
    }
    for n in 0..10 {
        let name = format!("batch {n}");
        let new = batch::New { name, channels: Some(channels.clone()), ..batch::New::default() };
        batch::create(on, &actor, new).await.unwrap();
    }
    let counted = Counted::over(&herald).await;
    let run = async |batches: i32, channels: i32| {
        counted.run(THREE_LEVELS, json!({ "batches": batches, "channels": channels })).await
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

#[tokio::test]
async fn a_list_is_counted_only_where_that_is_asked() {
    let herald = TestApp::api_only().await;
    let counted = Counted::over(&herald).await;
    for list in ["channels", "users", "leads", "auditLogs"] {
        let (without, _) = counted.run(&format!("{{ {list} {{ nodes {{ id }} }} }}"), json!({})).await;
        let (with, _) = counted.run(&format!("{{ {list} {{ nodes {{ id }} totalCount }} }}"), json!({})).await;
        assert_eq!((without, with), (1, 2), "{list}");
    }
}

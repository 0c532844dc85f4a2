//! The crate `graphql_client`: types made by the compiler from the published schema and operations of every kind.

#![expect(clippy::upper_case_acronyms, reason = "scalars keep the names that they have in the schema")]

use graphql_client::{GraphQLQuery, QueryBody, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::campaign;
use crate::harness::{Client, PASSWORD, TestApp};

type DateTime = String;
type JSON = serde_json::Value;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/login.graphql")]
struct Login;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/start-broadcast-campaign.graphql")]
struct StartBroadcastCampaign;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/campaign-with-progress.graphql")]
struct CampaignWithProgress;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/campaign-with-jobs.graphql")]
struct CampaignWithJobs;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/broadcast-campaign-progress.graphql")]
struct BroadcastCampaignProgress;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/create-broadcast-campaign.graphql")]
struct CreateBroadcastCampaign;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/schema.graphql", query_path = "schema/operations/node.graphql")]
struct Node;

async fn send<Variables: Serialize, Data: DeserializeOwned>(client: &Client, body: QueryBody<Variables>) -> Data {
    let answer = client.request(reqwest::Method::POST, "/graphql").json(&body).send().await.unwrap();
    let answer: Response<Data> = answer.json().await.unwrap();
    assert!(answer.errors.is_none(), "{:?}", answer.errors);
    answer.data.unwrap()
}

#[tokio::test]
async fn graphql_client_follows_a_campaign() {
    let herald = TestApp::start().await;
    let input = login::LoginInput { username: "admin".into(), password: PASSWORD.into() };
    let session: login::ResponseData = send(&herald.nobody(), Login::build_query(login::Variables { input })).await;
    let client = herald.nobody().with_token(&session.login.unwrap().access_token);
    let id = campaign(&client, "rust").await;

    let shown = CampaignWithProgress::build_query(campaign_with_progress::Variables { id: id.clone() });
    let shown: campaign_with_progress::ResponseData = send(&client, shown).await;
    let shown = shown.broadcast_campaign.unwrap();
    let input = create_broadcast_campaign::CreateBroadcastCampaignInput {
        name: "typed".into(),
        description: None,
        batch_id: shown.batch.unwrap().id,
        template_id: shown.template.unwrap().id,
        params: Some(serde_json::json!({})),
        mode: create_broadcast_campaign::CampaignMode::LIVE,
        delivery_rate: 6_000,
        retry_limit: 3,
        test_limit: 20,
        scheduled_at: None,
        telegram_account_ids: None,
        account_failover: false,
        idempotency_key: None,
    };
    let created = CreateBroadcastCampaign::build_query(create_broadcast_campaign::Variables { input });
    let created: create_broadcast_campaign::ResponseData = send(&client, created).await;
    let id = created.create_broadcast_campaign.unwrap().campaign.id;

    let watch = BroadcastCampaignProgress::build_query(broadcast_campaign_progress::Variables { id: id.clone() });
    let watch = client.subscribe(watch.query, serde_json::to_value(watch.variables).unwrap()).await;
    let input = start_broadcast_campaign::StartBroadcastCampaignInput { id: id.clone(), idempotency_key: None };
    let start = StartBroadcastCampaign::build_query(start_broadcast_campaign::Variables { input });
    let _: start_broadcast_campaign::ResponseData = send(&client, start).await;
    let told = watch.rest().await.pop().unwrap();
    let told: broadcast_campaign_progress::ResponseData = serde_json::from_value(told).unwrap();
    assert_eq!(told.broadcast_campaign_progress.sent, 4);

    let variables = campaign_with_jobs::Variables { id: id.clone(), statuses: None, first: Some(100), after: None };
    let jobs: campaign_with_jobs::ResponseData = send(&client, CampaignWithJobs::build_query(variables)).await;
    assert_eq!(jobs.broadcast_campaign.unwrap().jobs.nodes.len(), 4);
    let found: node::ResponseData = send(&client, Node::build_query(node::Variables { id })).await;
    assert!(matches!(found.node.unwrap().on, node::NodeNodeOn::BroadcastCampaign(it) if it.name == "typed"));
}

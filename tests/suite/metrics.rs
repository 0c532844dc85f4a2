//! What Prometheus gets to see.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{TestApp, eventually};

/// Counts are whole, and what is measured is only rounded here.
#[expect(clippy::cast_possible_truncation, reason = "no count of a test is that large")]
fn whole(value: &str) -> i64 {
    value.parse::<f64>().unwrap().round() as i64
}

/// Series by their names with labels, and the metrics that have a meaning and a kind.
struct Scrape {
    series: BTreeMap<String, i64>,
    text: String,
}

impl Scrape {
    async fn of(herald: &TestApp) -> Self {
        let answer = reqwest::get(format!("{}/metrics", herald.url())).await.unwrap();
        assert_eq!(answer.status(), 200, "nobody signs in to scrape");
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        let text = answer.text().await.unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let series = lines.map(|line| line.rsplit_once(' ').unwrap());
        let series = series.map(|(name, value)| (name.to_owned(), whole(value))).collect();
        Self { series, text }
    }

    fn get(&self, name: &str) -> i64 {
        *self.series.get(name).unwrap_or_else(|| panic!("{name} is missing in\n{}", self.text))
    }

    /// The sum of all series whose names begin and end so.
    fn sum(&self, begin: &str, end: &str) -> i64 {
        self.series
            .iter()
            .filter(|(name, _)| name.starts_with(begin) && name.ends_with(end))
            .map(|(_, value)| value)
            .sum()
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let before = Scrape::of(&herald).await;
    assert_eq!(before.get("herald_database_up"), 1);
    assert!(before.get("herald_database_connections_max") >= 1);

    let channels: Vec<String> = (0..7).map(|n| format!("metered_{n}")).chain(["metered_forbidden".into()]).collect();
    for username in &channels {
        let input = json!({ "input": { "username": username, "category": "tech" } });
        admin
            .data("mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }", input)
            .await;
    }
    let made = admin
        .data(
            "mutation { createBatch(input: { name: \"all\", filter: {} }) { batch { id } }
                createTemplate(input: { name: \"hello\", content: \"Hello\" }) { template { id } } }",
            json!({}),
        )
        .await;
    let input = json!({ "input": { "name": "metered", "mode": "LIVE", "deliveryRate": 6000,
        "batchId": made["createBatch"]["batch"]["id"], "templateId": made["createTemplate"]["template"]["id"] } });
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let campaign = admin.data(create, input).await["createBroadcastCampaign"]["campaign"]["id"].clone();
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": campaign })).await;
    let watch = "subscription($id: ID!) { broadcastCampaignProgress(id: $id) { status } }";
    admin.subscribe(watch, json!({ "id": campaign })).await.rest().await;

    // The database is asked once a second only.
    eventually("the jobs are told of", async || {
        Scrape::of(&herald).await.series.get("herald_jobs{status=\"SENT\"}") == Some(&7)
    })
    .await;
    let after = Scrape::of(&herald).await;
    let risen = |name: &str| after.get(name) - before.series.get(name).copied().unwrap_or_default();
    assert_eq!(risen("herald_sends_total{outcome=\"sent\"}"), 7);
    assert_eq!(risen("herald_sends_total{outcome=\"failed\"}"), 1);
    assert!(risen("herald_send_lag_seconds_count") >= 8, "{}", after.text);
    assert_eq!(after.get("herald_jobs{status=\"FAILED\"}"), 1);
    assert_eq!(after.get("herald_senders"), 1);
    assert_eq!(after.sum("herald_graphql_request_seconds_count{", "field=\"createChannel\"}"), 8, "{}", after.text);

    herald.nobody().login("admin", "not the password").await;
    admin.query("{ nonsense }", json!({})).await;
    let later = Scrape::of(&herald).await;
    assert_eq!(later.get("herald_login_failures_total") - after.get("herald_login_failures_total"), 1);
    assert!(later.get("herald_graphql_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"}") >= 1);
    admin.query("{ nonsense", json!({})).await;
    let last = Scrape::of(&herald).await;
    assert!(last.get("herald_graphql_errors_total{code=\"GRAPHQL_PARSE_FAILED\"}") >= 1, "refusals are counted, too");
    assert!(!later.text.contains("nonsense"), "what clients make up becomes no series");
}

#[tokio::test]
async fn each_metric_says_what_it_means_and_nothing_of_anybody() {
    let herald = TestApp::api_only().await;
    herald.admin().await;
    let scrape = Scrape::of(&herald).await;
    let names = |word: &str| -> Vec<&str> {
        scrape.text.lines().filter_map(|line| line.strip_prefix(word)?.split(' ').next()).collect()
    };
    let (helped, kinds) = (names("# HELP "), names("# TYPE "));
    assert!(kinds.len() >= 10, "{}", scrape.text);
    for name in &kinds {
        assert!(name.starts_with("herald_") && helped.contains(name), "{name} has no meaning");
    }
    assert!(!scrape.text.contains("admin"), "{}", scrape.text);
}

//! What whoever runs Herald is told: of settings, of set-ups that can't work, of what is real, and of what needs a person.

use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use domain::broadcast::CampaignStatus;
use herald::app::Parts;
use reqwest::Method;
use serde_json::{Value as Json, json};
use service::alerts::{self, Alerts};
use tokio_util::sync::CancellationToken;

use crate::delivery::fixture::{Office, names};
use crate::harness::{TestApp, eventually, herald};

/// Runs a command that should refuse to start, in an empty folder.
fn refused(command: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut process = herald(command);
    process.arg(format!("--data-dir={}", folder.path().join("data").display())).args(arguments);
    for (name, value) in environment {
        if value.is_empty() {
            process.env_remove(name)
        } else {
            process.env(name, value)
        };
    }
    let Output { status, stderr, .. } = process.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_is_misspelt_or_can_not_work_does_not_start() {
    for (command, arguments, environment, told) in [
        (
            "serve",
            &[] as &[&str],
            &[("HERALD_TELEGARM", "simulated")] as &[(&str, &str)],
            "HERALD_TELEGARM: there is no such setting; HERALD_TELEGRAM?",
        ),
        ("worker", &[], &[("HERALD_FOO", "1")], "HERALD_FOO: there is no such setting"),
        ("worker", &[], &[], "DATABASE_URL: a worker alone needs the PostgreSQL that the API works on"),
        ("worker", &["--redis-url=redis://127.0.0.1:1"], &[], "DATABASE_URL: a worker alone"),
        (
            "serve",
            &["--database-url=postgres://u@127.0.0.1:1/x"],
            &[("HERALD_SECRET_KEY", "")],
            "HERALD_SECRET_KEY: it is not set, and on PostgreSQL all processes must be given the same one",
        ),
        (
            "serve",
            &[],
            &[("HERALD_SECRET_KEY", ""), ("HERALD_SECRET_KEY_BEFORE", "dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=")],
            "HERALD_SECRET_KEY_BEFORE: it is the key before HERALD_SECRET_KEY",
        ),
        (
            "serve",
            &[],
            &[("DATABASE_URL", "postgres://herald:ge/heim@db/herald")],
            "DATABASE_URL: it is no URL that can be read",
        ),
        (
            "serve",
            &[],
            &[("DATABASE_URL", "postgres://herald:12/heim@db/herald")],
            "DATABASE_URL: it is no URL that can be read",
        ),
        ("serve", &[], &[("REDIS_URL", "redis://:geheim#@db")], "REDIS_URL: it is no URL that can be read"),
    ] {
        let (status, said) = refused(command, arguments, environment);
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(told), "{said}");
        assert!(!said.contains("heim"), "no value of a secret is told: {said}");
    }
}

#[test]
fn a_database_that_is_away_is_told_with_setting_host_cause_and_cure_once() {
    let url = "--database-url=postgres://herald:geheim@127.0.0.1:1/x";
    let (status, said) = refused("serve", &[url, "--telegram=simulated"], &[]);
    assert_eq!(status, 1, "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("herald:")).collect();
    assert!(lines[0].starts_with("herald: DATABASE_URL: PostgreSQL at 127.0.0.1:1: nothing listens there"), "{said}");
    assert_eq!((lines.len(), said.matches("DATABASE_URL: PostgreSQL").count()), (1, 1), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}

async fn text(app: &TestApp, path: &str) -> (u16, String) {
    let answer = app.nobody().request(Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_worker_alone_tells_of_itself_and_is_no_api() {
    let mut app = TestApp::start().await;
    app.restart(Parts { api: false, worker: true }).await;
    assert_eq!(text(&app, "/healthz").await.0, 200);
    assert_eq!(text(&app, "/readyz").await.0, 200);
    let (status, metrics) = text(&app, "/metrics").await;
    assert_eq!(status, 200);
    for name in ["herald_sends_total", "herald_stopped", "herald_database_up 1"] {
        assert!(metrics.contains(name), "{name}");
    }
    for path in ["/graphql", "/", "/graphiql"] {
        assert_eq!(text(&app, path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn what_stands_how_and_what_waits_for_a_person_is_a_metric() {
    let app = TestApp::start().await;
    let (_, metrics) = text(&app, "/metrics").await;
    for line in [
        "herald_events_up 1",
        "herald_campaigns{status=\"PAUSED\",by=\"herald\"} 0",
        "herald_campaigns{status=\"RUNNING\",by=\"person\"} 0",
        "herald_sequences{status=\"ACTIVE\"} 0",
        "herald_accounts{status=\"BANNED\"} 0",
        "herald_needs_person{what=\"campaign_paused\"} 0",
        "herald_needs_person{what=\"jobs_unknown\"} 0",
        "herald_needs_person{what=\"account\"} 0",
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line}");
    }
}

#[tokio::test]
async fn what_is_real_is_named() {
    for (flags, is_simulated, real) in [
        (&["--providers=simulated"] as &[&str], true, json!([])),
        (&["--providers=live"], true, json!(["CALL", "EMAIL", "SMS", "WEBHOOK"])),
    ] {
        let app = TestApp::with(flags).await;
        let info = app.admin().await.data("{ serverInfo { isSimulated realChannels } }", json!({})).await["serverInfo"]
            .clone();
        let mut channels: Vec<String> = serde_json::from_value(info["realChannels"].clone()).unwrap();
        channels.sort_unstable();
        assert_eq!((&info["isSimulated"], json!(channels)), (&json!(is_simulated), real));
    }
}

#[tokio::test]
async fn a_sequence_is_activated_only_when_each_step_can_go() {
    let app = TestApp::api_only().await;
    let operator = app.operator().await;
    let create = "mutation($input: CreateRetentionSequenceInput!) { createRetentionSequence(input: $input) { sequence { id } } }";
    let step = |channel: &str| json!({ "channel": channel, "delayValue": 0, "delayUnit": "HOURS" });
    let input = json!({ "name": "x", "triggerType": "MANUAL", "steps": [step("SMS"), step("EMAIL")] });
    let id =
        operator.data(create, json!({ "input": input })).await["createRetentionSequence"]["sequence"]["id"].clone();
    let activate = "mutation($id: ID!) { activateRetentionSequence(input: { id: $id }) { sequence { status } } }";
    let reply = operator.query(activate, json!({ "id": id })).await;
    assert_eq!(reply.code(), "PRECONDITION_FAILED");
    for part in [
        "step 1 (SMS): nothing is set up for SMS",
        "step 1 (SMS): it has no script",
        "step 2 (EMAIL): nothing is set up",
        "step 2 (EMAIL): it has no script",
    ] {
        assert!(reply.message().contains(part), "{}", reply.message());
    }
}

/// What has come in at a receiver.
type Received = Arc<Mutex<Vec<Json>>>;

async fn receive(State(received): State<Received>, axum::Json(body): axum::Json<Json>) {
    received.lock().unwrap().push(body);
}

#[tokio::test]
async fn whoever_should_know_is_told_of_what_stops_by_itself_and_of_nothing_else() {
    herald::app::install_tls();
    let received = Received::default();
    let router = axum::Router::new().route("/hook", post(receive)).with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut office = Office::open().await;
    office.rule(|rules| {
        rules.alerts = Alerts { emails: Vec::new(), webhook: Some(url.into()) };
        rules.pause_after_failures = 3;
    });
    let stop = CancellationToken::new();
    let on = office.on.clone();
    let sealing = tokio::spawn(service::access::seal::run(on.clone(), stop.clone()));
    let telling = [0, 1].map(|_| tokio::spawn(alerts::run(on.clone(), stop.clone())));
    eventually("the place is known", async || {
        storage::access::alert::Entity::read(on.db.reader()).await.unwrap().is_some()
    })
    .await;
    let dead: Vec<String> = names("dead", 60).into_iter().map(|name| format!("{name}_forbidden")).collect();
    let id = office.campaign(&dead, 600).await;
    let worker = office.worker();
    office.start(id).await;
    office.until(id, CampaignStatus::Paused).await;
    service::stop::stop_all(&on, &office.actor, "a wrong link").await.unwrap();
    service::stop::resume_all(&on, &office.actor).await.unwrap();
    eventually("all is told", async || received.lock().unwrap().len() >= 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told: Vec<Json> = received.lock().unwrap().iter().map(|body| body["action"].clone()).collect();
    assert_eq!(told, [json!("CAMPAIGN_PAUSED"), json!("EVERYTHING_STOPPED"), json!("EVERYTHING_RESUMED")]);
    let first = received.lock().unwrap()[0]["text"].as_str().unwrap().to_owned();
    assert!(first.starts_with("A campaign has paused by itself: "), "{first}");
    worker.stop().await;
    stop.cancel();
    for task in telling.into_iter().chain([sealing]) {
        task.await.unwrap();
    }
    server.abort();
}

//! The demonstration, as somebody who has just got Herald sees it.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::{Client, PASSWORD, Sqlite, TestApp, eventually, herald, only_on, within};

fn command(data_dir: &Path) -> Command {
    let mut command = herald("demo");
    command.env("HERALD_DATA_DIR", data_dir);
    // It is embedded, whatever its user has set for a server of his own.
    command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing").env("REDIS_URL", "redis://127.0.0.1:1");
    command
}

fn demo(data_dir: &Path) -> Output {
    command(data_dir).arg("--exit").output().unwrap()
}

/// One that goes on serving; it is killed when the test ends.
struct Serving {
    child: Child,
    told: Vec<String>,
}

impl Serving {
    /// Reads until it says that it goes on.
    fn start(data_dir: &Path) -> Self {
        let mut child = command(data_dir).stdout(Stdio::piped()).spawn().unwrap();
        let mut told = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            told.push(line.unwrap());
            if told.last().is_some_and(|line| line.starts_with("Herald serves until")) {
                return Self { child, told };
            }
        }
        panic!("it ended with {:?}: {}", child.wait(), told.join("\n"))
    }

    /// The address of the thing of this name in its tour.
    fn address(&self, name: &str) -> &str {
        let line = self.told.iter().rev().find(|line| line.trim_start().starts_with(name));
        line.and_then(|line| line.split_whitespace().last())
            .unwrap_or_else(|| panic!("{name}: {}", self.told.join("\n")))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The house is left open: what the tour names is there, and moves.
async fn assert_tour(mut serving: Serving) {
    let base = serving.address("overview").strip_suffix("/#/").unwrap().to_owned();
    let api = Client::new(base.clone()).sign_in("demo", PASSWORD).await;
    let id = |name: &str| serving.address(name).rsplit('/').next().unwrap().to_owned();
    let status = "query($id: ID!) { broadcastCampaign(id: $id) { status counters { sent } } }";
    let shown = api.data(status, json!({ "id": id("shown") })).await["broadcastCampaign"].take();
    assert_eq!(shown["status"], "COMPLETED");
    let running = async || api.data(status, json!({ "id": id("running") })).await["broadcastCampaign"].take();
    assert_eq!(running().await["status"], "RUNNING");
    let before = running().await["counters"]["sent"].as_i64().unwrap();
    eventually("it sends on", async || running().await["counters"]["sent"].as_i64().unwrap() > before).await;
    let sequences = "{ retentionSequences(filter: { statuses: [ACTIVE] }) { nodes {
        steps { stepOrder executionCounts { status count } } } } }";
    within(Duration::from_mins(1), "leads come and are written to", async || {
        let flying = api.data(sequences, json!({})).await["retentionSequences"]["nodes"].take();
        let counts = flying[0]["steps"][0]["executionCounts"].as_array().cloned().unwrap_or_default();
        let has_sent = counts.iter().any(|of| of["status"] == "SENT" && of["count"].as_i64() > Some(1));
        if has_sent { Ok(()) } else { Err(flying) }
    })
    .await;
    for name in ["overview", "leads", "reports", "audit"] {
        let page = serving.address(name).rsplit("#/").next().unwrap();
        let key = if page.is_empty() { "'':".to_owned() } else { format!("{page}:") };
        let pages = include_str!("../../src/http/assets/dashboard/app.js");
        assert!(pages.lines().any(|line| line.trim_start().starts_with(&key)), "{page}");
    }
    let sequence =
        api.data("query($id: ID!) { retentionSequence(id: $id) { status } }", json!({ "id": id("sequence") })).await;
    assert_eq!(sequence["retentionSequence"]["status"], "ACTIVE");
    let pid = rustix::process::Pid::from_child(&serving.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(serving.child.wait().unwrap().success(), "it ends in order");
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Each channel's messages in the ledger, by what is written in them; no random id may be there twice.
fn accepted(data_dir: &Path) -> HashMap<(String, String), usize> {
    let ledger = std::fs::read_to_string(data_dir.join("simulated.jsonl")).unwrap();
    let (mut messages, mut ids) = (HashMap::new(), HashSet::new());
    for line in ledger.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        assert!(ids.insert(line["randomId"].to_string()), "{line}");
        let campaign = line["text"].as_str().unwrap().lines().last().unwrap().to_owned();
        *messages.entry((campaign, line["username"].as_str().unwrap().to_owned())).or_default() += 1;
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_a_campaign_as_often_as_one_likes() {
    if !only_on(Sqlite, "a demonstration never uses another database") {
        return;
    }
    // If this fails, another process has it: that is as good.
    let _busy = TcpListener::bind("127.0.0.1:8080");
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path());
    let (shown, errors) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{shown}\n{errors}");
    for part in [
        "127.0.0.1:8080 is in use by another process",
        "admin, with the password of HERALD_ADMIN_PASSWORD",
        "1,509 lines: 1,500 new channels, 3 known already, 6 not understood",
        "line 40: username: a username has only",
        "| Здравствуйте, Новости Казани!",
        "2 s for the account: all sends stop",
        "3 s for this channel; others go on",
        "USERNAME_NOT_OCCUPIED: deactivated",
        "CHAT_WRITE_FORBIDDEN",
        "a duplicate: it had been accepted",
        "accepted now: it had not arrived",
        "none was accepted in the 2 s since",
        "The server has ended in order.",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    let messages = accepted(folder.path());
    assert_eq!(messages.len(), 1_490);
    assert!(messages.values().all(|count| *count == 1));

    let serving = Serving::start(folder.path());
    let shown = serving.told.join("\n");
    assert!(shown.contains("demo, with the password of HERALD_ADMIN_PASSWORD"), "{shown}");
    assert!(shown.contains("1,509 lines: 0 new channels, 1,503 known already, 6 not understood"), "{shown}");
    assert_tour(serving).await;
    let messages = accepted(folder.path());
    assert!(messages.len() > 2 * 1_490 && messages.values().all(|count| *count == 1));
}

#[tokio::test]
async fn it_says_in_one_line_why_it_cannot_be_shown() {
    let app = TestApp::api_only().await;
    let output = demo(&app.data_dir());
    let told = text(output.stderr);
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with("herald: HERALD_DATA_DIR: another herald uses the folder"), "{told}");

    let output = herald("demo").env("HERALD_LISTEN", "somewhere").output().unwrap();
    let told = text(output.stderr);
    assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
}

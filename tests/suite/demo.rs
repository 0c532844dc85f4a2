//! The demonstration, as somebody who has just got Herald sees it.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use serde_json::Value as Json;

use crate::harness::{Sqlite, TestApp, herald, only_on};

fn demo(data_dir: &Path) -> Output {
    let mut command = herald("demo");
    command.arg("--exit").env("HERALD_DATA_DIR", data_dir);
    // It is embedded, whatever its user has set for a server of his own.
    command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing").env("REDIS_URL", "redis://127.0.0.1:1");
    command.output().unwrap()
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

#[test]
fn it_shows_a_campaign_as_often_as_one_likes() {
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

    let output = demo(folder.path());
    let (shown, errors) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{shown}\n{errors}");
    assert!(shown.contains("demo, with the password of HERALD_ADMIN_PASSWORD"), "{shown}");
    assert!(shown.contains("1,509 lines: 0 new channels, 1,503 known already, 6 not understood"), "{shown}");
    let messages = accepted(folder.path());
    assert_eq!(messages.len(), 2 * 1_490);
    assert!(messages.values().all(|count| *count == 1));
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

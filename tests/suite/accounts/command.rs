//! Accounts and keys from the command line.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::telegram::TelegramServer;
use crate::harness::{Database, KEY, Process, eventually, herald, npm};

/// Runs a command with the key of the data folder, and this on its standard input; returns whether it went well, and what it
/// said.
pub fn run_command(folder: &std::path::Path, telegram: &TelegramServer, words: &[&str], input: &str) -> (bool, String) {
    let mut command: Command = herald(words[0]);
    command.env_remove("HERALD_SECRET_KEY").args(&words[1..]).arg(format!("--data-dir={}", folder.display()));
    command.args(["--telegram=live", "--telegram-api-id=1", "--log=warn"]);
    command.arg(format!("--telegram-server={}", telegram.address()));
    finish(command, input)
}

/// Runs a command with this on its standard input; returns whether it went well, and what it said.
pub fn finish(mut command: Command, input: &str) -> (bool, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_stored_listed_and_sealed_under_a_new_key() {
    let telegram = TelegramServer::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let session = telegram.session_string(0);
    let run = |words: &[&str], input: &str| run_command(folder.path(), &telegram, words, input);
    let (well, said) = run(&["telegram", "add", "main", "--messages-per-minute=7"], &format!("{session}\n"));
    assert!(well && said.contains("main was added") && said.contains("..0000"), "{said}");
    let (well, said) = run(&["telegram", "add", "other"], "nonsense\n");
    assert!(!well && said.contains("mutilated") && said.trim().lines().count() == 1, "{said}");
    let key = std::fs::read(folder.path().join("secret.key")).unwrap();

    let (well, said) = run(&["secrets", "rotate"], "");
    assert!(well && said.contains("2 secrets are encrypted") && said.contains("Access tokens"), "{said}");
    assert_ne!(std::fs::read(folder.path().join("secret.key")).unwrap(), key);
    assert!(!folder.path().join("secret.key.before").exists());
    let (well, said) = run(&["telegram", "check"], "");
    assert!(well && said.contains("Telegram lets it in"), "{said}");
    let (well, said) = run(&["telegram", "list"], "");
    assert!(well && said.contains("main") && said.contains("ACTIVE") && !said.contains(&session[20..60]), "{said}");
    telegram.sign_out(0);
    let (well, said) = run(&["telegram", "check"], "");
    assert!(!well && said.contains("signed out") && said.contains("1 of 1 accounts are in trouble"), "{said}");
    assert!(telegram.accepted().is_empty(), "nothing is sent");
}

/// A fleet's key comes from the environment, and moves while both are known.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_move_from_a_key_in_the_environment_to_the_next() {
    let telegram = TelegramServer::start(1).await;
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let (one, two) = (KEY, "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE=");
    let run = |keys: &[(&str, &str)], words: &[&str], input: &str| {
        let mut command = herald(words[0]);
        command.env_remove("HERALD_SECRET_KEY").envs(keys.iter().copied()).args(&words[1..]);
        command.arg(format!("--data-dir={}", folder.path().display())).args(database.flags());
        command.args(["--telegram=live", "--telegram-api-id=1", "--log=warn"]);
        command.arg(format!("--telegram-server={}", telegram.address()));
        finish(command, input)
    };
    let (key, before) = ("HERALD_SECRET_KEY", "HERALD_SECRET_KEY_BEFORE");
    let (well, said) = run(&[(key, one)], &["telegram", "add", "main"], &format!("{}\n", telegram.session_string(0)));
    assert!(well, "{said}");
    let (well, said) = run(&[(key, two)], &["secrets", "rotate"], "");
    assert!(!well && said.contains("HERALD_SECRET_KEY_BEFORE") && said.trim().lines().count() == 1, "{said}");
    let (well, said) = run(&[(key, two)], &["telegram", "check"], "");
    assert!(!well && said.contains("belongs to another key"), "the new key alone does not open it: {said}");
    // While both are known, everything goes on.
    let both = [(key, two), (before, one)];
    let (well, said) = run(&both, &["telegram", "check"], "");
    assert!(well && said.contains("Telegram lets it in"), "{said}");
    for sealed in ["2 secrets are encrypted", "0 secrets are encrypted"] {
        let (well, said) = run(&both, &["secrets", "rotate"], "");
        assert!(well && said.contains(sealed) && said.contains("HERALD_SECRET_KEY_BEFORE can go"), "{said}");
    }
    let (well, said) = run(&[(key, two)], &["telegram", "check"], "");
    assert!(well && said.contains("Telegram lets it in"), "{said}");
    let (well, said) = run(&[(key, one)], &["telegram", "check"], "");
    assert!(!well && said.contains("belongs to another key"), "{said}");
}

/// R17: what another process holds is not connected by `check`, which says who holds it.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_another_process_holds_is_not_checked() {
    let telegram = TelegramServer::start(1).await;
    let (database, folders) = (Database::create().await, [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let server = format!("--telegram-server={}", telegram.address());
    let flags = ["--telegram=live", "--telegram-api-id=1", &server];
    let holder = Process::serve(&database, folders[0].path(), &flags);
    let admin = holder.admin().await;
    super::added(&admin, &telegram, 0).await;
    let made = super::campaigns::campaign(&admin, 40, json!({ "deliveryRate": 1 })).await;
    let id = &made.data()["createBroadcastCampaign"]["campaign"]["id"];
    super::campaigns::run(&admin, "startBroadcastCampaign", json!({ "id": id })).await.data();
    eventually("it is held", async || telegram.open_connections(0) == 1).await;
    let mut command = herald("telegram");
    // On SQLite the data folder is the holder's, and only that.
    let folder = &folders[usize::from(database.is_postgres())];
    command.arg("check").args(flags).arg(format!("--data-dir={}", folder.path().display())).args(database.flags());
    let (well, said) = finish(command, "");
    if database.is_postgres() {
        assert!(well && said.contains("in use by") && said.contains("process"), "{said}");
    } else {
        assert!(!well && said.contains("another herald uses the folder") && said.trim().lines().count() == 1, "{said}");
    }
    assert_eq!((telegram.open_connections(0), telegram.doubled_connections()), (1, 0));
}

/// The manual's block on the way to a first message, run as it stands there.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_first_message_is_as_the_manual_says() {
    let telegram = TelegramServer::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("session.txt"), telegram.session_string(0)).unwrap();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/accounts.md")).unwrap();
    let blocks: Vec<&str> = page.split("```sh\n").skip(1).collect();
    assert_eq!(blocks.len(), 1, "the page has one block of sh");
    let (block, _) = blocks[0].split_once("```").unwrap();
    assert!(block.contains("http://127.0.0.1:8080"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let block = block.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    let script = format!("trap 'kill $(jobs -p)' EXIT\n{block}");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_herald")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    for (name, _) in std::env::vars() {
        if name.starts_with("HERALD_") || name.starts_with("OTEL_") || name == "DATABASE_URL" || name == "REDIS_URL" {
            command.env_remove(name);
        }
    }
    command.args(["-eo", "pipefail", "-c", &script]).current_dir(folder.path()).env("PATH", path);
    command.env("HERALD_LISTEN", format!("127.0.0.1:{port}")).env("HERALD_TELEGRAM_SERVER", telegram.address());
    let said = npm::run(command).await;
    let accepted = telegram.accepted();
    let sent: Vec<_> = accepted.iter().map(|message| (message.username.as_str(), message.text.as_str())).collect();
    assert_eq!(sent, [("me", "Hello, telegram!")], "{said}");
}

//! The clients that frontend teams use, unmodified, on the published schema and its operations: `tests/clients`.

mod readme;
mod rust;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};
use service::access::session;
use service::access::token::{self, ACCESS_LIFETIME, Claims};

use crate::harness::npm::{self, Workshop};
use crate::harness::{Client, PASSWORD, TestApp, python};

#[tokio::test]
async fn a_strict_lint_has_nothing_to_say() {
    let Some(workshop) = Workshop::open() else { return };
    workshop.script("lint", &[]).await;
}

#[tokio::test]
async fn what_was_released_stays_until_it_has_been_deprecated_for_a_release() {
    let Some(workshop) = Workshop::open() else { return };
    workshop.script("changes", &[]).await;
    // What it would say if a field were gone that nobody has announced.
    let schema = workshop.clients().join("../../schema");
    let present = std::fs::read_to_string(schema.join("schema.graphql")).unwrap();
    let (before, after) = present.split_once("type Channel implements").unwrap();
    let (head, fields) = after.split_once('{').unwrap();
    let released = format!(
        "{before}type Channel implements{head}{{ aFieldOfTheRelease: Int\n old: Int @deprecated(reason: \"x\") {fields}"
    );
    std::fs::write(schema.join("released.graphql"), released).unwrap();
    let mut command = Command::new("npm");
    let told = command.args(["run", "--silent", "changes"]).current_dir(workshop.clients()).output().unwrap();
    let told = (told.status.success(), String::from_utf8(told.stdout).unwrap());
    assert!(!told.0 && told.1.contains("BREAKING: Channel.aFieldOfTheRelease was removed."), "{told:?}");
    assert!(told.1.contains("\nremoved: Channel.old was removed."), "{told:?}");
}

#[tokio::test]
async fn typescript_clients_are_generated_and_follow_a_campaign() {
    let Some(workshop) = Workshop::open() else { return };
    let herald = TestApp::start().await;
    workshop.script("build", &[]).await;
    for client in ["apollo", "urql", "relay", "live-list", "react"] {
        workshop.script(client, &environment(&herald.url(), &campaign(&herald.admin().await, client).await)).await;
    }
}

#[tokio::test]
async fn pythons_gql_follows_a_campaign() {
    let Some(python) = python::interpreter("python") else { return };
    let herald = TestApp::start().await;
    let mut command = Command::new(python);
    command.args(["-W", "error::DeprecationWarning"]).arg(npm::clients().join("python/gql_client.py"));
    command.envs(environment(&herald.url(), &campaign(&herald.admin().await, "python").await));
    npm::run(command).await;
}

/// The script that is there to be copied: a second run of the same name changes nothing, and a list that is none ends it.
#[tokio::test]
async fn a_script_imports_sends_and_follows_and_does_nothing_twice() {
    let Some(python) = python::interpreter("python") else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let made = "mutation { createApiToken(input: { name: \"script\", role: OPERATOR }) { token } }";
    let token = admin.data(made, json!({})).await["createApiToken"]["token"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let run = async |file: &str, list: String, category: &str| {
        let list_at = folder.path().join(file);
        std::fs::write(&list_at, list).unwrap();
        let mut command = Command::new(&python);
        command
            .arg(npm::clients().join("python/import_and_send.py"))
            .arg(list_at)
            .args([category, "--name", "nightly"]);
        command.args(["--live", "--rate", "600"]).env("HERALD_URL", herald.url()).env("HERALD_TOKEN", &token);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let list: String =
        (0..9).map(|n| json!({ "username": format!("scripted_{n}"), "category": "news" }).to_string() + "\n").collect();
    for _ in 0..2 {
        let output = run("channels.jsonl", list.clone(), "news").await;
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.lines().last().unwrap().contains("'COMPLETED', 'totalJobs': 9, 'sent': 9"), "{told}");
    }
    let campaigns = admin.data("{ broadcastCampaigns { totalCount } }", json!({})).await;
    assert_eq!(campaigns["broadcastCampaigns"]["totalCount"], 1);
    let output = run("nothing.jsonl", "no channel\n".to_owned(), "news").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), told.starts_with("the import is FAILED: ")), (Some(1), true), "{told}");
}

#[tokio::test]
async fn clients_come_back_with_a_newer_token_again_and_again() {
    let (workshop, python) = (Workshop::open(), python::interpreter("python"));
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let campaign = campaign(&admin, "renewed").await;
    let tokens = Tokens::begin(&herald, &admin).await;
    let environment = [
        ("HERALD_URL", herald.url()),
        ("HERALD_TOKEN_FILE", tokens.file().to_str().unwrap().to_owned()),
        ("HERALD_CAMPAIGN", campaign),
    ];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let node = async {
        if let Some(workshop) = &workshop {
            workshop.script("renewal", &environment).await;
        }
    };
    let python = async {
        if let Some(python) = python {
            let mut command = Command::new(python);
            command.arg(npm::clients().join("python/renewal.py")).envs(environment);
            npm::run(command).await;
        }
    };
    tokio::join!(node, python);
}

/// A file with a token of an admin's session that ends in a second or two, ever a new one.
struct Tokens {
    folder: tempfile::TempDir,
    writing: tokio::task::JoinHandle<()>,
}

impl Tokens {
    async fn begin(herald: &TestApp, admin: &Client) -> Self {
        let (on, folder) = (herald.services().clone(), tempfile::tempdir().unwrap());
        let session = session::resume(&on, admin.token(), None).await.unwrap();
        let claims = Claims { user: session.user.id, family: session.login().unwrap() };
        let write = {
            let folder = folder.path().to_owned();
            move || {
                let earlier = on.now() - ACCESS_LIFETIME + chrono::TimeDelta::milliseconds(1_500);
                let (token, _) = token::issue(&on.keys.short_lived, claims, earlier).unwrap();
                std::fs::write(folder.join("next"), token).unwrap();
                std::fs::rename(folder.join("next"), folder.join("token")).unwrap();
            }
        };
        write();
        let writing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                write();
            }
        });
        Self { folder, writing }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("token")
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

/// What a client is told: where to sign in, and which campaign to start.
fn environment<'a>(url: &'a str, campaign: &'a str) -> [(&'a str, &'a str); 3] {
    [("HERALD_URL", url), ("HERALD_PASSWORD", PASSWORD), ("HERALD_CAMPAIGN", campaign)]
}

/// A campaign to four channels that is over a second after its start; returns its id.
async fn campaign(admin: &Client, name: &str) -> String {
    let create = async |noun: &str, selection: &str, input: Json| {
        let document = format!(
            "mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ it: {selection} {{ id }} }} }}"
        );
        admin.data(&document, json!({ "input": input })).await[format!("create{noun}")]["it"]["id"].clone()
    };
    let mut channels = Vec::new();
    for n in 0..4 {
        let channel = json!({ "username": format!("{}_{n}", name.replace('-', "_")), "category": "tech" });
        channels.push(create("Channel", "channel", channel).await);
    }
    let batch = create("Batch", "batch", json!({ "name": name, "channelIds": channels })).await;
    let template = json!({ "name": name, "content": "Hello, {{ channel_name }}!" });
    let template = create("Template", "template", template).await;
    let new = json!({ "name": name, "batchId": batch, "templateId": template, "mode": "LIVE", "deliveryRate": 240 });
    create("BroadcastCampaign", "campaign", new).await.as_str().unwrap().to_owned()
}

//! The README's way from login to live progress, run as it stands there.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::harness::npm::{self, Workshop};
use crate::harness::{PASSWORD, TestApp, python};

/// The README's only block in this language, told where the server is.
fn block(language: &str, herald: &TestApp) -> String {
    let readme = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split(&format!("```{language}\n")).skip(1).collect();
    assert_eq!(blocks.len(), 1, "the README has one block of {language}");
    let (block, _) = blocks[0].split_once("```").unwrap();
    for told in ["127.0.0.1:8080", "correct horse battery"] {
        assert!(block.contains(told), "the block of {language} does not say {told}");
    }
    block.replace("http://127.0.0.1:8080", &herald.url()).replace("correct horse battery", PASSWORD)
}

#[tokio::test]
async fn the_way_from_login_to_live_progress_is_as_the_readme_says() {
    let herald = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut names = vec!["First"];
    let mut command = Command::new("bash");
    command.args(["-eo", "pipefail", "-c", &block("bash", &herald)]).current_dir(folder.path());
    npm::run(command).await;
    if let Some(workshop) = Workshop::open() {
        std::fs::write(workshop.clients().join("live.ts"), block("ts", &herald)).unwrap();
        let told = workshop.script("live", &[]).await;
        assert!(told.contains("status: 'COMPLETED'"), "{told}");
        names.push("Second");
    }
    if let Some(python) = python::interpreter() {
        let mut command = Command::new(python);
        command.args(["-c", &block("python", &herald)]);
        let told = npm::run(command).await;
        assert!(told.contains("'status': 'COMPLETED', 'sent': 100, 'total': 100"), "{told}");
        names.push("Third");
    }
    let campaigns =
        "{ broadcastCampaigns(orderBy: { field: NAME }, filter: { statuses: [COMPLETED] }) { nodes { name } } }";
    let ended = herald.admin().await.data(campaigns, json!({})).await["broadcastCampaigns"]["nodes"].clone();
    let ended: Vec<&str> = ended.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(ended, names);
}

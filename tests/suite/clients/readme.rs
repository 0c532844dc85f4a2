//! The way from login to live progress, run as it stands in the README and in the manual.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::npm::{self, Workshop};
use crate::harness::{PASSWORD, TestApp, python};

/// The only block of a page in this language, told where the server is.
fn block(page: &str, language: &str, herald: &TestApp) -> String {
    let text = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let blocks: Vec<&str> = text.split(&format!("```{language}\n")).skip(1).collect();
    assert_eq!(blocks.len(), 1, "{page} has one block of {language}");
    let (block, _) = blocks[0].split_once("```").unwrap();
    for told in ["127.0.0.1:8080", "correct horse battery"] {
        assert!(block.contains(told), "the block of {language} does not say {told}");
    }
    block.replace("http://127.0.0.1:8080", &herald.url()).replace("correct horse battery", PASSWORD)
}

fn walk(herald: &TestApp, folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &block("README.md", "bash", herald)]).current_dir(folder);
    command
}

#[tokio::test]
async fn the_way_from_login_to_live_progress_is_as_the_readme_says() {
    let herald = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut names = vec!["First"];
    // The second time does nothing twice.
    for _ in 0..2 {
        let told = npm::run(walk(&herald, folder.path())).await;
        assert!(told.contains("COMPLETED: 100 of 100"), "{told}");
    }
    if let Some(workshop) = Workshop::open() {
        std::fs::write(workshop.clients().join("live.ts"), block("src/manual/frontend.md", "ts", &herald)).unwrap();
        let told = workshop.script("live", &[]).await;
        assert!(told.contains("status: 'COMPLETED'"), "{told}");
        names.push("Second");
    }
    if let Some(python) = python::interpreter("python") {
        let mut command = Command::new(python);
        command.args(["-c", &block("src/manual/scripts.md", "python", &herald)]);
        let told = npm::run(command).await;
        assert!(told.contains("'status': 'COMPLETED', 'sent': 100, 'total': 100"), "{told}");
        names.push("Third");
    }
    let campaigns =
        "{ broadcastCampaigns(orderBy: { field: NAME }, filter: { statuses: [COMPLETED] }) { nodes { name mode } } }";
    let ended = herald.admin().await.data(campaigns, json!({})).await["broadcastCampaigns"]["nodes"].clone();
    let expected: Vec<_> = names.iter().map(|name| json!({ "name": name, "mode": "TEST" })).collect();
    assert_eq!(ended, json!(expected), "what is pasted into a real installation does no harm");
}

#[tokio::test]
async fn the_walk_of_the_readme_ends_when_something_is_wrong() {
    let herald = TestApp::api_only().await;
    let folder = tempfile::tempdir().unwrap();
    let refused = block("README.md", "bash", &herald).replace(PASSWORD, "not the password");
    let mut command = Command::new("bash");
    command.args(["-c", &refused]).current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("wrong username or password"), "{said}");
}

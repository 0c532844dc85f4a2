//! `herald doctor`, as an operator reads it.

use std::path::Path;

use serde_json::json;

use crate::harness::{TestApp, herald};

/// What it prints about an installation, and whether nothing is wrong.
fn doctor(app: &TestApp, folder: &Path, environment: &[(&str, &str)]) -> (String, bool) {
    let mut command = herald("doctor");
    // Redis is what the environment says.
    let flags = app.database().flags().into_iter().filter(|flag| !flag.starts_with("--redis-url"));
    command.arg(format!("--data-dir={}", folder.display())).args(flags);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_nothing_wrong_with_a_sound_installation_and_changes_nothing() {
    let app = TestApp::api_only().await;
    let (told, is_well) = doctor(&app, &app.data_dir(), &[]);
    assert!(is_well && told.contains("Nothing is wrong"), "{told}");
    assert!(told.contains("a herald uses it") && told.contains("migrated; a question takes"), "{told}");
    assert!(told.contains("it is the database's"), "{told}");
    let empty = tempfile::tempdir().unwrap();
    let nowhere = empty.path().join("nowhere");
    doctor(&app, &nowhere, &[]);
    assert!(!nowhere.exists(), "it makes no folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_names_what_is_wrong_and_what_to_do() {
    let app = TestApp::api_only().await;
    let stop = "mutation { stopAll(input: { reason: \"a fire drill\" }) { stop { reason } } }";
    app.admin().await.query(stop, json!({})).await;
    let other = "c29tZSBvdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXQ=";
    let environment = [
        ("HERALD_SECRET_KEY", other),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("HERALD_TELEGRAM", "live"),
        ("HERALD_TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/0"),
    ];
    let (told, is_well) = doctor(&app, &app.data_dir(), &environment);
    assert!(!is_well, "{told}");
    let line = |what: &str| told.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {told}"));
    assert!(line(" key ").starts_with("wrong") && line(" key ").contains("belongs to another key"), "{told}");
    assert!(line("Redis").starts_with("wrong") && line("Redis").contains("REDIS_URL"), "{told}");
    assert!(line("stop").starts_with("warning") && line("stop").contains("a fire drill"), "{told}");
    assert!(line("accounts").contains("herald telegram login"), "{told}");
    assert!(line("public URL").starts_with("warning"), "{told}");
    assert!(line("proxies").starts_with("warning") && line("proxies").contains("0.0.0.0/0"), "{told}");
    assert!(told.ends_with("herald: wrong: 2\n"), "{told}");
}

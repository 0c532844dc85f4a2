//! The command line, as a person meets it.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::harness::{PASSWORD, Process, TestApp, herald};

fn run(arguments: &[&str]) -> Output {
    let (command, rest) = arguments.split_first().unwrap();
    herald(command).args(rest).output().unwrap()
}

/// The command with the flags that lead to the database of `app`, which must not run on SQLite meanwhile.
fn on(app: &TestApp, arguments: &[&str], input: &str) -> (String, bool) {
    let (command, rest) = arguments.split_first().unwrap();
    let mut child = herald(command)
        .args(rest)
        .arg(format!("--data-dir={}", app.data_dir().display()))
        .args(app.database().flags())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line() {
    let output = herald("serve").env("HERALD_LISTEN", "x").output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line, "herald: HERALD_LISTEN: \"x\" is not an address such as 127.0.0.1:8080\n");
    assert_eq!(output.status.code(), Some(2));
    let output = run(&["serve", "--nonsense"]);
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().lines().count()), (Some(2), 1));
}

#[test]
fn a_password_in_an_address_that_can_not_be_read_is_not_printed() {
    for (name, url) in [
        ("DATABASE_URL", "postgres://herald:pa/ss@db/herald"),
        ("DATABASE_URL", "postgres://herald:pa#ss@db/herald"),
        ("DATABASE_URL", "postgres://herald:12?pass@db/herald"),
        ("DATABASE_URL", "postgres://herald:pass@db/herald?sslmode=perhaps"),
        ("REDIS_URL", "redis://:pa/ss@cache"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:pa/ss@traces"),
    ] {
        let output = herald("serve").env(name, url).output().unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(line.starts_with(&format!("herald: {name}: ")) && line.lines().count() == 1, "{line}");
        assert!(!line.contains("ss@") && !line.contains("://"), "{line}");
    }
}

#[test]
fn the_schema_is_printed() {
    let output = run(&["schema"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), graphql::sdl());
}

#[tokio::test]
async fn a_folder_is_for_one_process_and_an_address_too() {
    let app = TestApp::api_only().await;
    let (told, is_well) = on(&app, &["serve", "--listen=127.0.0.1:0"], "");
    assert!(!is_well && told.contains("another herald uses the folder"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");

    let folder = tempfile::tempdir().unwrap();
    let address = app.url().replace("http://", "--listen=");
    let output = herald("serve").arg(address).arg(format!("--data-dir={}", folder.path().display())).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let last = told.lines().last().unwrap_or_default();
    assert!(last.starts_with("herald: HERALD_LISTEN: ") && told.lines().count() == 2, "{told}");
}

#[tokio::test]
async fn users_are_managed_without_the_api() {
    let mut app = TestApp::api_only().await;
    app.stop().await;
    let (told, is_well) = on(&app, &["user", "create", "Anna", "--role=auditor"], "a password of Anna's\n");
    assert!(is_well && told.contains("anna was created"), "{told}");
    assert!(on(&app, &["user", "set-role", "anna", "operator"], "").1);
    assert!(on(&app, &["user", "set-password", "anna"], "another password\n").1);
    let (told, is_well) = on(&app, &["user", "set-role", "boris", "operator"], "");
    assert!(!is_well && told.ends_with("herald: user not found\n"), "{told}");
    let (list, _) = on(&app, &["user", "list"], "");
    assert!(list.contains("anna") && list.contains("OPERATOR") && list.contains("admin"), "{list}");
    let (told, _) = on(&app, &["migrate", "status"], "");
    assert!(told.contains("0 migrations are missing"), "{told}");
    app.restart(herald::app::Parts { api: true, worker: false }).await;
    app.nobody().sign_in("anna", "another password").await;
}

#[tokio::test]
async fn a_process_ends_in_order_when_it_is_told_to() {
    let app = TestApp::api_only().await;
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(app.database(), folder.path(), &[]);
    process.admin().await;
    assert!(process.terminate());
    let mut again = Process::serve(app.database(), folder.path(), &[]);
    again.admin().await;
    again.kill();
    // The lock is gone with the process, however it ended.
    let again = Process::serve(app.database(), folder.path(), &[]);
    assert!(
        app.nobody()
            .at(again.url.clone())
            .sign_in("admin", PASSWORD)
            .await
            .request(reqwest::Method::GET, "/readyz")
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

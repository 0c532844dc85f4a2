//! The command line, as a person meets it.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::delivery::crashes::{prepare, start};
use crate::delivery::fixture::names;
use crate::harness::{Client, Database, PASSWORD, Process, TestApp, eventually, herald};

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
    let (told, is_well) = on(&app, &["user", "create", "Anna", "--role=AUDITOR"], "a password of Anna's\n");
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

/// What `herald user token` prints for scripts, and what it says besides.
fn token(app: &TestApp, arguments: &[&str]) -> Result<(String, String), String> {
    let mut command = herald("user");
    command.arg("token").args(arguments).arg("--log=error").args(app.database().flags());
    let output = command.arg(format!("--data-dir={}", app.data_dir().display())).output().unwrap();
    let [told, said] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    if output.status.success() { Ok((told, said)) } else { Err(said) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_a_token_by_a_command_beside_a_running_server() {
    let app = TestApp::api_only().await;
    app.operator().await;
    let viewer = async |token: &str| {
        app.nobody().with_token(token.trim()).query("{ viewer { username role } }", serde_json::json!({})).await
    };
    let (first, said) = token(&app, &["nightly", "--role", "OPERATOR"]).unwrap();
    assert!(first.starts_with("herald_") && first.lines().count() == 1, "{first}");
    assert!(said.contains("nightly acts as OPERATOR in the name of admin"), "{said}");
    let seen = viewer(&first).await;
    assert_eq!(seen.data()["viewer"], serde_json::json!({ "username": "admin", "role": "OPERATOR" }));
    // Another name leaves it, the same name replaces it.
    let (other, _) = token(&app, &["hourly", "--role", "auditor"]).unwrap();
    let (second, said) = token(&app, &["nightly", "--role", "operator"]).unwrap();
    assert!(said.contains("the one before has ended"), "{said}");
    eventually("the first has ended", async || viewer(&first).await.0["errors"].is_array()).await;
    for token in [&second, &other] {
        assert!(viewer(token).await.data()["viewer"].is_object());
    }
    let holding = "{ apiTokens { nodes { name revokedAt } } }";
    let tokens = app.admin().await.data(holding, serde_json::json!({})).await["apiTokens"]["nodes"].clone();
    let held = tokens.as_array().unwrap().iter().filter(|token| token["revokedAt"].is_null()).count();
    assert_eq!(held, 2, "{tokens}");
    // Never above its user, and never in the name of nobody.
    let refused = token(&app, &["nightly", "--role=admin", "--user=operator"]).unwrap_err();
    assert!(refused.contains("operator is OPERATOR: a token of operator can't be ADMIN"), "{refused}");
    assert!(token(&app, &["nightly", "--user=nobody"]).unwrap_err().contains("user not found"));
    assert!(token(&app, &[" "]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_imported_beside_a_server_on_the_same_folder_unless_that_has_the_database() {
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let server = Process::serve(&database, &data, &[]);
    let channels = folder.path().join("channels.jsonl");
    std::fs::write(&channels, "{\"category\": \"beside\", \"username\": \"beside_1\"}\n").unwrap();
    let leads = folder.path().join("leads.csv");
    std::fs::write(&leads, "email\nann@example.com\n").unwrap();
    for (what, file) in [("channels", &channels), ("leads", &leads)] {
        let mut command = herald("import");
        command.arg(what).arg(file).arg(format!("--data-dir={}", data.display())).args(database.flags());
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        if database.is_postgres() {
            assert!(output.status.success() && said.contains("1 inserted"), "{said}");
            let left = std::fs::read_dir(data.join("import/uploads")).unwrap().count();
            assert_eq!(left, 0, "the copy of the list is gone");
        } else {
            assert!(!output.status.success() && said.contains("another herald uses the folder"), "{said}");
        }
    }
    drop(server);
}

#[test]
fn a_role_is_understood_as_the_api_spells_it_and_the_help_of_a_command_is_short() {
    let help = |topic: &[&str]| String::from_utf8(run(&[&["help"][..], topic].concat()).stdout).unwrap();
    let (user, serve) = (help(&["user", "create"]), help(&["serve"]));
    assert!(user.lines().count() < 30 && user.contains("--role") && user.contains("herald help settings"), "{user}");
    assert!(serve.contains("--pause-after-failures"), "{serve}");
    assert!(help(&["demo"]).contains("--listen"));
}

#[test]
fn every_command_is_in_the_manual() {
    let help = String::from_utf8(run(&["help"]).stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let page = include_str!("../../src/manual/commands.md");
    // What stands further in goes on with the line above.
    let listed = listed.filter(|line| !line.starts_with("   "));
    for command in listed.filter_map(|line| line.split_whitespace().next()) {
        assert!(page.contains(&format!("`herald {command}")) || page.contains(&format!("`{command}`")), "{command}");
    }
}

/// Its lines, and its status.
async fn followed(app: &TestApp, id: &str) -> (String, Option<i32>) {
    let mut command = herald("follow");
    command.arg(id).arg("--log=error").args(app.database().flags());
    command.arg(format!("--data-dir={}", app.data_dir().display()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_hears_by_the_status_how_it_ended() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = prepare(&admin, &names("follow", 12), 600).await;
    let following = async |id: &str| followed(&app, id).await;
    let ((told, status), ()) = tokio::join!(following(&id), start(&admin, &id));
    assert!(status == Some(0) && told.contains("COMPLETED: 12 of 12; sent 12, failed 0"), "{told}");
    let imports = admin.data("{ channelImports { nodes { id } } }", serde_json::json!({})).await;
    let import = imports["channelImports"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let (told, status) = following(&import).await;
    assert_eq!((told.as_str(), status), ("COMPLETED: 12 lines, 12 inserted, 0 known already, 0 invalid\n", Some(0)));

    let again = again(&admin, &id).await;
    start(&admin, &again).await;
    for (mutation, input, expected) in [
        ("pauseBroadcastCampaign", "PauseBroadcastCampaignInput", (3, "herald: a person has paused it\n")),
        ("cancelBroadcastCampaign", "CancelBroadcastCampaignInput", (4, "herald: it was cancelled\n")),
    ] {
        let document = format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ campaign {{ id }} }} }}");
        admin.data(&document, serde_json::json!({ "input": { "id": again } })).await;
        let (told, status) = following(&again).await;
        assert!(status == Some(expected.0) && told.ends_with(expected.1), "{told}");
    }
    let user = admin.data("{ viewer { id } }", serde_json::json!({})).await["viewer"]["id"].clone();
    for (id, why) in [("nonsense", "is no id"), (user.as_str().unwrap(), "this is the id of a User")] {
        let (told, status) = following(id).await;
        assert!(status == Some(2) && told.contains(why), "{told}");
    }
    let nobody = graphql::engine::id::encode("BroadcastCampaign", domain::id::time_sorted());
    assert_eq!(following(&nobody).await.1, Some(1));
}

/// The same campaign once more, and slowly.
async fn again(admin: &Client, id: &str) -> String {
    let of = "query($id: ID!) { broadcastCampaign(id: $id) { batch { id } template { id } } }";
    let of = admin.data(of, serde_json::json!({ "id": id })).await["broadcastCampaign"].take();
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input = serde_json::json!({
        "name": "again", "mode": "LIVE", "deliveryRate": 1,
        "batchId": of["batch"]["id"], "templateId": of["template"]["id"],
    });
    let created = admin.data(create, serde_json::json!({ "input": input })).await;
    created["createBroadcastCampaign"]["campaign"]["id"].as_str().unwrap().to_owned()
}

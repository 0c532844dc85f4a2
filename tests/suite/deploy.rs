//! The files of `src/deploy` are right: each is looked at by the program that will read it, or by what checks as that does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::harness::{Client, PASSWORD, TestApp, python, within};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// What a command says, and whether it found nothing wrong; None if there is no such program.
fn run(command: &mut Command) -> Option<(String, bool)> {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().ok()?;
    Some((String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned(), status.success()))
}

/// A program of those that the list in `tests/clients/deploy` installs.
fn tool(name: &str) -> Option<Command> {
    Some(Command::new(python::interpreter("deploy")?.with_file_name(name)))
}

/// Looks at a file with a command, and at a copy of it with a mistake: the first is right, the second is refused.
fn assert_sound(name: &str, mistake: (&str, &str), look: impl Fn(&Path) -> Option<(String, bool)>) {
    let Some((told, is_sound)) = look(&file(name)) else {
        eprintln!("skipped: nothing here reads {name}");
        return;
    };
    assert!(is_sound, "{name}: {told}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join(name);
    assert!(text(name).contains(mistake.0), "{name} has no {}", mistake.0);
    std::fs::write(&broken, text(name).replacen(mistake.0, mistake.1, 1)).unwrap();
    let (told, is_sound) = look(&broken).unwrap();
    assert!(!is_sound, "a mistake in {name} is not found: {told}");
}

#[test]
fn the_image_is_built_as_hadolint_wants_it() {
    assert_sound("Dockerfile", ("rust:1.95-bookworm", "rust"), |path| {
        run(tool("hadolint")?.arg("--no-color").arg(path))
    });
}

#[test]
fn kubernetes_takes_each_manifest() {
    assert_sound("kubernetes.yaml", ("readOnlyRootFilesystem", "readOnlyRootFileSystem"), |path| {
        run(tool("kubernetes-validate")?.arg("--strict").arg(path))
    });
}

#[test]
fn compose_takes_its_file() {
    assert_sound("compose.yaml", ("stop_grace_period", "stop_grace_time"), |path| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/deploy/compose.py");
        run(tool("python")?.arg(script).arg(path))
    });
}

#[test]
fn prometheus_takes_its_rules() {
    assert_sound("alerts.yml", ("expr: ", "expr: )"), |path| {
        run(Command::new("promtool").args(["check", "rules"]).arg(path))
    });
}

#[test]
fn systemd_takes_the_unit() {
    assert_sound("herald.service", ("[Service]", "[Service]\nRestart=perhaps"), |path| {
        // The program and its user are not on this machine.
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("herald.service");
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.replace("/usr/local/bin/herald serve", "/bin/true").replace("User=herald", "User=root");
        std::fs::write(&unit, text.replace("Group=herald", "Group=root")).unwrap();
        let (told, is_sound) = run(Command::new("systemd-analyze").arg("verify").arg(&unit))?;
        // A value that it does not know is a warning to it.
        Some((told.clone(), is_sound && !told.contains("herald.service:")))
    });
}

#[test]
fn grafanas_dashboard_is_one() {
    let dashboard: Json = serde_json::from_str(&text("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(dashboard["schemaVersion"].is_u64() && dashboard["title"].is_string() && panels.len() > 3);
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap_or_else(|| panic!("{panel}"));
        assert!(targets.iter().all(|target| target["expr"].is_string()), "{panel}");
    }
}

/// A proxy; it ends with the test.
struct Caddy(std::process::Child);

impl Drop for Caddy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caddyfile_says_carries_sockets_large_uploads_and_addresses() {
    herald::app::install_tls();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (address, admin) = (free(), free());
    let url = format!("http://{address}");
    let public = format!("--public-url={url}");
    let herald = TestApp::with(&["--trusted-proxies=127.0.0.1", &public]).await;
    let folder = tempfile::tempdir().unwrap();
    // As it is, but without TLS, for which it would ask the outside, and with an administration of its own.
    let config = format!("{{\n\tadmin {admin}\n}}\n{}", text("Caddyfile"));
    std::fs::write(folder.path().join("Caddyfile"), config).unwrap();
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.path().join("Caddyfile"));
    caddy.env("DOMAIN", &url).env("UPSTREAM", herald.url().replace("http://", "")).env("HOME", folder.path());
    let Ok(caddy) = caddy.stdin(Stdio::null()).stderr(Stdio::null()).spawn() else {
        eprintln!("skipped: there is no caddy");
        return;
    };
    let _caddy = Caddy(caddy);
    let ready = format!("{url}/readyz");
    within(Duration::from_secs(10), "Caddy passes on", async || {
        reqwest::get(&ready).await.and_then(reqwest::Response::error_for_status)
    })
    .await;
    let admin = Client::new(url.clone()).sign_in("admin", PASSWORD).await;
    assert!(!admin.upload(vec![b'x'; 1_500_000]).await.is_empty());
    let mut events = admin.subscribe("subscription { auditLogged { action } }", json!({})).await;
    let create = "mutation { createTemplate(input: { name: \"by Caddy\", content: \"Hello\" }) { template { id } } }";
    admin.data(create, json!({})).await;
    assert!(events.data().await["auditLogged"]["action"].is_string());
    let metrics = reqwest::get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(metrics.status(), 404, "metrics are not for the public");
    let elsewhere = reqwest::Client::builder().local_address(Some("127.0.0.2".parse().unwrap())).build().unwrap();
    let named = elsewhere.post(format!("{url}/graphql")).header("x-forwarded-for", "6.6.6.6");
    let wrong = "mutation { login(input: { username: \"admin\", password: \"not the password\" }) { expiresAt } }";
    named.json(&json!({ "query": wrong })).send().await.unwrap();
    let asked = "{ auditLogs(filter: { actions: [USER_LOGIN_FAILED] }) { nodes { ipAddress } } }";
    let lines = admin.data(asked, json!({})).await;
    assert_eq!(lines["auditLogs"]["nodes"][0]["ipAddress"], "127.0.0.2", "what the client writes is not believed");
}

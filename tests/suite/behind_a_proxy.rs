//! What whoever runs Herald behind a proxy is told, and that the proxy's file in `src/deploy` does what it must.

use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::harness::{Browser, Client, Database, PASSWORD, Process, TestApp, eventually, within};

/// The lines of a log that warn.
fn warnings(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let warned = lines.filter(|line| line["level"] == "WARN");
    warned.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a browser asks before it lets a page of `origin` ask.
async fn preflight(url: &str, origin: &str) {
    let request = reqwest::Client::new().request(Method::OPTIONS, format!("{url}/graphql"));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    let answer = request.header("access-control-request-headers", "content-type").send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

/// The status of an attempt to open a WebSocket for a page of `origin`.
async fn upgrade(url: &str, origin: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("{url}/graphql")).header("origin", origin);
    let request = request.header("connection", "upgrade").header("upgrade", "websocket");
    let request = request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    request.header("sec-websocket-protocol", "graphql-transport-ws").send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_refused_is_told_of_once_with_the_setting_that_lets_it_in() {
    herald::app::install_tls();
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let flags = ["--origins=https://app.example"];
    let file = std::fs::File::create(&log).unwrap();
    let herald = Process::serve_logging(&database, &folder.path().join("data"), &flags, file);
    let post = async |origin: &str| {
        let request = reqwest::Client::new().post(format!("{}/graphql", herald.url)).header("origin", origin);
        request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap()
    };
    let count = |word: &str| warnings(&log).iter().filter(|line| line.contains(word)).count();
    // Those that may, and those that no setting could let in.
    let own = herald.url.clone();
    for origin in [own.as_str(), "https://app.example", "null", "chrome-extension://abcdefgh"] {
        post(origin).await;
    }
    for _ in 0..2 {
        preflight(&herald.url, "http://localhost:5173").await;
        assert_eq!(upgrade(&herald.url, "https://herald.example").await, 403);
        assert_eq!(post("https://herald.example").await.headers()["herald-origin"], "unknown");
    }
    assert!(!post(&own).await.headers().contains_key("herald-origin"));
    eventually("both are told of", async || count("may not use the API") >= 2).await;
    let told = warnings(&log);
    for page in ["http://localhost:5173", "https://herald.example"] {
        let lines: Vec<_> = told.iter().filter(|line| line.contains(page)).collect();
        assert_eq!(lines.len(), 1, "{told:?}");
        let names = lines[0].contains(&format!("HERALD_PUBLIC_URL={page}")) && lines[0].contains("HERALD_ORIGINS");
        assert!(names, "{lines:?}");
    }
    assert_eq!(count("may not use the API"), 2, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_trusted_is_told_of_once_with_the_setting_that_trusts_it() {
    herald::app::install_tls();
    for (flags, expected) in [(&[][..], 1), (&["--trusted-proxies=127.0.0.1"][..], 0)] {
        let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).unwrap();
        let herald = Process::serve_logging(&database, &folder.path().join("data"), flags, file);
        let login = json!({ "query": "mutation($p: String!) { login(input: { username: \"admin\", password: $p }) { expiresAt } }",
            "variables": { "p": PASSWORD } });
        for client in ["1.2.3.4", "5.6.7.8"] {
            let request = reqwest::Client::new().post(format!("{}/graphql", herald.url)).json(&login);
            request.header("x-forwarded-for", client).send().await.unwrap();
        }
        let told: Vec<_> = warnings(&log).into_iter().filter(|line| line.contains("X-Forwarded-For")).collect();
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|line| line.contains("HERALD_TRUSTED_PROXIES=127.0.0.1")), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_anybody_counts_as_a_proxy_is_told_at_the_start() {
    for (proxies, expected) in [("::/0", 1), ("10.0.0.0/8,fc00::/7", 0)] {
        let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).unwrap();
        let flag = format!("--trusted-proxies={proxies}");
        let _herald = Process::serve_logging(&database, &folder.path().join("data"), &[&flag], file);
        let told = warnings(&log).into_iter().filter(|line| line.contains("HERALD_TRUSTED_PROXIES has ::/0"));
        assert_eq!(told.count(), expected, "{proxies}");
    }
}

#[tokio::test]
async fn the_dashboard_says_that_its_address_is_not_known() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::with(&["--public-url=https://herald.example"]).await;
    let mut tab = browser.open(&herald.url()).await;
    tab.fill("#username", "admin").await;
    tab.fill("#password", PASSWORD).await;
    tab.click("form button").await;
    tab.until("!document.getElementById('unknown-origin').hidden").await;
    tab.reads("#unknown-origin", &format!("HERALD_PUBLIC_URL={}", herald.url())).await;
}

/// The nginx of this machine before Herald, by the file in `src/deploy`, but for certificates, and with ports that are free.
struct Nginx {
    process: std::process::Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// None where there is no nginx.
    async fn before(herald: &TestApp) -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists())?;
        let folder = tempfile::tempdir().unwrap();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (address, other) = (free(), free());
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/deploy/nginx.conf");
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("ssl_certificate"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let changed = [
            ("listen 443 ssl;", format!("listen {address};")),
            ("listen 80;", format!("listen {other};")),
            ("server 127.0.0.1:8080;", format!("server {};", herald.url().replace("http://", ""))),
            ("http {", format!("http {{ access_log off; client_body_temp_path {};", folder.path().display())),
        ];
        let text = changed.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "nginx.conf has no {from}");
            text.replace(from, to)
        });
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let more = format!("daemon off; error_log stderr; pid {}/pid;", folder.path().display());
        let mut nginx = Command::new(program);
        nginx.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-g", &more]);
        let process = nginx.stdin(Stdio::null()).spawn().unwrap();
        let nginx = Self { process, url: format!("http://{address}"), _folder: folder };
        let ready = format!("{}/readyz", nginx.url);
        within(std::time::Duration::from_secs(10), "nginx passes on", async || {
            reqwest::get(&ready).await.and_then(reqwest::Response::error_for_status)
        })
        .await;
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked to.
        let id = rustix::process::Pid::from_child(&self.process);
        if rustix::process::kill_process(id, rustix::process::Signal::TERM).is_ok() {
            drop(self.process.wait());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nginx_conf_says_carries_sockets_large_uploads_and_addresses() {
    herald::app::install_tls();
    let herald = TestApp::with(&["--trusted-proxies=127.0.0.1", "--public-url=http://127.0.0.1"]).await;
    let Some(nginx) = Nginx::before(&herald).await else {
        eprintln!("skipped: there is no nginx");
        return;
    };
    let admin = Client::new(nginx.url.clone()).sign_in("admin", PASSWORD).await;
    let at_once = admin.upload(vec![b'x'; 1_500_000]).await;
    assert!(!at_once.is_empty());
    let mut events = admin.subscribe("subscription { auditLogged { action } }", json!({})).await;
    let create = "mutation { createTemplate(input: { name: \"by nginx\", content: \"Hello\" }) { template { id } } }";
    admin.data(create, json!({})).await;
    assert!(events.data().await["auditLogged"]["action"].is_string());
    let metrics = reqwest::get(format!("{}/metrics", nginx.url)).await.unwrap();
    assert_eq!(metrics.status(), 404, "metrics are not for the public");
    assert_eq!(upgrade(&nginx.url, "http://127.0.0.1").await, 101, "the page of HERALD_PUBLIC_URL connects");
    let elsewhere = reqwest::Client::builder().local_address(Some("127.0.0.2".parse().unwrap())).build().unwrap();
    let named = elsewhere.post(format!("{}/graphql", nginx.url)).header("x-forwarded-for", "6.6.6.6");
    let wrong = "mutation { login(input: { username: \"admin\", password: \"not the password\" }) { expiresAt } }";
    named.json(&json!({ "query": wrong })).send().await.unwrap();
    let asked = "{ auditLogs(filter: { actions: [USER_LOGIN_FAILED] }) { nodes { ipAddress } } }";
    let lines = admin.data(asked, json!({})).await;
    assert_eq!(lines["auditLogs"]["nodes"][0]["ipAddress"], "127.0.0.2", "what the client writes is not believed");
}

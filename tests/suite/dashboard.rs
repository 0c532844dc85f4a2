//! The dashboard and GraphiQL in Chromium, as people use them.

mod figures;
mod making;
mod once;
mod operations;
mod overview;
mod picture;
mod remaking;
mod sequences;
mod settings;
mod setup;
mod things;
mod told;
mod words;

use reqwest::Method;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::{Browser, Client, PASSWORD, Tab, TestApp, eventually};

/// A name that would be a picture and a script, were it ever read as markup.
const NAME: &str = "Осень <img src=x onerror=alert(1)> & <b>зима</b>";
/// Jobs of the campaign, and its messages a minute: it runs for twenty seconds.
const JOBS: usize = 100;
const RATE: i32 = 300;

/// Somebody with all rights, and a campaign of theirs that has not started.
async fn campaign(herald: &TestApp) -> (Client, String) {
    let admin = herald.admin().await;
    let line = |n: usize| format!("{{\"category\": \"новости\", \"username\": \"seen_{n:03}\"}}\n");
    let upload = admin.upload((0..JOBS).map(line).collect::<String>()).await;
    let import = "mutation($upload: ID!) { importChannels(input: { uploadId: $upload }) { import { id } } }";
    let import = admin.data(import, json!({ "upload": upload })).await["importChannels"]["import"].clone();
    eventually("the channels are there", async || {
        admin.data("query($id: ID!) { node(id: $id) { ... on ChannelImport { status } } }", import.clone()).await["node"]
            ["status"]
            == "COMPLETED"
    })
    .await;
    let parts = "mutation { createBatch(input: { name: \"Все\", filter: { category: \"новости\" } }) { batch { id } }
        createTemplate(input: { name: \"Привет\", content: \"Привет, {{ username }}!\" }) { template { id } } }";
    let parts = admin.data(parts, json!({})).await;
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input = json!({ "name": NAME, "mode": "LIVE", "deliveryRate": RATE,
        "batchId": parts["createBatch"]["batch"]["id"], "templateId": parts["createTemplate"]["template"]["id"] });
    let created = admin.data(create, json!({ "input": input })).await;
    let id = created["createBroadcastCampaign"]["campaign"]["id"].as_str().unwrap().to_owned();
    (admin, id)
}

async fn sign_in(tab: &mut Tab, username: &str) {
    tab.fill("#username", username).await;
    tab.fill("#password", PASSWORD).await;
    tab.click("form button").await;
    tab.until("!document.getElementById('header').hidden").await;
}

/// The number on a tile of the campaign's page.
fn tile(state: &str) -> String {
    format!("Number(document.querySelector('.tiles [data-status={state}] dd').textContent.replace(',', ''))")
}

fn button(label: &str) -> String {
    format!("[...document.querySelectorAll('.controls button')].find((button) => button.textContent === '{label}')")
}

async fn confirm(tab: &mut Tab) {
    tab.click("dialog button[value=yes]").await;
}

#[tokio::test]
async fn a_campaign_is_started_watched_paused_and_resumed() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (_, id) = campaign(&herald).await;
    let mut tab = browser.open(&format!("{}/#/campaigns", herald.url())).await;
    tab.assert_well("sign-in").await;
    tab.on_a_phone().await;
    tab.fill("#username", "admin").await;
    tab.fill("#password", "not the password").await;
    tab.click("form button").await;
    tab.until("/^[A-Z].*\\.$/.test(document.querySelector('[role=alert]').textContent)").await;
    sign_in(&mut tab, "admin").await;
    tab.until("!document.getElementById('simulated').hidden").await;
    tab.reads("#connection", "Live").await;

    // The name is read as text, wherever it stands.
    tab.until(&format!("document.querySelector('.campaigns strong')?.textContent === {NAME:?}")).await;
    tab.click(".campaigns a").await;
    tab.until(&format!("document.querySelector('h1')?.textContent === {NAME:?}")).await;
    assert_eq!(tab.value("document.querySelectorAll('main img, main b').length").await, 0);
    assert_eq!(tab.value("location.hash").await, format!("#/campaigns/{id}"));

    tab.click(".controls .primary:not([hidden])").await;
    tab.reads("dialog", NAME).await;
    confirm(&mut tab).await;
    tab.reads(".campaign .pill", "Running").await;
    tab.until(&format!("{} > 3", tile("SENT"))).await;
    tab.reads(".far", "left").await;
    tab.until("document.querySelector('.line').getAttribute('d').includes('L')").await;
    tab.reads("tbody", "Waits for its turn, at").await;

    tab.value(&format!("{}.click()", button("Pause"))).await;
    tab.reads(".campaign .pill", "Paused").await;
    tab.reads("tbody", "The campaign is paused.").await;
    let sent = tab.value(&tile("SENT")).await.as_i64().unwrap();
    assert!(sent < i64::try_from(JOBS).unwrap());
    tab.click(".controls .primary:not([hidden])").await;
    confirm(&mut tab).await;
    tab.until(&format!("{} > {sent} + 3", tile("SENT"))).await;

    tab.value(&format!("{}.click()", button("Cancel"))).await;
    tab.reads("dialog", "will never be sent").await;
    confirm(&mut tab).await;
    tab.reads(".campaign .pill", "Cancelled").await;
    tab.until(&format!("{} > 0 && {} === 0", tile("CANCELLED"), tile("QUEUED"))).await;

    assert_eq!(tab.value("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits a phone");
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn each_role_sees_what_is_for_it() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, id) = campaign(&herald).await;
    for (username, role) in [("operator", "OPERATOR"), ("auditor", "AUDITOR")] {
        herald.user(username, role).await;
    }
    for (username, has_buttons, sees_audit) in [("admin", 1, true), ("operator", 1, false), ("auditor", 0, true)] {
        let mut tab = browser.open(&format!("{}/#/campaigns/{id}", herald.url())).await;
        sign_in(&mut tab, username).await;
        tab.until(&format!("document.querySelector('h1')?.textContent === {NAME:?}")).await;
        let buttons = "Number(document.querySelectorAll('.controls button').length > 0)";
        assert_eq!(tab.value(buttons).await, has_buttons, "{username}");
        assert_eq!(tab.value("!document.getElementById('audit-link').hidden").await, sees_audit, "{username}");
        tab.value("location.hash = '#/audit'").await;
        if sees_audit {
            tab.until("document.querySelector('.audit [data-action=USER_LOGIN]')").await;
            tab.assert_well("audit").await;
            // What happens now comes by itself.
            let rename =
                "mutation($id: ID!) { updateBroadcastCampaign(input: { id: $id, retryLimit: 4 }) { campaign { id } } }";
            let lines = "document.querySelectorAll('.audit [data-action=CAMPAIGN_UPDATED]').length";
            let before = tab.value(lines).await;
            admin.data(rename, json!({ "id": id })).await;
            tab.until(&format!("{lines} > {before}")).await;
        } else {
            tab.reads("h1", "This page is not for your role").await;
        }
        tab.click("#sign-out").await;
        tab.until("document.querySelector('.sign-in') && !sessionStorage.length").await;
        tab.assert_clean(&herald.url()).await;
    }
}

#[tokio::test]
async fn a_session_is_carried_on_and_its_end_is_told() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    let stored = "JSON.parse(sessionStorage.getItem('herald.session'))";
    let change = |change: &str| {
        format!(
            "{{ const session = {stored}; {change}; sessionStorage.setItem('herald.session', JSON.stringify(session)) }}"
        )
    };
    let first = tab.value(stored).await;
    // The access token is about to end: it is renewed before anything is asked.
    tab.value(&change("session.endsAt = 0")).await;
    tab.go(&herald.url()).await;
    tab.until(&format!("{stored}?.refreshToken !== {}", first["refreshToken"])).await;
    tab.reads("h1", "Overview").await;
    tab.assert_clean(&herald.url()).await;
    // It is refused: another one is asked for, once.
    let second = tab.value(stored).await;
    tab.value(&change("session.accessToken = 'worn out'")).await;
    tab.go(&herald.url()).await;
    tab.until(&format!(
        "{stored}?.refreshToken !== {} && {stored}?.accessToken !== 'worn out'",
        second["refreshToken"]
    ))
    .await;
    tab.reads(".notice", "Nothing runs").await;
    // Both are worn out.
    tab.value(&change("session.accessToken = session.refreshToken = 'worn out'")).await;
    tab.go(&herald.url()).await;
    tab.reads("[role=alert]", "Your session has ended. Sign in again.").await;
}

/// A way to Herald that can be cut.
struct Line {
    address: String,
    traffic: Option<JoinHandle<()>>,
    target: String,
}

impl Line {
    async fn to(herald: &TestApp) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let mut line = Self { address, traffic: None, target: herald.url().replacen("http://", "", 1) };
        line.mend().await;
        line
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(&self.address).await.unwrap();
        let target = self.target.clone();
        self.traffic = Some(tokio::spawn(async move {
            let mut calls = tokio::task::JoinSet::new(); // all end with this task
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let mut to = TcpStream::connect(&target).await.unwrap();
                calls.spawn(async move { drop(tokio::io::copy_bidirectional(&mut from, &mut to).await) });
            }
        }));
    }

    async fn cut(&mut self) {
        let traffic = self.traffic.take().unwrap();
        traffic.abort();
        drop(traffic.await);
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, id) = campaign(&herald).await;
    let mut line = Line::to(&herald).await;
    let mut tab = browser.open(&format!("http://{}/#/campaigns/{id}", line.address)).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".campaign .pill", "Queued").await;
    tab.reads("#connection", "Live").await;
    line.cut().await;
    tab.reads("#connection", "Reconnecting").await;
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": id })).await;
    line.mend().await;
    tab.reads("#connection", "Live").await;
    tab.reads(".campaign .pill", "Running").await;
    tab.reads(".far", "left").await; // only the stream tells this
    tab.until(&format!("{} > 3", tile("SENT"))).await;
}

#[tokio::test]
async fn graphiql_reads_writes_and_subscribes() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (_, id) = campaign(&herald).await;
    let mut tab = browser.open(&format!("{}/graphiql", herald.url())).await;
    tab.fill("[name=username]", "admin").await;
    tab.fill("[name=password]", PASSWORD).await;
    tab.click("#sign-in button").await;
    tab.reads("#who", "admin").await;
    let run = async |tab: &mut Tab, name: &str, operation: &str, expected: &str| {
        let editor = "document.querySelector('.graphiql-query-editor .CodeMirror')";
        tab.until(editor).await;
        tab.value(&format!("{editor}.CodeMirror.setValue({operation:?})")).await;
        // Once it has read the operation, and does not ask which of several is meant.
        tab.until(&format!("{editor}.CodeMirror.documentAST?.definitions[0].name?.value === {name:?}")).await;
        tab.until("!document.querySelector('.graphiql-execute-button').hasAttribute('aria-haspopup')").await;
        tab.click(".graphiql-execute-button").await;
        tab.reads(".result-window", expected).await;
    };
    run(&mut tab, "Who", "query Who { viewer { username } }", "\"admin\"").await;
    let start =
        format!("mutation Start {{ startBroadcastCampaign(input: {{ id: \"{id}\" }}) {{ campaign {{ status }} }} }}");
    run(&mut tab, "Start", &start, "\"RUNNING\"").await;
    let progress = format!("subscription Watch {{ broadcastCampaignProgress(id: \"{id}\") {{ status sent }} }}");
    run(&mut tab, "Watch", &progress, "\"sent\"").await;
    let sent = "Number(document.querySelector('.result-window').innerText.match(/\"sent\": (\\d+)/)[1])";
    let before = tab.value(sent).await;
    tab.until(&format!("{sent} > {before} + 3")).await;
    // The menu opens what is chosen, and runs nothing.
    tab.until("document.querySelectorAll('#operations optgroup option').length > 130").await;
    let choose = "(() => { const menu = document.getElementById('operations');
        menu.value = [...menu.options].find((one) => one.textContent === 'ListBatches').value;
        menu.dispatchEvent(new Event('change')); })()";
    tab.value(choose).await;
    tab.reads("#who", "admin").await;
    tab.until("document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.getValue().includes('query ListBatches')").await;
    tab.assert_clean(&herald.url()).await;
    // The dashboard knows who is signed in here.
    tab.click("#bar a").await;
    tab.reads("#who", "admin").await;
}

/// All that the pages load, and what they load in turn, comes from the binary.
#[tokio::test]
async fn the_pages_come_whole_from_the_binary() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    let get = async |path: &str| nobody.request(Method::GET, path).send().await.unwrap();
    let mut todo = vec!["/".to_owned(), "/graphiql".to_owned(), "/manual".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = todo.pop() {
        let file = get(&path).await;
        assert_eq!(file.status(), 200, "{path}");
        let policy = file.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("http"), "{policy}");
        let tag = file.headers()["etag"].clone();
        let again = nobody.request(Method::GET, &path).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(again.status(), 304, "{path}");
        seen.push(path.clone());
        // Binary files and GraphiQL's own name nothing that is loaded.
        let Ok(text) = String::from_utf8(file.bytes().await.unwrap().to_vec()) else { continue };
        if path.contains(".min.") || path.contains("production") {
            continue;
        }
        let folder = if path.starts_with("/graphiql") { "/graphiql/" } else { "/dashboard/" };
        let names = text.split(['"', '\'']).filter_map(|part| match part.strip_prefix("./") {
            Some(name) => Some(format!("{folder}{name}")),
            None => ["/dashboard/", "/graphiql/", "/manual/"]
                .iter()
                .any(|folder| part.starts_with(folder))
                .then(|| part.split('#').next().unwrap_or_default().to_owned()),
        });
        for name in names {
            if !seen.contains(&name) && !todo.contains(&name) {
                todo.push(name);
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert_eq!(get("/dashboard/x.js").await.status(), 404);
    assert_eq!(get("/graphiql/x.js").await.status(), 404);
    let page = get("/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.text().await.unwrap().contains("data-sso"), "there is no single sign-on to lead to");
}

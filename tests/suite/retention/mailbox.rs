//! The mailbox, read from a real IMAP server: bounces, answers and refusals all the way, and what may go wrong in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use storage::gauges::Gauges;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::inbox::{Scene, bounce, reply, scene_with};
use crate::harness::{Client, Database, Process, eventually};
use crate::providers::{Catcher, Dovecot, MAILBOX_PASSWORD, MailServer};

const SAVE: &str = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
const STATE: &str =
    "{ integrationConfigs { nodes { id fields { name value } mailbox { readAt error firstFailedAt } } } }";
const OUTCOMES: &str = "{ webhookEvents(first: 50, filter: { provider: \"smtp\" }) { nodes { status outcome } } }";

/// How the mailbox of this server is read.
fn imap(port: u16, password: &str) -> Json {
    json!({ "host": "127.0.0.1", "port": port, "security": "NONE", "username": "inbox", "password": password })
}

fn settings(port: u16) -> Json {
    json!({ "inbox": "inbox@herald.example", "imap": imap(port, MAILBOX_PASSWORD) })
}

async fn state(by: &Client) -> Json {
    by.data(STATE, json!({})).await["integrationConfigs"]["nodes"][0].clone()
}

async fn is_read(by: &Client) -> bool {
    let mailbox = state(by).await["mailbox"].clone();
    mailbox["readAt"].is_string() && mailbox["error"].is_null()
}

/// Waits until so many emails were processed; returns what was made of them, the last first.
async fn processed(by: &Client, count: usize) -> Vec<Json> {
    let mut log: Vec<Json> = Vec::new();
    eventually("the emails are processed", async || {
        log.clone_from(by.data(OUTCOMES, json!({})).await["webhookEvents"]["nodes"].as_array().unwrap());
        log.len() >= count && log.iter().all(|event| event["status"] == "PROCESSED")
    })
    .await;
    assert_eq!(log.len(), count, "{log:?}");
    log
}

const fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[tokio::test]
async fn bounces_answers_and_refusals_are_read_and_the_mailbox_stays_as_it_is() {
    let Some(server) = Dovecot::start().await else { return };
    // Of the time before; long ago, and lately.
    server.deliver_old(&reply("ann@example.com", "", "Stop"), days(10));
    server.deliver_old(&reply("stranger@example.com", "", "Buy my book"), days(1));
    let scene = scene_with(&["ann", "bob", "cid", "dee"], settings(server.port)).await;
    processed(&scene.admin, 1).await;
    let sent = &scene.sent;
    server.deliver(&bounce(&sent[0].sender, "nothing", "5.1.1", "550 5.1.1 no such user"));
    server.deliver(&bounce("postmaster@herald.example", &sent[1].id, "5.2.2", "552 5.2.2 mailbox full"));
    server.deliver(&reply("cid@work.example", &format!("To: {}", sent[2].reply_to), "What does it cost?"));
    let large = "x\n".repeat(400_000);
    server.deliver(&reply(
        "dee@example.com",
        &format!("In-Reply-To: <{}>", sent[3].id),
        &format!("Please stop.\n> {large}"),
    ));
    server.deliver("this is no email at all\n");
    processed(&scene.admin, 5).await;
    for (lead, refused, status, end) in [
        (0, json!(["EMAIL"]), "BOUNCED", None),
        (1, json!([]), "BOUNCED", None),
        (2, json!([]), "SUCCESS", Some("REPLY")),
        (3, json!(["EMAIL"]), "SENT", Some("OPT_OUT")),
    ] {
        let (state, contact) = (scene.state(lead).await, scene.contact(lead).await);
        assert_eq!(
            (&state["doNotContact"], &contact["status"]),
            (&refused, &json!(status)),
            "{lead}: {state} {contact}"
        );
        assert!(end.is_none_or(|end| state["endReason"] == end), "{lead}: {state}");
    }
    eventually("all is read", async || is_read(&scene.admin).await).await;
    assert_eq!(server.unread(), 7, "nothing is marked, nothing is gone");
    let shown = state(&scene.admin).await.to_string();
    assert!(shown.contains("imap.host") && !shown.contains(MAILBOX_PASSWORD), "{shown}");
    is_tried(&scene).await;
}

/// The mailbox is asked for when the integration is tried.
async fn is_tried(scene: &Scene) {
    let id = state(&scene.admin).await["id"].clone();
    let test = "mutation($id: ID!) { testIntegration(input: { id: $id }) { isOk message } }";
    let trial = scene.admin.data(test, json!({ "id": id })).await["testIntegration"].clone();
    assert!(trial["message"].as_str().unwrap().contains("the IMAP server lets us read INBOX"), "{trial}");
}

#[tokio::test]
async fn a_server_that_was_away_and_numbers_its_emails_anew_has_none_judged_twice_or_never() {
    let Some(mut server) = Dovecot::start().await else { return };
    let scene = scene_with(&["ann", "bob"], settings(server.port)).await;
    let to = |lead: usize| format!("To: {}", scene.sent[lead].reply_to);
    server.deliver(&reply("ann@example.com", &to(0), "What does it cost?"));
    server.deliver(&reply("stranger@example.com", "", "Buy my book"));
    processed(&scene.admin, 2).await;
    eventually("all is read", async || is_read(&scene.admin).await).await;
    server.stop();
    let mut failing = Json::Null;
    eventually("it is told", async || {
        failing = state(&scene.admin).await["mailbox"].clone();
        failing["error"].as_str().is_some_and(|error| error.contains("nothing listens there"))
    })
    .await;
    assert!(failing["firstFailedAt"].is_string() && failing["readAt"].is_string(), "{failing}");
    server.renumber();
    server.deliver(&reply("bob@example.com", &to(1), "unsubscribe me"));
    server.run().await;
    let log = processed(&scene.admin, 3).await;
    assert_eq!(log[0]["outcome"], "emails were refused");
    eventually("all is read", async || is_read(&scene.admin).await).await;
    server.deliver(&reply("later@example.com", "", "And one more"));
    processed(&scene.admin, 4).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_once_in_plain_words_and_a_right_one_is_used_at_once() {
    let Some(server) = Dovecot::start().await else { return };
    server.deliver(&reply("stranger@example.com", "", "Buy my book"));
    let wrong = json!({ "imap": imap(server.port, "a wrong password") });
    let scene = scene_with(&[], wrong).await;
    eventually("it is told", async || state(&scene.admin).await["mailbox"]["error"].is_string()).await;
    let error = state(&scene.admin).await["mailbox"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("does not let us in by this user name and password"), "{error}");
    assert!(error.contains("127.0.0.1") && !error.contains("a wrong password"), "{error}");
    let on = scene.herald.services();
    let waiting = async || Gauges::read(on.db.reader(), on.now()).await.unwrap().waiting;
    assert!(waiting().await.contains(&("mailbox", 1)));
    // Once more, and nobody is told again.
    on.db.reader().execute_unprepared("UPDATE mailboxes SET held_until = '2020-01-01T00:00:00Z'").await.unwrap();
    let failures = async || service::retention::mailbox::state(on, row(&scene).await).await.unwrap().unwrap().failures;
    eventually("it was tried again", async || failures().await >= 2).await;
    let lines =
        scene.admin.data("{ auditLogs(filter: { actions: [MAILBOX_FAILED] }) { nodes { metadata } } }", json!({}));
    let lines = lines.await["auditLogs"]["nodes"].as_array().unwrap().clone();
    assert!(lines.len() == 1 && lines[0]["metadata"]["error"] == error, "{lines:?}");
    let smtp = json!({ "host": "127.0.0.1", "port": 25, "security": "NONE", "from": "ann@example.com",
        "imap": imap(server.port, MAILBOX_PASSWORD) });
    scene.admin.data(SAVE, json!({ "input": { "smtp": smtp } })).await;
    eventually("it is read", async || is_read(&scene.admin).await).await;
    processed(&scene.admin, 1).await;
    assert!(waiting().await.contains(&("mailbox", 0)));
    // Without a mailbox there is nothing to tell of.
    let smtp = json!({ "host": "127.0.0.1", "port": 25, "security": "NONE", "from": "ann@example.com" });
    scene.admin.data(SAVE, json!({ "input": { "smtp": smtp } })).await;
    assert!(state(&scene.admin).await["mailbox"].is_null());
}

async fn row(scene: &Scene) -> domain::id::IntegrationConfigId {
    use domain::retention::credentials::Provider;
    use storage::retention::integration_config::Entity;
    let found = Entity::of(Provider::Smtp).one(scene.herald.services().db.reader()).await.unwrap();
    found.unwrap().id
}

/// A way to the server on which, as long as it is shut, the second email is asked for in vain.
struct Gate {
    port: u16,
    is_shut: Arc<AtomicBool>,
    has_held: Arc<AtomicBool>,
}

impl Gate {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            is_shut: Arc::new(AtomicBool::new(true)),
            has_held: Arc::default(),
        };
        let (is_shut, has_held) = (gate.is_shut.clone(), gate.has_held.clone());
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let (is_shut, has_held) = (is_shut.clone(), has_held.clone());
                tokio::spawn(async move {
                    let (mut from, mut to) = line.into_split();
                    let (mut back, mut there) = TcpStream::connect(("127.0.0.1", server)).await.unwrap().into_split();
                    let backwards = tokio::spawn(async move { tokio::io::copy(&mut back, &mut to).await });
                    let mut chunk = [0; 4_096];
                    while let Ok(read @ 1..) = from.read(&mut chunk).await {
                        if is_shut.load(Ordering::SeqCst)
                            && String::from_utf8_lossy(&chunk[..read]).contains("UID FETCH 2 ")
                        {
                            has_held.store(true, Ordering::SeqCst);
                            continue;
                        }
                        there.write_all(&chunk[..read]).await.unwrap();
                    }
                    backwards.abort();
                });
            }
        });
        gate
    }
}

#[tokio::test]
async fn killed_between_two_emails_it_stores_each_once() {
    let Some(server) = Dovecot::start().await else { return };
    for n in 1..=3 {
        server.deliver(&reply("stranger@example.com", "", &format!("Book {n}")));
    }
    let gate = Gate::before(server.port).await;
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let serve = || Process::serve(&database, folder.path(), &["--providers=live", "--mailbox-every=200ms"]);
    let mut process = serve();
    let admin = process.admin().await;
    let smtp = json!({ "host": "127.0.0.1", "port": 25, "security": "NONE", "from": "ann@example.com",
        "imap": imap(gate.port, MAILBOX_PASSWORD) });
    admin.data(SAVE, json!({ "input": { "smtp": smtp } })).await;
    eventually("the second one is asked for", async || gate.has_held.load(Ordering::SeqCst)).await;
    process.kill();
    gate.is_shut.store(false, Ordering::SeqCst);
    // The turn of who was killed is over in a minute.
    let db = database.open(folder.path()).await;
    db.reader().execute_unprepared("UPDATE mailboxes SET held_until = '2020-01-01T00:00:00Z'").await.unwrap();
    db.close().await.unwrap();
    let process = serve();
    let admin = process.admin().await;
    processed(&admin, 3).await;
    eventually("all is read", async || is_read(&admin).await).await;
    processed(&admin, 3).await;
}

#[tokio::test]
async fn a_server_that_means_harm_is_told_of_and_everything_else_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            tokio::spawn(async move {
                let endless =
                    [b"* OK hello\r\n* 1 FETCH (BODY[] {4000000000}\r\n".to_vec(), vec![b'('; 1 << 20]].concat();
                while line.write_all(&endless).await.is_ok() {}
            });
        }
    });
    let scene = scene_with(&["ann"], settings(port)).await;
    eventually("it is told", async || state(&scene.admin).await["mailbox"]["error"].is_string()).await;
    let error = state(&scene.admin).await["mailbox"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("more than was asked for"), "{error}");
    assert_eq!(scene.state(0).await["status"], "SENT", "emails go out");
}

/// What is answered to a command.
type Answer = fn(&str) -> &'static str;

/// A server with four emails. To whoever asks for one it says what it is told to, if anything.
struct Moody {
    port: u16,
    says: Arc<Mutex<Answer>>,
}

impl Moody {
    async fn start(says: fn(&str) -> &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let says = Arc::new(Mutex::new(says));
        let mails: [String; 4] =
            std::array::from_fn(|n| reply("stranger@example.com", "", &format!("Book {n}")).replace('\n', "\r\n"));
        let (mails, moody) = (Arc::new(mails), Self { port, says: says.clone() });
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let (mails, says) = (mails.clone(), says.clone());
                tokio::spawn(async move {
                    let (from, mut to) = line.into_split();
                    let mut lines = BufReader::new(from).lines();
                    let mut next = "* OK hello\r\n".to_owned();
                    while to.write_all(next.as_bytes()).await.is_ok() {
                        let Ok(Some(line)) = lines.next_line().await else { return };
                        let (tag, command) = line.split_once(' ').unwrap();
                        let says = *says.lock().unwrap();
                        next = answer(&mails, says, command).replace("TAG", tag);
                    }
                });
            }
        });
        moody
    }

    fn says(&self, says: fn(&str) -> &'static str) {
        *self.says.lock().unwrap() = says;
    }
}

fn answer(mails: &[String; 4], says: fn(&str) -> &'static str, command: &str) -> String {
    let told = match command.split(' ').collect::<Vec<_>>()[..] {
        ["EXAMINE", ..] => "* 4 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 5] x\r\n".to_owned(),
        ["UID", "SEARCH", ..] => "* SEARCH 1 2 3 4\r\n".to_owned(),
        ["UID", "FETCH", uid, ..] if says(uid).is_empty() => {
            let mail = &mails[uid.parse::<usize>().unwrap() - 1];
            let size = mail.len();
            format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size} BODY[]<0> {{{size}}}\r\n{mail})\r\n")
        }
        ["UID", "FETCH", uid, ..] => return says(uid).to_owned(),
        _ => String::new(),
    };
    format!("{told}TAG OK done\r\n")
}

/// How the mailbox stands after so many more tries in vain.
async fn tried(scene: &Scene, times: i32) -> storage::retention::mailbox::Model {
    let on = scene.herald.services();
    let id = row(scene).await;
    let now = async || service::retention::mailbox::state(on, id).await.unwrap();
    let before = now().await.map_or(0, |state| state.failures);
    eventually("it was tried", async || {
        at_once(scene).await;
        now().await.is_some_and(|state| state.failures >= before + times)
    })
    .await;
    now().await.unwrap()
}

/// Has it tried again without a pause.
async fn at_once(scene: &Scene) {
    let sql = "UPDATE mailboxes SET held_until = '2020-01-01T00:00:00Z'";
    let db = &scene.herald.services().db;
    db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hands_out_nothing_for_a_while_loses_no_email_but_those_that_it_never_hands_out() {
    let server = Moody::start(|_| "TAG NO [UNAVAILABLE] later\r\n").await;
    let scene = scene_with(&[], settings(server.port)).await;
    let known = tried(&scene, 7).await;
    assert_eq!((known.last_uid, known.stuck_uid), (Some(0), None), "it is no email's fault: {known:?}");
    // It does not say that it is for now.
    server.says(|_| "TAG NO [ALERT] too much was read today\r\n");
    let known = tried(&scene, 9).await;
    assert_eq!((known.last_uid, known.stuck_uid), (Some(0), Some(1)), "others are refused, too: {known:?}");
    assert!(known.stuck_times > 5 && known.error.is_some_and(|error| error.contains("the UID 1")));
    server.says(|_| "* 1 FETCH (UID 1 BODY[] what?)\r\nTAG OK\r\n");
    let known = tried(&scene, 3).await;
    assert_eq!((known.last_uid, known.stuck_uid), (Some(0), Some(1)), "nor can others be read: {known:?}");
    assert!(scene.log().await.is_empty());
    // Two are broken.
    server.says(|uid| match uid {
        "2" => "TAG NO it is broken\r\n",
        "3" => "* 3 FETCH (UID 3 BODY[] what?)\r\nTAG OK\r\n",
        _ => "",
    });
    eventually("the others are read", async || {
        at_once(&scene).await;
        scene.log().await.len() == 2 && is_read(&scene.admin).await
    })
    .await;
    processed(&scene.admin, 2).await;
    let known = tried(&scene, 0).await;
    assert_eq!((known.last_uid, known.stuck_uid, known.stuck_times, known.is_told), (Some(4), None, 0, false));
}

#[tokio::test]
async fn a_mailbox_is_read_over_tls_and_by_a_token() {
    let tokens = Catcher::start(|caught| {
        let has = |name: &str, value: &str| caught.form().contains(&(name.to_owned(), value.to_owned()));
        match caught.path.as_str() {
            "/introspect" => (200, json!({ "active": has("token", "a-good-token"), "username": "inbox" })),
            _ if has("refresh_token", "a refresh token") => {
                (200, json!({ "access_token": "a-good-token", "expires_in": 3600 }))
            }
            _ if has("refresh_token", "an older refresh token") => (200, json!({ "access_token": "an-old-token" })),
            _ => (400, json!({ "error": "invalid_grant", "error_description": "never agreed to" })),
        }
    })
    .await;
    let Some(server) = Dovecot::private(&tokens.url).await else { return };
    let smtp = MailServer::start().await;
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let flags = ["--providers=live"];
    let herald = Process::serve_trusting(&database, folder.path(), &flags, &server.certificate());
    let admin = herald.admin().await;
    let oauth = |refresh: &str| json!({ "tokenUrl": format!("{}/token", tokens.url), "clientId": "herald", "clientSecret": "its secret", "refreshToken": refresh });
    let password = json!({ "password": MAILBOX_PASSWORD });
    let token = |refresh: &str| json!({ "oauth": oauth(refresh) });
    let (tls, plain) = (server.tls_port, server.port);
    for (host, port, security, sign_in, expected) in [
        ("localhost", tls, "TLS", password.clone(), "the IMAP server lets us read INBOX"),
        ("localhost", plain, "STARTTLS", password.clone(), "the IMAP server lets us read INBOX"),
        ("localhost", tls, "TLS", token("a refresh token"), "the IMAP server lets us read INBOX"),
        ("localhost", plain, "STARTTLS", token("a refresh token"), "the IMAP server lets us read INBOX"),
        ("127.0.0.1", tls, "TLS", password, "its certificate is not good for this name"),
        ("localhost", tls, "TLS", token("an older refresh token"), "does not let us in by this user name and a token"),
        ("localhost", tls, "TLS", token("a foreign refresh token"), "invalid_grant: never agreed to"),
    ] {
        let mut imap = json!({ "host": host, "port": port, "security": security, "username": "inbox" });
        imap.as_object_mut().unwrap().extend(sign_in.as_object().unwrap().clone());
        let account = json!({ "host": "127.0.0.1", "port": smtp.port, "security": "NONE", "from": "hello@herald.example", "imap": imap });
        let saved = admin.data(SAVE, json!({ "input": { "smtp": account } })).await["saveIntegrationConfig"].clone();
        let test = "mutation($id: ID!) { testIntegration(input: { id: $id }) { isOk message } }";
        let trial =
            admin.data(test, json!({ "id": saved["integrationConfig"]["id"] })).await["testIntegration"].clone();
        let message = trial["message"].as_str().unwrap();
        assert!(message.contains(expected), "{host} {security} {sign_in}: {trial}");
        assert!(!message.contains("an-old-token") && !message.contains("refresh token"), "{trial}");
        let shown = state(&admin).await.to_string();
        assert!(!shown.contains("refresh token") && !shown.contains("its secret"), "{shown}");
    }
}

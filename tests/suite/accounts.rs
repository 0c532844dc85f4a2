//! Telegram accounts: how they come in, change and go, over the wire to a Telegram for tests.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use herald::app::Parts;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value as Json, json};
use storage::broadcast::telegram_account;

use crate::harness::telegram::{On, Play, TelegramServer};
use crate::harness::{Client, Reply, TestApp};

mod anew;
pub mod campaigns;
mod command;
mod links;
mod login;
mod secrets;

const ACCOUNT: &str = "account { id label status lastError name phoneEnding telegramUserId version messagesPerMinute }";

pub async fn mutate(client: &Client, name: &str, input: Json) -> Reply {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let payload = if name == "removeTelegramAccount" { "removedId" } else { ACCOUNT };
    let document = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {payload} }} }}");
    client.query(&document, json!({ "input": input })).await
}

async fn add(client: &Client, label: &str, session: &str) -> Reply {
    mutate(client, "addTelegramAccount", json!({ "label": label, "sessionString": session })).await
}

/// Adds an account that is taken, and returns it.
pub async fn added(client: &Client, telegram: &TelegramServer, number: usize) -> Json {
    let reply = add(client, &format!("account {number}"), &telegram.session_string(number)).await;
    reply.data()["addTelegramAccount"]["account"].clone()
}

/// A Herald that does not send, beside this Telegram.
async fn start(telegram: &TelegramServer) -> (TestApp, Client) {
    let herald = TestApp::live(telegram, &[], Parts { api: true, worker: false }).await;
    let admin = herald.admin().await;
    (herald, admin)
}

async fn rows(herald: &TestApp) -> u64 {
    telegram_account::Entity::find().count(herald.services().db.reader()).await.unwrap()
}

/// The session of an account, as `GramJS` and as Pyrogram write it.
fn gramjs(key: &[u8]) -> String {
    let host = b"149.154.167.91";
    format!("1{}", STANDARD.encode([&[2, 0, 14][..], host, &[1, 187], key].concat()))
}

fn pyrogram(key: &[u8]) -> String {
    let parts = [&[2][..], &1_i32.to_be_bytes(), &[0], key, &7_i64.to_be_bytes(), &[0]];
    URL_SAFE_NO_PAD.encode(parts.concat())
}

#[tokio::test]
async fn sessions_of_three_libraries_come_in_and_nothing_of_them_is_shown() {
    let telegram = TelegramServer::start(3).await;
    let (herald, admin) = start(&telegram).await;
    let key = |number: usize| *telegram.credentials(number).key;
    let sessions = [telegram.session_string(0), gramjs(&key(1)), pyrogram(&key(2))];
    for (number, session) in sessions.iter().enumerate() {
        let input = json!({
            "label": format!(" number {number} "), "sessionString": session,
            "apiHash": "0123456789abcdef0123456789abcdef",
        });
        let reply = mutate(&admin, "addTelegramAccount", input).await;
        let account = &reply.data()["addTelegramAccount"]["account"];
        let expected = (json!(format!("number {number}")), json!("ACTIVE"), json!(format!("{number:04}")));
        assert_eq!((account["label"].clone(), account["status"].clone(), account["phoneEnding"].clone()), expected);
        assert_eq!(account["telegramUserId"], telegram.user_id(number).to_string());
        assert_eq!(telegram.open_connections(number), 0, "whoever was asked is hung up on");
    }
    let methods: Vec<_> = telegram.calls().into_iter().map(|call| call.method).collect();
    assert!(!methods.iter().any(|method| method.contains("send")), "{methods:?}");

    // Neither the API, nor the audit log, nor a row printed for a log has any of it.
    let shown = admin
        .data("{ telegramAccounts { nodes { id label version } } auditLogs { nodes { action metadata } } }", json!({}))
        .await;
    let stored = telegram_account::Entity::find().all(herald.services().db.reader()).await.unwrap();
    let shown = format!("{shown} {stored:?}");
    assert!(shown.contains("SESSION_STRING_ADDED"), "{shown}");
    for (row, session) in stored.iter().zip(&sessions) {
        let sealed = row.auth_key.0.rsplit('.').next().unwrap();
        assert!(!shown.contains(&session[20..60]) && !shown.contains(sealed) && !shown.contains("0123456789abcdef"));
        assert!(!row.auth_key.0.contains(&session[20..60]));
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_a_sentence_and_leaves_nothing() {
    let telegram = TelegramServer::start(2).await;
    let (herald, admin) = start(&telegram).await;
    let session = telegram.session_string(0);
    let mutilated = [
        ("", "empty"),
        ("hello", "mutilated"),
        (&session[..200], "cut off"),
        (&format!("{}!", &session[..352]), "not base64"),
    ];
    for (text, word) in mutilated {
        let reply = add(&admin, "x", text).await;
        assert_eq!((reply.code(), reply.violations()), ("BAD_USER_INPUT", vec!["input.sessionString".to_owned()]));
        assert!(reply.message().contains(word), "{text}: {}", reply.message());
    }
    let input = json!({ "label": "", "sessionString": session, "apiId": 0, "apiHash": "x", "messagesPerMinute": 0 });
    let reply = mutate(&admin, "addTelegramAccount", input).await;
    assert_eq!(reply.violations(), ["input.label", "input.messagesPerMinute", "input.apiId", "input.apiHash"]);
    assert!(telegram.calls().is_empty(), "nobody was asked");

    // Telegram itself does not want it, or can't be asked: the row that claimed the session goes.
    telegram.sign_out(0);
    let reply = add(&admin, "x", &session).await;
    assert!(reply.code() == "BAD_USER_INPUT" && reply.message().contains("signed out"), "{reply:?}");
    telegram.play(On::method("users.getUsers").by(1), Play::Error("AUTH_KEY_DUPLICATED"));
    let reply = add(&admin, "x", &telegram.session_string(1)).await;
    assert!(reply.message().contains("another program uses this session"), "{reply:?}");
    assert_eq!((rows(&herald).await, telegram.open_connections(0), telegram.open_connections(1)), (0, 0, 0));
    assert_eq!(telegram.handshakes(), 0, "no new key is ever asked for");
    assert_eq!(added(&admin, &telegram, 1).await["status"], "ACTIVE");
}

/// A session string of Telethon or `GramJS` does not say so: Telegram does.
#[tokio::test]
async fn the_session_of_a_bot_is_refused_with_what_to_do() {
    let telegram = TelegramServer::start(1).await;
    telegram.make_bot(0);
    let (herald, admin) = start(&telegram).await;
    let refused = add(&admin, "helper", &telegram.session_string(0)).await;
    assert_eq!((refused.code(), refused.violations()), ("BAD_USER_INPUT", vec!["input.sessionString".to_owned()]));
    assert!(refused.message().contains("only accounts of people can send"), "{refused:?}");
    assert_eq!((rows(&herald).await, telegram.open_connections(0)), (0, 0));
}

#[tokio::test]
async fn a_session_and_a_user_are_there_once() {
    let telegram = TelegramServer::start(3).await;
    let (herald, admin) = start(&telegram).await;
    let session = telegram.session_string(0);
    let (one, two) = tokio::join!(add(&admin, "one", &session), add(&admin, "two", &session));
    let codes = [one.code(), two.code()];
    assert!(codes.contains(&"") && codes.contains(&"CONFLICT"), "{one:?} {two:?}");
    assert_eq!(telegram.doubled_connections(), 0, "two connections end a session");
    let again = add(&admin, "again", &session).await;
    assert!(again.code() == "CONFLICT" && again.message().contains("already"), "{again:?}");

    telegram.same_user(0, 1);
    let reply = add(&admin, "the same", &telegram.session_string(1)).await;
    assert!(reply.code() == "CONFLICT" && reply.message().contains("rotateTelegramSession"), "{reply:?}");
    assert_eq!(rows(&herald).await, 1);

    // A request under a key is done once.
    let input = json!({ "label": "third", "sessionString": telegram.session_string(2), "idempotencyKey": "k" });
    let first = mutate(&admin, "addTelegramAccount", input.clone()).await;
    assert_eq!(mutate(&admin, "addTelegramAccount", input).await.data(), first.data());
}

#[tokio::test]
async fn a_claim_that_a_crash_left_holds_for_two_minutes() {
    let telegram = TelegramServer::start(1).await;
    let (herald, admin) = start(&telegram).await;
    added(&admin, &telegram, 0).await;
    let db = herald.services().db.clone();
    let sql = |sql: &'static str| {
        let db = db.clone();
        async move { db.reader().execute_unprepared(sql).await.unwrap() }
    };
    sql("UPDATE telegram_accounts SET telegram_user_id = NULL, status = 'DISABLED'").await;
    let listed = admin.data("{ telegramAccounts { totalCount } }", json!({})).await;
    assert_eq!(listed["telegramAccounts"]["totalCount"], 0, "a claim is not an account");
    let session = telegram.session_string(0);
    let reply = add(&admin, "x", &session).await;
    assert!(reply.code() == "CONFLICT" && reply.message().contains("two minutes"), "{reply:?}");
    sql("UPDATE telegram_accounts SET created_at = '2020-01-01T00:00:00+00:00'").await;
    assert_eq!(added(&admin, &telegram, 0).await["status"], "ACTIVE");
    assert_eq!(rows(&herald).await, 1);
}

#[tokio::test]
async fn limits_and_use_change_but_a_wait_is_obeyed() {
    let telegram = TelegramServer::start(1).await;
    let (herald, admin) = start(&telegram).await;
    let id = added(&admin, &telegram, 0).await["id"].clone();
    let change = async |more: Json| {
        let mut input = json!({ "id": id });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mutate(&admin, "updateTelegramAccount", input).await
    };
    let reply = change(json!({ "label": "slow", "messagesPerMinute": 5, "expectedVersion": 1 })).await;
    let account = reply.data()["updateTelegramAccount"]["account"].clone();
    assert_eq!(
        (&account["label"], &account["messagesPerMinute"], &account["version"]),
        (&json!("slow"), &json!(5), &json!(2))
    );
    assert_eq!(change(json!({ "label": "x", "expectedVersion": 1 })).await.code(), "CONFLICT");
    assert_eq!(change(json!({ "resolvesPerDay": -1 })).await.violations(), ["input.resolvesPerDay"]);
    let status = async |to: &str| change(json!({ "status": to })).await;
    assert_eq!(status("DISABLED").await.data()["updateTelegramAccount"]["account"]["status"], "DISABLED");
    assert_eq!(status("ACTIVE").await.data()["updateTelegramAccount"]["account"]["status"], "ACTIVE");
    let db = herald.services().db.reader().clone();
    db.execute_unprepared(
        "UPDATE telegram_accounts SET status = 'RESTRICTED', send_not_before = '2100-01-01T00:00:00+00:00'",
    )
    .await
    .unwrap();
    assert_eq!(status("ACTIVE").await.data()["updateTelegramAccount"]["account"]["status"], "FLOOD_WAIT");
    let in_status = async |status: &str| {
        let of =
            "query($in: [TelegramAccountStatus!]) { telegramAccounts(filter: { statuses: $in }) { nodes { status } } }";
        admin.data(of, json!({ "in": [status] })).await["telegramAccounts"]["nodes"].clone()
    };
    // However it was written down: it waits for as long as Telegram has said, and not longer.
    for (written, until, shown, other) in [
        ("ACTIVE", "2100-01-01T00:00:00+00:00", "FLOOD_WAIT", "ACTIVE"),
        ("FLOOD_WAIT", "2100-01-01T00:00:00+00:00", "FLOOD_WAIT", "ACTIVE"),
        ("FLOOD_WAIT", "2020-01-01T00:00:00+00:00", "ACTIVE", "FLOOD_WAIT"),
    ] {
        let sql = format!("UPDATE telegram_accounts SET status = '{written}', send_not_before = '{until}'");
        db.execute_unprepared(&sql).await.unwrap();
        assert_eq!(in_status(shown).await, json!([{ "status": shown }]), "{written} until {until}");
        assert_eq!(in_status(other).await, json!([]), "{written} until {until}");
    }
    db.execute_unprepared("UPDATE telegram_accounts SET status = 'NEEDS_LOGIN'").await.unwrap();
    let refused = status("ACTIVE").await;
    assert!(refused.code() == "PRECONDITION_FAILED" && refused.message().contains("rotate"), "{refused:?}");

    // A new session of the same user mends that.
    telegram.renew_key(0);
    let session = telegram.session_string(0);
    let reply = mutate(&admin, "rotateTelegramSession", json!({ "id": id, "sessionString": session })).await;
    assert_eq!(reply.data()["rotateTelegramSession"]["account"]["status"], "ACTIVE");
    let reply = mutate(&admin, "rotateTelegramSession", json!({ "id": id, "sessionString": session })).await;
    assert_eq!(reply.violations(), ["input.sessionString"]);
    assert_eq!(rows(&herald).await, 1, "the claim of the new session went");
}

#[tokio::test]
async fn only_admins_see_accounts() {
    let telegram = TelegramServer::start(1).await;
    let (herald, admin) = start(&telegram).await;
    let id = added(&admin, &telegram, 0).await["id"].clone();
    let node = json!({ "id": id });
    let by_id = "query($id: ID!) { node(id: $id) { id __typename } }";
    assert_eq!(admin.data(by_id, node.clone()).await["node"]["__typename"], "TelegramAccount");
    for client in [herald.operator().await, herald.auditor().await] {
        assert_eq!(client.query("{ telegramAccounts { totalCount } }", json!({})).await.code(), "FORBIDDEN");
        assert_eq!(client.query(by_id, node.clone()).await.code(), "FORBIDDEN");
    }
    let simulated = TestApp::api_only().await;
    let reply = add(&simulated.admin().await, "x", &telegram.session_string(0)).await;
    assert!(reply.code() == "PRECONDITION_FAILED" && reply.message().contains("simulated"), "{reply:?}");
}

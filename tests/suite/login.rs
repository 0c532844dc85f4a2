//! Signing in, staying signed in, and signing out.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value as Json, json};
use service::Actor;
use storage::access::refresh_token;

use crate::harness::{Client, PASSWORD, TestApp};

/// Clients may say where they are.
const PROXY: &[&str] = &["--trusted-proxies=127.0.0.0/8"];
const VIEWER: &str = "{ viewer { username role } }";
const REFRESH: &str = "mutation($token: String!) {
    refreshSession(input: { refreshToken: $token }) { accessToken refreshToken user { username } } }";
const CHANGE: &str = "mutation($old: String!, $new: String!) {
    changePassword(input: { currentPassword: $old, newPassword: $new }) { user { username } } }";

#[tokio::test]
async fn the_right_password_opens_a_session_and_the_wrong_one_says_nothing() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    let login = nobody.login("  ADMIN ", PASSWORD).await;
    let login = &login.data()["login"];
    assert_eq!(login["user"]["role"], "ADMIN");
    let admin = nobody.with_token(login["accessToken"].as_str().unwrap());
    assert_eq!(admin.data(VIEWER, json!({})).await["viewer"], json!({ "username": "admin", "role": "ADMIN" }));

    let wrong = nobody.login("admin", "another password").await;
    let unknown = nobody.login("nobody", "another password").await;
    assert_eq!((wrong.code(), unknown.code()), ("WRONG_CREDENTIALS", "WRONG_CREDENTIALS"));
    assert_eq!(wrong.message(), unknown.message());
    assert_eq!(nobody.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");

    let failed = "{ auditLogs(filter: { actions: [USER_LOGIN_FAILED] }) { nodes { severity ipAddress metadata } } }";
    let failed = admin.data(failed, json!({})).await;
    let expected = |name| json!({ "severity": "WARNING", "ipAddress": "127.0.0.1", "metadata": { "username": name } });
    assert_eq!(failed["auditLogs"]["nodes"], json!([expected("nobody"), expected("admin")]));

    // What is no name may be a password in the wrong field.
    nobody.login("Secret! 123", "another password").await;
    let failed = "{ auditLogs(first: 1, filter: { actions: [USER_LOGIN_FAILED] }) { nodes { metadata } } }";
    let failed = admin.data(failed, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(failed, json!([{ "metadata": { "username": "" } }]));
}

#[tokio::test]
async fn strange_names_and_passwords_are_wrong_ones() {
    let herald = TestApp::api_only().await;
    for name in ["", "\0", "a\0b", "' OR 1=1 --", "админ", "🤖", &"x".repeat(10_000)] {
        let reply = herald.nobody().login(name, &"п".repeat(1_000)).await;
        assert!(["WRONG_CREDENTIALS", "BAD_USER_INPUT"].contains(&reply.code()), "{name}: {reply:?}");
    }
}

#[tokio::test]
async fn a_login_for_an_unknown_user_takes_as_long_as_for_a_known_one() {
    let herald = TestApp::with(PROXY).await;
    let time = async |username: &str, round: usize| {
        let nobody = herald.nobody().at_address(&format!("10.0.0.{round}"));
        let start = Instant::now();
        assert_eq!(nobody.login(username, "another password").await.code(), "WRONG_CREDENTIALS");
        start.elapsed()
    };
    time("nobody", 0).await;
    // The least of many: whatever else the machine does only adds to it.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for round in 1..=8 {
        known = known.min(time("admin", round).await);
        unknown = unknown.min(time("nobody", round).await);
    }
    assert!(unknown > known / 2 && known > unknown / 2, "known {known:?}, unknown {unknown:?}");
}

/// All refresh tokens that were used have been so for longer than two tabs take.
async fn a_while_later(herald: &TestApp) {
    let on = herald.services();
    let then = on.now() - TimeDelta::seconds(31);
    let used = refresh_token::Column::UsedAt;
    on.write(&Actor::system(), |w| async move {
        let earlier = refresh_token::Entity::update_many().col_expr(used, Expr::value(then));
        Ok(earlier.filter(used.is_not_null()).exec(&w).await?)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_at_once_goes_on_and_later_ends_the_session() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    let first = nobody.login("admin", PASSWORD).await;
    let token = |reply: &Json| reply["refreshToken"].as_str().unwrap().to_owned();
    let first = token(&first.data()["login"]);
    // Two tabs, a repeated request, an answer that was lost.
    let refresh = async || nobody.data(REFRESH, json!({ "token": first })).await["refreshSession"].clone();
    let (second, tab) = tokio::join!(refresh(), refresh());
    assert_ne!(token(&second), token(&tab));
    let clients = [&second, &tab].map(|reply| nobody.with_token(reply["accessToken"].as_str().unwrap()));
    for client in &clients {
        client.data(VIEWER, json!({})).await;
    }
    let third = nobody.data(REFRESH, json!({ "token": token(&tab) })).await["refreshSession"].clone();
    refresh().await;

    a_while_later(&herald).await;
    assert_eq!(nobody.query(REFRESH, json!({ "token": first })).await.code(), "UNAUTHENTICATED");
    for client in &clients {
        assert_eq!(client.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    }
    for spent in [token(&second), token(&third), "nonsense".to_owned()] {
        assert_eq!(nobody.query(REFRESH, json!({ "token": spent })).await.code(), "UNAUTHENTICATED");
    }
    // Another session of the same user goes on.
    herald.admin().await.data(VIEWER, json!({})).await;
}

#[tokio::test]
async fn a_bad_token_does_not_keep_anybody_from_refreshing() {
    let herald = TestApp::api_only().await;
    let login = herald.nobody().login("admin", PASSWORD).await;
    let stale = herald.nobody().with_token("expired");
    assert_eq!(stale.query(VIEWER, json!({})).await.message(), "the access token is wrong or has expired");
    let refresh = json!({ "token": login.data()["login"]["refreshToken"] });
    stale.data(REFRESH, refresh).await;
}

#[tokio::test]
async fn a_logout_ends_this_session_or_all() {
    let herald = TestApp::api_only().await;
    let [here, there, elsewhere] = [herald.admin().await, herald.admin().await, herald.admin().await];
    here.data("mutation { logout { user { username } } }", json!({})).await;
    assert_eq!(here.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    there.data(VIEWER, json!({})).await;
    there.data("mutation { logout(input: { everywhere: true }) { user { username } } }", json!({})).await;
    assert_eq!(elsewhere.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let herald = TestApp::api_only().await;
    let (here, there) = (herald.operator().await, herald.operator().await);
    let change = async |by: &Client, old: &str, new: &str| by.query(CHANGE, json!({ "old": old, "new": new })).await;
    assert_eq!(change(&here, PASSWORD, "short").await.violations(), ["input.newPassword"]);
    assert_eq!(change(&here, "wrong password", "another password").await.violations(), ["input.currentPassword"]);
    change(&here, PASSWORD, "another password").await.data();
    here.data(VIEWER, json!({})).await;
    assert_eq!(there.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(herald.nobody().login("operator", PASSWORD).await.code(), "WRONG_CREDENTIALS");
    herald.nobody().sign_in("operator", "another password").await;
}

#[tokio::test]
async fn the_first_password_counts_at_the_first_start_only() {
    let mut herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    admin.data(CHANGE, json!({ "old": PASSWORD, "new": "another password" })).await;
    herald.restart(herald::app::Parts { api: true, worker: false }).await;
    assert_eq!(herald.nobody().login("admin", PASSWORD).await.code(), "WRONG_CREDENTIALS");
    herald.nobody().sign_in("admin", "another password").await;
}

#[tokio::test]
async fn after_ten_failures_from_a_network_a_name_has_to_wait_there_and_nowhere_else() {
    let mut herald = TestApp::with(PROXY).await;
    let tries = async |herald: &TestApp, address: &str, name: &str, password: &str| {
        herald.nobody().at_address(address).login(name, password).await
    };
    for n in 0..10 {
        // Who knows his password is no failure, however often he comes.
        tries(&herald, "2001:db8::1", "admin", PASSWORD).await.data();
        for name in ["admin", "nobody"] {
            let reply = tries(&herald, &format!("2001:db8::{n}"), name, "wrong password").await;
            assert_eq!(reply.code(), "WRONG_CREDENTIALS");
        }
    }
    // Also with the right password, and after a restart.
    herald.restart(herald::app::Parts { api: true, worker: false }).await;
    for name in ["admin", "nobody", " ADMIN"] {
        let refused = tries(&herald, "2001:db8::99", name, PASSWORD).await;
        assert_eq!(refused.code(), "RATE_LIMITED", "{name}: {refused:?}");
        let wait = refused.errors()[0]["extensions"]["retryAfterMs"].as_u64().unwrap();
        assert!((14 * 60_000..=15 * 60_000).contains(&wait), "{wait}");
    }
    tries(&herald, "10.0.0.1", "admin", PASSWORD).await.data();
    assert_eq!(tries(&herald, "10.0.0.1", "nobody", PASSWORD).await.code(), "WRONG_CREDENTIALS");
}

#[tokio::test]
async fn after_thirty_failures_an_address_has_to_wait_whatever_the_names() {
    let herald = TestApp::with(PROXY).await;
    let from = |address: &str| herald.nobody().at_address(address);
    // All at once: no more of them are told that they are wrong than if they had come in turn.
    let guesses = (0..60).map(async |n| {
        let address = if n % 2 == 0 { "2001:db8::1" } else { "2001:db8::2" };
        from(address).login(&format!("user{n}"), "wrong password").await.code().to_owned()
    });
    let answers = futures_util::future::join_all(guesses).await;
    let count = |code: &str| answers.iter().filter(|answer| *answer == code).count();
    assert_eq!((count("WRONG_CREDENTIALS"), count("RATE_LIMITED")), (30, 30), "{answers:?}");
    assert_eq!(from("2001:db8::3").login("admin", PASSWORD).await.code(), "RATE_LIMITED");
    let admin = from("2001:db8:0:1::1").sign_in("admin", PASSWORD).await;
    let lines = "{ auditLogs(first: 100, filter: { actions: [USER_LOGIN_FAILED] }) { totalCount nodes { metadata } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"].clone();
    assert_eq!(lines["totalCount"], 30, "who is stopped fills no log");
    let last = lines["nodes"].as_array().unwrap().iter().filter(|line| line["metadata"]["isThrottled"] == true).count();
    assert_eq!(last, 1);
}

#[tokio::test]
async fn who_has_signed_in_from_a_network_is_not_kept_out_by_others_there() {
    let herald = TestApp::with(PROXY).await;
    herald.operator().await;
    let office = herald.nobody().at_address("198.51.100.7");
    office.sign_in("admin", PASSWORD).await;
    for n in 0..30 {
        assert_eq!(office.login(&format!("user{n}"), "wrong password").await.code(), "WRONG_CREDENTIALS");
    }
    office.sign_in("admin", PASSWORD).await;
    assert_eq!(office.login("operator", PASSWORD).await.code(), "RATE_LIMITED", "who is new there waits");
    let elsewhere = herald.nobody().at_address("198.51.100.8");
    elsewhere.sign_in("operator", PASSWORD).await;
}

#[tokio::test]
async fn a_name_that_is_tried_from_everywhere_is_slow_and_not_locked() {
    let herald = TestApp::with(PROXY).await;
    let guesses = (0..50).map(async |n| {
        let from = herald.nobody().at_address(&format!("203.0.113.{n}"));
        assert_eq!(from.login("admin", "wrong password").await.code(), "WRONG_CREDENTIALS");
    });
    futures_util::future::join_all(guesses).await;
    let start = Instant::now();
    herald.nobody().at_address("198.51.100.9").sign_in("admin", PASSWORD).await;
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn behind_a_proxy_that_names_nobody_one_does_not_lock_out_all() {
    let herald = TestApp::with(PROXY).await;
    let from = |forwarded: &str| herald.nobody().at_address(forwarded);
    for n in 0..35 {
        let wrong = from("unknown").login(&format!("user{n}"), "wrong password").await;
        assert_eq!(wrong.code(), "WRONG_CREDENTIALS", "{n}");
    }
    let admin = from("unknown").sign_in("admin", PASSWORD).await;
    let failed = "{ auditLogs(filter: { actions: [USER_LOGIN_FAILED] }) { totalCount } }";
    assert_eq!(admin.data(failed, json!({})).await["auditLogs"]["totalCount"], 30, "nor fill the log");
    // A port behind an address is not a part of it.
    for n in 0..10 {
        let wrong = from(&format!("192.0.2.1:{}", 4_000 + n)).login("admin", "wrong password").await;
        assert_eq!(wrong.code(), "WRONG_CREDENTIALS");
    }
    assert_eq!(from("192.0.2.1").login("admin", PASSWORD).await.code(), "RATE_LIMITED");
    from("192.0.2.2:4000").sign_in("admin", PASSWORD).await;
    from("[2001:db8::1]:4711").sign_in("admin", PASSWORD).await;
}

#[tokio::test]
async fn what_a_user_mistakes_who_has_signed_in_counts_for_his_session_alone() {
    let herald = TestApp::api_only().await;
    let (here, there) = (herald.operator().await, herald.operator().await);
    let change =
        async |by: &Client, old: &str| by.query(CHANGE, json!({ "old": old, "new": "another password" })).await;
    for _ in 0..10 {
        assert_eq!(change(&here, "wrong password").await.violations(), ["input.currentPassword"]);
    }
    assert_eq!(change(&here, PASSWORD).await.code(), "RATE_LIMITED");
    herald.nobody().sign_in("operator", PASSWORD).await;
    herald.admin().await;
    change(&there, PASSWORD).await.data();
}

#[tokio::test]
async fn failures_are_forgotten_when_they_no_longer_count() {
    use sea_orm::{ConnectionTrait, PaginatorTrait};
    use storage::access::login_throttle;
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let rows = async || login_throttle::Entity::any().count(on.db.reader()).await.unwrap();
    herald.nobody().login("anna", "wrong password").await;
    service::access::throttle::sweep(on).await.unwrap();
    assert_eq!(rows().await, 3, "one for the name, one for the address, and one for both");
    let earlier = "UPDATE login_throttles SET until = '2020-01-01T00:00:00+00:00'";
    on.db.reader().execute_unprepared(earlier).await.unwrap();
    service::access::throttle::sweep(on).await.unwrap();
    assert_eq!(rows().await, 0);
}

//! Users, API tokens, one's own password and sessions.

use serde_json::json;

use super::{confirm, sign_in};
use crate::harness::{Browser, Client, PASSWORD, Tab, TestApp};

const TOKENS: &str = "[aria-labelledby=tokens]";

#[tokio::test]
async fn users_are_made_changed_and_signed_out_and_tokens_are_told_once() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let mut tab = browser.open(&format!("{}/#/settings", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".lined", "you").await;
    tab.reads(TOKENS, "No token.").await;
    tab.click("[aria-labelledby=users] > details summary").await;
    let form = "[aria-labelledby=users] > details";
    tab.fill(&format!("{form} input[autocomplete=off]"), "ann").await;
    tab.fill(&format!("{form} input[type=password]"), "short").await;
    tab.click(&format!("{form} .primary")).await;
    tab.until(&format!("document.querySelector('{form} [aria-invalid=true]')")).await;
    tab.fill(&format!("{form} input[type=password]"), PASSWORD).await;
    tab.assert_well("settings-user").await;
    tab.click(&format!("{form} .primary")).await;
    tab.reads(".lined", "ann").await;

    // Another role, and another password that ends what is open.
    let ann = herald.nobody().sign_in("ann", PASSWORD).await;
    let who = "{ viewer { role } }";
    assert_eq!(ann.data(who, json!({})).await["viewer"]["role"], "OPERATOR");
    let role = "document.querySelector('[aria-label=\"Role of ann\"]')";
    tab.value(&format!(
        "{{ const field = {role}; field.value = 'AUDITOR'; field.dispatchEvent(new Event('change')) }}"
    ))
    .await;
    tab.reads("#toasts", "ann is Auditor now.").await;
    let row = "[aria-labelledby=users] > div > .lined > li:nth-child(2)";
    one_session_ends(&mut tab, &herald, &ann, row).await;
    tab.click(&format!("{row} details:last-of-type summary")).await;
    tab.fill(&format!("{row} input[type=password]"), "another password of tests").await;
    tab.click(&format!("{row} form button")).await;
    tab.reads("#toasts", "All sessions of ann have ended.").await;
    assert_eq!(ann.query(who, json!({})).await.code(), "UNAUTHENTICATED");

    tab.click(&format!("{TOKENS} > details summary")).await;
    tab.fill(&format!("{TOKENS} form input"), "nightly <b>import</b>").await;
    tab.click(&format!("{TOKENS} form .primary")).await;
    tab.reads(".secret", "herald_").await;
    let token = tab.value("document.querySelector('.secret').textContent").await.as_str().unwrap().to_owned();
    tab.assert_well("settings-token").await;
    let machine = herald.nobody().with_token(&token);
    assert_eq!(machine.data(who, json!({})).await["viewer"]["role"], "OPERATOR");
    tab.click(".once button:last-child").await;
    tab.until("!document.querySelector('.secret')").await;
    assert_eq!(tab.value("document.body.innerText.includes('herald_')").await, false, "it is told once");
    tab.click(&format!("{TOKENS} .danger")).await;
    confirm(&mut tab).await;
    tab.reads(TOKENS, "No token.").await;
    assert_eq!(machine.query(who, json!({})).await.code(), "UNAUTHENTICATED");
    tab.click("[aria-label='Delete ann']").await;
    confirm(&mut tab).await;
    tab.until("!document.querySelector('[aria-label=\"Delete ann\"]')").await;
    tab.assert_clean(&herald.url()).await;
}

/// Of two sessions of a user one ends, and the other goes on.
async fn one_session_ends(tab: &mut Tab, herald: &TestApp, ann: &Client, row: &str) {
    let stolen = herald.nobody().sign_in("ann", PASSWORD).await;
    tab.click(&format!("{row} details:first-of-type summary")).await;
    let ends = format!("{row} details:first-of-type .danger");
    tab.until(&format!("document.querySelectorAll('{ends}').length === 2")).await;
    tab.assert_well("settings-sessions").await;
    tab.click(&ends).await;
    confirm(tab).await;
    tab.reads("#toasts", "The session of ann has ended.").await;
    tab.until(&format!("document.querySelectorAll('{ends}').length === 1")).await;
    let who = "{ viewer { role } }";
    let left = [ann.query(who, json!({})).await, stolen.query(who, json!({})).await];
    assert_eq!(left.iter().filter(|answer| answer.code() == "UNAUTHENTICATED").count(), 1);
}

#[tokio::test]
async fn ones_own_password_and_sessions_are_ones_own() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let other = herald.user("otto", "OPERATOR").await;
    herald.user("anna", "AUDITOR").await;
    let mut tab = browser.open(&format!("{}/#/settings", herald.url())).await;
    sign_in(&mut tab, "otto").await;
    tab.reads("main", "Your password").await;
    assert_eq!(tab.value("Boolean(document.querySelector('[aria-labelledby=users]'))").await, false);
    let form = "[aria-labelledby=own-password]";
    tab.fill(&format!("{form} input[autocomplete=current-password]"), "not the password").await;
    tab.fill(&format!("{form} input[autocomplete=new-password]"), "another password of tests").await;
    tab.click(&format!("{form} .primary")).await;
    tab.until(&format!("document.querySelector('{form} .trouble:not(:empty), {form} .mistake:not(:empty)')")).await;
    tab.assert_well("settings-own").await;
    tab.fill(&format!("{form} input[autocomplete=current-password]"), PASSWORD).await;
    tab.click(&format!("{form} .primary")).await;
    tab.reads("#toasts", "The password is changed").await;
    assert_eq!(other.query("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    let again = herald.nobody().sign_in("otto", "another password of tests").await;
    tab.click("[aria-labelledby=own-sessions] button").await;
    confirm(&mut tab).await;
    tab.reads("[role=alert]", "You are signed out everywhere.").await;
    assert_eq!(again.query("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    // Who only reads sees who there is.
    sign_in(&mut tab, "anna").await;
    tab.reads(".lined", "otto").await;
    assert_eq!(tab.value("document.querySelectorAll('.lined button, .lined select').length").await, 0);
    tab.assert_well("settings-auditor").await;
}

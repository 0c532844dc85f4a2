//! What the dashboard makes is made once, although the first answer is lost and somebody presses the button again.

use serde_json::json;

use super::sign_in;
use crate::harness::{Browser, Client, Tab, TestApp};

/// The answer of the next mutation is lost on its way, once; whatever it did is done.
const LOSE: &str = "{ const real = window.fetch; let lost = false; window.fetch = async (address, init) => {
    const answer = await real(address, init);
    if (!lost && String(init?.body).includes('\"mutation ')) { lost = true; throw new TypeError('lost'); }
    return answer; } }";

/// Fills the fields, presses the button twice, and looks how many there are.
async fn made_once(tab: &mut Tab, admin: &Client, case: (&str, &str, &[(&str, &str)], &str, &str)) {
    let (address, open, fields, form, count) = case;
    tab.value("location.hash = '#/audit'").await;
    tab.reads("h1", "Audit log").await;
    tab.value(&format!("location.hash = '{address}'")).await;
    tab.until(&format!("document.querySelector({open:?})")).await;
    tab.until("!document.querySelector('main [aria-busy]')").await;
    tab.click(open).await;
    for (field, text) in fields {
        tab.fill(&format!("{form} {field}"), text).await;
    }
    let before = admin.data(count, json!({})).await;
    tab.value(LOSE).await;
    let button = format!("{form} button[type=submit]");
    tab.click(&button).await;
    tab.reads(&format!("{form} .trouble"), "can’t be reached").await;
    let once = admin.data(count, json!({})).await;
    assert_ne!(before, once, "{address}: it was made, and the answer was lost");
    tab.click(&button).await;
    tab.until(&format!("!document.querySelector({form:?})?.querySelector('.trouble')?.textContent")).await;
    tab.until(&format!("!document.querySelector({form:?})?.querySelector('button[type=submit]')?.disabled")).await;
    assert_eq!(admin.data(count, json!({})).await, once, "{address}: it was made twice");
}

/// Where, what opens the form, what is written into which of its fields, the form, and the count that tells how many were made.
type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)], String, String);

#[tokio::test]
async fn what_is_made_is_made_once_though_the_answer_is_lost() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let channel =
        "mutation { createChannel(input: { username: \"some_channel\", category: \"news\" }) { channel { id } } }";
    admin.data(channel, json!({})).await;
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    let count = |noun: &str| format!("{{ {noun} {{ totalCount }} }}");
    let (users, tokens) = ("[aria-labelledby=users] > details", "[aria-labelledby=tokens] > details");
    let smtp: &[(&str, &str)] = &[
        (".fields .field:nth-child(1) input", "127.0.0.1"),
        (".fields .field:nth-child(6) input", "ann@herald.example"),
    ];
    let cases: [Case<'_>; 5] = [
        (
            "#/settings",
            format!("{users} summary"),
            &[("input[autocomplete=off]", "somebody"), ("input[type=password]", "a password of tests")],
            format!("{users} form"),
            count("users"),
        ),
        (
            "#/settings",
            format!("{tokens} summary"),
            &[("input", "nightly")],
            format!("{tokens} form"),
            count("apiTokens"),
        ),
        (
            "#/catalog",
            "[aria-labelledby=batches] h2".into(),
            &[("input", "All")],
            "[aria-labelledby=batches] form".into(),
            count("batches"),
        ),
        (
            "#/sequences",
            ".head .primary".into(),
            &[("input", "Welcome")],
            ".made form".into(),
            count("retentionSequences"),
        ),
        (
            "#/integrations",
            ".made-form summary".into(),
            smtp,
            ".made-form form".into(),
            "{ auditLogs(filter: { actions: [INTEGRATION_SAVED] }) { totalCount } }".into(),
        ),
    ];
    for (address, open, fields, form, count) in &cases {
        made_once(&mut tab, &admin, (address, open, fields, form, count)).await;
        if form.contains("tokens") {
            // The token is told with the answer that came at last.
            tab.reads(".secret", "herald_").await;
        }
    }
}

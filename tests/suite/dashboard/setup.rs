//! The catalog with its lists and batches, and accounts and providers that are set up.

use herald::app::Parts;
use serde_json::json;

use super::{confirm, sign_in};
use crate::harness::telegram::TelegramServer;
use crate::harness::{Browser, TestApp};

#[tokio::test]
async fn the_catalog_is_filled_searched_and_made_into_batches() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let mut tab = browser.open(&format!("{}/#/catalog", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("main", "No channels yet").await;
    tab.assert_well("catalog-empty").await;
    let titled =
        "mutation { createChannel(input: { username: \"anna_reads\", title: \"<b>Anna</b> reads\", category: \"news\",
        memberCount: 12345 }) { channel { id } } }";
    herald.admin().await.data(titled, json!({})).await;
    let line = |n: usize| {
        let category = if n.is_multiple_of(2) { "news" } else { "a category with a name that is rather long" };
        format!("{{\"username\": \"made_{n:03}\", \"category\": \"{category}\"}}\n")
    };
    let text = format!("{}nonsense\n{{\"username\": \"made_777\"}}\n", (1..=45).map(line).collect::<String>());
    let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    tab.choose_file(".drop input", file.path()).await;
    tab.reads("main", "45 channels new in the catalog, 2 lines not understood.").await;
    tab.reads(".lines", "the line does not begin with {").await;
    tab.reads(".listed", "46 channels").await;
    tab.reads(".found", "<b>Anna</b> reads").await;
    tab.reads(".found", "12,345").await;
    tab.assert_well("catalog").await;
    tab.click(".listed .pager button:last-child").await;
    tab.reads(".found", "made_020").await;
    tab.fill(".filters input", "made_00").await;
    tab.reads(".listed", "9 channels").await;
    tab.reads("[aria-labelledby=batches]", "Make a batch of these 9 channels").await;
    tab.fill("[aria-labelledby=batches] form input", "The first nine").await;
    tab.click("[aria-labelledby=batches] form button").await;
    tab.reads("[aria-labelledby=batches] .lined", "The first nine").await;
    tab.reads("[aria-labelledby=batches] .lined", "9 channels").await;
    tab.click(".found tbody button").await;
    tab.reads(".found tbody tr", "Disabled").await;
    tab.fill(".filters input", "nobody_has_this").await;
    tab.reads(".listed", "No channel is like that.").await;
    tab.click("[aria-labelledby=batches] .danger").await;
    confirm(&mut tab).await;
    tab.reads("[aria-labelledby=batches]", "No batch.").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn an_account_is_added_rested_given_a_session_and_removed() {
    let Some(browser) = Browser::start() else { return };
    let telegram = TelegramServer::start(1).await;
    let herald = TestApp::live(&telegram, &[], Parts { api: true, worker: false }).await;
    let mut tab = browser.open(&format!("{}/#/accounts", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("main", "No accounts yet").await;
    tab.click(".made-form summary").await;
    tab.fill(".made-form .field input", "The first").await;
    tab.fill(".made-form textarea", "no session").await;
    tab.click(".made-form .primary").await;
    tab.until("document.querySelector('.made-form textarea[aria-invalid=true]')").await;
    tab.assert_well("accounts-add").await;
    let session = telegram.session_string(0);
    tab.fill(".made-form textarea", &session).await;
    tab.click(".made-form .primary").await;
    tab.reads(".cards", "The first").await;
    assert_eq!(tab.value("document.querySelector('.made-form textarea').value").await, "", "no secret stays");
    tab.click("[aria-label='Let it rest: The first']").await;
    tab.reads(".cards .pill", "Disabled").await;
    tab.click("[aria-label='Let it send: The first']").await;
    tab.reads(".cards .pill", "Active").await;
    tab.click(".cards details summary").await;
    tab.fill(".cards textarea", &session).await;
    tab.assert_well("accounts-acts").await;
    tab.click(".cards form button").await;
    tab.reads(".cards", "This is the session that the account has.").await;
    tab.click("[aria-label='Remove: The first']").await;
    confirm(&mut tab).await;
    tab.reads("main", "No accounts yet").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_provider_is_set_up_and_its_secrets_never_come_back() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let mut tab = browser.open(&format!("{}/#/integrations", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.click(".made-form summary").await;
    tab.assert_well("integrations-form").await;
    tab.click(".made-form .primary").await;
    tab.until("document.querySelector('.made-form [aria-invalid=true]')").await;
    let field = |n: usize| format!(".made-form .fields .field:nth-child({n}) input");
    for (n, text) in [(1, "127.0.0.1"), (4, "ann"), (5, "secret of tests"), (6, "ann@herald.example")] {
        tab.fill(&field(n), text).await;
    }
    tab.click(".made-form .primary").await;
    tab.reads(".cards", "SMTP").await;
    assert_eq!(tab.value("document.body.innerHTML.includes('secret of tests')").await, false);
    assert_eq!(
        tab.value("[...document.querySelectorAll('input')].some(({ value }) => value === 'secret of tests')").await,
        false
    );
    // What Herald does not tell is asked for again: no first value takes its place in silence.
    tab.click("[aria-label='Change SMTP']").await;
    tab.until(&format!("document.querySelector('{}').value === '127.0.0.1'", field(1))).await;
    tab.click(".made-form .primary").await;
    tab.reads(".made-form", "Herald does not show what it was: say it again.").await;
    let choose = "{ const field = document.querySelector('.made-form .fields select'); field.value = 'NONE'; field.dispatchEvent(new Event('input')) }";
    tab.value(choose).await;
    tab.fill(&field(9), "5").await;
    tab.fill(&field(5), "another secret").await;
    tab.click(".made-form .primary").await;
    tab.reads("#toasts", "Saved.").await;
    let version = "{ integrationConfigs { nodes { version fields { name value } } } }";
    let saved = admin.data(version, json!({})).await["integrationConfigs"]["nodes"][0].clone();
    assert_eq!(saved["fields"][0]["value"], "127.0.0.1:587", "{saved}");
    tab.click("[aria-label='Remove SMTP']").await;
    confirm(&mut tab).await;
    tab.reads("main", "No provider is set up").await;
    tab.assert_clean(&herald.url()).await;
}

//! Integrations with their test and the log of callbacks, and leads with their timelines.

use serde_json::json;

use super::sign_in;
use crate::callbacks::log::failed;
use crate::harness::{Browser, TestApp};

#[tokio::test]
async fn an_integration_is_tried_and_a_callback_is_looked_at_again() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let mut tab = browser.open(&format!("{}/#/integrations", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("main", "No provider is set up").await;
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) {
        integrationConfig { id } } }";
    let smtp = json!({ "host": "127.0.0.1", "port": 9, "username": "ann", "password": "secret of tests",
        "from": "ann@herald.example", "security": "NONE" });
    admin.data(save, json!({ "input": { "smtp": smtp } })).await;
    failed(herald.services(), "From=%2B14155552671&Body=<b>stop</b>").await;
    tab.value("location.reload()").await;
    tab.reads(".cards", "SMTP").await;
    tab.reads(".cards", "127.0.0.1").await;
    assert_eq!(tab.value("document.body.innerText.includes('secret of tests')").await, false);
    tab.click(".tried button").await;
    tab.until("document.querySelector('.tried .bad, .tried .good')?.textContent.length > 10").await;
    tab.reads(".log", "twilio").await;
    tab.reads(".log", "the database was ill").await;
    tab.click(".log summary").await;
    tab.reads(".log pre", "Body=<b>stop</b>").await;
    tab.assert_well("integrations").await;
    tab.click(".chips button[data-status=PROCESSED]").await;
    tab.reads(".block:last-child", "None").await;
    tab.click(".chips button[data-status=ALL]").await;
    tab.click(".log button").await;
    tab.reads("#toasts", "It is looked at again.").await;
    tab.reads(".log .pill", "Unmatched").await; // nobody has this number
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_lead_is_found_and_its_timeline_told() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    let mut ids = Vec::new();
    for name in ["Ann", "Bob", "Анна"] {
        let email = format!("{}@herald.example", name.to_lowercase());
        let input = json!({ "firstName": name, "lastName": "<i>Lee</i>", "email": email });
        ids.push(admin.data(create, json!({ "input": input })).await["createLead"]["lead"]["id"].clone());
    }
    let record = "mutation($input: RecordContactAttemptInput!) { recordContactAttempt(input: $input) { contactAttempt { id } } }";
    let contact = json!({ "leadId": ids[0], "channel": "SMS", "status": "DELIVERED", "notes": "by hand" });
    admin.data(record, json!({ "input": contact })).await;
    herald.user("anna", "AUDITOR").await;
    let mut tab = browser.open(&format!("{}/#/leads", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.until("document.querySelectorAll('.people li').length === 3").await;
    tab.assert_well("leads").await;
    tab.fill("input[type=search]", "ann").await;
    tab.until("document.querySelectorAll('.people li').length === 1").await;
    tab.click(".people a").await;
    tab.reads("h1", "Ann <i>Lee</i>").await;
    tab.reads(".timeline", "SMS").await;
    tab.reads(".timeline", "Delivered").await;
    tab.reads(".timeline", "Became known").await;
    tab.reads(".facts", "ann@herald.example").await;
    tab.assert_well("lead").await;
    tab.click("#sign-out").await;
    sign_in(&mut tab, "anna").await;
    tab.reads("h1", "Ann").await;
    assert_eq!(tab.value("document.body.innerText.includes('ann@herald.example')").await, false);
    tab.assert_clean(&herald.url()).await;
}

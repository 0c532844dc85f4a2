//! What the dashboard tells: what a start would find, why jobs failed, and what paused by itself.

use serde_json::{Value as Json, json};

use super::{button, confirm, sign_in, tile};
use crate::harness::{Browser, Client, TestApp};

/// Channels, and a campaign to them that has not started.
pub async fn closed(admin: &Client, name: &str, usernames: &[String], content: &str) -> String {
    let channel = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    for username in usernames {
        admin.data(channel, json!({ "input": { "username": username, "category": name } })).await;
    }
    let parts = "mutation($name: String!, $content: String!) {
        createBatch(input: { name: $name, filter: { category: $name } }) { batch { id } }
        createTemplate(input: { name: $name, content: $content }) { template { id } } }";
    let parts = admin.data(parts, json!({ "name": name, "content": content })).await;
    again(admin, name, &parts["createBatch"]["batch"]["id"], &parts["createTemplate"]["template"]["id"]).await
}

async fn again(admin: &Client, name: &str, batch: &Json, template: &Json) -> String {
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input = json!({ "name": name, "mode": "LIVE", "deliveryRate": 900, "batchId": batch, "templateId": template });
    let created = admin.data(create, json!({ "input": input })).await;
    created["createBroadcastCampaign"]["campaign"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_start_would_find_and_why_jobs_failed_is_shown_with_what_can_be_done() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let names = ["seen_fine", "seen_a_forbidden", "seen_b_forbidden", "seen_nobody"].map(ToOwned::to_owned);
    let first = closed(&admin, "seen", &names, "Hi {username}, {{ title | default('friends') }}!").await;
    let mut tab = browser.open(&format!("{}/#/campaigns/{first}", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".preflight", "It can be started. It would write to 4 channels.").await;
    tab.reads(".preflight", "{username} is filled in by nobody").await;
    tab.reads(".preflight", "{{ title }} is not known of 4 channels").await;
    tab.assert_well("preflight").await;
    tab.click(".controls .primary:not([hidden])").await;
    tab.reads("dialog", "It writes to 4 channels.").await;
    confirm(&mut tab).await;
    tab.reads(".campaign .pill", "Completed").await;

    // Of four messages one has reached somebody, and the page says so.
    tab.reads(".far", "25 % 1 sent, 3 failed").await;
    tab.reads(".far", "Completed, took").await;
    tab.until("document.querySelector('.preflight').hidden").await;
    let reason = "[data-reason=CHAT_WRITE_FORBIDDEN]";
    tab.reads(reason, "We may not write there: only others may post. (2 jobs)").await;
    tab.reads(reason, "Take it out of the batch").await;
    tab.reads("[data-reason=USERNAME_NOT_OCCUPIED]", "There is no such channel").await;
    tab.assert_well("failures").await;
    let show = format!("{reason} button:first-of-type");
    tab.click(&show).await;
    tab.until("document.querySelectorAll('tbody tr').length === 2").await;
    tab.reads("tbody", "only others may post. (CHAT_WRITE_FORBIDDEN, at").await;
    tab.click(&format!("{reason} button:last-of-type")).await;
    tab.reads("dialog", "Retry 2 jobs?").await;
    confirm(&mut tab).await;
    tab.reads("#toasts", "2 jobs queued anew.").await;
    tab.until(&format!("{} === 3", tile("FAILED"))).await;
    // The lines above it come and go while the others are tried again.
    tab.value("document.querySelector('[data-reason=USERNAME_NOT_OCCUPIED] button:last-of-type').click()").await;
    confirm(&mut tab).await;
    tab.reads("#toasts", "1 job left: The channel is inactive in the catalog").await;

    // A name that leads nowhere is left out by the next one.
    let made = "query($id: ID!) { broadcastCampaign(id: $id) { batch { id } template { id } } }";
    let made = admin.data(made, json!({ "id": first })).await["broadcastCampaign"].clone();
    let second = again(&admin, "second", &made["batch"]["id"], &made["template"]["id"]).await;
    tab.value(&format!("location.hash = '#/campaigns/{second}'")).await;
    tab.reads(".preflight", "It would write to 3 channels.").await;
    tab.reads(".preflight [data-reason=USERNAME_NOT_OCCUPIED]", "@seen_nobody").await;
    tab.on_a_phone().await;
    assert_eq!(tab.value("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits a phone");
    tab.shot("preflight-phone").await;
    tab.value(&format!("location.hash = '#/campaigns/{first}'")).await;
    tab.reads(reason, "Take it out of the batch").await;
    assert_eq!(tab.value("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits a phone");
    tab.shot("failures-phone").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_campaign_that_paused_by_itself_is_marked_in_the_list() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    // Far more than are in the air when the pause comes.
    let names: Vec<String> = (0..80).map(|n| format!("self_{n:02}_forbidden")).collect();
    let id = closed(&admin, "self", &names, "Hello, {{ username }}!").await;
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": id })).await;
    let mut tab = browser.open(&format!("{}/#/campaigns", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".campaigns .name", "Paused by itself").await;
    tab.reads(".campaigns .what", "in a row failed").await;
    tab.reads(".campaigns .how-far", "0 of 80 sent").await;
    tab.assert_well("list").await;
    tab.on_a_phone().await;
    assert_eq!(tab.value("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits a phone");
    tab.shot("list-phone").await;
    tab.click(".campaigns a").await;
    tab.reads(".campaign .head", "Paused by itself").await;
    tab.value(&format!("{}.click()", button("Cancel"))).await;
    confirm(&mut tab).await;
    // Nobody was reached, and it has ended.
    tab.reads(".far", "0 % 0 sent, 2").await;
    tab.reads(".far", "Cancelled").await;
    tab.shot("cancelled-phone").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_sequence_that_paused_by_itself_is_marked_in_the_list() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let make = "mutation($name: String!) { createRetentionSequence(input: { name: $name, triggerType: MANUAL }) { sequence { id } } }";
    for name in ["stopped", "by hand"] {
        admin.data(make, json!({ "name": name })).await;
    }
    let on = herald.services();
    let pause = [
        "UPDATE retention_sequences SET status = 'PAUSED'",
        "UPDATE retention_sequences SET pause_reason = 'the world is another one' WHERE name = 'stopped'",
    ];
    for sql in pause {
        let statement = sea_orm::Statement::from_string(on.db.backend(), sql);
        on.db.write_alone(statement).await.unwrap();
    }
    let mut tab = browser.open(&format!("{}/#/sequences", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".flows", "the world is another one").await;
    let marked =
        "[...document.querySelectorAll('.flows li')].filter((row) => row.textContent.includes('Paused by itself'))";
    tab.until(&format!("{marked}.length === 1 && {marked}[0].textContent.includes('stopped')")).await;
    tab.assert_well("sequences-paused").await;
    tab.assert_clean(&herald.url()).await;
}

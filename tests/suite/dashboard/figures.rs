//! Reports with their charts, and A/B tests whose interval narrows.

use domain::retention::words::{AbVariant, ContactChannel};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use storage::retention::{contact_attempt, lead};

use super::sign_in;
use crate::harness::{Browser, Tab, TestApp};
use crate::retention::{ab_tests, rows};

#[tokio::test]
async fn reports_draw_what_was_sent_and_have_a_table_behind_each_chart() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, id) = super::campaign(&herald).await;
    let mut tab = browser.open(&format!("{}/#/reports", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".charts", "Nothing in this period.").await;
    tab.assert_well("reports-empty").await;

    let on = herald.services();
    let people: Vec<lead::Model> = (0..7).map(|_| rows::lead(on.now())).collect();
    let attempts = people.iter().map(|lead| rows::attempt(lead.id, ContactChannel::Email, on.now()));
    let attempts: Vec<contact_attempt::Model> = attempts.collect();
    let conversions = vec![rows::conversion(people[0].id, 12_000_000, on.now())];
    rows::insert::<lead::Entity, _>(on, people).await;
    rows::insert::<contact_attempt::Entity, _>(on, attempts).await;
    rows::insert::<storage::retention::conversion::Entity, _>(on, conversions).await;
    assert_eq!(contact_attempt::Entity::find().count(on.db.reader()).await.unwrap(), 7);
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": id })).await;
    crate::harness::eventually("some are sent", async || {
        let sent = "query($id: ID!) { broadcastCampaign(id: $id) { counters { sent } } }";
        admin.data(sent, json!({ "id": id })).await["broadcastCampaign"]["counters"]["sent"].as_i64() > Some(3)
    })
    .await;

    // Another zone and another period are asked for, and stand in the address.
    let pick = |field: usize, value: &str| {
        format!(
            "{{ const field = document.querySelectorAll('.choices select')[{field}]; field.value = '{value}';
            field.dispatchEvent(new Event('change')) }}"
        )
    };
    tab.value(&pick(1, "Asia/Tokyo")).await;
    tab.until("location.hash.includes('zone=Asia%2FTokyo')").await;
    tab.value(&pick(0, "7")).await;
    tab.until("location.hash.includes('period=7')").await;
    tab.until("document.querySelector('.charts rect[data-status=SENT]')").await;
    tab.reads(".charts", "Contacts of leads").await;
    tab.until("[...document.querySelectorAll('.ranks li')].some((one) => one.innerText.includes('Email'))").await;
    // Each chart that has something has the same numbers as a table.
    tab.value("document.querySelectorAll('.chart details').forEach((one) => (one.open = true))").await;
    let behind = "[...document.querySelectorAll('.chart')].filter((one) => !one.querySelector('svg, .ranks').closest('[hidden]'))
        .every((one) => one.querySelectorAll('table tbody tr').length > 0)";
    assert_eq!(tab.value(behind).await, true);
    tab.assert_well("reports").await;
    tab.value(&pick(2, "SMS")).await;
    tab.until("location.hash.includes('channel=SMS') && !document.querySelector('main [aria-busy]')").await;
    tab.value(&pick(0, "1")).await;
    tab.until("location.hash.includes('period=1') && !document.querySelector('main [aria-busy]')").await;
    tab.until("document.querySelectorAll('.chart').length > 4").await;
    tab.assert_clean(&herald.url()).await;
}

/// Makes a test by its form, after its refusals.
async fn new_test(tab: &mut Tab) {
    tab.click(".made-form summary").await;
    let form = "[...document.querySelectorAll('.made-form select')]";
    tab.until(&format!("{form}.some((one) => one.innerText.includes('Winter'))")).await;
    tab.until(&format!("{form}.some((one) => one.innerText.includes('A subject that tells'))")).await;
    tab.click(".made-form .primary").await;
    tab.reads(".made-form", "Choose a campaign.").await;
    tab.assert_well("tests-form").await;
    for (n, option) in [(0, 1), (2, 1), (3, 2)] {
        let pick = format!(
            "{{ const field = {form}[{n}]; field.selectedIndex = {option};
            for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {{ bubbles: true }})) }}"
        );
        tab.value(&pick).await;
    }
    tab.fill(".made-form .field input", "Which <i>subject</i>").await;
    tab.fill(".made-form input[max='10000000']", "300").await;
    tab.fill(".made-form input[max='365']", "0").await;
    tab.click(".made-form .primary").await;
}

#[tokio::test]
async fn an_ab_test_shows_its_arms_and_its_interval_as_they_grow() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let on = herald.services();
    let mut tab = browser.open(&format!("{}/#/tests", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("main", "No test here").await;
    tab.assert_well("tests-empty").await;
    let make = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
    for name in ["A subject that asks", "A subject that tells"] {
        let input = json!({ "name": name, "type": "EMAIL", "subject": "Hello", "content": "Hello!" });
        admin.data(make, json!({ "input": input })).await;
    }
    let campaign =
        "mutation { createRetentionCampaign(input: { name: \"Winter\", channels: [EMAIL] }) { campaign { id } } }";
    admin.data(campaign, json!({})).await;
    new_test(&mut tab).await;
    tab.reads(".tests h2", "Which <i>subject</i>").await;
    tab.reads(".verdict", "It has not begun.").await;
    tab.click(".tests .primary:not([hidden])").await;
    tab.reads(".tests .pill", "Running").await;

    let test = ab_tests::row(on).await;
    let width = "parseFloat(document.querySelector('.range .now').style.width) / 100 * Number(document.querySelector('.interval .axis span:last-child').textContent)";
    ab_tests::sent(on, test.id, AbVariant::A, 60, 5, on.now()).await;
    ab_tests::sent(on, test.id, AbVariant::B, 60, 9, on.now()).await;
    let both = |leads: &str| {
        format!("[...document.querySelectorAll('.arms tbody tr')].every((one) => one.innerText.includes('{leads}'))")
    };
    tab.until(&both("60")).await;
    tab.reads(".verdict", "It is not decided yet. Why: too few leads so far").await;
    tab.assert_well("tests-open").await;
    let before = tab.value(width).await.as_f64().unwrap();
    ab_tests::sent(on, test.id, AbVariant::A, 540, 45, on.now()).await;
    ab_tests::sent(on, test.id, AbVariant::B, 540, 141, on.now()).await;
    tab.until(&both("600")).await;
    let after = tab.value(width).await.as_f64().unwrap();
    assert!(after < before, "the interval narrows: {before}, {after}");
    tab.reads(".verdict", "B has won.").await;
    tab.assert_well("tests").await;
    tab.click(".tests .primary:not([hidden])").await;
    tab.reads(".verdict", "B was chosen.").await;
    tab.reads(".arms tbody tr:last-child", "Winner").await;
    tab.assert_clean(&herald.url()).await;
    assert_eq!(tab.value("document.querySelectorAll('.tests .controls button:not([hidden])').length").await, 0);
}

//! A sequence is made, drawn, changed and watched in the browser.

use serde_json::{Value as Json, json};

use super::{button, sign_in};
use crate::harness::{Browser, Client, Tab, TestApp};

const FORM: &str = ".editing > li:nth-child";

async fn press(tab: &mut Tab, label: &str) {
    let button = format!(
        "[...document.querySelectorAll('main button')].find((one) => one.textContent === '{label}' && !one.hidden && !one.disabled)"
    );
    tab.until(&button).await;
    tab.value(&format!("{button}.click()")).await;
}

/// Chooses in a list, or writes into a field, as a person would.
async fn set(tab: &mut Tab, selector: &str, value: &str) {
    tab.until(&format!("document.querySelector({selector:?})")).await;
    tab.value(&format!(
        "{{ const field = document.querySelector({selector:?}); field.value = '{value}';
            for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {{ bubbles: true }})) }}"
    ))
    .await;
}

/// The number under a label of a step.
fn number(step: usize, label: &str) -> String {
    format!(
        "Number([...document.querySelectorAll('.flow > li:nth-child({step}) .tiles > div')]
            .find((one) => one.querySelector('dt').textContent === '{label}').querySelector('dd').textContent)"
    )
}

async fn script(admin: &Client, name: &str, kind: &str) -> Json {
    let create = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
    let subject = if kind == "EMAIL" { json!("Hello") } else { Json::Null };
    let input =
        json!({ "name": name, "type": kind, "subject": subject, "content": "Hello {{ first_name | default(\"\") }}!" });
    admin.data(create, json!({ "input": input })).await["createScript"]["script"]["id"].clone()
}

async fn steps(admin: &Client, id: &str) -> Json {
    let read = "query($id: ID!) { retentionSequence(id: $id) { status stepsVersion
        steps { channel delayValue delayUnit isActive script { name } conditions { previousStatuses languages } } } }";
    admin.data(read, json!({ "id": id })).await["retentionSequence"].clone()
}

/// From an empty list to a sequence with two steps, its mistakes in their places.
async fn made(tab: &mut Tab, admin: &Client) -> String {
    tab.reads("main", "No sequences yet").await;
    press(tab, "New sequence").await;
    press(tab, "Make the sequence").await;
    tab.until("document.querySelector('.made .mistake:not(:empty)')").await;
    tab.assert_well("sequences-new").await;
    tab.fill(".made input", "Welcome <b>back</b>").await;
    press(tab, "Make the sequence").await;
    tab.reads("h1", "Welcome <b>back</b>").await;
    let id = tab.value("location.hash.split('/').pop()").await.as_str().unwrap().to_owned();
    // Refused where the button is.
    press(tab, "Activate").await;
    tab.until("document.querySelector('article > .trouble').textContent.length > 10").await;
    tab.assert_well("sequence-empty").await;

    press(tab, "Change the steps").await;
    press(tab, "Add a step").await;
    press(tab, "Add a step").await;
    set(tab, &format!("{FORM}(2) select"), "SMS").await;
    tab.until(&format!("document.querySelector('{FORM}(2) .field:nth-child(4) select').innerText.includes('Text')"))
        .await;
    set(tab, &format!("{FORM}(2) input[type=number]"), "99999").await;
    tab.value(&format!("document.querySelector('{FORM}(2) details').open = true")).await;
    tab.click(&format!("{FORM}(2) input[value=SENT]")).await;
    press(tab, "Save as the new version").await;
    tab.until(&format!("document.querySelector('{FORM}(2) .mistake:not(:empty)')")).await;
    tab.assert_well("sequence-edit").await;
    set(tab, &format!("{FORM}(2) input[type=number]"), "2").await;
    press(tab, "Add a step").await;
    tab.click("[aria-label='Move step 3 up']").await;
    tab.until("document.activeElement.getAttribute('aria-label') === 'Move step 2 up'").await;
    tab.click("[aria-label='Remove step 2']").await;
    press(tab, "Save as the new version").await;
    tab.reads(".flow", "2. SMS").await;
    let saved = steps(admin, &id).await;
    assert_eq!(saved["steps"].as_array().unwrap().len(), 2, "{saved}");
    assert_eq!((&saved["steps"][1]["delayValue"], &saved["steps"][1]["delayUnit"]), (&json!(2), &json!("DAYS")));
    assert_eq!(saved["steps"][1]["conditions"]["previousStatuses"], json!(["SENT"]));
    id
}

/// What a step of each way needs before its sequence can be activated. Nothing listens there, so its first step waits.
async fn providers(admin: &Client) {
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) {
        integrationConfig { id } } }";
    let smtp = json!({ "host": "127.0.0.1", "port": 9, "from": "ann@herald.example", "security": "NONE" });
    admin.data(save, json!({ "input": { "smtp": smtp } })).await;
    let sid = "AC0123456789abcdef0123456789abcdef";
    let twilio = json!({ "accountSid": sid, "authToken": "a token of tests", "from": "+14155550100" });
    admin.data(save, json!({ "input": { "twilio": twilio } })).await;
}

#[tokio::test]
async fn a_sequence_is_drawn_changed_and_moves_by_itself() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    script(&admin, "Letter", "EMAIL").await;
    script(&admin, "Text", "SMS").await;
    providers(&admin).await;
    let mut tab = browser.open(&format!("{}/#/sequences", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    let id = made(&mut tab, &admin).await;
    tab.reads(".flow > li:nth-child(2)", "Only if the step before ended as Sent").await;
    tab.reads(".flow > li:nth-child(2)", "after 2 days").await;

    // With the scripts chosen it can be activated.
    press(&mut tab, "Change the steps").await;
    for (row, name) in [(1, "Letter"), (2, "Text")] {
        let select = format!("document.querySelector('{FORM}({row}) .field:nth-child(4) select')");
        tab.until(&format!("{select}.innerText.includes('{name}')")).await;
        let pick = format!("{{ const field = {select}; field.selectedIndex = [...field.options].findIndex((one) => one.text === '{name}');
            field.dispatchEvent(new Event('change', {{ bubbles: true }})) }}");
        tab.value(&pick).await;
    }
    press(&mut tab, "Save as the new version").await;
    tab.reads(".flow", "“Text”").await;
    press(&mut tab, "Activate").await;
    tab.reads("article .pill", "Active").await;

    // The subscription moves it: nothing is read again for this.
    let lead = "mutation { createLead(input: { firstName: \"Ann\", email: \"ann@herald.example\", phone: \"+14155552671\" }) { lead { id } } }";
    let lead = admin.data(lead, json!({})).await["createLead"]["lead"]["id"].clone();
    let enroll = "mutation($input: EnrollLeadInput!) { enrollLead(input: $input) { enrollment { id } } }";
    admin.data(enroll, json!({ "input": { "leadId": lead, "sequenceId": id } })).await;
    tab.reads(".tiles.five", "On the way\n1").await;
    tab.until(&format!("{} + {} === 1", number(1, "Waiting"), number(1, "Sent"))).await;
    tab.assert_well("sequence").await;
    press(&mut tab, "Pause").await;
    tab.reads("article .pill", "Paused").await;

    // Somebody else was quicker: what was written stays, and what is there now can be shown.
    press(&mut tab, "Change the steps").await;
    let rename =
        "mutation($id: ID!) { updateRetentionSequence(input: { id: $id, description: \"new\" }) { sequence { id } } }";
    admin.data(rename, json!({ "id": id })).await;
    set(&mut tab, &format!("{FORM}(2) input[type=number]"), "3").await;
    press(&mut tab, "Save as the new version").await;
    tab.until("document.querySelector('.block .trouble').textContent.length > 10").await;
    press(&mut tab, "Show what is there now").await;
    tab.reads(".flow > li:nth-child(2)", "after 2 days").await;
    tab.value("location.hash = '#/sequences'").await;
    tab.reads(".flows", "1 on the way, 1 lead in all").await;
    tab.assert_well("sequences").await;
    tab.assert_clean(&herald.url()).await;

    herald.user("anna", "AUDITOR").await;
    tab.click("#sign-out").await;
    sign_in(&mut tab, "anna").await;
    tab.click(".flows a").await;
    tab.reads(".flow", "2. SMS").await;
    assert_eq!(tab.value("document.querySelectorAll('.controls button').length").await, 0);
    assert_eq!(tab.value(&format!("{} ?? null", button("Activate"))).await, Json::Null);
}

//! A campaign from nothing, on four screens.

use serde_json::json;

use super::{confirm, sign_in, tile};
use crate::harness::{Browser, PASSWORD, Tab, TestApp};

pub const NEXT: &str = ".onward .primary";

/// A list of five channels, and two lines that are none.
fn list() -> tempfile::NamedTempFile {
    let line = |n: usize| format!("{{\"username\": \"made_{n:03}\", \"category\": \"news\"}}\n");
    let text = format!("{}nonsense\n{{\"username\": \"made_007\"}}\n", (0..5).map(line).collect::<String>());
    let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// The screen is there, and who hears the page is told so.
pub async fn arrived(tab: &mut Tab, title: &str) {
    tab.until(&format!(
        "document.activeElement?.localName === 'h1' && document.activeElement.textContent === '{title}'"
    ))
    .await;
}

/// The first screen: a list is brought, and chosen by its category, with the keyboard alone.
async fn whom(tab: &mut Tab) {
    tab.reads(".sum", "0 channels").await;
    tab.click(NEXT).await;
    tab.reads(".trouble", "Nobody is found").await;
    tab.assert_well("new-whom").await;
    let list = list();
    tab.choose_file(".drop input", list.path()).await;
    tab.reads("main", "5 channels new in the catalog, 2 lines not understood.").await;
    tab.reads(".lines", "the line does not begin with {").await;
    tab.reads(".sum", "5 channels").await;
    tab.value("document.querySelector('.options input:checked').focus()").await;
    tab.press("ArrowDown", 1).await;
    tab.until("document.querySelector('input[value=FILTER]').checked").await;
    tab.press("Tab", 2).await;
    tab.until("document.activeElement.localName === 'input'").await;
    tab.value("document.activeElement.select()").await;
    tab.fill(".fields input", "made_00").await;
    tab.reads(".sum", "@made_000, @made_001, @made_002 and others").await;
    tab.assert_well("new-whom-list").await;
    tab.value("document.querySelector('.fields input').focus()").await;
    tab.press("Enter", 1).await;
    arrived(tab, "What does it say?").await;
}

/// The second: a text, its mistakes at their fields, and the preview on a channel of the audience.
async fn what(tab: &mut Tab) {
    tab.fill("textarea", "Hello {{ username").await;
    tab.until("document.querySelector('textarea[aria-invalid=true]')").await;
    tab.fill("textarea", "Hello <b>{{ username }}</b>: {{ offer }}").await;
    tab.until("!document.querySelector('textarea[aria-invalid=true]')").await;
    tab.reads(".bubble", "A value is missing for {{ offer }}.").await;
    tab.click(NEXT).await;
    tab.reads("[aria-labelledby=values] .mistake", "A value is needed.").await;
    tab.fill("[aria-labelledby=values] input", "half price").await;
    tab.reads(".bubble", "Hello <b>made_000</b>: half price").await;
    let format = "const field = document.querySelectorAll('.inside select')[0]; field.value = 'HTML'";
    tab.value(&format!("{{ {format}; field.dispatchEvent(new Event('input', {{ bubbles: true }})) }}")).await;
    tab.until("document.querySelector('.bubble strong')?.textContent === 'made_000'").await;
    tab.reads(".preview", "Hello made_000: half price").await;
    let picture = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/dashboard-light.png"), picture.path()).unwrap();
    tab.choose_file(".inside .drop input", picture.path()).await;
    tab.reads(".bubble", "Picture").await;
    tab.reads(".preview", "of 1,024 characters").await;
    tab.click(NEXT).await;
    // The API's own words, where they belong.
    tab.reads(".mistake:not(:empty)", "Must not be empty.").await;
    tab.until("document.activeElement.getAttribute('aria-invalid') === 'true'").await;
    tab.assert_well("new-what").await;
    tab.value("document.activeElement.blur()").await;
    tab.fill(".inside .field:last-child input", "Half price").await;
    tab.click(NEXT).await;
    arrived(tab, "How is it sent?").await;
}

/// The third: how quickly, and when.
async fn how(tab: &mut Tab) {
    tab.until("document.querySelector('.narrow input').value.startsWith('Half price')").await;
    tab.fill("input[max='1000000']", "0").await;
    tab.click(NEXT).await;
    tab.until("document.querySelector(\"input[max='1000000']\").getAttribute('aria-invalid') === 'true'").await;
    tab.fill("input[max='1000000']", "120").await;
    tab.reads("main", "5 messages in about 3 s at this pace.").await;
    tab.click("input[value=AT]").await;
    tab.click(NEXT).await;
    tab.reads(".inside:not([hidden]) .mistake", "Choose a date and a time.").await;
    tab.assert_well("new-how").await;
    tab.click("input[value=HAND]").await;
    tab.click(NEXT).await;
    arrived(tab, "Is all as it should be?").await;
}

#[tokio::test]
async fn a_campaign_is_made_from_nothing_on_four_screens() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    herald.user("olga", "OPERATOR").await;
    let mut tab = browser.open(&format!("{}/#/new", herald.url())).await;
    sign_in(&mut tab, "olga").await;
    arrived(&mut tab, "Whom does it reach?").await;
    whom(&mut tab).await;
    what(&mut tab).await;
    how(&mut tab).await;
    tab.reads(".preflight", "It can be started. It would write to 5 channels.").await;
    tab.assert_well("new-check").await;

    // Going back and loading anew lose nothing, and what is changed is changed in the campaign that there is.
    tab.click(".steps a[href='#/new']").await;
    arrived(&mut tab, "Whom does it reach?").await;
    tab.until("document.querySelector('.fields input')?.value === 'made_00'").await;
    tab.value("location.hash = '#/new/what'").await;
    tab.until("document.querySelector('textarea')?.value.startsWith('Hello <b>')").await;
    tab.value("location.reload()").await;
    tab.reads(".preview", "Hello made_000: half price").await;
    tab.reads(".chosen", "Attached").await;
    tab.click(NEXT).await;
    tab.fill("input[max='1000000']", "600").await;
    tab.click(NEXT).await;
    tab.reads(".summary", "at most 600 a minute").await;
    tab.reads(".preflight", "It can be started.").await;
    tab.click(NEXT).await;
    tab.reads("dialog", "It writes to 5 channels. Nothing really goes out").await;
    confirm(&mut tab).await;
    tab.reads(".campaign .pill", "Completed").await;
    tab.until(&format!("{} === 5", tile("SENT"))).await;
    let made = "{ broadcastCampaigns { totalCount nodes { deliveryRate mediaType } } batches { totalCount } templates { totalCount } }";
    let made = herald.admin().await.data(made, json!({})).await;
    let campaigns = json!({ "totalCount": 1, "nodes": [{ "deliveryRate": 600, "mediaType": "PHOTO" }] });
    assert_eq!(made["broadcastCampaigns"], campaigns);
    assert_eq!((&made["batches"]["totalCount"], &made["templates"]["totalCount"]), (&json!(1), &json!(1)));
    // The next one begins from nothing.
    tab.value("location.hash = '#/new'").await;
    tab.until("document.querySelector('input[value=ALL]')?.checked").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_campaign_is_planned_or_thrown_away_and_who_only_reads_is_told_why() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, _) = super::campaign(&herald).await;
    let mut tab = browser.open(&format!("{}/#/new", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    for last in ["Plan the start", "Discard"] {
        tab.click("input[value=BATCH]").await;
        let pick = "{ const field = document.querySelector('.inside:not([hidden]) select'); field.value = field.options[1].value;
            field.dispatchEvent(new Event('change')) }";
        tab.value(pick).await;
        tab.reads(".sum", "100 channels").await;
        tab.click(NEXT).await;
        tab.click("input[value=TEMPLATE]").await;
        tab.value(&pick.replace("'change'", "'change', { bubbles: true }")).await;
        tab.reads(".bubble", "Привет, seen_000!").await;
        tab.value("window.isOld = true; location.reload()").await;
        tab.until("!window.isOld").await;
        tab.reads(".bubble", "Привет, seen_000!").await;
        tab.click(NEXT).await;
        tab.click("input[value=AT]").await;
        let later = "{ const field = document.querySelector('input[type=datetime-local]');
            field.value = `${new Date().getFullYear() + 1}-01-02T03:04`; field.dispatchEvent(new Event('input')) }";
        tab.value(later).await;
        tab.click(NEXT).await;
        tab.reads(".preflight", "It can be started. It would write to 100 channels.").await;
        let button =
            format!("[...document.querySelectorAll('.onward button')].find((one) => one.textContent === '{last}')");
        tab.value(&format!("{button}.click()")).await;
        if last == "Discard" {
            confirm(&mut tab).await;
        }
        tab.until("location.hash.startsWith('#/campaigns')").await;
        let planned = "{ broadcastCampaigns(filter: { statuses: [QUEUED] }) { nodes { scheduledAt } } }";
        let planned = admin.data(planned, json!({})).await["broadcastCampaigns"]["nodes"].clone();
        let times = planned.as_array().unwrap().iter().filter(|one| one["scheduledAt"].is_string()).count();
        assert_eq!((planned.as_array().unwrap().len(), times), (2, 1), "{last}: {planned}");
        tab.value("location.hash = '#/new'").await;
    }
    tab.click("#sign-out").await;
    herald.user("anna", "AUDITOR").await;
    tab.fill("#username", "anna").await;
    tab.fill("#password", PASSWORD).await;
    tab.click("form button").await;
    tab.reads("main", "Your role only reads").await;
    tab.reads("main", "you are signed in as Auditor").await;
    tab.assert_well("new-auditor").await;
    tab.assert_clean(&herald.url()).await;
}

//! A campaign that was made already: what is changed after that, what was started meanwhile, and files that come late.

use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::{Value as Json, json};
use storage::broadcast::campaign::{self, Column};

use super::making::{NEXT, arrived};
use super::told::closed;
use super::{button, confirm, sign_in};
use crate::harness::{Browser, Client, Tab, TestApp, eventually};

const DRAFT: &str =
    "JSON.parse(sessionStorage[Object.keys(sessionStorage).find((key) => key.startsWith('herald.draft.'))])";

/// A Herald with one channel, and its screen for a new campaign.
async fn new_campaign(browser: &Browser) -> (TestApp, Client, Tab) {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let channel =
        "mutation { createChannel(input: { username: \"some_channel\", category: \"news\" }) { channel { id } } }";
    admin.data(channel, json!({})).await;
    let mut tab = browser.open(&format!("{}/#/new", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    arrived(&mut tab, "Whom does it reach?").await;
    tab.reads(".sum", "1 channel").await;
    (herald, admin, tab)
}

/// Goes on to the last screen.
async fn to_the_check(tab: &mut Tab) {
    tab.click(NEXT).await;
    arrived(tab, "What does it say?").await;
    tab.fill("textarea", "Hello!").await;
    tab.fill(".inside .field:last-child input", "Hello").await;
    tab.click(NEXT).await;
    arrived(tab, "How is it sent?").await;
    tab.click(NEXT).await;
    checked(tab).await;
}

/// The last screen is there, and nothing stands in the way of a start.
async fn checked(tab: &mut Tab) {
    arrived(tab, "Is all as it should be?").await;
    tab.reads(".preflight", "It can be started. It would write to 1 channel.").await;
}

async fn change_how(tab: &mut Tab) {
    tab.click(".summary a[href='#/new/how']").await;
    arrived(tab, "How is it sent?").await;
}

/// Starts it without the page, and waits for its end.
async fn started(admin: &Client, id: &Json) {
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": id })).await;
    let status = "query($id: ID!) { broadcastCampaign(id: $id) { status } }";
    eventually("it has ended", async || {
        admin.data(status, json!({ "id": id })).await["broadcastCampaign"]["status"] == "COMPLETED"
    })
    .await;
}

/// Presses the button of the last screen that reads so.
async fn press(tab: &mut Tab, label: &str) {
    let button =
        format!("[...document.querySelectorAll('.onward button')].find((one) => one.textContent === '{label}')");
    tab.until(&format!("{button}?.disabled === false")).await;
    tab.value(&format!("{button}.click()")).await;
}

#[tokio::test]
async fn what_was_changed_after_a_campaign_was_made_is_what_is_started() {
    let Some(browser) = Browser::start() else { return };
    let (herald, admin, mut tab) = new_campaign(&browser).await;
    to_the_check(&mut tab).await;
    tab.reads(".summary", "To the channels").await;

    // By the line of steps: the way there saves what was changed.
    change_how(&mut tab).await;
    tab.click("input[value=TEST]").await;
    tab.click(".steps a[href='#/new/check']").await;
    checked(&mut tab).await;
    tab.reads(".summary", "A test, to Saved Messages").await;

    // By the address, as the browser's Forward goes: what is not saved is not shown there.
    change_how(&mut tab).await;
    tab.fill("input[max='1000000']", "600").await;
    tab.value("location.hash = '#/new/check'").await;
    tab.until("location.hash === '#/new/how' && !document.querySelector(\".steps a[href='#/new/check']\")").await;
    arrived(&mut tab, "How is it sent?").await;
    tab.click(NEXT).await;
    checked(&mut tab).await;
    tab.reads(".summary", "at most 600 a minute").await;
    tab.reads(".summary", "A test, to Saved Messages").await;
    tab.assert_well("new-check-test").await;

    press(&mut tab, "Start now").await;
    tab.reads("dialog", "Saved Messages, as 1 test.").await;
    tab.reads("dialog", "Nothing really goes out").await;
    confirm(&mut tab).await;
    tab.reads(".campaign .pill", "Completed").await;
    let made = "{ broadcastCampaigns { nodes { mode deliveryRate status } } }";
    let made = admin.data(made, json!({})).await;
    assert_eq!(
        made["broadcastCampaigns"]["nodes"],
        json!([{ "mode": "TEST", "deliveryRate": 600, "status": "COMPLETED" }])
    );
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_finished_campaign_of_an_old_draft_is_not_deleted() {
    let Some(browser) = Browser::start() else { return };
    let (herald, admin, mut tab) = new_campaign(&browser).await;
    to_the_check(&mut tab).await;
    let first = tab.value(&format!("{DRAFT}.made.campaign.id")).await;
    change_how(&mut tab).await;
    started(&admin, &first).await;
    // Another mode makes another campaign; the first one is no draft any more.
    tab.click("input[value=TEST]").await;
    tab.click(NEXT).await;
    checked(&mut tab).await;
    let second = tab.value(&format!("{DRAFT}.made.campaign.id")).await;
    assert_ne!(first, second);
    press(&mut tab, "Discard").await;
    tab.reads("dialog", "Its text is kept as a template.").await;
    confirm(&mut tab).await;
    tab.until("location.hash === '#/campaigns'").await;
    let left = "{ broadcastCampaigns { nodes { id status } } batches { totalCount } }";
    let left = admin.data(left, json!({})).await;
    assert_eq!(left["broadcastCampaigns"]["nodes"], json!([{ "id": first, "status": "COMPLETED" }]));
    assert_eq!(left["batches"]["totalCount"], 1);

    // One that was started while its last screen was shown is led to.
    tab.value("location.hash = '#/new'").await;
    arrived(&mut tab, "Whom does it reach?").await;
    tab.reads(".sum", "1 channel").await;
    to_the_check(&mut tab).await;
    let third = tab.value(&format!("{DRAFT}.made.campaign.id")).await;
    started(&admin, &third).await;
    press(&mut tab, "Start now").await;
    tab.reads("#toasts", "It was started already.").await;
    tab.until(&format!("location.hash === '#/campaigns/' + {third}")).await;
    tab.reads(".campaign .pill", "Completed").await;
    tab.assert_clean(&herald.url()).await;
}

/// The next file is handed over when `letGo()` is called, and `isOver` once it is there.
const SLOW: &str = "{ const { send } = XMLHttpRequest.prototype; window.isOver = false;
    XMLHttpRequest.prototype.send = function (body) {
        this.addEventListener('load', () => { window.isOver = true });
        window.letGo = () => { window.letGo = null; XMLHttpRequest.prototype.send = send; send.call(this, body) } }; 0 }";

#[tokio::test]
async fn a_file_that_comes_late_is_waited_for_and_changes_no_screen_that_was_left() {
    let Some(browser) = Browser::start() else { return };
    let (herald, _, mut tab) = new_campaign(&browser).await;
    // What is wrong in a part that is hidden stands in nobody's way.
    tab.click("input[value=FILTER]").await;
    tab.fill(".fields input[type=number]", "-5").await;
    tab.click(NEXT).await;
    tab.until("document.querySelector('.trouble').textContent").await;
    tab.click("input[value=ALL]").await;
    tab.reads(".sum", "1 channel").await;
    tab.click(NEXT).await;
    arrived(&mut tab, "What does it say?").await;
    tab.fill("textarea", "Hello!").await;
    let picture = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    std::fs::write(picture.path(), b"\x89PNG\r\n\x1a\n").unwrap();

    tab.value(SLOW).await;
    tab.choose_file(".inside .drop input", picture.path()).await;
    tab.until("window.letGo && document.querySelector('.onward .primary').disabled").await;
    tab.value("location.hash = '#/new'").await;
    arrived(&mut tab, "Whom does it reach?").await;
    tab.value("letGo()").await;
    tab.until("window.isOver").await;
    assert_eq!(tab.value(&format!("{DRAFT}.what.media")).await, Json::Null);

    tab.value("location.hash = '#/new/what'").await;
    arrived(&mut tab, "What does it say?").await;
    tab.value(SLOW).await;
    tab.choose_file(".inside .drop input", picture.path()).await;
    tab.until("window.letGo && document.querySelector('.onward .primary').disabled").await;
    tab.value("letGo()").await;
    tab.reads(".chosen", "Attached").await;
    tab.until("!document.querySelector('.onward .primary').disabled").await;
    assert_eq!(tab.value(&format!("{DRAFT}.what.media.type")).await, "PHOTO");
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn messages_that_are_kept_no_longer_are_said_to_be_gone() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let names = ["gone_fine", "gone_a_forbidden", "gone_b_forbidden"].map(ToOwned::to_owned);
    let id = closed(&admin, "gone", &names, "Hello!").await;
    started(&admin, &json!(id)).await;
    let on = herald.services();
    let change = campaign::Entity::update_many().col_expr(Column::JobsRemovedAt, Expr::value(on.now()));
    change.exec(on.db.reader()).await.unwrap();
    let mut tab = browser.open(&format!("{}/#/campaigns/{id}", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads(".far", "1 sent, 2 failed").await;
    let retry = button("Retry failed");
    tab.until(&format!("{retry}.disabled && {retry}.title.includes('kept no longer')")).await;
    tab.click(".chips button[data-status=UNKNOWN]").await;
    tab.reads("main", "The messages of this campaign were removed").await;
    tab.assert_clean(&herald.url()).await;
}

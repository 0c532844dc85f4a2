//! The first page: what needs a hand, what runs, what waits; and where the focus goes.

use domain::broadcast::AccountStatus;
use herald::app::Parts;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::json;
use storage::broadcast::telegram_account::{self, Column};
use storage::broadcast::{campaign, progress};
use storage::retention::{integration_config, mailbox};

use super::told::closed;
use super::{confirm, sign_in};
use crate::accounts::added;
use crate::callbacks::log::failed;
use crate::harness::telegram::TelegramServer;
use crate::harness::{Browser, Client, TestApp};

async fn start(admin: &Client, id: &str) {
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": id })).await;
}

/// Campaigns that run, wait and have paused by themselves.
async fn campaigns(herald: &TestApp, admin: &Client) {
    let names = |word: &str| (0..80).map(|n| format!("{word}_{n:02}")).collect::<Vec<_>>();
    let names_forbidden: Vec<_> = names("stuck").iter().map(|name| format!("{name}_forbidden")).collect();
    let stuck = closed(admin, "Stuck", &names_forbidden, "Hello!").await;
    start(admin, &stuck).await;
    let (_, running) = super::campaign(herald).await;
    let slow =
        "mutation($id: ID!) { updateBroadcastCampaign(input: { id: $id, deliveryRate: 60 }) { campaign { id } } }";
    admin.data(slow, json!({ "id": running })).await;
    start(admin, &running).await;
    let paused = closed(admin, "Paused", &names("paused"), "Hello!").await;
    start(admin, &paused).await;
    let pause = "mutation($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(pause, json!({ "id": paused })).await;
    let planned = closed(admin, "Planned", &names("planned"), "Hello!").await;
    let plan = "mutation($id: ID!, $at: DateTime!) {
        updateBroadcastCampaign(input: { id: $id, scheduledAt: $at }) { campaign { id } } }";
    let at = herald.services().now() + chrono::Duration::days(1);
    admin.data(plan, json!({ "id": planned, "at": at })).await;
}

#[tokio::test]
async fn the_overview_says_what_runs_what_waits_and_what_needs_a_hand() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("#main", "Nothing: all goes by itself.").await;
    tab.reads("#main", "Nothing runs").await;
    tab.assert_well("overview-empty").await;
    let size = "Math.round(performance.getEntries().filter(({ name }) => !name.endsWith('/graphql'))
        .reduce((sum, { transferSize }) => sum + (transferSize ?? 0), 0))";
    let size = tab.value(size).await.as_i64().unwrap();
    // Other pages come when somebody goes there.
    assert!(size > 10_000 && size < 95_000, "the first page has {size} bytes");
    let files = "performance.getEntries().map(({ name }) => name.split('/').pop()).join(' ')";
    let files = tab.value(files).await.as_str().unwrap().to_owned();
    for later in ["sequences.js", "reports.js", "catalog.js", "settings.js", "forms.css", "charts.css"] {
        assert!(!files.contains(later), "{files}");
    }

    campaigns(&herald, &admin).await;
    failed(herald.services(), "From=%2B14155552671").await;
    tab.go(&format!("{}/#/campaigns", herald.url())).await;
    tab.value("location.hash = '#/'").await;
    tab.reads("[aria-labelledby=hand]", "2 things to look at").await;
    tab.reads("[aria-labelledby=hand]", "Stuck It paused by itself.").await;
    tab.reads("[aria-labelledby=hand]", "1 callback of providers could not be understood.").await;
    tab.reads("[aria-labelledby=running]", "60/min").await;
    tab.reads("[aria-labelledby=running]", "of 100 sent").await;
    tab.reads("[aria-labelledby=waits]", "Paused Somebody has paused it;").await;
    tab.reads("[aria-labelledby=waits]", "Planned Starts by itself at").await;
    tab.reads("[aria-labelledby=today]", "only others may post").await;
    tab.assert_well("overview").await;
    // It is live: nothing is read again for this.
    let sent = "parseInt(document.querySelector('.how-far > span').innerText)";
    let before = tab.value(sent).await;
    tab.until(&format!("{sent} > {before} + 1")).await;
    tab.click("[aria-labelledby=hand] a").await;
    tab.reads("h1", "Stuck").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_read_and_messages_of_which_nobody_knows_need_a_hand() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, id) = super::campaign(&herald).await;
    let on = herald.services();
    let smtp = json!({ "host": "127.0.0.1", "port": 9, "from": "ann@herald.example", "security": "NONE",
        "inbox": "inbox@herald.example", "imap": { "host": "127.0.0.1", "port": 9, "security": "NONE",
        "username": "inbox", "password": "secret of tests" } });
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) {
        integrationConfig { id } } }";
    admin.data(save, json!({ "input": { "smtp": smtp } })).await;
    let config = integration_config::Entity::find().one(on.db.reader()).await.unwrap().unwrap();
    let failing = mailbox::Model {
        integration_id: config.id,
        version: config.version,
        place: "inbox".into(),
        uid_validity: None,
        last_uid: None,
        read_at: None,
        failures: 3,
        stuck_uid: None,
        stuck_times: 0,
        error: Some("the server takes no such password".into()),
        first_failed_at: Some(on.now()),
        is_told: true,
        held_until: on.now() + chrono::Duration::days(1),
    };
    mailbox::Entity::insert(failing.into_active_model()).exec_without_returning(on.db.reader()).await.unwrap();
    let more = |column: progress::Column| (column, Expr::col(column).add(2));
    let (unknown, total) = (more(progress::Column::Unknown), more(progress::Column::Total));
    let unknown = progress::Entity::update_many().col_expr(unknown.0, unknown.1).col_expr(total.0, total.1);
    unknown.exec(on.db.reader()).await.unwrap();

    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("[aria-labelledby=hand]", "2 things to look at").await;
    tab.reads("[aria-labelledby=hand]", "Nobody knows whether it was sent: 2 messages.").await;
    tab.reads("[aria-labelledby=hand]", "Mailbox It can’t be read.").await;
    tab.reads("[aria-labelledby=hand]", "The server takes no such password.").await;
    tab.assert_well("overview-hand").await;
    tab.click(&format!("[aria-labelledby=hand] a[href='#/campaigns/{id}']")).await;
    tab.reads("h1", super::NAME).await;
    tab.value("history.back()").await;
    tab.click("[aria-labelledby=hand] a[href='#/integrations']").await;
    tab.reads(".cards", "Its mailbox can’t be read: The server takes no such password.").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn a_schedule_that_was_given_up_is_told_however_many_wait() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (admin, _) = super::campaign(&herald).await;
    let on = herald.services();
    let missed = campaign::Entity::update_many().col_expr(campaign::Column::ScheduleMissedAt, Expr::value(on.now()));
    missed.exec(on.db.reader()).await.unwrap();
    for n in 0..6 {
        closed(&admin, &format!("later {n}"), &[format!("later_{n}")], "Hello!").await;
    }
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("[aria-labelledby=hand]", "1 thing to look at").await;
    tab.reads("[aria-labelledby=hand]", "Its schedule was given up at").await;
    tab.reads("[aria-labelledby=waits]", "1 more wait as well.").await;
    tab.assert_clean(&herald.url()).await;
}

#[tokio::test]
async fn the_focus_follows_what_is_shown_and_a_wrong_address_says_so() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    let is_on = |title: &str| {
        format!("document.activeElement.localName === 'h1' && document.activeElement.textContent === '{title}'")
    };
    tab.until(&is_on("Overview")).await;
    tab.click("#stop-all").await;
    tab.fill("#stop-reason", "an exercise").await;
    confirm(&mut tab).await;
    tab.reads("#stopped", "an exercise").await;
    tab.until(&is_on("Overview")).await;
    tab.assert_well("stopped").await;
    tab.click("#resume-all").await;
    tab.until("document.getElementById('stopped').hidden").await;
    tab.until(&is_on("Overview")).await;

    for address in ["#/anything", "#/audit/x", "#/campaigns/a/b", "#/constructor"] {
        tab.value(&format!("location.hash = '{address}'")).await;
        tab.until(&is_on("There is no such page")).await;
        assert_eq!(tab.value("document.querySelectorAll('[aria-current]').length").await, 0, "{address}");
        tab.click("main a").await;
        tab.until(&is_on("Overview")).await;
    }
    tab.value("location.hash = '#/anything'").await;
    tab.until(&is_on("There is no such page")).await;
    tab.assert_well("nowhere").await;
    tab.value("location.hash = '#/campaigns/nothing'").await;
    tab.reads("main", "This did not work").await;
    tab.assert_clean(&herald.url()).await;
}

/// Two accounts: one whose session has ended, and one that waits.
async fn accounts(herald: &TestApp, admin: &Client, telegram: &TelegramServer) {
    let on = herald.services();
    let later = on.now() + chrono::Duration::hours(1);
    for number in [0, 1] {
        added(admin, telegram, number).await;
    }
    let change = |label: &str| telegram_account::Entity::update_many().filter(Column::Label.eq(label));
    let ended = change("account 0")
        .col_expr(Column::Status, Expr::value(AccountStatus::NeedsLogin))
        .col_expr(Column::LastError, Expr::value("SESSION_REVOKED"));
    let waits = change("account 1").col_expr(Column::SendNotBefore, Expr::value(later));
    for change in [ended, waits] {
        change.exec(on.db.reader()).await.unwrap();
    }
}

#[tokio::test]
async fn accounts_show_their_pace_their_budgets_and_their_waits() {
    let Some(browser) = Browser::start() else { return };
    let telegram = TelegramServer::start(2).await;
    let herald = TestApp::live(&telegram, &[], Parts { api: true, worker: false }).await;
    let admin = herald.admin().await;
    let mut tab = browser.open(&format!("{}/#/accounts", herald.url())).await;
    sign_in(&mut tab, "admin").await;
    tab.reads("main", "No accounts yet").await;
    accounts(&herald, &admin, &telegram).await;
    tab.value("location.hash = '#/'").await;
    tab.reads("[aria-labelledby=hand]", "account 0 The session of this account has ended.").await;
    tab.reads("[aria-labelledby=hand]", "Telegram said: SESSION_REVOKED.").await;
    tab.reads("[aria-labelledby=waits]", "account 1 Telegram lets it send again at").await;
    tab.click("[aria-labelledby=hand] a").await;
    tab.reads(".cards", "account 0").await;
    tab.reads(".cards li", "Needs login").await;
    tab.reads(".cards li", "0 messages sent today, at most 20 a minute").await;
    tab.reads(".cards li", "0 of 40").await;
    tab.reads(".cards li:last-child", "Flood wait").await;
    tab.reads(".waits:not([hidden])", "Sends nothing until").await;
    tab.assert_well("accounts").await;

    // They can be chosen for a campaign.
    let channel =
        "mutation { createChannel(input: { username: \"some_channel\", category: \"news\" }) { channel { id } } }";
    admin.data(channel, json!({})).await;
    tab.value("location.hash = '#/new'").await;
    tab.reads(".sum", "1 channel").await;
    tab.click(".onward .primary").await;
    tab.fill("textarea", "Hello!").await;
    tab.fill(".inside .field:last-child input", "Hello").await;
    tab.click(".onward .primary").await;
    tab.click("input[value=SOME]").await;
    tab.click(".onward .primary").await;
    tab.reads(".trouble", "Choose at least one account").await;
    tab.click(".check input").await;
    tab.assert_well("new-how-accounts").await;
    tab.click(".onward .primary").await;
    tab.reads(".summary", "1 account").await;
    tab.reads(".preflight", "It can’t be started.").await;
    assert_eq!(tab.value("document.querySelector('.onward .primary').disabled").await, true);
    tab.assert_clean(&herald.url()).await;
}

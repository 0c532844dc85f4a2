//! What each answer leads to: waits are obeyed, errors have owners, nothing goes out twice.

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::audit::Action;
use domain::broadcast::{CampaignMode, CampaignStatus, JobStatus, ProgressStatus};
use service::broadcast::{campaign, channel, job};
use storage::broadcast::failures;

use super::fixture::{Office, names};

#[tokio::test]
async fn every_channel_gets_its_message_once() {
    let office = Office::open().await;
    let id = office.campaign(&names("plain", 300), 60_000).await;
    office.start(id).await;
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.total, row.sent), (300, 300));
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 300);
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), 300);
    assert!(ledger.iter().all(|line| line.text == format!("Hello {}", line.username)));
    for job in office.jobs(id).await {
        assert_eq!((job.attempts, job.leases), (1, 0));
        assert!(job.started_at <= job.sent_at);
    }
    assert_eq!(office.audited(Action::CampaignCompleted).await, 1);
}

#[tokio::test]
async fn each_marker_leads_to_what_the_table_of_errors_says() {
    let office = Office::open().await;
    let usernames = [
        "one_flood1",
        "two_slow1",
        "three_forbidden",
        "four_nobody",
        "five_error500",
        "six_dropbefore",
        "seven_dropafter",
        "eight_slow_reply",
        "nine_plain",
    ];
    let usernames: Vec<String> = usernames.map(String::from).to_vec();
    let id = office.campaign_with(&usernames, 60_000, |new| new.retry_limit = 1).await;
    office.start(id).await;
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed, row.unknown), (6, 2, 1));
    office.assert_counters(id).await;
    let job = async |name: &str| office.job(id, name).await;

    let flooded = job("one_flood1").await;
    assert_eq!((flooded.status, flooded.attempts), (JobStatus::Sent, 1), "a wait costs no attempt");
    let forbidden = job("three_forbidden").await;
    assert_eq!(forbidden.error_message.as_deref(), Some("CHAT_WRITE_FORBIDDEN"));
    assert_eq!(office.channel("three_forbidden").await.error_count, 1);
    assert!(office.channel("three_forbidden").await.is_active, "one refusal is not yet three");
    assert!(!office.channel("four_nobody").await.is_active, "a dead name is never tried again");
    let unknown = job("five_error500").await;
    assert_eq!((unknown.status, unknown.attempts), (JobStatus::Unknown, 2), "a server error may have sent it");
    for name in ["six_dropbefore", "seven_dropafter"] {
        let job = job(name).await;
        assert_eq!((job.status, job.ambiguous_since), (JobStatus::Sent, None), "{name}");
    }
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 6);
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), 6);
    assert_eq!(office.audited(Action::FloodWaitTriggered).await, 1);
    assert_eq!(office.audited(Action::ChannelDeactivated).await, 1);
}

#[tokio::test]
async fn a_flood_wait_stops_its_campaign_to_the_second_and_no_other() {
    let office = Office::open().await;
    let mut usernames = names("flooded", 40);
    usernames.insert(10, "somebody_flood3".into());
    let flooded = office.campaign(&usernames, 6_000).await;
    let other = office.campaign(&names("other", 200), 6_000).await;
    office.start(flooded).await;
    office.start(other).await;
    let worker = office.worker();
    office.until(flooded, CampaignStatus::Completed).await;
    office.until(other, CampaignStatus::Completed).await;
    worker.stop().await;
    let ledger = office.ledger();
    let answered = office.job(flooded, "somebody_flood3").await;
    let until = answered.started_at.expect("sent") - TimeDelta::seconds(3);
    let before = ledger.iter().filter(|line| line.username.starts_with("flooded") && line.at < until).count();
    let after: Vec<_> = ledger.iter().filter(|line| line.username.starts_with("flooded") && line.at >= until).collect();
    assert!(before >= 10 && !after.is_empty(), "{before} before the wait, {} after", after.len());
    let first = after.iter().map(|line| line.at).min().expect("some");
    let last =
        ledger.iter().filter(|line| line.username.starts_with("flooded") && line.at < until).map(|line| line.at).max();
    assert!(first - last.expect("some") >= TimeDelta::seconds(3), "nothing is sent during the wait");
    let meanwhile = ledger
        .iter()
        .filter(|line| line.username.starts_with("other") && line.at > last.expect("some") && line.at < first);
    assert!(meanwhile.count() > 100, "the other campaign goes on");
}

#[tokio::test]
async fn failures_in_a_row_pause_and_a_retry_takes_only_the_failed() {
    let mut office = Office::open().await;
    office.rule(|rules| rules.pause_after_failures = 5);
    let mut usernames: Vec<String> = (0..30).map(|n| format!("closed{n:02}_forbidden")).collect();
    usernames.extend(names("open", 3));
    let id = office.campaign(&usernames, 600).await;
    office.start(id).await;
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Paused).await;
    assert!((5..=8).contains(&row.failed), "paused after {}", row.failed);
    let paused = storage::broadcast::campaign::Entity::in_status([CampaignStatus::Paused]);
    let paused = sea_orm::Select::one(paused, office.on.db.reader()).await.expect("reads").expect("there");
    assert!(paused.pause_reason.expect("a reason").contains("in a row failed"));
    // Failures of the run before don't count: it needs five anew.
    let failed = office.until_row(id, "rest", |row| row.sending == 0).await.failed;
    campaign::resume(&office.on, &office.actor, id).await.expect("resumes");
    let row = office.until(id, CampaignStatus::Paused).await;
    assert!(row.failed >= failed + 5, "{} after {failed}", row.failed);
    let failed = office.until_row(id, "rest", |row| row.sending == 0).await.failed;
    let retried = campaign::retry_failed(&office.on, &office.actor, id, None).await.expect("retries").jobs.retried;
    worker.stop().await;
    assert_eq!(retried, failed);
    let row = office.progress(id).await;
    assert_eq!((row.failed, row.sent), (0, 0));
    office.assert_counters(id).await;
    assert!(
        office
            .jobs(id)
            .await
            .iter()
            .filter(|job| job.epoch == 1)
            .all(|job| job.attempts == 0 && job.random_id.is_none())
    );
}

#[tokio::test]
async fn refusals_deactivate_a_channel_and_its_next_job_fails_unsent() {
    let mut office = Office::open().await;
    office.rule(|rules| rules.channel_errors = 2);
    let name = "closed_forbidden".to_owned();
    let first = office.campaign(std::slice::from_ref(&name), 6_000).await;
    office.start(first).await;
    let worker = office.worker();
    office.until(first, CampaignStatus::Completed).await;
    assert!(office.channel(&name).await.is_active);
    campaign::retry_failed(&office.on, &office.actor, first, None).await.expect("retries");
    office
        .until_row(first, "the second failure", |row| row.failed == 1 && row.status == ProgressStatus::Completed)
        .await;
    assert!(!office.channel(&name).await.is_active);
    // From now on it is left as it is: what Telegram said is the truth of it.
    let skipped = campaign::Retried { retried: 0, skipped: 1 };
    assert_eq!(campaign::retry_failed(&office.on, &office.actor, first, None).await.expect("answers").jobs, skipped);
    let told = job::retry(&office.on, &office.actor, office.job(first, &name).await.id).await.expect_err("inactive");
    assert!(told.to_string().contains("@closed_forbidden is inactive"), "{told}");
    assert_eq!(office.progress(first).await.status, ProgressStatus::Completed);
    worker.stop().await;
    let job = office.job(first, &name).await;
    assert_eq!((job.error_message.as_deref(), job.attempts), (Some("CHAT_WRITE_FORBIDDEN"), 1));
    office.assert_counters(first).await;
}

#[tokio::test]
async fn what_telegram_said_stays_when_herald_decides_not_to_send() {
    let office = Office::open().await;
    let names = ["a_forbidden", "b_forbidden", "c_nobody", "fine_one"].map(ToOwned::to_owned);
    let id = office.campaign(&names, 60_000).await;
    office.start(id).await;
    let worker = office.worker();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let failures = async || {
        let mut counts = failures::of(office.on.db.reader(), &[id]).await.expect("reads");
        failures::complete(&mut counts, 3);
        counts.into_iter().map(|count| (count.reason, count.jobs)).collect::<Vec<_>>()
    };
    let expected = [("CHAT_WRITE_FORBIDDEN", 2), ("USERNAME_NOT_OCCUPIED", 1)].map(|(name, jobs)| (name.into(), jobs));
    assert_eq!(failures().await, expected);

    // By its reason, and only by it.
    let (on, actor) = (&office.on, &office.actor);
    let reasons = campaign::reasons(&["chat_write_forbidden".into()]).expect("a reason");
    let none = campaign::reasons(&["SOMETHING_ELSE".into()]).expect("a reason");
    let retried = campaign::retry_failed(on, actor, id, Some(&none)).await.expect("answers").jobs;
    assert_eq!(retried, campaign::Retried::default());
    let retried = campaign::retry_failed(on, actor, id, Some(&reasons)).await.expect("answers").jobs;
    assert_eq!(retried, campaign::Retried { retried: 2, skipped: 0 });
    assert_eq!(failures().await, [("USERNAME_NOT_OCCUPIED".to_owned(), 1)]);
    office.assert_counters(id).await;

    // Somebody takes a channel out of use before its turn comes.
    let closed = office.channel("a_forbidden").await;
    let change = channel::Fields { is_active: Some(false), ..Default::default() };
    channel::update(on, actor, closed.id, None, change).await.expect("deactivates");
    let worker = office.worker();
    office.until_row(id, "the second failures", |row| row.failed == 3).await;
    worker.stop().await;
    let job = office.job(id, "a_forbidden").await;
    assert_eq!(job.error_message.as_deref(), Some("CHANNEL_INACTIVE"));
    assert_eq!(job.telegram_error.as_deref(), Some("CHAT_WRITE_FORBIDDEN"));
    assert_eq!(office.job(id, "b_forbidden").await.telegram_error.as_deref(), Some("CHAT_WRITE_FORBIDDEN"));
    assert_eq!(office.job(id, "fine_one").await.telegram_error, None);
    let now: Vec<String> = failures().await.into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(now, ["CHANNEL_INACTIVE", "CHAT_WRITE_FORBIDDEN", "USERNAME_NOT_OCCUPIED"]);
    office.assert_counters(id).await;
}

#[tokio::test]
async fn a_test_goes_to_saved_messages_and_blames_no_channel() {
    let office = Office::open().await;
    let mut usernames = names("many", 30);
    usernames.insert(0, "closed_forbidden".into());
    let id = office
        .campaign_with(&usernames, 60_000, |new| {
            new.mode = CampaignMode::Test;
            new.test_limit = 7;
        })
        .await;
    office.start(id).await;
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.total, row.sent), (7, 7));
    let ledger = office.ledger();
    assert!(ledger.len() == 7 && ledger.iter().all(|line| line.username == "me"));
    assert!(ledger.iter().any(|line| line.text == "Hello closed_forbidden"), "each text is the channel's");
    assert_eq!(office.channel("closed_forbidden").await.error_count, 0);
}

#[tokio::test]
async fn an_operator_resolves_what_is_unknown() {
    let office = Office::open().await;
    let usernames = ["a_error500", "b_error500"].map(|name| format!("news_{name}"));
    let id = office.campaign_with(&usernames, 6_000, |new| new.retry_limit = 0).await;
    office.start(id).await;
    let worker = office.worker();
    office.until(id, CampaignStatus::Completed).await;
    let jobs = office.jobs(id).await;
    assert!(jobs.iter().all(|job| job.status == JobStatus::Unknown));
    let (on, actor) = (&office.on, &office.actor);
    let seen = job::resolve_unknown(on, actor, &[jobs[0].id], job::Resolution::Sent).await.expect("resolves");
    assert_eq!(seen[0].status, JobStatus::Sent);
    assert!(job::resolve_unknown(on, actor, &[jobs[0].id], job::Resolution::Sent).await.is_err(), "only once");
    job::resolve_unknown(on, actor, &[jobs[1].id], job::Resolution::Queued).await.expect("resolves");
    let row =
        office.until_row(id, "the second try", |row| row.unknown == 1 && row.status == ProgressStatus::Completed).await;
    worker.stop().await;
    assert_eq!(row.sent, 1);
    office.assert_counters(id).await;
    assert_eq!(office.jobs(id).await[1].random_id, jobs[1].random_id, "it keeps its identity");
}

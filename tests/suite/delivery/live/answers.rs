//! What Telegram answers, and what becomes of the job, the channel, the account and the campaign.

use std::collections::HashSet;

use domain::audit::Action;
use domain::broadcast::{AccountStatus, CampaignMode, CampaignStatus, JobStatus, ProgressStatus};

use super::super::fixture::names;
use super::field::Field;
use crate::harness::telegram::{On, Play};

#[tokio::test]
async fn a_campaign_goes_out_by_one_account() {
    let field = Field::open(1).await;
    let names = names("real", 12);
    let id = field.office.campaign(&names, 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.total), (12, 12));
    field.assert_once();
    assert_eq!(field.received().len(), 12);
    let jobs = field.office.jobs(id).await;
    assert!(jobs.iter().all(|job| job.account_id == Some(field.accounts[0]) && job.message_id.is_some()), "{jobs:?}");
    assert_eq!(jobs.iter().filter_map(|job| job.peer_id).collect::<HashSet<_>>().len(), 12);
    assert_eq!(field.lease(0).await.holder_id, None, "it was given back");
    assert_eq!(field.telegram.open_connections(0), 0, "after it was closed");
    let account = field.account(0).await;
    assert_eq!((account.new_peers_today, account.resolves_today), (12, 12));
    // What was leased for a slot that came too late counts too: on a busy machine there are some.
    assert!(account.sends_today >= 12, "{}", account.sends_today);
    field.office.assert_counters(id).await;
}

#[tokio::test]
async fn a_test_goes_to_the_saved_messages_of_the_first_account() {
    let field = Field::open(2).await;
    let id = field.office.campaign_with(&names("try", 4), 6_000, |new| new.mode = CampaignMode::Test).await;
    field.choose(id, &[1, 0]).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let accepted = field.telegram.accepted();
    assert!(accepted.iter().all(|message| message.username == "me" && message.account == 1), "{accepted:?}");
    assert_eq!((accepted.len(), field.resolves().len()), (4, 0));
}

/// Each of these is one row of the table of errors, over the wire.
#[tokio::test]
async fn each_error_leads_to_what_its_row_says() {
    let field = Field::open(1).await;
    let names = ["good", "dead", "forbidden", "private", "dropped", "vanished", "broken"].map(String::from);
    let on = [
        (On::resolve("dead"), Play::Error("USERNAME_NOT_OCCUPIED"), 1),
        (On::send_to("forbidden"), Play::Error("CHAT_WRITE_FORBIDDEN"), 1),
        (On::send_to("private"), Play::Error("CHANNEL_PRIVATE"), 2),
        (On::send_to("dropped"), Play::DropAfter, 1),
        (On::send_to("vanished"), Play::DropBefore, 1),
        (On::send_to("broken"), Play::Error("RPC_CALL_FAIL"), 1),
    ];
    for (on, play, times) in on {
        field.telegram.play_times(times, on, play);
    }
    let id = field.office.campaign(&names, 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let told = async |name: &str| {
        let job = field.job(id, name).await;
        (job.status, job.error_message)
    };
    let failed = |error: &str| (JobStatus::Failed, Some(error.to_owned()));
    for name in ["good", "dropped", "vanished", "broken"] {
        assert_eq!(told(name).await, (JobStatus::Sent, None), "{name}");
        assert_eq!(field.received()[name], 1, "{name}");
    }
    assert_eq!(told("dead").await, failed("USERNAME_NOT_OCCUPIED"));
    assert_eq!(told("forbidden").await, failed("CHAT_WRITE_FORBIDDEN"));
    assert_eq!(told("private").await, failed("CHANNEL_PRIVATE"));
    assert!(!field.office.channel("dead").await.is_active, "a dead name is never tried again");
    let forbidden = field.office.channel("forbidden").await;
    assert_eq!((forbidden.is_active, forbidden.error_count), (true, 1));
    let looked_up = field.resolves().iter().filter(|call| call.username.as_deref() == Some("private")).count();
    assert_eq!(looked_up, 2, "it was looked up once more");
    assert!(field.sends().iter().all(|call| call.username.as_deref() != Some("dead")));
    field.assert_once();
    field.office.assert_counters(id).await;
}

/// An account that Telegram stops: the campaign pauses if others may be mended, and has failed if none ever can.
#[tokio::test]
async fn without_an_account_that_can_send_a_campaign_pauses_or_fails() {
    for (error, becomes, status, action) in [
        ("PEER_FLOOD", AccountStatus::Restricted, CampaignStatus::Paused, Action::AccountParked),
        ("SESSION_REVOKED", AccountStatus::NeedsLogin, CampaignStatus::Paused, Action::AccountParked),
        ("FROZEN_METHOD_INVALID", AccountStatus::Frozen, CampaignStatus::Paused, Action::AccountParked),
        ("USER_DEACTIVATED_BAN", AccountStatus::Banned, CampaignStatus::Failed, Action::AccountBanned),
    ] {
        let field = Field::open(1).await;
        field.telegram.play(On::method("messages.sendMessage"), Play::Error(error));
        let id = field.office.campaign(&names("stop", 3), 60).await;
        field.office.start(id).await;
        let worker = field.worker();
        field.office.until(id, status).await;
        let row = field
            .office
            .until_row(id, "an end", |row| {
                row.sending == 0 && (row.queued == 0 || row.status == ProgressStatus::Paused)
            })
            .await;
        worker.stop().await;
        assert_eq!(field.account(0).await.status, becomes, "{error}");
        assert_eq!((field.telegram.accepted().len(), field.sends().len()), (0, 1), "{error}: nothing more was tried");
        assert_eq!(field.office.audited(action).await, 1, "{error}");
        let left = if status == CampaignStatus::Failed { (0, 3) } else { (3, 0) };
        assert_eq!((row.queued, row.failed), left, "{error}");
        field.office.assert_counters(id).await;
    }
}

/// R14: an old and a new name of one channel are one recipient, whichever accounts come to them at the same time.
#[tokio::test]
async fn two_names_of_one_channel_get_one_message() {
    let field = Field::open(2).await;
    let (old, new) = (names("old", 12), names("new", 12));
    for (old, new) in old.iter().zip(&new) {
        field.telegram.alias(old, new);
    }
    let both: Vec<String> = old.iter().zip(&new).flat_map(|(old, new)| [old.clone(), new.clone()]).collect();
    let id = field.office.campaign(&both, 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed, field.sends().len()), (12, 12, 12));
    for (old, new) in old.iter().zip(&new) {
        let told = [field.job(id, old).await, field.job(id, new).await].map(|job| (job.status, job.error_message));
        let second = (JobStatus::Failed, Some("DUPLICATE_RECIPIENT".to_owned()));
        assert!(told.contains(&second) && told.contains(&(JobStatus::Sent, None)), "{told:?}");
        assert_eq!(field.received()[old], 1);
    }
    assert!(field.office.channel(&new[0]).await.is_active, "nothing is wrong with either name");
    field.assert_once();
    field.office.assert_counters(id).await;
}

/// R11: what may not be repeated any more is looked for in the history of its channel; not found, nobody knows.
#[tokio::test]
async fn a_history_tells_what_nobody_remembers() {
    let mut field = Field::open(1).await;
    field.office.rule(|rules| rules.dedupe_window = std::time::Duration::from_millis(500));
    field.telegram.play(On::send_to("lost"), Play::DropAfter);
    field.telegram.play(On::send_to("never"), Play::DropBefore);
    let id = field.office.campaign(&["lost".into(), "never".into(), "good".into()], 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    assert_eq!((row.sent, row.unknown), (2, 1));
    let lost = field.job(id, "lost").await;
    assert_eq!((lost.status, lost.message_id.is_some()), (JobStatus::Sent, true));
    let never = field.job(id, "never").await;
    assert_eq!((never.status, never.error_message.as_deref()), (JobStatus::Unknown, Some("DEDUPE_WINDOW_OVER")));
    // An operator may have it looked for again; nothing is sent for that.
    let history = service::broadcast::job::Resolution::History;
    let resolve = service::broadcast::job::resolve_unknown;
    resolve(&field.office.on, &field.office.actor, &[never.id], history).await.expect("asks");
    field.until("it was looked for", async || field.job(id, "never").await.status == JobStatus::Unknown).await;
    resolve(&field.office.on, &field.office.actor, &[never.id], service::broadcast::job::Resolution::Queued)
        .await
        .expect("asks");
    field.until("it is sent", async || field.job(id, "never").await.status == JobStatus::Sent).await;
    worker.stop().await;
    field.assert_once();
    field.office.assert_counters(id).await;
}

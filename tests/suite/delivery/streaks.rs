//! Failures in a row: only those of the present run, only those that are one (R20).

use chrono::TimeDelta;
use domain::audit::Action;
use domain::broadcast::ProgressStatus;
use domain::delivery::{Fault, Reply};
use service::broadcast::campaign;
use service::broadcast::delivery::settle::settle;

use super::fixture::{Office, names};
use super::holding::{ACCEPTED, answers, claim, hold};

async fn office() -> Office {
    let mut office = Office::open().await;
    office.rule(|rules| rules.pause_after_failures = 3);
    office
}

fn forbidden() -> Reply {
    Err(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN"))
}

#[tokio::test]
async fn answers_of_an_earlier_run_neither_count_nor_pause() {
    let office = office().await;
    let id = office.campaign(&names("late", 20), 6_000).await;
    office.start(id).await;
    let holder = hold(&office).await;
    let (mission, failed) = claim(&office, id, &holder, 5).await;
    let (_, refused) = claim(&office, id, &holder, 1).await;
    campaign::pause(&office.on, &office.actor, id).await.expect("pauses");
    campaign::resume(&office.on, &office.actor, id).await.expect("resumes");
    settle(&office.on, &mission, &answers(&office, &failed, Some(&forbidden())), &[]).await.expect("settles");
    let too_long = Err(Fault::rpc(400, "MESSAGE_TOO_LONG"));
    settle(&office.on, &mission, &answers(&office, &refused, Some(&too_long)), &[]).await.expect("settles");
    let row = office.progress(id).await;
    assert_eq!((row.status, row.failed, row.failures_in_a_row), (ProgressStatus::Running, 5, 0));
    // The same in the present run does.
    let (mission, failed) = claim(&office, id, &holder, 3).await;
    settle(&office.on, &mission, &answers(&office, &failed, Some(&forbidden())), &[]).await.expect("settles");
    assert_eq!(office.progress(id).await.status, ProgressStatus::Paused);
    office.assert_counters(id).await;
}

#[tokio::test]
async fn waits_and_lost_answers_are_no_failures_and_a_success_ends_a_row() {
    let office = office().await;
    let id = office.campaign_with(&names("mixed", 40), 6_000, |new| new.retry_limit = 0).await;
    office.start(id).await;
    let holder = hold(&office).await;
    for reply in [
        Err(Fault::rpc(420, "SLOWMODE_WAIT_5")),
        Err(Fault::rpc(420, "FLOOD_WAIT_5")),
        Err(Fault::rpc(500, "RPC_CALL_FAIL")),
        Err(Fault::ConnectionLost),
    ] {
        let (mission, leased) = claim(&office, id, &holder, 5).await;
        settle(&office.on, &mission, &answers(&office, &leased, Some(&reply)), &[]).await.expect("settles");
        let row = office.progress(id).await;
        assert_eq!((row.status, row.failures_in_a_row), (ProgressStatus::Running, 0), "{reply:?}");
    }
    let (mission, leased) = claim(&office, id, &holder, 5).await;
    let mut told = answers(&office, &leased, Some(&forbidden()));
    // By position it comes first; it was answered third.
    told[0].reply = Some(ACCEPTED);
    for (answer, after) in told.iter_mut().zip([30, 10, 20, 40, 50]) {
        answer.ended_at += TimeDelta::milliseconds(after);
    }
    settle(&office.on, &mission, &told, &[]).await.expect("settles");
    let row = office.progress(id).await;
    assert_eq!((row.status, row.failed, row.failures_in_a_row), (ProgressStatus::Running, 4, 2));
}

#[tokio::test]
async fn a_campaign_that_was_paused_meanwhile_is_not_paused_again() {
    let office = office().await;
    let id = office.campaign(&names("paused", 20), 6_000).await;
    office.start(id).await;
    let (mission, leased) = claim(&office, id, &hold(&office).await, 5).await;
    campaign::pause(&office.on, &office.actor, id).await.expect("pauses");
    settle(&office.on, &mission, &answers(&office, &leased, Some(&forbidden())), &[]).await.expect("settles");
    assert_eq!(office.audited(Action::CampaignPaused).await, 1);
}

//! A server's wait is obeyed to the second, by the account that was told, and by nobody else (R18).

use std::time::Duration;

use domain::audit::Action;
use domain::broadcast::{CampaignStatus, JobStatus};
use storage::broadcast::job;

use super::super::fixture::names;
use super::field::{Field, early, told};
use crate::harness::telegram::{On, Play};

/// The first send of the account answers with a wait of two seconds; the other account goes on meanwhile.
#[tokio::test]
async fn a_flooded_account_waits_and_the_others_go_on() {
    let field = Field::open(2).await;
    field.telegram.play(On::method("messages.sendMessage").by(0), Play::Error("FLOOD_WAIT_2"));
    let names = names("flood", 60);
    let id = field.office.campaign(&names, 1_800).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let waits = told(&field.office.on.db).await;
    assert_eq!(waits.len(), 1, "{waits:?}");
    let early = early(&field.office.on.db).await;
    assert!(early.is_empty(), "sends began before the wait was over: {early:?}");
    let jobs = field.office.jobs(id).await;
    let is_meanwhile = |job: &&job::Model| job.started_at.is_some_and(|at| at > waits[0].from && at < waits[0].until);
    assert!(jobs.iter().filter(is_meanwhile).any(|job| job.account_id == Some(field.accounts[1])), "the other went on");
    let sends = field.sends();
    let first = sends.iter().find(|call| call.account == 0).expect("it was told to wait");
    let flooded = first.username.as_deref().expect("a channel");
    let job = field.job(id, flooded).await;
    assert_eq!((job.account_id, job.attempts), (Some(field.accounts[0]), 1), "it kept its account");
    assert_eq!(field.office.audited(Action::FloodWaitTriggered).await, 1);
    field.assert_once();
    assert_eq!(field.received().len(), 60);
}

/// A flood of look-ups does not stop sends to channels that the account knows.
#[tokio::test]
async fn a_flood_of_look_ups_stops_look_ups_only() {
    let field = Field::open(1).await;
    let known = names("known", 5);
    let first = field.office.campaign(&known, 6_000).await;
    field.office.start(first).await;
    let worker = field.worker();
    field.office.until(first, CampaignStatus::Completed).await;
    field.telegram.play(On::method("contacts.resolveUsername"), Play::Error("FLOOD_WAIT_3600"));
    let fresh = field.office.campaign(&names("fresh", 1), 6_000).await;
    field.office.start(fresh).await;
    field.until("the flood", async || field.account(0).await.resolve_not_before.is_some()).await;
    let again = field.office.campaign_of(field.office.batch_of(first).await, 6_000).await;
    field.office.start(again).await;
    field.office.until(again, CampaignStatus::Completed).await;
    assert_eq!(field.office.progress(fresh).await.sent, 0, "the look-up still waits");
    // Another worker finds a shorter wait.
    worker.stop().await;
    field.sql("UPDATE telegram_accounts SET resolve_not_before = NULL RETURNING id").await;
    field.telegram.play(On::method("contacts.resolveUsername"), Play::Error("FLOOD_WAIT_2"));
    let worker = field.worker();
    field.office.until(fresh, CampaignStatus::Completed).await;
    worker.stop().await;
    let resolves = field.resolves();
    assert_eq!(resolves.len(), 8);
    assert!(resolves[7].at - resolves[6].at >= Duration::from_secs(2), "{resolves:?}");
}

/// The slow mode of one channel is that channel's.
#[tokio::test]
async fn slow_mode_holds_one_channel_only() {
    let field = Field::open(1).await;
    let names = names("slow", 20);
    field.telegram.play(On::send_to(&names[0]), Play::Error("SLOWMODE_WAIT_5"));
    let id = field.office.campaign(&names, 1_200).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let sends = field.sends();
    let tries: Vec<_> = sends.iter().filter(|call| call.username.as_deref() == Some(&names[0])).collect();
    assert_eq!(tries.len(), 2);
    assert!(tries[1].at - tries[0].at >= Duration::from_secs(5));
    let between = sends.iter().filter(|call| call.at > tries[0].at && call.at < tries[1].at).count();
    // More than were on their way already.
    assert!(between > 8, "the account went on: {between}");
    assert_eq!(field.account(0).await.send_not_before, None, "no penalty for the account");
    field.assert_once();
}

/// What a waiting account has not touched goes by another one only if the campaign says so.
#[tokio::test]
async fn untouched_jobs_change_hands_only_where_that_is_allowed() {
    for allowed in [false, true] {
        let field = Field::with(2, |number, row| row.messages_per_minute = if number == 0 { 600 } else { 6_000 }).await;
        let id = field.office.campaign(&names("over", 40), 6_000).await;
        field.sql(&format!("UPDATE broadcast_campaigns SET account_failover = {allowed} RETURNING id")).await;
        field.telegram.play(On::method("messages.sendMessage").by(0), Play::Error("FLOOD_WAIT_3600"));
        field.office.start(id).await;
        let worker = field.worker();
        field.until("the flood", async || field.account(0).await.send_not_before.is_some()).await;
        let own = Some(field.accounts[0]);
        let unsent = async || {
            let jobs = field.office.jobs(id).await;
            jobs.into_iter().filter(|job| job.sent_at.is_none()).collect::<Vec<_>>()
        };
        let is_on_its_way = |job: &job::Model| job.account_id == own && job.status == JobStatus::Sending;
        field.until("what was on its way has ended", async || !unsent().await.iter().any(is_on_its_way)).await;
        let touched = |job: &job::Model| job.account_id == own && job.random_id.is_some();
        if allowed {
            field.until("only what it touched is left", async || unsent().await.iter().all(touched)).await;
            let stay = unsent().await;
            assert!(stay.iter().any(|job| job.error_message.as_deref() == Some("FLOOD_WAIT_3600")), "{stay:?}");
        } else {
            let held = async || unsent().await.iter().filter(|job| job.account_id == own).count();
            let prefetched = held().await;
            assert!(unsent().await.iter().any(|job| job.account_id == own && job.random_id.is_none()), "{prefetched}");
            let wanted = 40 - i32::try_from(prefetched).expect("few");
            field.office.until_row(id, "what it has not prefetched", |row| row.sent == wanted).await;
            assert_eq!(held().await, prefetched);
        }
        worker.stop().await;
        field.assert_once();
    }
}

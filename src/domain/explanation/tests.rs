//! Every reason, and which one binds where several hold.

use chrono::TimeDelta;

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

/// A queued job that has not been tried, first in line.
fn job() -> Job<'static> {
    Job {
        status: JobStatus::Queued,
        position: 1,
        not_before: None,
        ambiguous_since: None,
        error: None,
        slow_until: None,
    }
}

/// A running campaign at 60 a minute that has been idle.
fn campaign() -> Campaign<'static> {
    Campaign {
        status: ProgressStatus::Running,
        scheduled_at: None,
        delivery_rate: 60,
        last_slot: 0,
        not_before: 0,
        past_the_queue: 0,
        is_stopped: false,
        is_late: false,
        accounts: None,
    }
}

fn tried(error: &'static str, not_before: i64) -> Job<'static> {
    Job { error: Some(error), not_before: Some(at(not_before)), ..job() }
}

#[test]
fn a_database_that_is_too_slow_is_named_where_nothing_else_is_waited_for() {
    let late = Campaign { is_late: true, ..campaign() };
    assert_eq!(explained(Job { position: 9, ..job() }, late), Some((Reason::DatabaseTooSlow, None)));
    assert_eq!(explained(tried("FLOOD_WAIT_30", 30), late), Some((Reason::FloodWait, Some(at(30)))));
    let paused = Campaign { status: ProgressStatus::Paused, ..late };
    assert_eq!(explained(job(), paused), Some((Reason::Paused, None)));
}

fn explained(job: Job<'_>, campaign: Campaign<'_>) -> Option<(Reason, Option<DateTime<Utc>>)> {
    explain(&job, &campaign, at(0)).map(|found| (found.reason, found.until))
}

#[test]
fn a_job_that_has_ended_needs_no_explanation() {
    for status in [JobStatus::Sent, JobStatus::Failed, JobStatus::Cancelled, JobStatus::Unknown] {
        assert_eq!(explained(Job { status, ..job() }, campaign()), None);
    }
}

#[test]
fn without_a_running_campaign_nothing_else_matters() {
    let flooded = Job { position: 900, ..tried("FLOOD_WAIT_30", 30) };
    let cases = [
        (ProgressStatus::Queued, None, Reason::NotStarted, None),
        (ProgressStatus::Queued, Some(at(60)), Reason::Scheduled, Some(at(60))),
        (ProgressStatus::Queued, Some(at(-60)), Reason::NotStarted, None),
        (ProgressStatus::Starting, None, Reason::NotStarted, None),
        (ProgressStatus::Paused, Some(at(60)), Reason::Paused, None),
        (ProgressStatus::Completed, None, Reason::CampaignEnded, None),
        (ProgressStatus::Failed, None, Reason::CampaignEnded, None),
        (ProgressStatus::Cancelled, None, Reason::CampaignEnded, None),
    ];
    for (status, scheduled_at, reason, until) in cases {
        let campaign = Campaign { status, scheduled_at, not_before: nanos(at(99)), ..campaign() };
        assert_eq!(explained(flooded, campaign), Some((reason, until)), "{status}");
        let sending = Job { status: JobStatus::Sending, ..job() };
        assert_eq!(explained(sending, campaign), Some((Reason::Sending, None)), "{status}");
    }
}

#[test]
fn each_wait_of_a_job_has_its_name() {
    let unconfirmed = Job { ambiguous_since: Some(at(-1)), ..tried("CONNECTION_LOST", 7) };
    let cases = [
        (tried("SLOWMODE_WAIT_10", 11), Reason::SlowMode, 11),
        (tried("FLOOD_WAIT_30", 31), Reason::FloodWait, 31),
        (tried("INTERNAL", 2), Reason::Backoff, 2),
        (unconfirmed, Reason::Unconfirmed, 7),
    ];
    for (job, reason, until) in cases {
        assert_eq!(explained(job, campaign()), Some((reason, Some(at(until)))));
    }
}

#[test]
fn the_wait_that_ends_last_binds() {
    let flooded = Campaign { not_before: nanos(at(30)), ..campaign() };
    assert_eq!(explained(job(), flooded), Some((Reason::FloodWait, Some(at(30)))));
    assert_eq!(explained(tried("FLOOD_WAIT_30", 30), flooded), Some((Reason::FloodWait, Some(at(30)))));
    assert_eq!(explained(tried("SLOWMODE_WAIT_10", 11), flooded), Some((Reason::FloodWait, Some(at(30)))));
    assert_eq!(explained(tried("SLOWMODE_WAIT_60", 61), flooded), Some((Reason::SlowMode, Some(at(61)))));
    assert_eq!(explained(tried("INTERNAL", -1), flooded), Some((Reason::FloodWait, Some(at(30)))));
}

#[test]
fn behind_other_jobs_it_takes_as_long_as_they_take() {
    let distance = TimeDelta::nanoseconds(interval(60));
    let behind = |position, past_the_queue| {
        let campaign = Campaign { past_the_queue, last_slot: nanos(at(0)), ..campaign() };
        let (reason, until) = explained(Job { position, ..job() }, campaign).unwrap();
        assert_eq!(reason, Reason::Pacing);
        until.unwrap()
    };
    let after = |slots: i32| instant(nanos(at(0) + distance * slots));
    assert_eq!(behind(1, 0), after(1), "the next slot");
    assert_eq!(behind(11, 0), after(11));
    assert_eq!(behind(11, 8), after(3));
    assert_eq!(behind(3, 8), after(1), "one that was passed over is next");
}

#[test]
fn a_flood_wait_holds_up_the_whole_queue() {
    let flooded = Campaign { not_before: nanos(at(30)), past_the_queue: 1, ..campaign() };
    let until = instant(nanos(at(30)) + 3 * interval(60));
    assert_eq!(explained(Job { position: 5, ..job() }, flooded), Some((Reason::FloodWait, Some(until))));
}

#[test]
fn an_instant_in_the_past_is_now() {
    let caught_up = Campaign { last_slot: nanos(at(0)) - interval(60) - 200_000_000, ..campaign() };
    assert_eq!(explained(job(), caught_up), Some((Reason::Pacing, Some(at(0)))));
    assert_eq!(explained(tried("INTERNAL", -5), campaign()), Some((Reason::Pacing, Some(at(0)))));
}

#[test]
fn the_account_that_is_free_first_binds() {
    let account =
        |waits_until: Option<i64>, is_spent| Account { can_send: true, waits_until: waits_until.map(at), is_spent };
    let by = |accounts: &[Account], job| explain(&job, &Campaign { accounts: Some(accounts), ..campaign() }, at(0));
    let reason = |accounts: &[Account]| by(accounts, job()).map(|explained| explained.reason);
    assert_eq!(reason(&[account(None, false)]), Some(Reason::Pacing));
    assert_eq!(
        reason(&[account(Some(60), false), account(None, false)]),
        Some(Reason::Pacing),
        "the other one is free"
    );
    let flooded = by(&[account(Some(60), false), account(Some(90), false)], job()).unwrap();
    assert_eq!((flooded.reason, flooded.until), (Reason::FloodWait, Some(at(60))));
    let spent = by(&[account(Some(60), true)], job()).unwrap();
    assert_eq!(spent.reason, Reason::DailyBudget);
    assert_eq!(spent.until.unwrap().to_rfc3339(), "2027-01-16T00:00:00+00:00");
    let parked = Account { can_send: false, ..account(None, false) };
    assert_eq!(by(&[parked], job()), Some(Explanation { reason: Reason::NoAccount, until: None }));
    let slow = Job { slow_until: Some(at(30)), ..job() };
    assert_eq!(by(&[account(Some(10), false)], slow).map(|explained| explained.reason), Some(Reason::SlowMode));
}

//! The rules of delivery, on any line.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use domain::audit::Action;
use domain::broadcast::{CampaignStatus, JobStatus, ProgressStatus};
use domain::clock::duration_nanos;
use domain::id::BroadcastCampaignId;
use domain::pacing::{GRACE, interval};
use domain::positions;
use sea_orm::Statement;
use service::broadcast::{campaign, job};
use storage::broadcast::job_change;

use super::super::fixture::names;
use super::line::{Answer, Line, Stage};
use crate::harness::within;

/// Longer than any send that was claimed before may take to start.
const SILENCE: Duration = Duration::from_millis(800);

/// A campaign to these channels that is started, at `rate` messages a minute.
async fn started<L: Line>(stage: &mut Stage<L>, names: &[String], rate: i32) -> BroadcastCampaignId {
    let id = stage.office().campaign(names, rate).await;
    stage.office().start(id).await;
    id
}

/// Waits until so many messages were handed over.
async fn until_handed_over<L: Line>(stage: &Stage<L>, count: usize) {
    within(Duration::from_mins(1), "messages are handed over", async || {
        let handed_over = stage.line.handed_over().len();
        if handed_over >= count { Ok(()) } else { Err(handed_over) }
    })
    .await;
}

/// Everybody got one message, and nobody two.
fn assert_once<L: Line>(stage: &Stage<L>, names: &[String]) {
    let accepted = stage.line.accepted();
    let reached: HashSet<_> = accepted.iter().map(|(username, _)| username).collect();
    assert_eq!((accepted.len(), reached.len()), (names.len(), names.len()), "{accepted:?}");
}

async fn sql<L: Line>(stage: &mut Stage<L>, text: String) {
    let db = &stage.office().on.db;
    db.write_alone(Statement::from_string(db.backend(), text)).await.expect("it is changed");
}

/// R1, R2, R3: the n-th start after another comes n intervals later, less the grace by which the first may have been late.
pub async fn starts_keep_the_rate<L: Line>(mut stage: Stage<L>) {
    let (names, rate) = (names("paced", 24), 480);
    let id = started(&mut stage, &names, rate).await;
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_once(&stage, &names);
    let jobs = stage.office().jobs(id).await;
    let mut starts: Vec<_> = jobs.iter().map(|job| job.started_at.expect("it was sent")).collect();
    starts.sort_unstable();
    for (n, first) in starts.iter().enumerate() {
        for (later, distance) in starts[n..].iter().zip(0i64..) {
            let between = (*later - *first).num_nanoseconds().expect("short");
            // The database keeps microseconds.
            let least = distance * interval(rate.into()) - duration_nanos(GRACE) - 1_000;
            assert!(between >= least, "{distance} starts within {between} ns: {starts:?}");
        }
    }
}

/// R5: the status is read at the last moment, and what is claimed comes back untouched.
pub async fn nothing_starts_after_a_pause_has_answered<L: Line>(mut stage: Stage<L>) {
    let names = names("paused", 300);
    let id = started(&mut stage, &names, 3_000).await;
    let worker = stage.worker();
    for round in 1..=2 {
        until_handed_over(&stage, 40 * round).await;
        let office = stage.office();
        let asked = Instant::now();
        campaign::pause(&office.on, &office.actor, id).await.expect("pauses");
        let (took, answered) = (asked.elapsed(), office.on.clock.now());
        assert!(took < Duration::from_secs(1), "{took:?}");
        office.until_row(id, "what was claimed to come back", |row| row.sending == 0).await;
        let started = office.jobs(id).await.into_iter().filter(|job| job.started_at.is_some_and(|at| at > answered));
        assert_eq!(started.count(), 0, "starts after the answer, in round {round}");
        let handed_over = stage.line.handed_over().len();
        tokio::time::sleep(SILENCE).await;
        assert_eq!(stage.line.handed_over().len(), handed_over, "in round {round}");
        let office = stage.office();
        campaign::resume(&office.on, &office.actor, id).await.expect("resumes");
    }
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_once(&stage, &names);
    let attempts: HashSet<_> = stage.office().jobs(id).await.into_iter().map(|job| job.attempts).collect();
    assert_eq!(attempts, HashSet::from([1]), "what went back untouched cost no attempt");
}

/// R6: it answers within a second, and what was not sent is cancelled.
pub async fn a_cancellation_answers_at_once_and_ends_what_was_queued<L: Line>(mut stage: Stage<L>) {
    let names = names("cancelled", 300);
    let id = started(&mut stage, &names, 3_000).await;
    let worker = stage.worker();
    until_handed_over(&stage, 30).await;
    let office = stage.office();
    let asked = Instant::now();
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let row = office.until_row(id, "the end", |row| row.queued + row.sending == 0).await;
    assert_eq!((row.status, row.sent + row.cancelled), (ProgressStatus::Cancelled, 300));
    office.assert_counters(id).await;
    let sent = usize::try_from(row.sent).expect("few");
    tokio::time::sleep(SILENCE).await;
    worker.stop().await;
    assert_eq!((stage.line.accepted().len(), stage.line.handed_over().len()), (sent, sent));
}

/// R8: the entries are numbered without a gap, and each job carries the key of the last one that names it.
pub async fn the_log_tells_each_change_in_order<L: Line>(mut stage: Stage<L>) {
    let names = names("logged", 40);
    stage.line.answer(&names[3], Answer::LostAfter);
    stage.line.answer(&names[5], Answer::Error("CHAT_WRITE_FORBIDDEN"));
    let id = started(&mut stage, &names, 6_000).await;
    let worker = stage.worker();
    let row = stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed), (39, 1));
    let entries = job_change::Entity::after(id, 0).all(stage.office().on.db.reader()).await.expect("reads");
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "{entries:?}");
    let mut last = HashMap::new();
    for entry in &entries {
        let named = positions::read(&entry.positions).flat_map(|(first, last)| first..=last);
        last.extend(named.map(|position| (position, entry.key)));
    }
    for job in stage.office().jobs(id).await {
        assert_eq!(last[&job.position], job.change, "{job:?}");
    }
}

/// R9: an answer that comes after a cancellation is a fact all the same.
pub async fn what_was_sent_stays_sent_whatever_came_between<L: Line>(mut stage: Stage<L>) {
    let names = names("late", 60);
    stage.line.answer(&names[0], Answer::Late(Duration::from_secs(3)));
    let id = started(&mut stage, &names, 600).await;
    let worker = stage.worker();
    until_handed_over(&stage, 1).await;
    let office = stage.office();
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    let row = office.until_row(id, "the end", |row| row.queued + row.sending == 0).await;
    worker.stop().await;
    let office = stage.office();
    assert_eq!(office.job(id, &names[0]).await.status, JobStatus::Sent);
    assert!(row.cancelled > 0, "{row:?}");
    office.assert_counters(id).await;
    let sent = usize::try_from(office.progress(id).await.sent).expect("few");
    assert_eq!(stage.line.accepted().len(), sent);
}

/// R10, R24: what a worker has claimed and not sent goes back, and who comes next sends it.
pub async fn a_worker_that_stops_leaves_the_rest_to_the_next<L: Line>(mut stage: Stage<L>) {
    let names = names("handed", 120);
    let id = started(&mut stage, &names, 1_800).await;
    for least in [20, 60] {
        let worker = stage.worker();
        until_handed_over(&stage, least).await;
        worker.stop().await;
        let row = stage.office().progress(id).await;
        let sent = usize::try_from(row.sent).expect("few");
        assert_eq!((row.sending, sent), (0, stage.line.handed_over().len()), "all of it is written down");
    }
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_once(&stage, &names);
    assert_eq!(stage.line.handed_over().len(), names.len(), "nothing was tried twice");
}

/// R11: only an acceptance ends the doubt.
pub async fn what_may_have_been_sent_never_fails<L: Line>(mut stage: Stage<L>) {
    let names = ["kept", "lost", "doubtful", "plain"].map(String::from);
    stage.line.answer("kept", Answer::LostAfter);
    stage.line.answer("lost", Answer::LostBefore);
    stage.line.answer("doubtful", Answer::LostBefore);
    stage.line.answer("doubtful", Answer::Error("CHAT_WRITE_FORBIDDEN"));
    stage.line.answer("plain", Answer::Error("CHAT_WRITE_FORBIDDEN"));
    let id = started(&mut stage, &names, 600).await;
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let mut told = Vec::new();
    for name in &names {
        told.push(stage.office().job(id, name).await.status);
    }
    assert_eq!(told, [JobStatus::Sent, JobStatus::Sent, JobStatus::Unknown, JobStatus::Failed]);
    let mut accepted: Vec<_> = stage.line.accepted().into_iter().map(|(username, _)| username).collect();
    accepted.sort_unstable();
    assert_eq!(accepted, ["kept", "lost"]);
    stage.office().assert_counters(id).await;
}

/// R12, R13: repetitions have the number of the first hand-over, and what is sent anew on purpose has another.
pub async fn a_message_keeps_its_number_until_it_is_sent_anew<L: Line>(mut stage: Stage<L>) {
    let names = ["repeated", "refused", "third"].map(String::from);
    stage.line.answer("repeated", Answer::LostBefore);
    stage.line.answer("repeated", Answer::LostAfter);
    stage.line.answer("refused", Answer::Error("CHAT_WRITE_FORBIDDEN"));
    let id = started(&mut stage, &names, 600).await;
    let worker = stage.worker();
    let row = stage.office().until(id, CampaignStatus::Completed).await;
    assert_eq!((row.sent, row.failed), (2, 1));
    let office = stage.office();
    let refused = office.job(id, "refused").await.id;
    job::retry(&office.on, &office.actor, refused).await.expect("it may be tried again");
    office.until_row(id, "the retry", |row| row.sent == 3).await;
    worker.stop().await;
    let mut numbers: HashMap<String, Vec<i64>> = HashMap::new();
    for hand_over in stage.line.handed_over() {
        numbers.entry(hand_over.username).or_default().push(hand_over.random_id);
    }
    let repeated = &numbers["repeated"];
    assert!(repeated.len() == 3 && repeated.iter().all(|number| *number == repeated[0]), "{numbers:?}");
    assert!(numbers["refused"].len() == 2 && numbers["refused"][0] != numbers["refused"][1], "{numbers:?}");
    let different: HashSet<_> = numbers.values().flatten().collect();
    assert_eq!(different.len(), 4, "{numbers:?}");
    assert_once(&stage, &names);
}

/// R18: who was told to wait waits that long and a second, and is then sent once.
pub async fn a_wait_is_kept_to_the_second<L: Line>(mut stage: Stage<L>) {
    let names = names("waits", 6);
    stage.line.answer(&names[2], Answer::Error("FLOOD_WAIT_2"));
    let id = started(&mut stage, &names, 600).await;
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let told: Vec<_> = stage.line.handed_over().into_iter().filter(|send| send.username == names[2]).collect();
    let [first, second] = &told[..] else { panic!("it is sent twice: {told:?}") };
    let waited = second.at - first.at;
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
    assert_once(&stage, &names);
}

/// R19: a slot that no rate explains is set right, and told; nobody waits an hour for it.
pub async fn a_slot_far_ahead_is_a_fault_of_the_clock<L: Line>(mut stage: Stage<L>) {
    let names = names("ahead", 5);
    let id = started(&mut stage, &names, 600).await;
    let ahead = stage.office().on.clock.nanos() + 3_600_000_000_000;
    sql(&mut stage, format!("UPDATE broadcast_campaign_progress SET last_slot = {ahead} RETURNING run")).await;
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_once(&stage, &names);
    assert_eq!(stage.office().audited(Action::ClockCorrected).await, 1);
}

/// R20: nothing more is sent to a campaign that fails each time.
pub async fn failures_in_a_row_pause<L: Line>(mut stage: Stage<L>) {
    let names = names("refused", 60);
    for name in &names {
        stage.line.answer(name, Answer::Error("CHAT_WRITE_FORBIDDEN"));
    }
    let mut rules = (*stage.office().on.rules).clone();
    rules.pause_after_failures = 4;
    stage.line.office().on.rules = std::sync::Arc::new(rules);
    let id = started(&mut stage, &names, 600).await;
    let worker = stage.worker();
    let office = stage.office();
    office.until(id, CampaignStatus::Paused).await;
    let row = office.until_row(id, "what was claimed to come back", |row| row.sending == 0).await;
    assert!((4..20).contains(&row.failed) && row.queued + row.failed == 60, "{row:?}");
    assert_eq!(office.audited(Action::CampaignPaused).await, 1);
    let handed_over = stage.line.handed_over().len();
    tokio::time::sleep(SILENCE).await;
    worker.stop().await;
    assert_eq!(stage.line.handed_over().len(), handed_over);
    stage.office().assert_counters(id).await;
}

/// R21: who edits the template afterwards changes the next campaign.
pub async fn texts_are_those_of_the_start<L: Line>(mut stage: Stage<L>) {
    let names = names("frozen", 3);
    let id = started(&mut stage, &names, 600).await;
    sql(&mut stage, "UPDATE templates SET content = 'Something else' RETURNING id".to_owned()).await;
    let worker = stage.worker();
    stage.office().until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let texts = stage.line.accepted();
    assert!(texts.len() == 3 && texts.iter().all(|(_, text)| text.starts_with("Hello")), "{texts:?}");
}

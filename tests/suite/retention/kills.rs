//! Killed at any instant: no step reaches a lead twice, none is lost, and what nobody can know is UNKNOWN.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::id::{ContactAttemptId, LeadId, RetentionSequenceId, SequenceStepExecutionId};
use domain::retention::words::{ContactChannel, EnrollmentStatus, ExecutionReason, ExecutionStatus, TriggerType};
use providers::simulated::LEDGER;
use rand::seq::IndexedRandom;
use sea_orm::{ColumnTrait, QueryFilter};
use service::retention::endings::{self, Ending};
use storage::Noun;
use storage::retention::{contact_attempt, enrollment, execution};

use super::engine::{Bureau, email, office_hours};
use crate::harness::{Process, within};

/// Leads: `HERALD_TEST_ENROLLMENTS`, 60 by default.
fn leads() -> usize {
    number("HERALD_TEST_ENROLLMENTS", 60)
}

/// Kills: `HERALD_TEST_KILLS`, 4 by default.
fn kills() -> usize {
    number("HERALD_TEST_KILLS", 4)
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test]
async fn heavy_killed_at_random_instants_no_step_reaches_a_lead_twice() {
    // The clocks go back on the 25th. So fast that the kills fall into the two weeks that it takes.
    let seconds = kills() * 2 + leads() / 500;
    let speed = 14 * 24 * 3_600 / i64::try_from(seconds).unwrap().max(1);
    let bureau = Bureau::open("2026-10-21T07:00:00Z", speed).await;
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}").await;
    let campaign = bureau.campaign(|_| ()).await;
    let steps = [0, 1, 1, 2, 1].map(|days| email(script, days)).to_vec();
    let sequence =
        bureau.sequence(steps, |new| (new.campaign, new.trigger) = (Some(campaign), TriggerType::NewLead)).await;
    let mut all = Vec::new();
    for n in 0..leads() {
        // Some answers are lost for ever.
        let name = if n % 20 == 7 { format!("lost{n}") } else { format!("lead{n}") };
        all.push(bureau.lead(&name, |_| ()).await);
    }
    // Its clock is a past one: for a process it would be a database of long ago.
    let flags = ["--providers=simulated", "--after-restore=no"];
    let serve = || Process::serve(bureau.office.database(), bureau.office.folder.path(), &flags);
    let mut process = serve();
    let mut converted = HashSet::new();
    for _ in 0..kills() {
        // At an instant that nobody has chosen.
        tokio::time::sleep(Duration::from_millis(rand::random_range(200..1_800))).await;
        process.kill();
        let lead = *all.choose(&mut rand::rng()).unwrap();
        let convert = on.system_write(|w| async move { endings::end_all(on, &w, lead, Ending::Converted).await });
        converted.extend(convert.await.unwrap().then_some(lead));
        process = serve();
    }
    let patience = Duration::from_mins(2) + Duration::from_millis(50) * u32::try_from(leads()).unwrap();
    within(patience, "everybody has come to an end", async || {
        let row = bureau.progress(sequence.id).await;
        let is_over = row.active == 0 && row.steps_scheduled == 0;
        if is_over && usize::try_from(row.enrollments()) == Ok(leads()) { Ok(()) } else { Err(row) }
    })
    .await;
    process.kill();
    bureau.counters_are_right(sequence.id).await;
    contacts_are_right(&bureau).await;
    everybody_came_to_an_end(&bureau, sequence.id, &converted).await;
}

/// No step reached a lead twice, none outside contact hours, and what is told of each step is so.
async fn contacts_are_right(bureau: &Bureau) {
    let db = bureau.office.on.db.reader();
    let attempts: HashMap<ContactAttemptId, contact_attempt::Model> =
        contact_attempt::Entity::all().all(db).await.unwrap().into_iter().map(|row| (row.id, row)).collect();
    let taken = taken(bureau);
    let mut reached = HashSet::new();
    for id in &taken {
        let attempt = &attempts[id];
        assert!(reached.insert((attempt.lead_id, attempt.step_id)), "a step reached a lead twice: {attempt:?}");
        assert!(office_hours().is_open(attempt.started_at), "{} is outside contact hours", attempt.started_at);
    }
    let taken: HashSet<ContactAttemptId> = taken.into_iter().collect();
    for row in executions(bureau).await {
        match row.status {
            ExecutionStatus::Sent => assert!(taken.contains(&row.contact_attempt_id.unwrap()), "{row:?}"),
            ExecutionStatus::Unknown => {}
            // Only what a conversion found scheduled.
            ExecutionStatus::Cancelled => assert_eq!(row.reason, Some(ExecutionReason::Ended)),
            other => panic!("{other}: {row:?}"),
        }
    }
}

/// Who converted stopped there; everybody else did all five steps.
async fn everybody_came_to_an_end(bureau: &Bureau, sequence: RetentionSequenceId, converted: &HashSet<LeadId>) {
    let db = bureau.office.on.db.reader();
    for row in enrollment::Entity::of(sequence).all(db).await.unwrap() {
        let expected =
            if converted.contains(&row.lead_id) { EnrollmentStatus::Converted } else { EnrollmentStatus::Completed };
        assert_eq!(row.status, expected, "{row:?}");
        let done = execution::Entity::of(row.id).filter(execution::Column::Status.ne(ExecutionStatus::Cancelled));
        let done = done.all(db).await.unwrap().len();
        assert!(done == 5 || (expected == EnrollmentStatus::Converted && done < 5), "{done} steps: {row:?}");
    }
}

async fn executions(bureau: &Bureau) -> Vec<execution::Model> {
    let rows = execution::Entity::all().all(bureau.office.on.db.reader()).await.unwrap();
    let ids: HashSet<SequenceStepExecutionId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len());
    rows
}

/// What the pretend provider took, whole lines only: a kill may have cut the last one off.
fn taken(bureau: &Bureau) -> Vec<ContactAttemptId> {
    let text = std::fs::read_to_string(bureau.office.folder.path().join(LEDGER)).unwrap_or_default();
    let id = |line: &str| -> ContactAttemptId {
        let line: serde_json::Value = serde_json::from_str(line).expect("whole lines");
        serde_json::from_value(line["attempt"].clone()).expect("an attempt")
    };
    text.lines().map(id).collect()
}

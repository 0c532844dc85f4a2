//! What holds the steps of sequences back, and what ends them: pauses of campaigns, refusals, rules, tests, and what becomes of leads.

use std::collections::HashMap;

use domain::id::{ConversionRuleId, LeadId, ScriptId};
use domain::retention::words::{
    AbTestStatus, AbVariant, ContactChannel, ConversionMetric, DelayUnit, EnrollmentStatus, ExecutionReason,
    ExecutionStatus, RetentionCampaignStatus,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use service::retention::lead_merge::{self, Merge};
use service::retention::{campaign, lead, lead_erase};
use storage::Noun;
use storage::retention::{ab_test, contact_attempt, conversion_rule, lead as lead_rows};

use super::engine::{Bureau, email, step};
use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::Process;

/// Four days a second.
const SPEED: i64 = 4 * 24 * 3600;

#[tokio::test]
async fn a_paused_campaign_holds_its_sequences_and_lets_them_go_on() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let own = bureau.campaign(|_| ()).await;
    let steps = vec![email(script, 0), email(script, 2), email(script, 2)];
    let held = bureau.sequence(steps.clone(), |new| new.campaign = Some(own)).await;
    let free = bureau.sequence(steps, |_| ()).await;
    for n in 0..10 {
        let lead = bureau.lead(&format!("held{n}"), |_| ()).await;
        bureau.enroll(held.id, lead).await;
        let lead = bureau.lead(&format!("free{n}"), |_| ()).await;
        bureau.enroll(free.id, lead).await;
    }
    let worker = bureau.worker();
    bureau.sent(held.id, 1).await;
    let enter = |status| campaign::update(on, actor, own, campaign::Fields::default(), Some(status), None);
    enter(RetentionCampaignStatus::Paused).await.unwrap();
    let of_the_campaign = async || {
        let all = contact_attempt::Entity::all().all(on.db.reader()).await.unwrap();
        all.into_iter().filter(|attempt| attempt.campaign_id == Some(own)).count()
    };
    let made = of_the_campaign().await;
    bureau.finish(free.id).await;
    assert_eq!(of_the_campaign().await, made, "nothing starts after the pause has answered");
    assert_eq!(bureau.progress(held.id).await.active, 10, "nobody is left out either");
    enter(RetentionCampaignStatus::Active).await.unwrap();
    let row = bureau.finish(held.id).await;
    worker.stop().await;
    assert_eq!((row.completed, row.steps_sent), (10, 30), "{row:?}");
    bureau.counters_are_right(held.id).await;
}

#[tokio::test]
async fn what_is_scheduled_on_a_channel_that_a_lead_refuses_is_left_out_when_it_is_due() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let on = &bureau.office.on;
    let (mail, sms) =
        (bureau.script(ContactChannel::Email, "Hello").await, bureau.script(ContactChannel::Sms, "Hello").await);
    let by_sms = step(ContactChannel::Sms, sms, 1, DelayUnit::Days);
    let sequence = bureau.sequence(vec![by_sms, email(mail, 1)], |_| ()).await;
    let lead = bureau.lead("ann", |row| row.phone = Some("+4915112345678".into())).await;
    bureau.enroll(sequence.id, lead).await;
    let row = lead_rows::Entity::by_ids(&[lead]).one(on.db.reader()).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.no_sms = Set(true);
    let row = &row;
    on.db.write(|tx| async move { Ok(row.clone().update(&*tx).await?) }).await.unwrap();
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    let rows = bureau.executions(lead).await;
    let ended: Vec<_> = rows.iter().map(|row| (row.status, row.reason)).collect();
    let refused = (ExecutionStatus::Skipped, Some(ExecutionReason::DoNotContact));
    assert_eq!(ended, [refused, (ExecutionStatus::Sent, None)]);
    let attempts = bureau.attempts(lead).await;
    assert_eq!(attempts.iter().map(|row| row.channel).collect::<Vec<_>>(), [ContactChannel::Email]);
}

#[tokio::test]
async fn a_step_keeps_leads_in_their_variant_and_sends_the_winner_once_there_is_one() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let on = &bureau.office.on;
    let plain = bureau.script(ContactChannel::Email, "Hello").await;
    let variants = [(); 2].map(|()| bureau.script(ContactChannel::Email, "Hello again"));
    let [a, b] = variants;
    let (a, b) = (a.await, b.await);
    let sequence = bureau.sequence(vec![email(plain, 0), email(plain, 1)], |_| ()).await;
    let steps = service::retention::sequence::steps::of(sequence.id, sequence.steps_version);
    let second = steps.all(on.db.reader()).await.unwrap().into_iter().find(|step| step.step_order == 2).unwrap();
    let test = ab_test::Model {
        step_id: Some(second.id),
        status: AbTestStatus::Running,
        started_at: Some(on.now()),
        ..rows::ab_test([a, b], on.now())
    };
    rows::insert::<ab_test::Entity, _>(on, vec![test.clone()]).await;
    let mut leads = Vec::new();
    for n in 0..30 {
        leads.push(bureau.lead(&format!("tested{n}"), |_| ()).await);
        bureau.enroll(sequence.id, leads[n]).await;
    }
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    let first = said(&bureau, &leads).await;
    let sides = [AbVariant::A, AbVariant::B].map(|side| first.values().filter(|one| one.1 == Some(side)).count());
    assert!(sides[0] > 3 && sides[1] > 3 && sides[0] + sides[1] == 30, "{sides:?}");
    assert!(first.values().all(|(script, side)| *script == Some(if *side == Some(AbVariant::A) { a } else { b })));
    // Once more through the sequence: everybody hears the same side again.
    for lead in &leads {
        bureau.enroll(sequence.id, *lead).await;
    }
    bureau.finish(sequence.id).await;
    assert_eq!(said(&bureau, &leads).await, first, "a lead keeps its side");
    let mut over = test.into_active_model();
    (over.status, over.winner, over.winner_id) = (Set(AbTestStatus::Completed), Set(Some(AbVariant::B)), Set(Some(b)));
    let over = &over;
    on.db.write(|tx| async move { Ok(over.clone().update(&*tx).await?) }).await.unwrap();
    for lead in &leads {
        bureau.enroll(sequence.id, *lead).await;
    }
    bureau.finish(sequence.id).await;
    worker.stop().await;
    assert!(said(&bureau, &leads).await.values().all(|one| *one == (Some(b), None)), "all hear the winner");
}

/// What each lead was told last.
async fn said(bureau: &Bureau, leads: &[LeadId]) -> HashMap<LeadId, (Option<ScriptId>, Option<AbVariant>)> {
    let mut said = HashMap::new();
    for lead in leads {
        let attempts = bureau.attempts(*lead).await;
        let last = attempts.last().expect("a contact");
        said.insert(*lead, (last.script_id, last.ab_variant));
    }
    said
}

#[tokio::test]
async fn a_rule_that_a_channel_breaks_leaves_its_steps_out() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let on = &bureau.office.on;
    let (mail, sms) =
        (bureau.script(ContactChannel::Email, "Hello").await, bureau.script(ContactChannel::Sms, "Hello").await);
    let at = service::retention::schedule::now(on).await.unwrap() - chrono::TimeDelta::days(3);
    let person = rows::lead(at);
    // By a provider that reports clicks.
    let ignored = (0..200).map(|_| contact_attempt::Model {
        provider: Some("instantly".into()),
        ..rows::attempt(person.id, ContactChannel::Email, at)
    });
    let ignored = ignored.collect();
    rows::insert::<lead_rows::Entity, _>(on, vec![person.clone()]).await;
    rows::insert::<contact_attempt::Entity, _>(on, ignored).await;
    let rule = conversion_rule::Model {
        id: ConversionRuleId::generate(),
        channel: ContactChannel::Email,
        metric: ConversionMetric::Ctr,
        value_micros: 100_000,
        conversion_rate: 0.0,
        sample_size: 100,
        confidence: 0.95,
        is_active: true,
        created_at: on.now(),
        updated_at: on.now(),
        version: 1,
    };
    rows::insert::<conversion_rule::Entity, _>(on, vec![rule]).await;
    let by_sms = step(ContactChannel::Sms, sms, 0, DelayUnit::Hours);
    let sequence = bureau.sequence(vec![email(mail, 0), by_sms], |_| ()).await;
    let lead = bureau.lead("ann", |row| row.phone = Some("+4915112345678".into())).await;
    bureau.enroll(sequence.id, lead).await;
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    let ended: Vec<_> = bureau.executions(lead).await.iter().map(|row| (row.status, row.reason)).collect();
    assert_eq!(ended, [(ExecutionStatus::Skipped, Some(ExecutionReason::Rule)), (ExecutionStatus::Sent, None)]);
}

#[tokio::test]
async fn counters_stay_right_when_leads_are_deleted_erased_or_merged() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 1)], |_| ()).await;
    let other = bureau.sequence(vec![email(script, 1)], |_| ()).await;
    let mut leads = Vec::new();
    for name in ["deleted", "erased", "kept", "duplicate", "single", "bystander"] {
        let lead = bureau.lead(name, |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
        leads.push(lead);
    }
    bureau.enroll(other.id, leads[3]).await;
    let worker = bureau.worker();
    bureau.sent(sequence.id, 6).await;
    worker.stop().await;
    lead::delete(on, actor, leads[0]).await.unwrap();
    assert_eq!(bureau.progress(sequence.id).await.enrollments(), 5);
    bureau.counters_are_right(sequence.id).await;
    lead_erase::erase(on, actor, leads[1]).await.unwrap();
    bureau.counters_are_right(sequence.id).await;
    let merge = |keep, duplicate| Merge { keep, duplicate, takes_addresses: true, expected_version: None };
    lead_merge::merge(on, actor, merge(leads[2], leads[3])).await.unwrap();
    for id in [sequence.id, other.id] {
        bureau.counters_are_right(id).await;
    }
    let db = on.db.reader();
    let of_the_kept = storage::retention::enrollment::Entity::with(leads[2]).all(db).await.unwrap();
    let live = of_the_kept.iter().filter(|row| row.status == EnrollmentStatus::Active).count();
    assert_eq!((of_the_kept.len(), live), (3, 2), "one of the two in the same sequence has ended: {of_the_kept:?}");
    // One that is in no other's sequence goes over as it is.
    let newcomer = bureau.lead("newcomer", |_| ()).await;
    lead_merge::merge(on, actor, merge(newcomer, leads[4])).await.unwrap();
    bureau.counters_are_right(sequence.id).await;
    let row = bureau.progress(sequence.id).await;
    assert_eq!((row.active, row.cancelled, row.steps_sent), (3, 2, 5), "{row:?}");
}

#[tokio::test]
async fn heavy_sigterm_loses_no_step_and_sends_none_twice() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED / 2).await;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let steps = [0, 1, 1, 1, 1].map(|days| email(script, days)).to_vec();
    let sequence = bureau.sequence(steps, |_| ()).await;
    for n in 0..40 {
        let lead = bureau.lead(&format!("drained{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    for sent in [20, 60, 110] {
        // Its clock is a past one: for a process it would be a database of long ago.
        let flags = &["--providers=simulated", "--after-restore=no"];
        let mut process = Process::serve(bureau.office.database(), bureau.office.folder.path(), flags);
        bureau.sent(sequence.id, sent).await;
        assert!(process.terminate(), "it ended well");
        let leased = bureau.leased().await;
        assert_eq!(leased, 0, "all leases are settled or given back");
    }
    let worker = bureau.worker();
    let row = bureau.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!((row.completed, row.steps_sent, row.steps_unknown), (40, 200, 0), "{row:?}");
    assert!(bureau.taken().values().all(|count| *count == 5), "each step once");
}

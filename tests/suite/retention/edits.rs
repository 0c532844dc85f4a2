//! What is changed under leads on their way: limits that are widened, and steps that are replaced under a test.

use chrono::{DateTime, Utc};
use domain::id::{ScriptId, SequenceStepId};
use domain::retention::words::ContactAttemptStatus::{Bounced, Failed, Sent, Success};
use domain::retention::words::{AbTestStatus, AbVariant, ContactChannel, DelayUnit, ExecutionReason};
use sea_orm::EntityTrait;
use serde_json::json;
use service::retention::campaign::{self, Fields};
use service::retention::contact_attempt;
use service::retention::sequence::lost_tests;
use service::retention::sequence::steps::{self, NewStep};
use storage::Noun;
use storage::retention::{ab_test, sequence_step};

use super::engine::{Bureau, email, step};
use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::eventually;

/// A test of two scripts that runs in a step.
fn test_of(at: SequenceStepId, scripts: [ScriptId; 2], now: DateTime<Utc>) -> ab_test::Model {
    ab_test::Model {
        step_id: Some(at),
        status: AbTestStatus::Running,
        started_at: Some(now),
        ..rows::ab_test(scripts, now)
    }
}

#[tokio::test]
async fn what_limits_put_off_is_decided_again_when_they_are_widened() {
    // It is night in Berlin.
    let bureau = Bureau::open("2026-03-03T21:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let own = bureau.campaign(|_| ()).await;
    let sequence = bureau.sequence(vec![email(script, 0)], |new| new.campaign = Some(own)).await;
    let lead = bureau.lead("ann", |_| ()).await;
    bureau.enroll(sequence.id, lead).await;
    let worker = bureau.worker();
    eventually("it is put off", async || bureau.executions(lead).await[0].reason == Some(ExecutionReason::Limits))
        .await;
    let all_day = Fields {
        contact_hours_start: async_graphql::MaybeUndefined::Value("00:00".into()),
        contact_hours_end: async_graphql::MaybeUndefined::Value("24:00".into()),
        ..Fields::default()
    };
    campaign::update(on, actor, own, all_day, None, None).await.unwrap();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!(bureau.attempts(lead).await.len(), 1, "it went out in the night");
}

#[tokio::test]
async fn a_test_goes_on_when_the_steps_are_replaced_and_its_winner_stays() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 4 * 24 * 3600).await;
    let Office { on, actor, .. } = &bureau.office;
    let plain = bureau.script(ContactChannel::Email, "Hello").await;
    let (a, b) = (bureau.script(ContactChannel::Email, "A").await, bureau.script(ContactChannel::Email, "B").await);
    let sequence = bureau.sequence(vec![email(plain, 0)], |_| ()).await;
    let first = steps::of(sequence.id, sequence.steps_version);
    let first = sea_orm::QuerySelect::limit(first, 1).one(on.db.reader()).await.unwrap().unwrap();
    let test = ab_test::Model {
        status: AbTestStatus::Completed,
        winner: Some(AbVariant::B),
        winner_id: Some(b),
        ended_at: Some(on.now()),
        ..test_of(first.id, [a, b], on.now())
    };
    rows::insert::<ab_test::Entity, _>(on, vec![test]).await;
    for more in [vec![email(plain, 0), email(a, 1)], vec![email(a, 0), email(plain, 1)]] {
        steps::replace(on, actor, sequence.id, more, None).await.unwrap();
    }
    let lead = bureau.lead("ann", |_| ()).await;
    bureau.enroll(sequence.id, lead).await;
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    let said: Vec<_> = bureau.attempts(lead).await.iter().map(|attempt| attempt.script_id).collect();
    assert_eq!(said, [Some(a), Some(b)], "the step says what won, wherever it stands now");
}

#[tokio::test]
async fn a_test_goes_on_in_the_words_of_either_side_and_in_no_others() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let (a, b) = (bureau.script(ContactChannel::Email, "A").await, bureau.script(ContactChannel::Email, "B").await);
    let other = bureau.script(ContactChannel::Email, "C").await;
    let sequence = bureau.sequence(vec![email(a, 0)], |_| ()).await;
    let step = async || {
        let row =
            storage::retention::sequence::Entity::find_by_id(sequence.id).one(on.db.reader()).await.unwrap().unwrap();
        steps::of(row.id, row.steps_version).one(on.db.reader()).await.unwrap().unwrap()
    };
    let first = step().await.id;
    rows::insert::<ab_test::Entity, _>(on, vec![test_of(first, [a, b], on.now())]).await;
    for script in [b, a, b] {
        steps::replace(on, actor, sequence.id, vec![email(script, 0)], None).await.unwrap();
        assert_eq!(step().await.origin(), first);
    }
    steps::replace(on, actor, sequence.id, vec![email(other, 0)], None).await.unwrap();
    assert_ne!(step().await.origin(), first, "what somebody has written anew is sent as it is");
}

#[tokio::test]
async fn two_steps_that_say_the_same_are_two_and_a_test_stays_with_its_own() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let (a, b) = (bureau.script(ContactChannel::Email, "A").await, bureau.script(ContactChannel::Email, "B").await);
    let sequence = bureau.sequence(vec![email(a, 0), email(a, 3)], |_| ()).await;
    let present = async || {
        let row =
            storage::retention::sequence::Entity::by_ids(&[sequence.id]).one(on.db.reader()).await.unwrap().unwrap();
        steps::of(row.id, row.steps_version).all(on.db.reader()).await.unwrap()
    };
    let replaced = async |new: Vec<NewStep>| {
        let row = steps::replace(on, actor, sequence.id, new, None).await?;
        Ok::<_, domain::error::Error>(lost_tests(on.db.reader(), &row).await.unwrap())
    };
    let origins = async || present().await.iter().map(sequence_step::Model::origin).collect::<Vec<_>>();
    let [tested, other] = origins().await[..] else { panic!("two steps") };
    rows::insert::<ab_test::Entity, _>(on, vec![test_of(tested, [a, b], on.now())]).await;

    // Swapped, doubled, changed: what is the same in all is the same step.
    assert_eq!(replaced(vec![email(a, 3), email(a, 0)]).await.unwrap(), Vec::<String>::new());
    assert_eq!(origins().await, [other, tested]);
    replaced(vec![email(a, 3), email(a, 0), email(a, 9)]).await.unwrap();
    assert_eq!(origins().await[..2], [other, tested]);
    // Nobody can tell which of them has another time now.
    let unclear = replaced(vec![email(a, 4), email(a, 5)]).await.unwrap_err();
    assert!(
        format!("{unclear:?}").contains("steps.0.id") || format!("{unclear:?}").contains("give each step"),
        "{unclear:?}"
    );
    let now = present().await;
    let as_it_is = |of: usize, new: NewStep| NewStep { id: Some(now[of].id), ..new };
    replaced(vec![as_it_is(1, email(a, 5)), as_it_is(0, email(a, 4))]).await.unwrap();
    assert_eq!(origins().await, [tested, other], "what says which it is may change as it likes");

    // The first goes, and the second inherits nothing.
    let lost = replaced(vec![email(a, 4)]).await.unwrap();
    assert_eq!(origins().await, [other]);
    assert!(lost.len() == 1 && lost[0].contains("RUNNING"), "{lost:?}");
    let lead = bureau.lead("ann", |_| ()).await;
    bureau.enroll(sequence.id, lead).await;
    assert_eq!(replaced(vec![email(a, 4)]).await.unwrap(), Vec::<String>::new(), "it is told once");
}

#[tokio::test]
async fn a_step_that_is_named_is_that_one_or_it_is_refused() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let (a, b) = (bureau.script(ContactChannel::Email, "A").await, bureau.script(ContactChannel::Email, "B").await);
    let (c, sms) = (bureau.script(ContactChannel::Email, "C").await, bureau.script(ContactChannel::Sms, "S").await);
    let both = vec![ContactChannel::Email, ContactChannel::Sms];
    let sequence = bureau.sequence(vec![email(a, 0), email(c, 1)], |new| new.channels = both).await;
    let old = steps::of(sequence.id, sequence.steps_version).all(on.db.reader()).await.unwrap();
    rows::insert::<ab_test::Entity, _>(on, vec![test_of(old[0].id, [a, b], on.now())]).await;
    let named = |of: SequenceStepId, new: NewStep| NewStep { id: Some(of), ..new };
    let by_sms = step(ContactChannel::Sms, sms, 0, DelayUnit::Days);
    for (new, why) in [
        (vec![named(SequenceStepId::generate(), email(a, 0))], "none of the steps"),
        (vec![named(old[0].id, email(a, 0)), named(old[0].id, email(a, 1))], "another step has this id"),
        (vec![named(old[0].id, by_sms)], "goes by EMAIL"),
        (vec![named(old[0].id, email(c, 0))], "end it first"),
    ] {
        let refused = steps::replace(on, actor, sequence.id, new, None).await.unwrap_err();
        assert!(format!("{refused:?}").contains(why), "{why}: {refused:?}");
    }
    let new = vec![named(old[1].id, email(a, 7)), email(c, 1), named(old[0].id, email(b, 2))];
    let row = steps::replace(on, actor, sequence.id, new, None).await.unwrap();
    let now = steps::of(row.id, row.steps_version).all(on.db.reader()).await.unwrap();
    let origins: Vec<_> = now.iter().map(sequence_step::Model::origin).collect();
    assert_eq!((origins[0], origins[2]), (old[1].id, old[0].id));
    assert_eq!(origins[1], now[1].id, "the one without an id is new");
}

#[tokio::test]
async fn what_the_cap_put_off_is_decided_again_when_the_contact_has_failed_or_the_cap_is_raised() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let own = bureau.campaign(|row| row.max_contacts_per_day = Some(1)).await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 0)], |new| new.campaign = Some(own)).await;
    let (ann, bob) = (bureau.lead("ann", |_| ()).await, bureau.lead("bob", |_| ()).await);
    for lead in [ann, bob] {
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    for lead in [ann, bob] {
        eventually("the second is put off", async || {
            bureau.executions(lead).await.iter().any(|row| row.reason == Some(ExecutionReason::Limits))
        })
        .await;
    }
    let sent = bureau.attempts(ann).await.pop().unwrap();
    let failed = contact_attempt::Correction { status: Some(Failed), ..contact_attempt::Correction::default() };
    contact_attempt::correct(on, actor, sent.id, failed).await.unwrap();
    eventually("there is room for another", async || bureau.attempts(ann).await.len() == 2).await;
    assert_eq!(bureau.attempts(bob).await.len(), 1);
    let more = Fields { max_contacts_per_day: async_graphql::MaybeUndefined::Value(2), ..Fields::default() };
    campaign::update(on, actor, own, more, None, None).await.unwrap();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!(bureau.attempts(bob).await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_somebody_notes_ends_sequences_and_a_contact_is_corrected_forward_only() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 9)], |_| ()).await;
    let (ann, bob) = (bureau.lead("ann", |_| ()).await, bureau.lead("bob", |_| ()).await);
    for lead in [ann, bob] {
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    bureau.sent(sequence.id, 2).await;
    worker.stop().await;
    let reply = |lead| contact_attempt::Reply { lead, attempt: None, words: Some("call me in May".into()) };
    contact_attempt::replied(on, actor, reply(ann)).await.unwrap();
    let ended = bureau.progress(sequence.id).await;
    assert_eq!((ended.active, ended.cancelled), (1, 1), "{ended:?}");
    let answered = bureau.attempts(ann).await.pop().unwrap();
    assert_eq!((answered.status, &answered.result.unwrap()["reply"]), (Success, &json!("call me in May")));
    bureau.counters_are_right(sequence.id).await;

    let sent = bureau.attempts(bob).await.pop().unwrap();
    let to = |status| contact_attempt::Correction { status: Some(status), ..contact_attempt::Correction::default() };
    let bounced = contact_attempt::correct(on, actor, sent.id, to(Bounced)).await.unwrap();
    assert_eq!(bounced.status, Bounced);
    let back = contact_attempt::correct(on, actor, sent.id, to(Sent)).await.unwrap_err();
    assert!(back.to_string().contains("BOUNCED"), "{back}");
    bureau.counters_are_right(sequence.id).await;
    assert!(
        contact_attempt::replied(on, actor, contact_attempt::Reply { attempt: Some(sent.id), ..reply(ann) })
            .await
            .is_err()
    );
}

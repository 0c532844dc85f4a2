//! Many conversions are credited by another model all at once: until then each has the credit that it had.

use chrono::TimeDelta;
use domain::audit::Action;
use domain::error::Error;
use domain::id::{ContactAttemptId, RetentionCampaignId};
use domain::retention::attribution::{AttributionModel, Rule};
use domain::retention::words::ContactChannel;
use domain::task::{TaskKind, TaskStatus};
use sea_orm::{EntityTrait, PaginatorTrait, Statement};
use serde_json::json;
use service::retention::conversion::recompute;
use service::{Services, tasks};
use storage::retention::{campaign, contact_attempt, conversion, conversion_credit, lead};
use storage::task;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::eventually;

/// Rows that are many here.
const MANY: i32 = 20;
const FIRST: Rule = Rule { model: AttributionModel::FirstTouch, window: TimeDelta::days(30) };

/// The campaigns of the first contacts and of the last ones, and the first contacts.
struct Made {
    first: RetentionCampaignId,
    last: RetentionCampaignId,
    contacts: Vec<ContactAttemptId>,
}

/// Conversions of leads that were contacted twice, credited to the last contact.
async fn made(on: &Services, count: usize) -> Made {
    let now = on.now();
    let (first, last) = (rows::campaign(now), rows::campaign(now));
    let leads: Vec<_> = (0..count).map(|_| rows::lead(now)).collect();
    let contact = |lead: &lead::Model, of: &campaign::Model, days| contact_attempt::Model {
        campaign_id: Some(of.id),
        ..rows::attempt(lead.id, ContactChannel::Email, now - TimeDelta::days(days))
    };
    let early: Vec<_> = leads.iter().map(|lead| contact(lead, &first, 9)).collect();
    let late: Vec<_> = leads.iter().map(|lead| contact(lead, &last, 2)).collect();
    let sold = late.iter().map(|contact| conversion::Model {
        campaign_id: contact.campaign_id,
        contact_attempt_id: Some(contact.id),
        channel: Some(ContactChannel::Email),
        attribution: Some(json!({ "model": "LAST_TOUCH", "windowDays": 30, "clickedAttemptId": null, "shares": [] })),
        ..rows::conversion(contact.lead_id, 5_000_000, now)
    });
    let sold = sold.collect();
    let made = Made { first: first.id, last: last.id, contacts: early.iter().map(|row| row.id).collect() };
    rows::insert::<campaign::Entity, _>(on, vec![first, last]).await;
    rows::insert::<lead::Entity, _>(on, leads).await;
    rows::insert::<contact_attempt::Entity, _>(on, [early, late].concat()).await;
    rows::insert::<conversion::Entity, _>(on, sold).await;
    made
}

async fn run(on: &Services, sql: &str) {
    on.db.write_alone(Statement::from_string(on.db.backend(), sql)).await.expect("runs");
}

/// How many conversions are credited to a campaign.
async fn of(on: &Services, id: RetentionCampaignId) -> u64 {
    conversion::Entity::of(id.0).count(on.db.reader()).await.expect("counts")
}

async fn aside(on: &Services) -> u64 {
    conversion_credit::Entity::find().count(on.db.reader()).await.expect("counts")
}

async fn latest(on: &Services) -> task::Model {
    tasks::latest(on, TaskKind::RecomputeAttribution, Uuid::nil()).await.expect("reads").expect("a task")
}

/// An office in which twenty are many, and a task that was cut off in the middle.
async fn half() -> (Office, Made) {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = MANY);
    let made = made(&office.on, 70).await;
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    let inserts = std::sync::atomic::AtomicUsize::new(0);
    on.db = on.db.watched(move |sql| {
        let is_third = sql.starts_with("INSERT INTO \"conversion_credits\"")
            && inserts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2;
        if is_third {
            seen.cancel();
        }
    });
    // On a slow machine the answer comes before it.
    let whole = async {
        recompute(&on, &office.actor, FIRST, on.now() - TimeDelta::days(1)).await.expect("it is asked for");
        tasks::run_pending(&on, &CancellationToken::new()).await.expect("gets on");
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = whole => panic!("it is cut off"),
    }
    eventually("the chunk that was cut off is undone", async || [40, 60].contains(&aside(&office.on).await)).await;
    (office, made)
}

#[tokio::test]
async fn credit_that_was_cut_off_is_nobodys_and_another_process_gives_it_to_all_at_once() {
    let (office, made) = half().await;
    let on = &office.on;
    assert_eq!((of(on, made.first).await, of(on, made.last).await), (0, 70), "none has the new one");
    let twice = recompute(on, &office.actor, FIRST, on.now() - TimeDelta::days(1)).await.expect_err("it is being done");
    assert!(matches!(twice, Error::Transition(_)), "{twice}");
    // Meanwhile one is told of anew, and the contact that another would be credited to goes.
    run(
        on,
        "UPDATE conversions SET revenue_micros = 7000000, version = version + 1
         WHERE id IN (SELECT conversion_id FROM conversion_credits ORDER BY conversion_id LIMIT 1) RETURNING id",
    )
    .await;
    let contact = made.contacts[1];
    let remove = on.db.write(|tx| async move { Ok(contact_attempt::Entity::delete_by_id(contact).exec(&*tx).await?) });
    remove.await.expect("it goes");
    let other = office.another().await;
    eventually("it is through", async || {
        other.do_tasks().await;
        latest(on).await.status == TaskStatus::Completed
    })
    .await;
    assert_eq!((latest(on).await.done, aside(on).await), (70, 0));
    assert_eq!((of(on, made.first).await, of(on, made.last).await), (69, 1), "one has no other contact any more");
    let rows = conversion::Entity::find().all(on.db.reader()).await.expect("reads");
    let model = |row: &conversion::Model| row.attribution.as_ref().expect("it has one")["model"].clone();
    assert!(rows.iter().all(|row| model(row) == "FIRST_TOUCH"), "all by one model");
    let shared = |row: &conversion::Model| {
        row.attribution.as_ref().expect("it has one")["shares"][0]["revenueMicros"] == 7_000_000
    };
    assert_eq!(rows.iter().filter(|row| shared(row)).count(), 1, "what it is worth now is divided");
    assert_eq!(office.audited(Action::ConversionsAttributed).await, 1);
}

#[tokio::test]
async fn credit_that_is_cancelled_has_changed_nothing() {
    let (office, made) = half().await;
    let on = &office.on;
    let before = conversion::Entity::find().all(on.db.reader()).await.expect("reads");
    let ended = tasks::cancel(on, &office.actor, latest(on).await.id).await.expect("it is cancelled");
    office.do_tasks().await;
    assert_eq!(latest(on).await.status, TaskStatus::Cancelled, "{ended:?}");
    assert_eq!((of(on, made.last).await, aside(on).await), (70, 0));
    let after = conversion::Entity::find().all(on.db.reader()).await.expect("reads");
    assert_eq!(before, after);
    assert_eq!(office.audited(Action::ConversionsAttributed).await, 0);
    // It can be asked for again.
    recompute(on, &office.actor, FIRST, on.now() - TimeDelta::days(1)).await.expect("it is asked for");
    office.do_tasks().await;
    assert_eq!((of(on, made.first).await, of(on, made.last).await), (70, 0));
}

#[tokio::test]
async fn few_are_credited_at_once() {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = MANY);
    let made = made(&office.on, 20).await;
    let done =
        recompute(&office.on, &office.actor, FIRST, office.on.now() - TimeDelta::days(1)).await.expect("it is done");
    assert!(done.task.is_none() && done.conversions == 20, "{done:?}");
    assert_eq!(of(&office.on, made.first).await, 20);
}

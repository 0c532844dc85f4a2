//! More leads than a request can wait for are assigned by a task: each once, and those that come later are not among them.

use domain::audit::Action;
use domain::error::Error;
use domain::id::{NounId, RetentionCampaignId};
use domain::retention::words::{LeadStatus, RetentionCampaignStatus};
use domain::task::{TaskKind, TaskStatus};
use sea_orm::{EntityTrait, PaginatorTrait};
use service::retention::members::{self, Assigned};
use service::{Services, tasks};
use storage::retention::lead_filter::LeadFilter;
use storage::retention::{campaign, campaign_lead, lead};
use storage::task;
use tokio_util::sync::CancellationToken;

use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::eventually;

async fn all(on: &Services, office: &Office, id: RetentionCampaignId) -> domain::error::Result<Assigned> {
    members::assign(on, &office.actor, id, LeadFilter::default(), false).await
}

async fn count(on: &Services) -> u64 {
    campaign_lead::Entity::find().count(on.db.reader()).await.expect("counts")
}

async fn latest(on: &Services, id: RetentionCampaignId) -> task::Model {
    tasks::latest(on, TaskKind::AssignLeads, id.uuid()).await.expect("reads").expect("a task")
}

/// A campaign, and the assignment of 70 leads to it that was cut off after forty.
async fn half() -> (Office, RetentionCampaignId) {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = 20);
    let made = rows::campaign(office.on.now());
    let id = made.id;
    let mut leads: Vec<_> = (0..70).map(|_| rows::lead(office.on.now())).collect();
    leads[69].status = LeadStatus::DoNotContact;
    rows::insert::<campaign::Entity, _>(&office.on, vec![made]).await;
    rows::insert::<lead::Entity, _>(&office.on, leads).await;
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    let inserts = std::sync::atomic::AtomicUsize::new(0);
    on.db = on.db.watched(move |sql| {
        let is_insert = sql.starts_with("INSERT INTO \"campaign_leads\"");
        if is_insert && inserts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            seen.cancel();
        }
    });
    // On a slow machine the answer comes before it.
    let whole = async {
        all(&on, &office, id).await.expect("it is asked for");
        tasks::run_pending(&on, &CancellationToken::new()).await.expect("gets on");
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = whole => panic!("it is cut off"),
    }
    eventually("the chunk that was cut off is undone", async || [40, 60].contains(&count(&office.on).await)).await;
    (office, id)
}

#[tokio::test]
async fn an_assignment_that_was_cut_off_is_finished_by_another_process() {
    let (office, id) = half().await;
    let on = &office.on;
    let twice = all(on, &office, id).await.expect_err("it is being done");
    assert!(matches!(twice, Error::Transition(_)), "{twice}");
    rows::insert::<lead::Entity, _>(on, vec![rows::lead(on.now())]).await;
    let other = office.another().await;
    eventually("it is through", async || {
        other.do_tasks().await;
        latest(on, id).await.status == TaskStatus::Completed
    })
    .await;
    assert_eq!((latest(on, id).await.done, count(on).await), (70, 69), "but for the one that must not be contacted");
    assert_eq!(office.audited(Action::LeadsAssigned).await, 1);
}

#[tokio::test]
async fn an_assignment_that_is_cancelled_or_fails_leaves_those_that_are_in_the_campaign() {
    let (office, id) = half().await;
    let on = &office.on;
    tasks::cancel(on, &office.actor, latest(on, id).await.id).await.expect("it is cancelled");
    office.do_tasks().await;
    let ended = latest(on, id).await;
    assert_eq!((ended.status, i64::try_from(count(on).await)), (TaskStatus::Cancelled, Ok(ended.done)));
    assert!(ended.done < 69, "{ended:?}");
    let (office, id) = half().await;
    let on = &office.on;
    let fields = service::retention::campaign::Fields::default();
    let over = Some(RetentionCampaignStatus::Completed);
    service::retention::campaign::update(on, &office.actor, id, fields, over, None).await.expect("it is over");
    office.do_tasks().await;
    let failed = latest(on, id).await;
    assert_eq!((failed.status, i64::try_from(count(on).await)), (TaskStatus::Failed, Ok(failed.done)));
    assert!(failed.error.is_some_and(|why| why.contains("COMPLETED")));
    assert_eq!(office.audited(Action::LeadsAssigned).await, 1, "what was done of it is told");
}

#[tokio::test]
async fn many_leads_are_taken_out_by_a_task_and_those_who_come_later_stay() {
    let mut office = Office::open().await;
    let made = rows::campaign(office.on.now());
    let id = made.id;
    let leads: Vec<_> = (0..70).map(|_| rows::lead(office.on.now())).collect();
    rows::insert::<campaign::Entity, _>(&office.on, vec![made]).await;
    rows::insert::<lead::Entity, _>(&office.on, leads).await;
    all(&office.on, &office, id).await.expect("all are in it");
    office.rule(|rules| rules.at_once = 20);
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    let removals = std::sync::atomic::AtomicUsize::new(0);
    on.db = on.db.watched(move |sql| {
        let is_removal = sql.starts_with("DELETE FROM \"campaign_leads\"");
        if is_removal && removals.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            seen.cancel();
        }
    });
    let whole = async {
        members::remove(&on, &office.actor, id, LeadFilter::default(), false).await.expect("it is asked for");
        tasks::run_pending(&on, &CancellationToken::new()).await.expect("gets on");
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = whole => panic!("it is cut off"),
    }
    eventually("the chunk that was cut off is undone", async || [30, 10].contains(&count(&office.on).await)).await;
    let late = rows::lead(office.on.now());
    let only = LeadFilter { ids: Some(vec![late.id]), ..LeadFilter::default() };
    rows::insert::<lead::Entity, _>(&office.on, vec![late]).await;
    members::assign(&office.on, &office.actor, id, only, false).await.expect("one more");
    let other = office.another().await;
    let task = async || tasks::latest(&office.on, TaskKind::RemoveLeads, id.uuid()).await.unwrap().unwrap();
    eventually("it is through", async || {
        other.do_tasks().await;
        task().await.status == TaskStatus::Completed
    })
    .await;
    assert_eq!((task().await.done, count(&office.on).await), (70, 1));
    assert_eq!(office.audited(Action::LeadsRemoved).await, 1);
}

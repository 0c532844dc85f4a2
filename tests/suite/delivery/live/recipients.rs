//! A broadcast writes to channels and groups: what a name leads to decides.

use domain::broadcast::{CampaignStatus, JobStatus, PeerKind};
use service::broadcast::batch::{Change, update};

use super::field::Field;
use crate::harness::telegram::Facts;

const NAMES: [&str; 5] = ["a_channel", "a_group", "a_forum", "person_ann", "robot_helper"];

async fn with_all_sorts() -> Field {
    let field = Field::open(2).await;
    field.telegram.describe("a_group", Facts { is_group: true, ..Facts::default() });
    field.telegram.describe("a_forum", Facts { is_forum: true, ..Facts::default() });
    field
}

#[tokio::test]
async fn persons_and_bots_get_nothing_and_their_jobs_say_why() {
    let field = with_all_sorts().await;
    let id = field.office.campaign(&NAMES.map(String::from), 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    assert_eq!((row.sent, row.failed), (3, 2));
    for (name, kind) in
        NAMES.into_iter().zip([PeerKind::Channel, PeerKind::Group, PeerKind::Forum, PeerKind::Person, PeerKind::Bot])
    {
        let (channel, job) = (field.office.channel(name).await, field.job(id, name).await);
        assert_eq!((channel.kind, channel.is_active, channel.error_count), (Some(kind), true, 0), "{name}");
        let told = if kind.is_private() { (JobStatus::Failed, Some("NOT_A_CHANNEL")) } else { (JobStatus::Sent, None) };
        assert_eq!((job.status, job.error_message.as_deref()), told, "{name}");
    }
    assert!(field.telegram.accepted().iter().all(|post| post.username.starts_with("a_")));
    // Now it is known: nobody looks them up again.
    let looked_up = field.resolves().len();
    let batch = field.office.batch_of(id).await;
    let again = field.office.campaign_of(batch, 6_000).await;
    field.office.start(again).await;
    let row = field.office.until(again, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed), (3, 2));
    let persons =
        |call: &&crate::harness::telegram::Call| call.username.as_deref().is_some_and(|name| !name.starts_with("a_"));
    assert_eq!(field.resolves()[looked_up..].iter().filter(persons).count(), 0);
    field.office.assert_counters(again).await;
}

#[tokio::test]
async fn a_batch_may_allow_them() {
    let field = with_all_sorts().await;
    let id = field.office.campaign(&NAMES.map(String::from), 6_000).await;
    let batch = field.office.batch_of(id).await;
    let change = Change { allow_private: Some(true), ..Change::default() };
    update(&field.office.on, &field.office.actor, batch, change).await.unwrap();
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed), (5, 0));
    field.assert_once();
}

/// A name that led to a person when another account looked it up, and the other way round.
#[tokio::test]
async fn what_any_account_knows_of_a_name_counts() {
    let field = Field::open(1).await;
    let id = field.office.campaign(&["a_channel".into(), "person_ann".into()], 6_000).await;
    field.sql("UPDATE channels SET kind = 'BOT' WHERE username = 'a_channel' RETURNING id").await;
    field.sql("UPDATE channels SET kind = 'CHANNEL' WHERE username = 'person_ann' RETURNING id").await;
    field.office.start(id).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.failed, field.telegram.accepted().len()), (0, 2, 0));
}

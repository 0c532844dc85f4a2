//! What may have been sent is looked for before anything is sent (R11).

use domain::broadcast::{CampaignStatus, JobStatus, SentChangeStatus};
use domain::id::BroadcastCampaignId;
use sea_orm::EntityTrait;
use service::broadcast::campaign;
use service::broadcast::job::{Resolution, resolve_unknown};
use storage::broadcast::sent_change;

use super::super::fixture::names;
use super::field::Field;
use crate::harness::telegram::{On, Play};

/// A campaign with one message that Telegram has and one that it has not, both UNKNOWN.
async fn in_doubt(field: &Field) -> BroadcastCampaignId {
    for (name, play) in [("doubt_0001", Play::DropAfter), ("doubt_0002", Play::DropBefore)] {
        field.telegram.play(On::send_to(name), play);
        field.telegram.play_times(2, On::send_to(name), Play::Error("RPC_CALL_FAIL"));
    }
    let content = field.office.template("Hello {{ username }}{{ \"\\n\" }}").await;
    let change = |new: &mut campaign::New| (new.retry_limit, new.template) = (1, content);
    let id = field.office.campaign_with(&names("doubt", 2), 6_000, change).await;
    field.office.start(id).await;
    id
}

async fn resolve(field: &Field, id: BroadcastCampaignId, resolution: Resolution) {
    let jobs: Vec<_> = field.office.jobs(id).await.iter().map(|job| job.id).collect();
    resolve_unknown(&field.office.on, &field.office.actor, &jobs, resolution).await.expect("they are UNKNOWN");
}

fn histories(field: &Field) -> usize {
    field.telegram.calls().iter().filter(|call| call.method == "messages.getHistory").count()
}

/// Within the time in which Telegram would know a repetition too: whoever wants a send says so.
#[tokio::test]
async fn a_search_sends_nothing() {
    let field = Field::open(1).await;
    field.telegram.trim_texts();
    let id = in_doubt(&field).await;
    let worker = field.worker();
    let row = field.office.until(id, CampaignStatus::Completed).await;
    assert_eq!((row.unknown, field.telegram.accepted().len(), histories(&field)), (2, 1, 0));
    let sends = field.sends().len();
    resolve(&field, id, Resolution::History).await;
    field.until("one is found", async || field.job(id, "doubt_0001").await.status == JobStatus::Sent).await;
    field
        .until("the other one is not", async || search(&field, id, "doubt_0002").await == SentChangeStatus::Failed)
        .await;
    worker.stop().await;
    assert_eq!(field.job(id, "doubt_0002").await.status, JobStatus::Unknown);
    assert!(field.job(id, "doubt_0001").await.message_id.is_some());
    assert_eq!((field.telegram.accepted().len(), field.sends().len()), (1, sends), "nothing was sent");
    assert!(histories(&field) >= 2);
    assert_eq!(sent_change::Entity::counts(field.office.on.db.reader(), &[id]).await.unwrap().len(), 0);
    field.office.assert_counters(id).await;
}

async fn search(field: &Field, id: BroadcastCampaignId, username: &str) -> SentChangeStatus {
    let position = field.job(id, username).await.position;
    let row = sent_change::Entity::find_by_id((id, position)).one(field.office.on.db.reader()).await.unwrap();
    row.expect("it is looked for").status
}

#[tokio::test]
async fn what_a_cancelled_campaign_left_in_doubt_is_looked_for() {
    let field = Field::open(1).await;
    let id = in_doubt(&field).await;
    let worker = field.worker();
    field.office.until_row(id, "both are in doubt", |row| row.unknown == 2).await;
    field.sql("UPDATE broadcast_campaigns SET status = 'CANCELLED' RETURNING id").await;
    field.sql("UPDATE broadcast_campaign_progress SET status = 'CANCELLED' RETURNING campaign_id").await;
    resolve(&field, id, Resolution::History).await;
    field.until("one is found", async || field.job(id, "doubt_0001").await.status == JobStatus::Sent).await;
    worker.stop().await;
    assert_eq!(field.telegram.accepted().len(), 1);
    let row = field.office.progress(id).await;
    assert_eq!((row.sent, row.status), (1, domain::broadcast::ProgressStatus::Cancelled));
}

/// Somebody says that neither is there, and is wrong about one. Telegram does not know its number any more.
#[tokio::test]
async fn what_somebody_wants_sent_again_is_looked_for_before() {
    let field = Field::open(1).await;
    field.telegram.trim_texts();
    let id = in_doubt(&field).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    field.telegram.forget_random_ids();
    resolve(&field, id, Resolution::Queued).await;
    let row = field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.unknown), (2, 0));
    field.assert_once();
    assert_eq!(field.telegram.accepted().len(), 2);
    field.office.assert_counters(id).await;
}

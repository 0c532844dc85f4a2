//! R4: what is not ready to be sent takes no slots and is not leased: neither the campaign nor the account loses by it.

use std::time::Duration;

use domain::broadcast::{CampaignStatus, JobStatus, MediaType};
use domain::id::BroadcastCampaignId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use storage::broadcast::campaign;

use super::super::fixture::names;
use super::field::Field;
use crate::harness::telegram::{On, Play};

/// A campaign for which something is missing, which the account asks for in vain by `method`.
async fn asks_in_vain(field: &Field, id: BroadcastCampaignId, method: &'static str) {
    let before = (field.account(0).await.sends_today, field.sends().len());
    field.telegram.play_times(1_000, On::method(method), Play::Error("RPC_CALL_FAIL"));
    let worker = field.worker();
    let asked = || field.telegram.calls().iter().filter(|call| call.method == method).count();
    field.until("it was asked for several times", async || asked() >= 3).await;
    worker.stop().await;
    let row = field.office.progress(id).await;
    assert_eq!((row.last_slot, row.queued), (0, row.total), "no slot was taken");
    assert_eq!((field.account(0).await.sends_today, field.sends().len()), before);
    let jobs = field.office.jobs(id).await;
    assert!(jobs.iter().all(|job| job.status == JobStatus::Queued && job.random_id.is_none()), "{jobs:?}");
}

#[tokio::test]
async fn jobs_whose_channels_are_unknown_are_not_leased() {
    let field = Field::open(1).await;
    let id = field.office.campaign(&names("unknown", 4), 6_000).await;
    field.office.start(id).await;
    asks_in_vain(&field, id, "contacts.resolveUsername").await;
}

/// A campaign that is started, whose channels the account knows.
async fn to_known_channels(field: &Field) -> BroadcastCampaignId {
    let first = field.office.campaign(&names("known", 4), 6_000).await;
    field.office.start(first).await;
    let worker = field.worker();
    field.office.until(first, CampaignStatus::Completed).await;
    worker.stop().await;
    let id = field.office.campaign_of(field.office.batch_of(first).await, 6_000).await;
    field.office.start(id).await;
    id
}

#[tokio::test]
async fn what_an_account_that_is_not_connected_could_send_is_not_leased() {
    let field = Field::open(1).await;
    let id = to_known_channels(&field).await;
    asks_in_vain(&field, id, "users.getUsers").await;
}

#[tokio::test]
async fn jobs_whose_media_are_not_stored_are_not_leased() {
    let field = Field::open(1).await;
    let id = to_known_channels(&field).await;
    let row = campaign::Entity::find_by_id(id).one(field.office.on.db.reader()).await.unwrap().unwrap();
    let write = field.office.on.db.write(|tx| {
        let mut row = row.clone().into_active_model();
        row.media_type = Set(Some(MediaType::Photo));
        row.media_url = Set(Some("https://example.com/photo.jpg".into()));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    asks_in_vain(&field, id, "messages.uploadMedia").await;
}

/// At most eight messages of an account are on their way: what a lost connection leaves ambiguous.
#[tokio::test]
async fn an_account_has_few_messages_on_their_way() {
    let field = Field::open(1).await;
    let late = Duration::from_secs(1);
    field.telegram.play_times(20, On::method("messages.sendMessage"), Play::Late(late));
    let id = field.office.campaign(&names("way", 20), 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let sends = field.sends();
    assert_eq!(sends.len(), 20);
    for (first, ninth) in sends.iter().zip(&sends[8..]) {
        assert!(ninth.at - first.at >= late, "the ninth came {:?} after the first", ninth.at - first.at);
    }
    field.assert_once();
}

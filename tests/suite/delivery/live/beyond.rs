//! Beyond the send: media, what was sent is changed, and channels are looked at.

use chrono::TimeDelta;
use domain::broadcast::{CampaignStatus, CanPost, MediaType};
use domain::id::{BroadcastCampaignId, UploadId};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use service::broadcast::campaign::{delete_sent, edit_sent};
use service::broadcast::channel_refresh;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::sent_change::{Counts, Entity as SentChange};
use storage::broadcast::{campaign, channel};

use super::super::fixture::names;
use super::field::Field;
use crate::harness::telegram::{Facts, On, Play};

/// A campaign that is started, with a photo by URL.
async fn with_photo(field: &Field, names: &[String]) -> BroadcastCampaignId {
    let id = field.office.campaign(names, 6_000).await;
    field.office.start(id).await;
    let row = campaign::Entity::find_by_id(id).one(field.office.on.db.reader()).await.unwrap().unwrap();
    let write = field.office.on.db.write(|tx| {
        let mut row = row.clone().into_active_model();
        row.media_type = Set(Some(MediaType::Photo));
        row.media_url = Set(Some("https://example.com/photo.jpg".into()));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    id
}

/// Once per account, used in each message, and again when its reference has expired.
#[tokio::test]
async fn media_is_stored_once_by_each_account() {
    let field = Field::open(2).await;
    let first = with_photo(&field, &names("photo", 30)).await;
    let worker = field.worker();
    field.office.until(first, CampaignStatus::Completed).await;
    let stored = field.telegram.media();
    let accounts: std::collections::HashSet<_> = stored.iter().map(|media| media.account).collect();
    assert_eq!(stored.len(), accounts.len(), "each account stored it once: {stored:?}");
    // No job of the second campaign goes out before it has its photo.
    worker.stop().await;
    field.telegram.expire_file_references();
    let second = with_photo(&field, &names("again", 10)).await;
    let worker = field.worker();
    field.office.until(second, CampaignStatus::Completed).await;
    worker.stop().await;
    assert!(field.telegram.accepted().iter().all(|message| message.media.is_some()));
    assert_eq!((field.received().len(), field.office.progress(second).await.sent), (40, 10));
    assert!(field.telegram.media().len() > stored.len(), "it was stored again");
    field.assert_once();
}

/// A photo alone is a message, and what stands beside it can be taken away later.
#[tokio::test]
async fn a_photo_without_a_text_is_sent() {
    let field = Field::open(1).await;
    let id = with_photo(&field, &names("bare", 3)).await;
    let row = campaign::Entity::find_by_id(id).one(field.office.on.db.reader()).await.unwrap().unwrap();
    let write = field.office.on.db.write(|tx| {
        let mut row = row.clone().into_active_model();
        row.content = Set(Some(String::new()));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let accepted = field.telegram.accepted();
    assert_eq!((accepted.len(), field.office.progress(id).await.sent), (3, 3));
    assert!(accepted.iter().all(|message| message.text.is_empty() && message.media.is_some()));
    field.assert_once();
}

#[tokio::test]
async fn media_that_telegram_refuses_pauses_the_campaign() {
    let field = Field::open(1).await;
    field.telegram.play(On::method("messages.uploadMedia"), Play::Error("WEBPAGE_CURL_FAILED"));
    let id = with_photo(&field, &names("curl", 3)).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Paused).await;
    worker.stop().await;
    assert_eq!(field.telegram.accepted().len(), 0);
}

async fn changes(field: &Field, id: BroadcastCampaignId) -> Counts {
    SentChange::counts(field.office.on.db.reader(), &[id]).await.unwrap()[&id]
}

/// By the account that sent it, resumed after a restart, and refusals are told.
#[tokio::test]
async fn what_was_sent_is_edited_and_deleted() {
    let field = Field::with(2, |_, row| row.messages_per_minute = 3_000).await;
    let names = names("edit", 20);
    let id = field.office.campaign(&names, 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    let (_, begun) = edit_sent(on, actor, id, "Better for {{ username }}".into(), None).await.unwrap();
    assert_eq!((begun.queued, begun.left), (20, 0));
    field.telegram.play(On::method("messages.editMessage"), Play::Error("FLOOD_WAIT_1"));
    field.telegram.play(On::method("messages.editMessage"), Play::DropAfter);
    let worker = field.worker();
    field.until("some are edited", async || changes(&field, id).await.done > 3).await;
    worker.stop().await;
    assert!(changes(&field, id).await.queued > 0, "the rest waits for the next start");
    let worker = field.worker();
    field.until("all are edited", async || changes(&field, id).await.queued == 0).await;
    assert_eq!(changes(&field, id).await.done, 20);
    for post in field.telegram.accepted() {
        assert_eq!(post.text, format!("Better for {}", post.username));
    }
    field.telegram.play(On::method("channels.deleteMessages"), Play::Error("MESSAGE_DELETE_FORBIDDEN"));
    delete_sent(on, actor, id).await.unwrap();
    field.until("all are deleted", async || changes(&field, id).await.queued == 0).await;
    worker.stop().await;
    let counts = changes(&field, id).await;
    assert_eq!((counts.done, counts.failed), (19, 1));
    assert_eq!(field.telegram.accepted().iter().filter(|post| post.is_deleted).count(), 19);
    field.assert_once();
}

async fn learned(field: &Field, username: &str) -> channel::Model {
    field.until("it was looked at", async || field.office.channel(username).await.last_checked.is_some()).await;
    field.office.channel(username).await
}

#[tokio::test]
async fn channels_are_looked_at_when_somebody_asks_and_when_it_was_long_ago() {
    let field = Field::with(1, |_, row| row.resolves_per_day = 4).await;
    let names = ["asked", "old", "fresh"].map(String::from);
    field.office.campaign(&names, 60).await;
    let facts = Facts { about: "Hm".into(), slow_mode: Some(30), is_admin: false, ..Facts::default() };
    field.telegram.describe("asked", facts);
    let on = &field.office.on;
    let (asked, old) = (field.office.channel("asked").await, field.office.channel("old").await);
    let write = on.db.write(|tx| {
        let mut row = old.clone().into_active_model();
        row.last_checked = Set(Some(on.now() - TimeDelta::days(31)));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    let filter = ChannelFilter { ids: Some(vec![asked.id]), ..ChannelFilter::default() };
    let requested = channel_refresh::request(on, &field.office.actor, &filter).await.unwrap();
    assert_eq!(requested.0, 1);
    let worker = field.worker();
    let asked = learned(&field, "asked").await;
    assert_eq!((asked.title.as_deref(), asked.description.as_deref()), (Some("The asked"), Some("Hm")));
    assert_eq!((asked.can_post, asked.slow_mode_seconds, asked.is_verified), (CanPost::No, Some(30), true));
    assert_eq!((asked.member_count, asked.refresh_requested_at), (Some(1234), None));
    field.until("the old one was looked at", async || field.account(0).await.resolves_today == 2).await;
    field.until("it was learned", async || field.office.channel("old").await.title.is_some()).await;
    worker.stop().await;
    // Half of the day's look-ups is left to campaigns.
    assert_eq!(field.account(0).await.resolves_today, 2);
    assert_eq!(field.office.channel("fresh").await.last_checked, None, "it was added a moment ago");
}

/// Accounts that are always busy still look at channels: a quarter of the day's look-ups is for those that are due.
#[tokio::test]
async fn channels_have_their_turn_where_campaigns_never_end() {
    let field = Field::with(1, |_, row| row.resolves_per_day = 4).await;
    let on = &field.office.on;
    field.office.campaign(&["old".to_owned()], 60).await;
    let day = on.now() - TimeDelta::days(28);
    let old = field.office.channel("old").await;
    let write = on.db.write(|tx| {
        let mut row = old.clone().into_active_model();
        row.last_checked = Set(Some(day));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    let id = field.office.campaign(&names("busy", 8), 6_000).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until_row(id, "its part of the day", |row| row.sent == 3).await;
    field.until("the old one was looked at", async || field.office.channel("old").await.last_checked > Some(day)).await;
    // Nothing is due any more: the rest of the day is the campaign's again, and there is none.
    field.until("the day is spent", async || field.account(0).await.resolves_today == 4).await;
    worker.stop().await;
    assert_eq!((field.office.progress(id).await.sent, field.resolves().len()), (3, 4));
}

/// An upload lies in the data folder of the process that took it: another one says so, and sends nothing.
#[tokio::test]
async fn an_upload_that_is_elsewhere_pauses_the_campaign_with_what_to_do() {
    let field = Field::open(1).await;
    let id = field.office.campaign(&names("upload", 3), 6_000).await;
    field.office.start(id).await;
    let read = async || campaign::Entity::find_by_id(id).one(field.office.on.db.reader()).await.unwrap().unwrap();
    let row = read().await;
    let write = field.office.on.db.write(|tx| {
        let mut row = row.clone().into_active_model();
        row.media_type = Set(Some(MediaType::Photo));
        row.media_upload_id = Set(Some(UploadId::generate()));
        async move { Ok(row.update(&*tx).await.map(drop)?) }
    });
    write.await.unwrap();
    let worker = field.worker();
    field.office.until(id, CampaignStatus::Paused).await;
    worker.stop().await;
    let reason = read().await.pause_reason.unwrap_or_default();
    assert!(
        reason.contains("can't be found by") && reason.contains("HERALD_FILES") && reason.contains("then resume"),
        "{reason}"
    );
    assert_eq!(field.telegram.accepted().len(), 0);
    field.office.assert_counters(id).await;
}

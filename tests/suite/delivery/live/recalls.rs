//! Edits and recalls reach every message that was sent, or name each that is left, with the reason.

use std::time::Duration;

use domain::broadcast::{CampaignStatus, JobStatus, SentChangeKind, SentChangeStatus};
use domain::error::Error;
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use sea_orm::EntityTrait;
use service::broadcast::campaign::{delete_sent, edit_sent};
use storage::broadcast::sent_change::{self, Counts, Entity as SentChange};

use super::super::fixture::names;
use super::field::Field;
use crate::harness::telegram::{On, Play};

/// Sends a campaign to these channels by one account.
async fn sent(field: &Field, names: &[String], status: CampaignStatus) -> BroadcastCampaignId {
    let id = field.office.campaign_with(names, 6_000, |new| new.retry_limit = 1).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.office.until(id, status).await;
    worker.stop().await;
    id
}

async fn counts(field: &Field, id: BroadcastCampaignId) -> Counts {
    SentChange::counts(field.office.on.db.reader(), &[id]).await.unwrap()[&id]
}

/// Lets a worker do all that is asked for.
async fn carried_out(field: &Field, id: BroadcastCampaignId) -> (i64, i64) {
    let worker = field.worker();
    field.until("it is carried out", async || counts(field, id).await.queued == 0).await;
    worker.stop().await;
    let counts = counts(field, id).await;
    (counts.done, counts.failed)
}

async fn change(field: &Field, id: BroadcastCampaignId, username: &str) -> sent_change::Model {
    let job = field.job(id, username).await;
    let row = SentChange::find_by_id((id, job.position)).one(field.office.on.db.reader()).await.unwrap();
    row.expect("something was asked for")
}

fn deleted(field: &Field) -> usize {
    field.telegram.accepted().iter().filter(|post| post.is_deleted).count()
}

/// The answer to a repetition brings no number: the history has it, as soon as it is known that it was sent.
#[tokio::test]
async fn a_message_whose_answer_was_lost_has_its_number_and_is_recalled() {
    let field = Field::open(1).await;
    field.telegram.trim_texts();
    field.telegram.play(On::send_to("lost_0003"), Play::DropAfter);
    let id = sent(&field, &names("lost", 10), CampaignStatus::Completed).await;
    assert!(field.job(id, "lost_0003").await.message_id.is_some(), "it was looked for");
    // Of those that earlier versions sent, nobody has looked.
    field.sql("UPDATE jobs SET message_id = NULL WHERE position < 4 RETURNING id").await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    let (_, begun) = edit_sent(on, actor, id, "Better {{ username }} ".into(), None).await.unwrap();
    assert_eq!((begun.queued, begun.left), (10, 0));
    assert_eq!(carried_out(&field, id).await, (10, 0));
    assert!(field.telegram.accepted().iter().all(|post| post.text.trim() == format!("Better {}", post.username)));
    assert!(field.office.jobs(id).await.iter().all(|job| job.message_id.is_some()));
    let (_, begun) = delete_sent(on, actor, id).await.unwrap();
    assert_eq!((begun.queued, begun.left), (10, 0));
    assert_eq!(carried_out(&field, id).await, (10, 0));
    assert_eq!(deleted(&field), 10, "nothing is left behind");
    field.assert_once();
}

/// By the text that it had then, however often the text was changed meanwhile.
#[tokio::test]
async fn what_an_edit_could_not_find_is_found_by_the_next_one() {
    let field = Field::open(1).await;
    let id = sent(&field, &names("again", 2), CampaignStatus::Completed).await;
    field.sql("UPDATE jobs SET message_id = NULL WHERE position = 1 RETURNING id").await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    edit_sent(on, actor, id, "Second".into(), None).await.unwrap();
    field.telegram.play_times(3, On::method("messages.getHistory"), Play::Error("CHANNEL_PRIVATE"));
    assert_eq!(carried_out(&field, id).await, (1, 1));
    let change = change(&field, id, "again_0001").await;
    assert_eq!((change.status, change.error.as_deref()), (SentChangeStatus::Failed, Some("CHANNEL_PRIVATE")));
    while field.telegram.has_play("messages.getHistory") {
        edit_sent(on, actor, id, "Third".into(), None).await.unwrap();
        carried_out(&field, id).await;
    }
    edit_sent(on, actor, id, "Fourth".into(), None).await.unwrap();
    assert_eq!(carried_out(&field, id).await, (2, 0));
    assert!(field.telegram.accepted().iter().all(|post| post.text == "Fourth"));
}

#[tokio::test]
async fn each_message_that_is_left_is_named_with_the_reason() {
    let field = Field::open(1).await;
    let id = sent(&field, &names("left", 6), CampaignStatus::Completed).await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    field.telegram.play(On::method("channels.deleteMessages"), Play::Error("MESSAGE_DELETE_FORBIDDEN"));
    field.sql("UPDATE jobs SET message_id = NULL, sent_at = created_at, started_at = created_at WHERE position = 2 RETURNING id").await;
    field.telegram.forget("left_0002");
    field.sql("UPDATE jobs SET peer_id = 77 WHERE position = 3 RETURNING id").await;
    let (_, begun) = delete_sent(on, actor, id).await.unwrap();
    assert_eq!((begun.queued, begun.left), (6, 0));
    assert_eq!(carried_out(&field, id).await, (3, 3));
    let reasons: Vec<_> =
        SentChange::find().all(on.db.reader()).await.unwrap().into_iter().filter_map(|row| row.error).collect();
    for reason in ["MESSAGE_DELETE_FORBIDDEN", "NOT_IN_HISTORY", "CHANNEL_MOVED"] {
        assert!(reasons.iter().any(|told| told == reason), "{reason}: {reasons:?}");
    }
    // What the account that is gone has sent, nobody can take back.
    field.sql("DELETE FROM telegram_accounts RETURNING id").await;
    let (_, begun) = delete_sent(on, actor, id).await.unwrap();
    assert_eq!((begun.queued, begun.left), (0, 3), "three were deleted before");
    let left = change(&field, id, "left_0003").await;
    assert_eq!((left.status, left.error.as_deref()), (SentChangeStatus::Failed, Some("ACCOUNT_REMOVED")));
    assert_ne!(left.account_id, TelegramAccountId(uuid::Uuid::nil()));
    // And a text that nothing can get is not the campaign's.
    let (campaign, begun) = edit_sent(on, actor, id, "Nobody gets it".into(), None).await.unwrap();
    assert_eq!((begun.queued, campaign.content.as_deref()), (0, Some("Hello {{ channel_name }}")));
}

/// While the first text is on its way, somebody asks for another one.
#[tokio::test]
async fn a_second_edit_is_not_taken_for_the_first() {
    let field = Field::open(1).await;
    let id = sent(&field, &names("twice", 1), CampaignStatus::Completed).await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    field.telegram.play(On::method("messages.editMessage"), Play::Late(Duration::from_secs(1)));
    edit_sent(on, actor, id, "First".into(), None).await.unwrap();
    let worker = field.worker();
    let is_asked = |call: &crate::harness::telegram::Call| call.method == "messages.editMessage";
    field.until("it is asked for", async || field.telegram.calls().iter().any(is_asked)).await;
    edit_sent(on, actor, id, "Second".into(), None).await.unwrap();
    field.until("it is carried out", async || counts(&field, id).await.queued == 0).await;
    worker.stop().await;
    assert_eq!(field.telegram.accepted()[0].text, "Second");
}

/// What may have been sent is looked for, and recalled if it was.
#[tokio::test]
async fn a_recall_reaches_what_nobody_knew_to_be_sent() {
    let field = Field::open(1).await;
    for (name, play) in [("doubt_0001", Play::DropAfter), ("doubt_0002", Play::DropBefore)] {
        field.telegram.play(On::send_to(name), play);
        field.telegram.play_times(9, On::send_to(name), Play::Error("RPC_CALL_FAIL"));
    }
    let id = sent(&field, &names("doubt", 3), CampaignStatus::Completed).await;
    assert_eq!(field.office.progress(id).await.unknown, 2);
    let (_, begun) = delete_sent(&field.office.on, &field.office.actor, id).await.unwrap();
    assert_eq!((begun.queued, begun.left), (3, 0));
    assert_eq!(carried_out(&field, id).await, (2, 1));
    assert_eq!(deleted(&field), 2);
    let (found, missing) = (field.job(id, "doubt_0001").await, field.job(id, "doubt_0002").await);
    assert_eq!((found.status, missing.status), (JobStatus::Sent, JobStatus::Unknown));
    let told = change(&field, id, "doubt_0002").await;
    assert_eq!((told.kind, told.error.as_deref()), (SentChangeKind::Delete, Some("NOT_IN_HISTORY")));
    field.office.assert_counters(id).await;
}

/// A wire that is cut does not end it, however often.
#[tokio::test]
async fn a_lost_connection_ends_no_recall() {
    let field = Field::open(1).await;
    let id = sent(&field, &names("cut", 2), CampaignStatus::Completed).await;
    delete_sent(&field.office.on, &field.office.actor, id).await.unwrap();
    // More attempts than an error may have that Telegram tells.
    field.sql("UPDATE sent_changes SET attempts = 9 RETURNING position").await;
    field.telegram.play(On::method("channels.deleteMessages"), Play::DropBefore);
    assert_eq!(carried_out(&field, id).await, (2, 0));
    assert_eq!(deleted(&field), 2);
}

#[tokio::test]
async fn messages_that_went_nowhere_are_changed_where_they_went_or_not_at_all() {
    let mut field = Field::open(0).await;
    field.office.rule(|rules| rules.is_simulated = true);
    let id = field.office.campaign(&names("ledger", 3), 60_000).await;
    field.office.start(id).await;
    let worker = field.office.worker();
    field.office.until(id, CampaignStatus::Completed).await;
    let (on, actor) = (&field.office.on, &field.office.actor);
    let (_, begun) = edit_sent(on, actor, id, "Better {{ username }}".into(), None).await.unwrap();
    assert_eq!((begun.queued, begun.left), (3, 0));
    field.until("it is changed", async || counts(&field, id).await.done == 3).await;
    delete_sent(on, actor, id).await.unwrap();
    field
        .until("it is deleted", async || {
            counts(&field, id).await.done == 3 && counts(&field, id).await.kind == SentChangeKind::Delete
        })
        .await;
    worker.stop().await;
    let text = std::fs::read_to_string(field.office.ledger_path()).unwrap();
    for (sign, times) in [("\"change\":\"EDIT\"", 3), ("\"change\":\"DELETE\"", 3), ("Better ledger_0002", 1)] {
        assert_eq!(text.matches(sign).count(), times, "{sign}: {text}");
    }
    // Nobody who sends for real has an account that could do it.
    field.office.rule(|rules| rules.is_simulated = false);
    let refused = delete_sent(&field.office.on, &field.office.actor, id).await.unwrap_err();
    assert!(matches!(&refused, Error::Precondition(why) if why.contains("went nowhere")), "{refused}");
}

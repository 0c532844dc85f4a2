//! What Instantly tells of its emails: each is a contact, of which its lead and its place in the campaign follow.

use domain::id::{CampaignLeadId, RetentionCampaignId};
use domain::retention::words::{CampaignLeadStatus, ContactAttemptStatus, ContactChannel, LeadStatus};
use sea_orm::EntityTrait;
use serde_json::{Value as Json, json};
use storage::retention::{campaign, campaign_lead, contact_attempt, lead as leads};

use super::{SECRET, lead, lead_of, post, settled, start, start_with};
use crate::harness::{Client, TestApp};
use crate::retention::rows;

#[tokio::test]
async fn emails_of_instantly_are_contacts() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let tell = async |kind: &str, at: u32| {
        let event = json!({ "event_type": kind, "lead_email": "Ann@Example.com", "campaign_id": "c", "email_id": "e1",
            "timestamp": format!("2026-01-01T10:00:{at:02}Z") });
        assert_eq!(post(&nobody, "/api/webhooks/instantly", ("x-herald-secret", SECRET), event).await, 200);
        settled(&herald).await;
        contact_attempt::Entity::to(ann.id).all(herald.services().db.reader()).await.unwrap()
    };
    let rows = tell("email_sent", 1).await;
    assert_eq!((rows.len(), rows[0].status), (1, ContactAttemptStatus::Sent));
    tell("email_sent", 1).await;
    tell("email_link_clicked", 3).await;
    let rows = tell("email_opened", 2).await;
    assert_eq!((rows.len(), rows[0].status), (1, ContactAttemptStatus::Success));
    let result = rows[0].result.clone().unwrap();
    assert_eq!(result, json!({ "sent": true, "clicked": true, "opened": true }));
    tell("lead_unsubscribed", 5).await;
    assert!(lead_of(&herald, ann.id).await.no_email);
    assert!(tell("a label of ours", 6).await.len() == 1);
}

/// A campaign that is at Instantly, with one lead.
async fn campaign_of(herald: &TestApp, lead: &leads::Model, there: &str) -> RetentionCampaignId {
    let on = herald.services();
    let row =
        campaign::Model { instantly_sync: true, instantly_campaign_id: Some(there.into()), ..rows::campaign(on.now()) };
    let place = campaign_lead::Model {
        id: CampaignLeadId::generate(),
        campaign_id: row.id,
        lead_id: lead.id,
        status: CampaignLeadStatus::Pending,
        assigned_at: on.now(),
        completed_at: None,
    };
    let id = row.id;
    rows::insert::<campaign::Entity, _>(on, vec![row]).await;
    rows::insert::<campaign_lead::Entity, _>(on, vec![place]).await;
    id
}

async fn told(herald: &TestApp, by: &Client, event: Json) {
    assert_eq!(post(by, "/api/webhooks/instantly", ("x-herald-secret", SECRET), event).await, 200);
    settled(herald).await;
}

#[tokio::test]
async fn an_email_that_left_moves_its_lead_and_each_later_word_goes_to_the_email_that_it_names() {
    let (herald, nobody) = start_with(&["--instantly-url", "http://127.0.0.1:9"]).await;
    let on = herald.services();
    let bob = lead(&herald, "bob", "+14155552673").await;
    let mut fresh = leads::Model { status: LeadStatus::InProgress, ..bob.clone() };
    fresh.version = bob.version;
    let fresh = &fresh;
    on.system_write(|w| async move { w.replace(&w.require(fresh.id).await?, fresh.clone()).await.map(drop) })
        .await
        .unwrap();
    let id = campaign_of(&herald, &bob, "019ffad2-9b9d-70ff-a76b-0e093eb63e6c").await;
    let event = |kind: &str, email: &str, at: u32| {
        json!({ "event_type": kind, "lead_email": "bob@example.com", "email_id": email,
            "campaign_id": "019ffad2-9b9d-70ff-a76b-0e093eb63e6c", "timestamp": format!("2026-01-01T10:00:{at:02}Z") })
    };
    told(&herald, &nobody, event("email_sent", "e1", 1)).await;
    assert_eq!(lead_of(&herald, bob.id).await.status, LeadStatus::Contacted);
    let place = campaign_lead::Entity::find().one(on.db.reader()).await.unwrap().unwrap();
    assert_eq!((place.campaign_id, place.status), (id, CampaignLeadStatus::Contacted));

    told(&herald, &nobody, event("email_sent", "e2", 2)).await;
    told(&herald, &nobody, event("email_opened", "e1", 3)).await;
    let rows = contact_attempt::Entity::to(bob.id).all(on.db.reader()).await.unwrap();
    let status = |email: &str| rows.iter().find(|row| row.provider_ref.as_deref() == Some(email)).map(|row| row.status);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(status("e2"), Some(ContactAttemptStatus::Sent), "{rows:?}");
    assert_ne!(status("e1"), Some(ContactAttemptStatus::Sent), "the first one was opened: {rows:?}");
}

#[tokio::test]
async fn what_a_campaign_sends_is_no_contact_of_another_one() {
    let (herald, nobody) = start_with(&["--instantly-url", "http://127.0.0.1:9"]).await;
    let on = herald.services();
    let eve = lead(&herald, "eve", "+14155552675").await;
    let there = ["019ffad2-9b9d-70ff-a76b-0e093eb63e6c", "019ffad2-9b9d-70ff-a76b-0e093eb63e6d"];
    let first = campaign_of(&herald, &eve, there[0]).await;
    let second = campaign_of(&herald, &eve, there[1]).await;
    // Both have it, the second one got it last; the first one writes.
    for (minutes, campaign_id) in [(2, first), (1, second)] {
        let at = on.now() - chrono::TimeDelta::minutes(minutes);
        let handed = contact_attempt::Model {
            campaign_id: Some(campaign_id),
            provider: Some("instantly".into()),
            status: ContactAttemptStatus::Pending,
            ..rows::attempt(eve.id, ContactChannel::Email, at)
        };
        rows::insert::<contact_attempt::Entity, _>(on, vec![handed]).await;
    }
    for (kind, at) in [("email_sent", 1), ("email_opened", 2)] {
        let event = json!({ "event_type": kind, "lead_email": "eve@example.com", "campaign_id": there[0],
            "timestamp": format!("2026-01-01T10:00:{at:02}Z") });
        told(&herald, &nobody, event).await;
    }
    let rows = contact_attempt::Entity::to(eve.id).all(on.db.reader()).await.unwrap();
    let status = |id| rows.iter().find(|row| row.campaign_id == Some(id)).map(|row| row.status);
    assert_eq!(
        (rows.len(), status(first), status(second)),
        (2, Some(ContactAttemptStatus::Delivered), Some(ContactAttemptStatus::Pending))
    );
}

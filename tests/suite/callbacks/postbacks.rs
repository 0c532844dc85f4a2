//! Postbacks that know less of a conversion than was told before, or say what nobody can read.

use domain::retention::credentials::{Change, Provider};
use domain::retention::keitaro::Mapping;
use domain::retention::words::{ConversionStatus, LeadStatus, WebhookEventStatus};
use sea_orm::EntityTrait;
use serde_json::json;
use service::Actor;
use service::retention::{conversion as conversion_service, integration};
use storage::retention::{conversion, integration_config, webhook_event};

use super::{KEITARO, conversions, get, lead, lead_of, post, settled, start};
use crate::harness::{Client, TestApp};

/// Tells it, and returns what is known afterwards.
async fn tell(herald: &TestApp, nobody: &Client, query: &str) -> Vec<conversion::Model> {
    assert_eq!(get(nobody, &format!("/api/webhooks/keitaro?token={KEITARO}&{query}")).await, 200, "{query}");
    settled(herald).await;
    conversions(herald).await
}

async fn outcomes(herald: &TestApp) -> Vec<String> {
    let rows = webhook_event::Entity::find().all(herald.services().db.reader()).await.unwrap();
    rows.into_iter().filter_map(|row| row.outcome).collect()
}

#[tokio::test]
async fn a_postback_without_the_transaction_is_about_the_only_one_that_there_is() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let id = ann.id.to_string();
    let tell = async |query: &str| tell(&herald, &nobody, query).await;
    tell(&format!("subid={id}&tid=7&status=sale&payout=20")).await;
    // Told with less, in capitals, or late, it is the same.
    for query in
        ["status=sale&payout=20", "status=hold", "status=frobnicated&payout=0", "status=duplicate", "status=&n=1"]
    {
        let rows = tell(&format!("subid={}&{query}", id.to_uppercase())).await;
        assert_eq!(
            (rows.len(), rows[0].status, rows[0].revenue_micros),
            (1, ConversionStatus::Sale, 20_000_000),
            "{query}"
        );
    }
    let rows = tell(&format!("subid={id}&clickid=C1&status=sale")).await;
    assert_eq!((rows.len(), rows[0].revenue_micros), (1, 20_000_000));
    // What knows the click only is about the lead of the conversion all the same.
    let rows = tell("clickid=C1&status=rejected").await;
    assert_eq!((rows.len(), rows[0].status, rows[0].lead_id), (1, ConversionStatus::Rejected, Some(ann.id)));
    assert_eq!(lead_of(&herald, ann.id).await.status, LeadStatus::InProgress, "it has not converted after all");
}

#[tokio::test]
async fn of_several_none_is_guessed_and_what_can_not_be_read_is_told() {
    let (herald, nobody) = start().await;
    let tell = async |query: &str| tell(&herald, &nobody, query).await;
    tell("subid=x&tid=1&status=sale&payout=20").await;
    tell("subid=x&tid=2&status=sale&payout=30").await;
    let rows = tell("subid=x&status=rejected").await;
    assert!(rows.len() == 2 && rows.iter().all(|row| row.status == ConversionStatus::Sale), "{rows:?}");
    let rows = tell("subid=y&status=sale&payout=10zzz").await;
    let odd = rows.iter().find(|row| row.sub_id.as_deref() == Some("y")).unwrap();
    assert_eq!((odd.status, odd.revenue_micros), (ConversionStatus::Sale, 0));
    let told = outcomes(&herald).await;
    for words in ["several conversions may be meant", "without its amount"] {
        assert!(told.iter().any(|outcome| outcome.contains(words)), "{words}: {told:?}");
    }
    let nested = json!({ "data": { "subId": "z", "conversionStatus": "rejected" } });
    assert_eq!(post(&nobody, &format!("/api/webhooks/keitaro/{KEITARO}"), ("x-nothing", ""), nested).await, 200);
    settled(&herald).await;
    let rows = conversions(&herald).await;
    let nested = rows.iter().find(|row| row.sub_id.as_deref() == Some("z")).unwrap();
    assert_eq!(nested.status, ConversionStatus::Rejected);
}

#[tokio::test]
async fn a_postback_with_the_character_nul_is_taken_without_it() {
    let (herald, nobody) = start().await;
    let query = "sub_id=a%00b&status=sale&payout=1&tid=%00&x%00=y";
    assert_eq!(get(&nobody, &format!("/api/webhooks/keitaro/{KEITARO}?{query}")).await, 200);
    assert_eq!(settled(&herald).await, [WebhookEventStatus::Processed]);
    let rows = conversions(&herald).await;
    assert_eq!(rows.iter().map(|row| row.sub_id.as_deref()).collect::<Vec<_>>(), [Some("ab")]);
}

#[tokio::test]
async fn words_that_nobody_understood_are_what_the_operator_says_later_too() {
    let (herald, nobody) = start().await;
    let on = herald.services();
    let (ann, bob) = (lead(&herald, "ann", "+14155552671").await, lead(&herald, "bob", "+14155552672").await);
    let tell =
        async |lead: &lead::Model, query: &str| tell(&herald, &nobody, &format!("subid={}&{query}", lead.id)).await;
    let early = tell(&ann, "status=Frob_Nicated&payout=20").await;
    assert_eq!((early[0].status, early[0].original_status.as_deref()), (ConversionStatus::Lead, Some("Frob_Nicated")));
    assert_ne!(lead_of(&herald, ann.id).await.status, LeadStatus::Converted, "nothing is guessed");
    let row = integration_config::Entity::of(Provider::Keitaro).one(on.db.reader()).await.unwrap().unwrap();
    let words = [("Frob_Nicated", ConversionStatus::Sale), ("hold", ConversionStatus::Rejected)];
    let list = Mapping(words.map(|(word, status)| (word.to_owned(), status)).into());
    let change = Change { postback_mapping: Some(list), ..Change::default() };
    integration::switch(on, &Actor::system(), row.id, None, change, None).await.unwrap();
    conversion_service::map_later(on).await.unwrap();
    let mapped = conversions(&herald).await;
    assert_eq!(
        (mapped[0].status, mapped[0].original_status.as_deref(), mapped[0].revenue_micros),
        (ConversionStatus::Sale, None, 20_000_000)
    );
    assert_eq!(mapped[0].postback_data.as_ref().unwrap()["status"], "Frob_Nicated", "as it came");
    assert_eq!(lead_of(&herald, ann.id).await.status, LeadStatus::Converted);
    // From now on it is understood as it comes, and so is a word that would mean something else.
    let both = tell(&bob, "status=frob%20nicated&payout=5").await;
    let of_bob = both.iter().find(|row| row.lead_id == Some(bob.id)).unwrap();
    assert_eq!((of_bob.status, of_bob.revenue_micros), (ConversionStatus::Sale, 5_000_000));
    let both = tell(&bob, "status=HOLD").await;
    let of_bob = both.iter().find(|row| row.lead_id == Some(bob.id)).unwrap();
    assert_eq!((of_bob.status, of_bob.revenue_micros), (ConversionStatus::Rejected, 0));
    assert_eq!(lead_of(&herald, bob.id).await.status, LeadStatus::InProgress);
}

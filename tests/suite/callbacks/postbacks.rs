//! Postbacks that know less of a conversion than was told before, or say what nobody can read.

use domain::retention::words::{ConversionStatus, LeadStatus, WebhookEventStatus};
use sea_orm::EntityTrait;
use serde_json::json;
use storage::retention::{conversion, webhook_event};

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

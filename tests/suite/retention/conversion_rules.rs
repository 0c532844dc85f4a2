//! Conversion rules at work: a channel is left out when it does surely worse than its rule wants, and only then.

use chrono::TimeDelta;
use domain::id::ConversionRuleId;
use domain::retention::words::{ContactAttemptStatus, ContactChannel, ConversionMetric};
use serde_json::json;
use service::Services;
use service::retention::conversion_rule_check::ruled_out;
use storage::retention::{contact_attempt, conversion, conversion_rule, lead};

use super::rows;
use crate::harness::TestApp;

async fn out(on: &Services) -> Vec<ContactChannel> {
    let channels = &[ContactChannel::Email, ContactChannel::Sms, ContactChannel::Call];
    let found = ruled_out(on, channels, on.now()).await.unwrap();
    let mut found: Vec<ContactChannel> = found.into_iter().collect();
    found.sort_by_key(ToString::to_string);
    found
}

fn rule(on: &Services, channel: ContactChannel, metric: ConversionMetric, micros: i64) -> conversion_rule::Model {
    conversion_rule::Model {
        id: ConversionRuleId::generate(),
        channel,
        metric,
        value_micros: micros,
        conversion_rate: 0.0,
        sample_size: 100,
        confidence: 0.95,
        is_active: true,
        created_at: on.now(),
        updated_at: on.now(),
        version: 1,
    }
}

/// So many attempts on a channel at a cost of 1, of which each `clicked`th was clicked and brought 5.
async fn attempts(on: &Services, channel: ContactChannel, count: usize, clicked: usize, days_ago: i64) {
    let at = on.now() - TimeDelta::days(days_ago);
    let person = rows::lead(at);
    let all: Vec<contact_attempt::Model> = (0..count)
        .map(|n| contact_attempt::Model {
            status: ContactAttemptStatus::Delivered,
            cost_micros: Some(1_000_000),
            currency: Some("EUR".into()),
            result: n.is_multiple_of(clicked).then(|| json!({ "clicked": true })),
            ..rows::attempt(person.id, channel, at)
        })
        .collect();
    let sales = all.iter().filter(|attempt| attempt.result.is_some()).map(|attempt| conversion::Model {
        contact_attempt_id: Some(attempt.id),
        ..rows::conversion(person.id, 5_000_000, at)
    });
    let sales = sales.collect();
    rows::insert::<lead::Entity, _>(on, vec![person]).await;
    rows::insert::<contact_attempt::Entity, _>(on, all).await;
    rows::insert::<conversion::Entity, _>(on, sales).await;
}

#[tokio::test]
async fn a_channel_is_left_out_when_it_is_surely_worse() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    assert!(out(on).await.is_empty());
    // Emails: a tenth is clicked, a click costs 10, the return is a half. Calls: too few. Texts: long ago.
    attempts(on, ContactChannel::Email, 300, 10, 3).await;
    attempts(on, ContactChannel::Call, 99, 99, 3).await;
    attempts(on, ContactChannel::Sms, 300, 300, 31).await;
    let lenient = [
        rule(on, ContactChannel::Email, ConversionMetric::Ctr, 110_000),
        rule(on, ContactChannel::Email, ConversionMetric::Cpc, 9_000_000),
        rule(on, ContactChannel::Email, ConversionMetric::Roas, 550_000),
        rule(on, ContactChannel::Call, ConversionMetric::Ctr, 900_000),
        rule(on, ContactChannel::Sms, ConversionMetric::Ctr, 900_000),
    ];
    rows::insert::<conversion_rule::Entity, _>(on, lenient.to_vec()).await;
    assert!(out(on).await.is_empty());
    let strict = conversion_rule::Model {
        is_active: false,
        ..rule(on, ContactChannel::Email, ConversionMetric::Roas, 2_000_000)
    };
    rows::insert::<conversion_rule::Entity, _>(on, vec![strict]).await;
    assert!(out(on).await.is_empty());
    for (metric, micros) in [
        (ConversionMetric::Roas, 1_000_000),
        (ConversionMetric::Cpc, 5_000_000),
        (ConversionMetric::Ctr, 200_000),
        (ConversionMetric::ConversionRate, 200_000),
    ] {
        let herald = TestApp::api_only().await;
        let on = herald.services();
        attempts(on, ContactChannel::Email, 300, 10, 3).await;
        rows::insert::<conversion_rule::Entity, _>(on, vec![rule(on, ContactChannel::Email, metric, micros)]).await;
        assert_eq!(out(on).await, [ContactChannel::Email], "{metric}");
        // A minute long nobody looks again.
        attempts(on, ContactChannel::Email, 600, 1, 1).await;
        assert_eq!(out(on).await, [ContactChannel::Email], "{metric}");
    }
}

//! Numbers over time: by whose clock, of what, and that they are what became of messages and contacts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::broadcast::CampaignStatus;
use domain::retention::words::{ContactAttemptStatus, ContactChannel, ConversionStatus};
use graphql::engine::id::GlobalId;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use storage::retention::{campaign as campaigns, contact_attempt, conversion, lead};

use crate::campaigns::seed;
use crate::delivery::fixture::Office;
use crate::harness::TestApp;
use crate::retention::rows;

const SERIES: &str = "query($from: DateTime, $to: DateTime, $interval: SeriesInterval!, $zone: String, $filter: RetentionSeriesFilter) {
    retentionSeries(from: $from, to: $to, interval: $interval, timeZone: $zone, filter: $filter) {
        points { from to figures { attempts sent failed replied conversions rejectedConversions revenue { amount currency } } } } }";

const SENDS: &str = "query($from: DateTime, $to: DateTime, $interval: SeriesInterval!, $zone: String, $id: ID) {
    sendSeries(from: $from, to: $to, interval: $interval, timeZone: $zone, campaignId: $id) {
        points { from sent failed failures { reason count } } } }";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn run(herald: &TestApp, sql: &str) {
    let db = &herald.services().db;
    db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

/// Begin, attempts and conversions of each point that has some.
fn some(series: &Json) -> Vec<(String, i64, i64)> {
    let points = series["retentionSeries"]["points"].as_array().unwrap();
    let number = |point: &Json, name: &str| point["figures"][name].as_i64().unwrap();
    points
        .iter()
        .map(|point| {
            (point["from"].as_str().unwrap().to_owned(), number(point, "attempts"), number(point, "conversions"))
        })
        .filter(|point| point.1 + point.2 > 0)
        .collect()
}

#[tokio::test]
async fn contacts_and_conversions_stand_in_the_days_of_the_zone_that_is_asked_for() {
    let herald = TestApp::api_only().await;
    let (auditor, on) = (herald.auditor().await, herald.services());
    let (ann, winter) = (rows::lead(on.now()), rows::campaign(on.now()));
    rows::insert::<lead::Entity, _>(on, vec![ann.clone()]).await;
    rows::insert::<campaigns::Entity, _>(on, vec![winter.clone()]).await;
    let contact = |when: &str, channel| contact_attempt::Model {
        result: Some(json!({ "replied": true })),
        ..rows::attempt(ann.id, channel, at(when))
    };
    let of_winter = contact_attempt::Model {
        campaign_id: Some(winter.id),
        status: ContactAttemptStatus::Failed,
        ..contact("2026-03-29T18:29:59.999999Z", ContactChannel::Email)
    };
    let all = vec![
        contact("2026-03-28T22:59:59Z", ContactChannel::Sms),
        contact("2026-03-28T23:00:00Z", ContactChannel::Sms),
        contact("2026-03-29T18:30:00Z", ContactChannel::Email),
        of_winter,
    ];
    rows::insert::<contact_attempt::Entity, _>(on, all).await;
    let sale = rows::conversion(ann.id, 2_000_000, at("2026-03-29T21:59:59Z"));
    let taken_back = conversion::Model {
        status: ConversionStatus::Rejected,
        ..rows::conversion(ann.id, 0, at("2026-03-29T21:59:59Z"))
    };
    rows::insert::<conversion::Entity, _>(on, vec![sale, taken_back]).await;
    let ask = async |zone: &str, interval: &str, filter: Json| {
        let asked = json!({ "from": "2026-03-28T12:00:00Z", "to": "2026-03-30T12:00:00Z", "zone": zone,
            "interval": interval, "filter": filter });
        auditor.data(SERIES, asked).await
    };
    for _ in 0..2 {
        let berlin = ask("Europe/Berlin", "DAY", json!({})).await;
        assert_eq!(
            some(&berlin),
            [("2026-03-27T23:00:00.000Z".into(), 1, 0), ("2026-03-28T23:00:00.000Z".into(), 3, 1)]
        );
        let day = &berlin["retentionSeries"]["points"][1];
        assert_eq!(day["to"], "2026-03-29T22:00:00.000Z", "a day of 23 hours");
        let wanted = json!({ "attempts": 3, "sent": 2, "failed": 1, "replied": 3, "conversions": 1,
            "rejectedConversions": 1, "revenue": [{ "amount": "2", "currency": "EUR" }] });
        assert_eq!(day["figures"], wanted);
        let india = ask("Asia/Kolkata", "DAY", json!({})).await;
        assert_eq!(
            some(&india),
            [("2026-03-28T18:30:00.000Z".into(), 3, 0), ("2026-03-29T18:30:00.000Z".into(), 1, 1)]
        );
        let hours = ask("UTC", "HOUR", json!({ "channels": ["EMAIL"] })).await;
        assert_eq!(some(&hours), [("2026-03-29T18:00:00.000Z".into(), 2, 0)]);
        let winter = ask("UTC", "QUARTER_HOUR", json!({ "campaignId": winter.id.global() })).await;
        assert_eq!(some(&winter), [("2026-03-29T18:15:00.000Z".into(), 1, 0)]);
        // Noted first, then added up.
        assert!(storage::sums::add_some(&on.db).await.unwrap());
    }
}

#[tokio::test]
async fn points_that_can_not_be_are_refused_in_words() {
    let herald = TestApp::api_only().await;
    let auditor = herald.auditor().await;
    let refused = async |asked: Json| {
        let reply = auditor.query(SERIES, asked).await;
        (reply.violations().join(" "), reply.message().to_owned())
    };
    let year = json!({ "from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z", "interval": "HOUR" });
    let (place, message) = refused(year).await;
    assert!(place == "from" && message.contains("1000 points"), "{place}: {message}");
    let longer = json!({ "from": "2024-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z", "interval": "DAY" });
    assert_eq!(refused(longer).await.0, "from");
    let backwards = json!({ "from": "2026-12-31T00:00:00Z", "to": "2026-01-01T00:00:00Z", "interval": "DAY" });
    assert_eq!(refused(backwards).await.0, "from");
    let (place, message) = refused(json!({ "interval": "DAY", "zone": "Berlin" })).await;
    assert!(place == "timeZone" && message.contains("Europe/Berlin"), "{place}: {message}");
    let (campaign, sequence) =
        (domain::id::RetentionCampaignId::generate(), domain::id::RetentionSequenceId::generate());
    let both = json!({ "campaignId": campaign.global(), "sequenceId": sequence.global() });
    assert_eq!(refused(json!({ "interval": "DAY", "filter": both })).await.0, "filter.sequenceId");
    let days = auditor.data(SERIES, json!({ "interval": "DAY" })).await;
    assert_eq!(days["retentionSeries"]["points"].as_array().unwrap().len(), 31, "of 30 days, the last not over");
}

#[tokio::test]
async fn messages_stand_where_they_were_sent_or_failed_until_they_are_tried_again_or_deleted() {
    let herald = TestApp::api_only().await;
    let (admin, on) = (herald.admin().await, herald.services());
    seed(&herald, 2, 6).await;
    let first = "campaign_id = (SELECT id FROM broadcast_campaigns WHERE name = 'campaign 0')";
    let other = "campaign_id = (SELECT id FROM broadcast_campaigns WHERE name = 'campaign 1')";
    let set = |status: &str, at: &str, rest: &str, which: &str| {
        format!("UPDATE jobs SET status = '{status}', {at} = '2026-03-29T10:20:00+00:00' {rest} WHERE {which}")
    };
    for sql in [
        set("SENT", "sent_at", "", &format!("{first} AND position <= 3")),
        set("FAILED", "failed_at", ", reason = 'CHAT_WRITE_FORBIDDEN'", &format!("{first} AND position > 4")),
        set("SENT", "sent_at", "", other),
        "UPDATE jobs SET sent_at = '2026-03-29T11:00:00+00:00' WHERE position = 1".into(),
    ] {
        run(&herald, &sql).await;
    }
    let read = async || {
        let asked =
            json!({ "from": "2026-03-29T10:00:00Z", "to": "2026-03-29T12:00:00Z", "interval": "HOUR", "zone": null });
        let points = admin.data(SENDS, asked).await["sendSeries"]["points"].clone();
        let number = |n: usize, name: &str| points[n][name].as_i64().unwrap();
        let overview = "query { broadcastOverview(from: \"2026-03-29T10:21:00Z\", to: \"2026-03-29T11:01:00Z\") {
            range { from to } sent failed campaignCount failures { reason count } } }";
        let overview = admin.data(overview, json!({})).await["broadcastOverview"].clone();
        assert_eq!(overview["range"], json!({ "from": "2026-03-29T10:15:00.000Z", "to": "2026-03-29T11:15:00.000Z" }));
        assert_eq!(overview["failures"], points[0]["failures"]);
        let both = [0, 1].map(|n| (number(n, "sent"), number(n, "failed")));
        assert_eq!(overview["sent"].as_i64(), Some(both[0].0 + both[1].0));
        (both, points[0]["failures"].clone(), overview["campaignCount"].as_i64().unwrap())
    };
    let forbidden = json!([{ "reason": "CHAT_WRITE_FORBIDDEN", "count": 2 }]);
    assert_eq!(read().await, ([(7, 2), (2, 0)], forbidden.clone(), 2));
    storage::sums::add_some(&on.db).await.unwrap();
    assert_eq!(read().await, ([(7, 2), (2, 0)], forbidden, 2));
    let again = "UPDATE jobs SET status = 'QUEUED', failed_at = NULL, reason = NULL WHERE status = 'FAILED'";
    run(&herald, again).await;
    assert_eq!(read().await, ([(7, 0), (2, 0)], json!([]), 2));
    run(&herald, &format!("DELETE FROM jobs WHERE {other}")).await;
    assert_eq!(read().await, ([(2, 0), (1, 0)], json!([]), 1));
    // Counted anew, as the update does in a database that is full.
    run(&herald, "DELETE FROM seaql_migrations WHERE version LIKE '%000312%'").await;
    run(&herald, "DELETE FROM time_notes WHERE what = 'jobs'").await;
    run(&herald, "DELETE FROM time_sums WHERE what = 'jobs'").await;
    if on.db.is_postgres() {
        run(&herald, "DROP FUNCTION sums_jobs CASCADE").await;
    } else {
        run(&herald, "DROP TRIGGER jobs_sums_update; DROP TRIGGER jobs_sums_delete").await;
    }
    assert_eq!(on.db.migrate().await.unwrap(), 1);
    assert_eq!(read().await, ([(2, 0), (1, 0)], json!([]), 1));
}

#[tokio::test]
async fn what_a_campaign_came_to_is_what_the_series_say() {
    let office = Office::open().await;
    let names = ["one_series", "two_series", "three_series", "four_nobody", "five_forbidden"].map(ToOwned::to_owned);
    let id = office.campaign(&names, 60_000).await;
    office.start(id).await;
    let worker = office.worker();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let on = &office.on;
    let (from, to) = (on.now() - TimeDelta::hours(1), on.now() + TimeDelta::hours(1));
    let interval = domain::series::SeriesInterval::QuarterHour;
    let asked = service::series::Asked { from: Some(from), to: Some(to), interval, time_zone: None };
    let series = service::series::sends(on, &asked, Some(id)).await.unwrap();
    let sent: i64 = series.iter().map(|(_, sends)| sends.sent).sum();
    let failed: i64 = series.iter().map(|(_, sends)| sends.failed()).sum();
    let progress = office.progress(id).await;
    assert_eq!((sent, failed), (progress.sent.into(), progress.failed.into()));
    assert_eq!((sent, failed), (3, 2));
    let overview = service::series::overview(on, Some(from), Some(to)).await.unwrap();
    let reasons: Vec<_> = overview.sends.failures.keys().map(String::as_str).collect();
    assert_eq!(reasons, ["CHAT_WRITE_FORBIDDEN", "USERNAME_NOT_OCCUPIED"]);
}

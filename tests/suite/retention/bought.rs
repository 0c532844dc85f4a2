//! Who has bought: what is told of conversions more than once, what is taken back, and who writes to whom afterwards.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::VirtualClock;
use domain::id::LeadId;
use domain::retention::trigger::TriggerConfig;
use domain::retention::words::{
    ContactChannel, ConversionStatus, EnrollmentStatus, LeadStatus, SequenceAudience, TriggerType,
};
use sea_orm::EntityTrait;
use service::retention::conversion::{self, Report};
use service::retention::{enrollment, trigger};
use storage::Noun;
use storage::retention::report::figures;
use storage::retention::{conversion as conversions, enrollment as enrollments, lead as leads};
use storage::sums::{By, Range};

use super::engine::{Bureau, email};
use crate::delivery::fixture::Office;

/// A report by hand.
fn report(lead: LeadId, status: ConversionStatus, revenue: Option<i64>) -> Report {
    Report {
        source: "manual".into(),
        lead: Some(lead),
        attempt: None,
        sub_id: None,
        click_id: None,
        transaction_id: None,
        status,
        original_status: None,
        revenue_micros: revenue,
        currency: "EUR".into(),
        data: None,
        lead_converts: true,
    }
}

async fn status(office: &Office, lead: LeadId) -> LeadStatus {
    leads::Entity::by_ids(&[lead]).one(office.on.db.reader()).await.unwrap().unwrap().status
}

#[tokio::test]
async fn what_is_told_anew_of_one_conversion_moves_it_and_another_amount_counts() {
    use ConversionStatus::{Lead, Sale};
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let ann = bureau.lead("ann", |_| ()).await;
    let tell = async |report: Report| conversion::record(on, actor, report).await.unwrap();
    let first = tell(report(ann, Sale, Some(10_000_000))).await;
    let second = tell(report(ann, Sale, Some(25_000_000))).await;
    assert_eq!((first.is_new, second.is_new, second.conversion.revenue_micros), (true, false, 25_000_000));
    let third = tell(report(ann, Sale, None)).await;
    assert_eq!(third.conversion.revenue_micros, 25_000_000, "without an amount nothing is said");
    let other = tell(Report { transaction_id: Some("T2".into()), ..report(ann, Sale, Some(1)) }).await;
    assert!(other.is_new, "another transaction is another sale");

    let told = |sub: Option<&str>, click: Option<&str>, transaction: Option<&str>, status| Report {
        source: "keitaro".into(),
        lead: None,
        sub_id: sub.map(ToOwned::to_owned),
        click_id: click.map(ToOwned::to_owned),
        transaction_id: transaction.map(ToOwned::to_owned),
        ..report(ann, status, Some(20_000_000))
    };
    for (n, (less, more)) in [
        (told(Some("X"), None, None, Lead), told(Some("X"), Some("C1"), None, Sale)),
        (told(Some("Y"), Some("C2"), None, Lead), told(Some("Y"), None, None, Sale)),
        (told(Some("Z"), None, None, Lead), told(Some("Z"), None, Some("T"), Sale)),
        (told(Some("W"), None, None, Lead), told(Some("W"), Some("C4"), Some("T"), Sale)),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, two) = (tell(less).await.conversion, tell(more).await.conversion);
        assert_eq!((one.id, two.status), (two.id, Sale), "the pair {n} is one conversion");
    }
    let two = tell(told(Some("W"), Some("C4"), Some("T9"), Sale)).await;
    assert!(two.is_new, "what is sold is told apart by its transaction");
}

#[tokio::test]
async fn what_is_taken_back_opens_its_lead_and_what_is_not_confirmed_is_no_revenue() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let ann = bureau.lead("ann", |row| row.status = LeadStatus::InProgress).await;
    let tell = async |status, revenue| conversion::record(on, actor, report(ann, status, revenue)).await.unwrap();
    tell(ConversionStatus::Lead, Some(100_000_000)).await;
    assert_eq!(status(&bureau.office, ann).await, LeadStatus::Converted);
    let day = chrono::TimeDelta::days(1);
    let range = Range { from: on.now() - day, to: on.now() + day };
    let sums = async || figures::<String>(on.db.reader(), range, By::Channel, None).await.unwrap();
    let held = sums().await;
    let all: Vec<_> = held.values().collect();
    assert!(all.iter().all(|one| one.revenue.is_empty()), "{all:?}");
    assert_eq!(all.iter().filter_map(|one| one.held.get("EUR")).sum::<i64>(), 100_000_000);
    tell(ConversionStatus::Sale, Some(90_000_000)).await;
    assert_eq!(sums().await.values().filter_map(|one| one.revenue.get("EUR")).sum::<i64>(), 90_000_000);
    tell(ConversionStatus::Rejected, None).await;
    assert_eq!(status(&bureau.office, ann).await, LeadStatus::InProgress, "nothing is left of it");
    let rows = conversions::Entity::find().all(on.db.reader()).await.unwrap();
    assert_eq!((rows.len(), rows[0].revenue_micros), (1, 0));
}

#[tokio::test]
async fn sequences_for_buyers_take_who_has_bought_and_keep_them() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let open = bureau.sequence(vec![email(script, 1)], |_| ()).await;
    let after = bureau.sequence(vec![email(script, 1)], |new| new.audience = SequenceAudience::Converted).await;
    let (ann, bob) = (bureau.lead("ann", |_| ()).await, bureau.lead("bob", |_| ()).await);
    bureau.enroll(open.id, ann).await;
    let refused = enrollment::enroll(on, actor, after.id, bob).await.unwrap_err();
    assert!(refused.to_string().contains("converted"), "{refused}");
    conversion::record(on, actor, report(ann, ConversionStatus::Sale, Some(1))).await.unwrap();
    let refused = enrollment::enroll(on, actor, open.id, ann).await.unwrap_err();
    assert!(refused.to_string().contains("audience is CONVERTED"), "{refused}");
    bureau.enroll(after.id, ann).await;
    let more = Report { transaction_id: Some("2".into()), ..report(ann, ConversionStatus::Sale, Some(2)) };
    conversion::record(on, actor, more).await.unwrap();
    let rows = enrollments::Entity::with(ann).all(on.db.reader()).await.unwrap();
    let of = |id| rows.iter().find(|row| row.sequence_id == id).map(|row| row.status);
    assert_eq!((of(open.id), of(after.id)), (Some(EnrollmentStatus::Converted), Some(EnrollmentStatus::Active)));
    for (audience, status) in [
        (SequenceAudience::Open, LeadStatus::Converted),
        (SequenceAudience::Open, LeadStatus::DoNotContact),
        (SequenceAudience::Converted, LeadStatus::New),
    ] {
        let config = TriggerConfig { status: Some(status), ..TriggerConfig::default() };
        let change = service::retention::sequence::Change {
            audience: Some(audience),
            config: Some(config),
            ..service::retention::sequence::Change::default()
        };
        assert!(
            service::retention::sequence::update(on, actor, open.id, change).await.is_err(),
            "{status} can't match"
        );
    }
}

#[tokio::test]
async fn a_trigger_for_new_leads_finds_those_that_a_campaign_has_taken() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let config = || TriggerConfig { status: Some(LeadStatus::New), ..TriggerConfig::default() };
    let wants =
        |new: &mut service::retention::sequence::New| (new.trigger, new.config) = (TriggerType::NewLead, config());
    let one = bureau.sequence(vec![email(script, 1)], wants).await;
    let two = bureau.sequence(vec![email(script, 1)], wants).await;
    bureau.lead("taken", |row| row.status = LeadStatus::InProgress).await;
    bureau.lead("fresh", |_| ()).await;
    bureau.lead("known", |row| row.status = LeadStatus::Contacted).await;
    trigger::enroll_all(on).await.unwrap();
    for id in [one.id, two.id] {
        assert_eq!(bureau.progress(id).await.active, 2, "each of them gets both");
    }
}

#[tokio::test]
async fn a_trigger_finds_who_comes_to_match_long_after_his_age() {
    let clock = Arc::new(VirtualClock::at("2026-03-03T10:00:00Z".parse().unwrap()));
    let bureau = Bureau { office: Office::with_clock(clock.clone()).await };
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let config = TriggerConfig {
        status: Some(LeadStatus::Contacted),
        min_age_hours: Some(24),
        lookback_minutes: Some(0),
        ..TriggerConfig::default()
    };
    let wants =
        |new: &mut service::retention::sequence::New| (new.trigger, new.config) = (TriggerType::NoConversion, config);
    let sequence = bureau.sequence(vec![email(script, 30)], wants).await;
    let long_ago = on.now() - chrono::TimeDelta::days(40);
    let lead = bureau.lead("ann", |row| (row.created_at, row.status) = (long_ago, LeadStatus::InProgress)).await;
    trigger::enroll_all(on).await.unwrap();
    assert_eq!(bureau.progress(sequence.id).await.active, 0);
    on.system_write(|w| async move {
        let row = w.require(lead).await?;
        w.replace(&row, leads::Model { status: LeadStatus::Contacted, ..row.clone() }).await.map(drop)
    })
    .await
    .unwrap();
    clock.advance(Duration::from_secs(31));
    trigger::enroll_all(on).await.unwrap();
    assert_eq!(bureau.progress(sequence.id).await.active, 1);
}

//! However many leads and campaigns a query shows, it takes the same few statements.

use std::collections::BTreeMap;

use domain::id::{RetentionSequenceId, ScriptId, SequenceStepId};
use domain::retention::lead_field::Field;
use domain::retention::words::{
    ContactAttemptStatus, ContactChannel, DelayUnit, RetentionSequenceStatus, SequenceAudience, TriggerType,
};
use domain::role::Role;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;
use service::access::user;
use service::retention::{campaign, contact_attempt, lead, members};
use service::{Actor, Services};
use storage::retention::lead_filter::LeadFilter;
use storage::retention::lists::Channels;
use storage::retention::{sequence, sequence_step};
use uuid::Uuid;

use crate::harness::{Counted, TestApp};

/// Campaigns with their counts, their leads, and all that is known of these: four levels.
const FOUR_LEVELS: &str = "query($campaigns: Int!, $leads: Int!) {
    retentionCampaigns(first: $campaigns) { totalCount nodes {
        name leadCount leadCounts { status count } attemptCounts { channel count } scripts { totalCount }
        campaignLeads(first: $leads) { totalCount nodes { status lead {
            email consents { kind }
            campaignLeads(first: 3) { totalCount nodes { campaign { name } } }
            sequenceEnrollments(first: 3) { totalCount } conversions(first: 3) { totalCount nodes { status } }
            contactAttempts(first: 3) { totalCount nodes { status campaign { name } script { name }
                stepExecution { status } } } } } }
        conversions(first: 3) { totalCount } sequences(first: 3) { nodes { name } } abTests(first: 3) { nodes { name } } } } }";

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_rows() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let admin = user::named(on, user::FIRST).await.unwrap();
    let actor = Actor::user(admin.id, Role::Admin, None);
    seed(on, &actor).await;
    let counted = Counted::over(&herald).await;
    let run = async |campaigns: i32, leads: i32| {
        counted.run(FOUR_LEVELS, json!({ "campaigns": campaigns, "leads": leads })).await
    };
    let (few, _) = run(1, 10).await;
    let (many, data) = run(10, 100).await;
    let nodes = data["retentionCampaigns"]["nodes"].as_array().unwrap();
    let shown: usize = nodes.iter().map(|node| node["campaignLeads"]["nodes"].as_array().unwrap().len()).sum();
    assert_eq!(shown, 1_000);
    let first = &nodes[0]["campaignLeads"]["nodes"][0]["lead"];
    assert_eq!(
        (&first["campaignLeads"]["totalCount"], &first["contactAttempts"]["totalCount"]),
        (&json!(10), &json!(1))
    );
    assert!((5..=26).contains(&few), "{few} statements for a hundredth of the rows");
    assert_eq!(few, many, "a thousand rows take as many statements as ten");
}

/// Ten campaigns with the same hundred leads, each of which was called once.
async fn seed(on: &Services, actor: &Actor) {
    let mut leads = Vec::new();
    for n in 0..100 {
        let texts = BTreeMap::from([(Field::Email, Some(format!("row{n}@example.com")))]);
        leads.push(lead::create(on, actor, lead::Fields { texts, meta: None }).await.unwrap().lead.id);
    }
    for n in 0..10 {
        let fields = campaign::Fields { name: Some(format!("campaign {n}")), ..campaign::Fields::default() };
        let made = campaign::create(on, actor, fields).await.unwrap();
        let all = LeadFilter { ids: Some(leads.clone()), ..LeadFilter::default() };
        assert_eq!(members::assign(on, actor, made.id, all, false).await.unwrap().assigned, 100);
        for lead in leads.iter().skip(n * 10).take(10) {
            let call = contact_attempt::New {
                lead: *lead,
                channel: ContactChannel::Call,
                status: ContactAttemptStatus::Success,
                campaign: Some(made.id),
                script: None,
                provider: None,
                provider_ref: None,
                started_at: None,
                completed_at: None,
                duration: None,
                cost: None,
                currency: None,
                result: None,
                notes: None,
            };
            contact_attempt::record(on, actor, call).await.unwrap();
        }
    }
}

/// A sequence called `uses` with one step that has this script.
pub async fn use_script(on: &Services, script: Uuid) {
    let (now, id) = (on.now(), RetentionSequenceId::generate());
    let sequence = sequence::Model {
        id,
        name: "uses".into(),
        description: None,
        status: RetentionSequenceStatus::Draft,
        channels: Channels(vec![ContactChannel::Sms]),
        trigger_type: TriggerType::Manual,
        trigger_config: json!({}),
        campaign_id: None,
        steps_version: 1,
        audience: SequenceAudience::Open,
        watermark: None,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: storage::Folded::of("uses"),
        description_fold: storage::Folded::of(""),
        pause_reason: None,
        is_simulated: Some(true),
        deleted_at: None,
    };
    let step = sequence_step::Model {
        id: SequenceStepId::generate(),
        sequence_id: id,
        steps_version: 1,
        step_order: 1,
        channel: ContactChannel::Sms,
        script_id: Some(ScriptId(script)),
        delay_value: 1,
        delay_unit: DelayUnit::Days,
        conditions: json!({}),
        is_active: true,
        origin_id: None,
        created_at: now,
        updated_at: now,
    };
    let (sequence, step) = (&sequence, &step);
    on.db
        .write(|tx| async move {
            sequence::Entity::insert(sequence.clone().into_active_model()).exec_without_returning(&*tx).await?;
            sequence_step::Entity::insert(step.clone().into_active_model()).exec_without_returning(&*tx).await?;
            Ok(())
        })
        .await
        .unwrap();
}

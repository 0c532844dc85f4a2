//! What hangs on leads, campaigns, scripts, steps and contacts, by the specification's relations.

use async_graphql::ID;
use chrono::{DateTime, Utc};
use domain::id::{AbTestId, RetentionCampaignId};
use domain::retention::words::{ContactChannel, ExecutionStatus};
use graphql::engine::id::GlobalId;
use serde_json::json;
use service::Services;
use storage::retention::{
    ab_test, campaign, contact_attempt, conversion, enrollment, execution, lead, script, sequence, sequence_step,
};

use super::rows;
use crate::harness::TestApp;

/// One of each, by their ids in the API.
struct Rows {
    lead: ID,
    campaign: ID,
    sequence: ID,
    step: ID,
    enrollment: ID,
    execution: ID,
    conversion: ID,
    test: ID,
    test_of_the_step: ID,
}

async fn seed(on: &Services) -> Rows {
    let at = on.now();
    let (campaign, person) = (rows::campaign(at), rows::lead(at));
    let scripts = [(); 2].map(|()| rows::script(ContactChannel::Email, at));
    let sequence = sequence::Model { campaign_id: Some(campaign.id), ..rows::sequence(at) };
    let step = sequence_step::Model { script_id: Some(scripts[0].id), ..rows::step(sequence.id, 1, at) };
    let enrollment = rows::enrollment(sequence.id, person.id, at);
    let attempt = contact_attempt::Model {
        campaign_id: Some(campaign.id),
        ..rows::attempt(person.id, ContactChannel::Email, at)
    };
    let done = execution::Model {
        contact_attempt_id: Some(attempt.id),
        ..rows::execution(enrollment.id, step.id, ExecutionStatus::Sent, at)
    };
    let sale = conversion::Model { campaign_id: Some(campaign.id), ..rows::conversion(person.id, 5_000_000, at) };
    let test = test(campaign.id, &scripts, at);
    let of_the_step =
        ab_test::Model { id: AbTestId::generate(), campaign_id: None, step_id: Some(step.id), ..test.clone() };
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<lead::Entity, _>(on, vec![person.clone()]).await;
    rows::insert::<script::Entity, _>(on, scripts.to_vec()).await;
    rows::insert::<sequence::Entity, _>(on, vec![sequence.clone()]).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![step.clone()]).await;
    rows::insert::<enrollment::Entity, _>(on, vec![enrollment.clone()]).await;
    rows::insert::<contact_attempt::Entity, _>(on, vec![attempt.clone()]).await;
    rows::insert::<execution::Entity, _>(on, vec![done.clone()]).await;
    rows::insert::<conversion::Entity, _>(on, vec![sale.clone()]).await;
    rows::insert::<ab_test::Entity, _>(on, vec![test.clone(), of_the_step.clone()]).await;
    Rows {
        lead: person.id.global(),
        campaign: campaign.id.global(),
        sequence: sequence.id.global(),
        step: step.id.global(),
        enrollment: enrollment.id.global(),
        execution: done.id.global(),
        conversion: sale.id.global(),
        test: test.id.global(),
        test_of_the_step: of_the_step.id.global(),
    }
}

fn test(campaign: RetentionCampaignId, scripts: &[script::Model; 2], at: DateTime<Utc>) -> ab_test::Model {
    let scripts = [scripts[0].id, scripts[1].id];
    ab_test::Model { campaign_id: Some(campaign), ..rows::ab_test(scripts, at) }
}

#[tokio::test]
async fn everything_hangs_together() {
    let herald = TestApp::api_only().await;
    let auditor = herald.auditor().await;
    let rows = seed(herald.services()).await;
    let read = "query($lead: ID!, $campaign: ID!, $test: ID!) {
        lead(id: $lead) { conversions(first: 2) { totalCount nodes { id } } sequenceEnrollments(first: 2) { nodes { id } }
            contactAttempts(first: 2) { nodes { stepExecution { id enrollment { id } } } } }
        retentionCampaign(id: $campaign) {
            conversions(first: 2) { totalCount nodes { id revenue } } abTests(first: 2) { totalCount nodes { id } }
            sequences(first: 2) { nodes { id steps { script { sequenceSteps(first: 2) { totalCount nodes { id } } }
                executions(first: 2) { totalCount nodes { id } } } } } }
        abTest(id: $test) { step { id sequence { id } } } }";
    let ids = json!({ "lead": rows.lead, "campaign": rows.campaign, "test": rows.test_of_the_step });
    let data = auditor.data(read, ids).await;
    let (lead, place) = (&data["lead"], &data["retentionCampaign"]);
    let one = |id: &ID| json!([{ "id": id }]);
    assert_eq!(lead["conversions"], json!({ "totalCount": 1, "nodes": one(&rows.conversion) }));
    assert_eq!(lead["sequenceEnrollments"]["nodes"], one(&rows.enrollment));
    assert_eq!(
        lead["contactAttempts"]["nodes"][0]["stepExecution"],
        json!({ "id": rows.execution, "enrollment": { "id": rows.enrollment } })
    );
    assert_eq!(place["conversions"]["nodes"], json!([{ "id": rows.conversion, "revenue": "5" }]));
    assert_eq!(place["abTests"], json!({ "totalCount": 1, "nodes": one(&rows.test) }));
    let below = &place["sequences"]["nodes"][0];
    assert_eq!(below["id"], json!(rows.sequence));
    let steps = &below["steps"][0];
    assert_eq!(steps["script"]["sequenceSteps"], json!({ "totalCount": 1, "nodes": one(&rows.step) }));
    assert_eq!(steps["executions"], json!({ "totalCount": 1, "nodes": one(&rows.execution) }));
    assert_eq!(data["abTest"]["step"], json!({ "id": rows.step, "sequence": { "id": rows.sequence } }));
}

//! What many rows name is deleted by a task: it is gone at once for everybody, what stays is whole, and nothing is left of the rest.

use std::time::Duration;

use domain::audit::Action;
use domain::error::Error;
use domain::id::{CampaignLeadId, LeadId, NounId, RetentionCampaignId, RetentionSequenceId, ScriptId};
use domain::retention::words::{
    CampaignLeadStatus, ContactChannel, EnrollmentStatus, ExecutionStatus, RetentionCampaignStatus,
    RetentionSequenceStatus,
};
use domain::task::{TaskKind, TaskStatus};
use graphql::engine::id::GlobalId;
use sea_orm::{EntityTrait, PaginatorTrait, Statement};
use serde_json::{Value as Json, json};
use service::{Services, tasks};
use storage::retention::{
    ab_test, campaign, campaign_lead, contact_attempt, conversion, enrollment, execution, lead, script, sequence,
    sequence_step,
};
use storage::{Noun, task};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::{TestApp, eventually};

/// Rows that are many here.
const MANY: i32 = 20;
/// Leads, each with a row in every table that names what is deleted.
const LEADS: usize = 30;

/// What is deleted.
struct Made {
    campaign: RetentionCampaignId,
    sequence: RetentionSequenceId,
    script: ScriptId,
    /// A script that only the campaign's A/B test has.
    variant: ScriptId,
}

fn member(campaign: RetentionCampaignId, lead_id: LeadId, on: &Services) -> campaign_lead::Model {
    let id = CampaignLeadId::generate();
    let (status, assigned_at) = (CampaignLeadStatus::Contacted, on.now());
    campaign_lead::Model { id, campaign_id: campaign, lead_id, status, assigned_at, completed_at: None }
}

/// A campaign, a sequence with a step, a script and two A/B tests, and contacts that name all of them.
async fn made(on: &Services) -> Made {
    let now = on.now();
    let campaign = campaign::Model { status: RetentionCampaignStatus::Paused, ..rows::campaign(now) };
    let sequence = sequence::Model { status: RetentionSequenceStatus::Archived, ..rows::sequence(now) };
    let script = script::Model { campaign_id: Some(campaign.id), ..rows::script(ContactChannel::Email, now) };
    let variants = [(); 3].map(|()| rows::script(ContactChannel::Email, now));
    let [a, b, of_campaign_only] = variants.each_ref().map(|row| row.id);
    let step = sequence_step::Model { script_id: Some(script.id), ..rows::step(sequence.id, 1, now) };
    let of_campaign = ab_test::Model { campaign_id: Some(campaign.id), ..rows::ab_test([a, of_campaign_only], now) };
    let of_step = ab_test::Model { step_id: Some(step.id), ..rows::ab_test([a, b], now) };
    let leads: Vec<_> = (0..LEADS).map(|_| rows::lead(now)).collect();
    let contacts: Vec<_> = leads
        .iter()
        .enumerate()
        .map(|(n, lead)| contact_attempt::Model {
            campaign_id: Some(campaign.id),
            step_id: Some(step.id),
            script_id: Some(script.id),
            ab_test_id: Some(if n % 2 == 0 { of_campaign.id } else { of_step.id }),
            ..rows::attempt(lead.id, ContactChannel::Email, now)
        })
        .collect();
    let sale = |contact: &contact_attempt::Model| conversion::Model {
        campaign_id: contact.campaign_id,
        step_id: contact.step_id,
        contact_attempt_id: Some(contact.id),
        ..rows::conversion(contact.lead_id, 1_000_000, now)
    };
    let enrolled: Vec<_> = leads.iter().map(|lead| ended(sequence.id, lead.id, on)).collect();
    let done = enrolled.iter().map(|row| rows::execution(row.id, step.id, ExecutionStatus::Sent, now)).collect();
    let sales = contacts.iter().map(sale).collect();
    let members = leads.iter().map(|lead| member(campaign.id, lead.id, on)).collect();
    let (campaign_id, variant) = (campaign.id, of_campaign_only);
    let made = Made { campaign: campaign_id, sequence: sequence.id, script: script.id, variant };
    rows::insert::<campaign::Entity, _>(on, vec![campaign]).await;
    rows::insert::<sequence::Entity, _>(on, vec![sequence]).await;
    rows::insert::<script::Entity, _>(on, [vec![script], variants.to_vec()].concat()).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![step]).await;
    rows::insert::<ab_test::Entity, _>(on, vec![of_campaign, of_step]).await;
    rows::insert::<lead::Entity, _>(on, leads).await;
    rows::insert::<contact_attempt::Entity, _>(on, contacts).await;
    rows::insert::<conversion::Entity, _>(on, sales).await;
    rows::insert::<enrollment::Entity, _>(on, enrolled).await;
    rows::insert::<execution::Entity, _>(on, done).await;
    rows::insert::<campaign_lead::Entity, _>(on, members).await;
    made
}

fn ended(sequence: RetentionSequenceId, lead: LeadId, on: &Services) -> enrollment::Model {
    enrollment::Model { status: EnrollmentStatus::Completed, ..rows::enrollment(sequence, lead, on.now()) }
}

async fn count<E: EntityTrait>(on: &Services) -> u64
where
    E::Model: Send + Sync,
{
    E::find().count(on.db.reader()).await.expect("counts")
}

/// How many rows of a table have something in a column.
async fn naming(on: &Services, table: &str, column: &str) -> i64 {
    use sea_orm::ConnectionTrait;
    let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {column} IS NOT NULL");
    let row = on.db.reader().query_one_raw(Statement::from_string(on.db.backend(), sql)).await.expect("reads");
    row.expect("a row").try_get("", "n").expect("a number")
}

/// Runs what deletes until it comes to this statement, and ends there, as a process that is killed does.
async fn cut_off<F: Future>(office: &Office, at: &'static str, delete: impl FnOnce(Services) -> F) {
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    on.db = on.db.watched(move |sql| {
        if sql.starts_with(at) {
            seen.cancel();
        }
    });
    // On a slow machine the answer comes before it.
    let whole = async {
        delete(on.clone()).await;
        tasks::run_pending(&on, &CancellationToken::new()).await.expect("gets on");
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = whole => panic!("it comes to {at}"),
    }
}

/// The task that was cut off can't be cancelled; another process brings it to its end.
async fn finish(office: &Office, kind: TaskKind, subject: Uuid) -> task::Model {
    let half = tasks::latest(&office.on, kind, subject).await.expect("reads").expect("a task");
    assert!(!half.status.has_ended(), "{half:?}");
    let kept = tasks::cancel(&office.on, &office.actor, half.id).await.expect_err("it has to end");
    assert!(matches!(kept, Error::Precondition(_)), "{kept}");
    let other = office.another().await;
    eventually("another process ends it", async || {
        // Until the transaction of the one that was cut off is undone, the task is somebody's.
        other.do_tasks().await;
        let row = tasks::latest(&office.on, kind, subject).await.expect("reads").expect("a task");
        row.status == TaskStatus::Completed
    })
    .await;
    let whole = tasks::latest(&office.on, kind, subject).await.expect("reads").expect("a task");
    assert_eq!(Some(whole.done), whole.total, "each row once");
    whole
}

async fn office() -> Office {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = MANY);
    office
}

#[tokio::test]
async fn a_campaign_that_many_rows_name_is_gone_at_once_and_its_contacts_and_sales_stay() {
    let office = office().await;
    let (on, actor) = (&office.on, &office.actor);
    let Made { campaign: id, variant, .. } = made(on).await;
    let delete = async |on: Services| service::retention::campaign::delete(&on, actor, id).await.map(drop);
    cut_off(&office, "UPDATE contact_attempts SET campaign_id", delete).await;
    assert!(campaign::Entity::by_ids(&[id]).one(on.db.reader()).await.expect("reads").is_none());
    assert_eq!(ab_test::Entity::present().count(on.db.reader()).await.expect("counts"), 1, "its test is gone, too");
    assert_eq!(naming(on, "scripts", "campaign_id").await, 0);
    let again = service::retention::campaign::delete(on, actor, id).await.expect_err("it is gone");
    assert!(matches!(again, Error::NotFound(_)), "{again}");
    assert!(naming(on, "contact_attempts", "campaign_id").await > 0, "it was cut off");
    // The row of its test has the script still: this one waits for it, and nobody sees either.
    let (_, waits) = service::retention::script::delete(on, actor, variant).await.expect("nobody uses it any more");
    assert!(!waits.expect("a task").status.has_ended());
    assert!(script::Entity::by_ids(&[variant]).one(on.db.reader()).await.expect("reads").is_none());
    // 30 assignments, contacts and sales, and the half of the contacts that were of its test.
    let whole = finish(&office, TaskKind::DeleteRetentionCampaign, id.uuid()).await;
    assert_eq!(whole.done, 105);
    for (table, column) in [("contact_attempts", "campaign_id"), ("conversions", "campaign_id")] {
        assert_eq!(naming(on, table, column).await, 0, "{table}");
    }
    assert_eq!(naming(on, "contact_attempts", "ab_test_id").await, 15, "those of the other test keep it");
    let (contacts, sales) = (count::<contact_attempt::Entity>(on).await, count::<conversion::Entity>(on).await);
    assert_eq!((contacts, sales, count::<enrollment::Entity>(on).await), (30, 30, 30));
    assert_eq!((count::<campaign::Entity>(on).await, count::<campaign_lead::Entity>(on).await), (0, 0));
    assert_eq!(office.audited(Action::RetentionCampaignDeleted).await, 1);
    office.do_tasks().await;
    assert_eq!(count::<script::Entity>(on).await, 3, "now the script goes, too");
}

#[tokio::test]
async fn a_sequence_goes_with_its_enrollments_and_what_it_sent_stays() {
    let office = office().await;
    let (on, actor) = (&office.on, &office.actor);
    let Made { sequence: id, .. } = made(on).await;
    let delete = async |on: Services| service::retention::sequence::delete(&on, actor, id).await.map(drop);
    cut_off(&office, "DELETE FROM sequence_enrollments", delete).await;
    assert!(sequence::Entity::by_ids(&[id]).one(on.db.reader()).await.expect("reads").is_none());
    assert!(count::<enrollment::Entity>(on).await > 0, "it was cut off");
    assert_eq!(
        enrollment::Entity::all().count(on.db.reader()).await.expect("counts"),
        0,
        "but nobody sees what is left"
    );
    finish(&office, TaskKind::DeleteRetentionSequence, id.uuid()).await;
    let left = (count::<enrollment::Entity>(on).await, count::<execution::Entity>(on).await);
    assert_eq!((left, count::<sequence_step::Entity>(on).await, count::<sequence::Entity>(on).await), ((0, 0), 0, 0));
    assert_eq!((naming(on, "contact_attempts", "step_id").await, naming(on, "conversions", "step_id").await), (0, 0));
    assert_eq!(naming(on, "contact_attempts", "campaign_id").await, 30, "they are the campaign's still");
    assert_eq!(count::<ab_test::Entity>(on).await, 1);
}

#[tokio::test]
async fn who_is_still_in_a_sequence_that_is_being_deleted_is_let_go() {
    let office = office().await;
    let (on, now) = (&office.on, office.on.now());
    let archived =
        sequence::Model { status: RetentionSequenceStatus::Archived, deleted_at: Some(now), ..rows::sequence(now) };
    let leads: Vec<_> = (0..3).map(|_| rows::lead(now)).collect();
    let enrolled = leads.iter().map(|lead| rows::enrollment(archived.id, lead.id, now)).collect();
    rows::insert::<sequence::Entity, _>(on, vec![archived.clone()]).await;
    rows::insert::<lead::Entity, _>(on, leads.clone()).await;
    rows::insert::<enrollment::Entity, _>(on, enrolled).await;
    // As one that was archived by a request that did not come to its end.
    let counted =
        "INSERT INTO sequence_progress (sequence_id, status, active) SELECT id, status, 3 FROM retention_sequences
         WHERE deleted_at IS NOT NULL RETURNING sequence_id";
    on.db.write_alone(Statement::from_string(on.db.backend(), counted)).await.expect("is counted");
    let swept = service::retention::sequence::sweep_archived(on);
    tokio::time::timeout(Duration::from_secs(30), swept).await.expect("it comes to an end").expect("sweeps");
    let left = enrollment::Entity::find().all(on.db.reader()).await.expect("reads");
    assert!(left.len() == 3 && left.iter().all(|row| row.status == EnrollmentStatus::Cancelled), "{left:?}");
    // Whose leads can be merged.
    let merge = service::retention::lead_merge::Merge {
        keep: leads[0].id,
        duplicate: leads[1].id,
        takes_addresses: false,
        expected_version: None,
    };
    service::retention::lead_merge::merge(on, &office.actor, merge).await.expect("they become one");
}

#[tokio::test]
async fn a_script_is_gone_at_once_and_what_was_said_with_it_stays() {
    let office = office().await;
    let (on, actor) = (&office.on, &office.actor);
    let Made { script: id, .. } = made(on).await;
    let delete = async |on: Services| service::retention::script::delete(&on, actor, id).await.map(drop);
    cut_off(&office, "UPDATE contact_attempts SET script_id", delete).await;
    assert!(script::Entity::by_ids(&[id]).one(on.db.reader()).await.expect("reads").is_none());
    assert_eq!(naming(on, "sequence_steps", "script_id").await, 0);
    finish(&office, TaskKind::DeleteScript, id.uuid()).await;
    assert_eq!((naming(on, "contact_attempts", "script_id").await, count::<script::Entity>(on).await), (0, 3));
    assert_eq!(count::<contact_attempt::Entity>(on).await, 30);
}

#[tokio::test]
async fn a_chunk_touches_so_many_rows_and_no_more() {
    let office = office().await;
    let Made { campaign: id, .. } = made(&office.on).await;
    let begun = service::retention::campaign::delete(&office.on, &office.actor, id).await.expect("it is deleted").1;
    let begun = begun.expect("a task");
    office.do_tasks().await;
    let whole = task::Entity::get(office.on.db.reader(), begun.id).await.expect("reads");
    // Each chunk raises the version: 105 rows are six of twenty.
    assert_eq!((whole.status, whole.version), (TaskStatus::Completed, 7));
}

const DELETE: &str = "mutation($id: ID!) { deleteRetentionCampaign(input: { id: $id }) {
    deletedId task { id kind status subjectId total } } }";

#[tokio::test]
async fn a_campaign_of_more_than_ten_thousand_answers_with_its_task() {
    let herald = TestApp::start().await;
    let (on, operator) = (herald.services(), herald.operator().await);
    let few = rows::campaign(on.now());
    let few = campaign::Model { status: RetentionCampaignStatus::Paused, ..few };
    let large = campaign::Model { status: RetentionCampaignStatus::Paused, ..rows::campaign(on.now()) };
    let leads: Vec<_> = (0..10_001).map(|_| rows::lead(on.now())).collect();
    let members = leads.iter().map(|lead| member(large.id, lead.id, on)).collect();
    rows::insert::<campaign::Entity, _>(on, vec![few.clone(), large.clone()]).await;
    rows::insert::<lead::Entity, _>(on, leads).await;
    rows::insert::<campaign_lead::Entity, _>(on, members).await;
    let delete = async |id: RetentionCampaignId| {
        operator.data(DELETE, json!({ "id": id.global() })).await["deleteRetentionCampaign"].clone()
    };
    assert_eq!(delete(few.id).await["task"], Json::Null, "it is gone already");
    let deleted = delete(large.id).await;
    assert_eq!((&deleted["deletedId"], &deleted["task"]["total"]), (&json!(large.id.global()), &json!(10_001)));
    assert_eq!(deleted["task"]["kind"], "DELETE_RETENTION_CAMPAIGN");
    assert_eq!(deleted["task"]["subjectId"], json!(large.id.global()));
    let left = "query($id: ID!) { retentionCampaigns { totalCount } retentionCampaign(id: $id) { id } }";
    let left = operator.data(left, json!({ "id": large.id.global() })).await;
    assert_eq!((&left["retentionCampaigns"]["totalCount"], &left["retentionCampaign"]), (&json!(0), &Json::Null));
    eventually("nothing is left of it", async || {
        let status = "query($id: ID!) { task(id: $id) { status done } }";
        let task = operator.data(status, json!({ "id": deleted["task"]["id"] })).await["task"].clone();
        task == json!({ "status": "COMPLETED", "done": 10_001 })
    })
    .await;
    assert_eq!((count::<campaign::Entity>(on).await, count::<campaign_lead::Entity>(on).await), (0, 0));
}

//! A/B tests: leads divided, counted, and a winner by the rule only.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{AbTestId, LeadId, ScriptId};
use domain::retention::words::{AbVariant, ContactAttemptStatus, ContactChannel};
use graphql::engine::id::GlobalId;
use serde_json::{Value as Json, json};
use service::Services;
use service::retention::ab_test::{Contact, choices};
use storage::Noun;
use storage::retention::{ab_test, campaign, contact_attempt, conversion, lead, script};

use super::rows;
use crate::harness::{Client, TestApp};

const CREATE: &str = "mutation($input: CreateAbTestInput!) { createAbTest(input: $input) {
    abTest { id status version variantA { name } rule { shareOfA minSample maxLoss goal } } } }";
const READ: &str =
    "query($id: ID!) { abTest(id: $id) { status winner winningScript { id } startedAt endedAt version campaign { name }
    statistics { a { assigned sent successes rate } b { assigned sent successes rate } z pValue sequentialPValue
        probabilityBIsBetter expectedLossOfA expectedLossOfB sampleRatioPValue decision reasons } } }";

const UPDATE: &str = "mutation($input: UpdateAbTestInput!) { updateAbTest(input: $input) { abTest {
    id name version variantA { id } variantB { id } rule { shareOfA minSample goal } } } }";
const DELETE: &str = "mutation($input: DeleteAbTestInput!) { deleteAbTest(input: $input) { deletedId } }";

fn act(verb: &str) -> String {
    format!("mutation($id: ID!) {{ {verb}(input: {{ id: $id }}) {{ abTest {{ id status winner version }} }} }}")
}

/// A campaign and two scripts for its emails.
struct Place {
    campaign: campaign::Model,
    scripts: [script::Model; 2],
}

async fn place(on: &Services) -> Place {
    let now = on.now();
    let campaign = rows::campaign(now);
    let scripts = [(); 2].map(|()| rows::script(ContactChannel::Email, now));
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<script::Entity, _>(on, scripts.to_vec()).await;
    Place { campaign, scripts }
}

impl Place {
    #[expect(clippy::needless_pass_by_value, reason = "a literal is given")]
    fn input(&self, more: Json) -> Json {
        let mut input = json!({
            "name": "Subject", "campaignId": self.campaign.id.global(), "channel": "EMAIL",
            "variantAId": self.scripts[0].id.global(), "variantBId": self.scripts[1].id.global(),
        });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "input": input })
    }
}

async fn created(by: &Client, place: &Place, more: Json) -> Json {
    by.data(CREATE, place.input(more)).await["createAbTest"]["abTest"].clone()
}

pub async fn row(on: &Services) -> ab_test::Model {
    ab_test::Entity::all().one(on.db.reader()).await.unwrap().unwrap()
}

/// So many leads were sent a variant, and so many of them converted.
pub async fn sent(
    on: &Services,
    test: AbTestId,
    variant: AbVariant,
    leads: usize,
    converted: usize,
    at: DateTime<Utc>,
) {
    let people: Vec<lead::Model> = (0..leads).map(|_| rows::lead(at)).collect();
    let attempt = |lead: &lead::Model| contact_attempt::Model {
        ab_test_id: Some(test),
        ab_variant: Some(variant),
        ..rows::attempt(lead.id, ContactChannel::Email, at)
    };
    // Twice the same lead is still one.
    let attempts = people.iter().chain(people.first()).map(attempt).collect();
    let conversions = people.iter().take(converted).map(|lead| rows::conversion(lead.id, 1, at)).collect();
    rows::insert::<lead::Entity, _>(on, people.clone()).await;
    rows::insert::<contact_attempt::Entity, _>(on, attempts).await;
    rows::insert::<conversion::Entity, _>(on, conversions).await;
}

#[tokio::test]
async fn a_winner_is_declared_by_the_rule_with_its_numbers_and_goes_out_from_then_on() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let place = place(on).await;
    let test = created(&operator, &place, json!({ "minDays": 0, "minSample": 400 })).await;
    let rule = json!({ "shareOfA": 50, "minSample": 400, "maxLoss": 0.002, "goal": "CONVERSION" });
    assert_eq!((&test["status"], &test["rule"], &test["variantA"]["name"]), (&json!("DRAFT"), &rule, &json!("Hello")));
    let id = json!({ "id": test["id"] });
    assert_eq!(operator.query(&act("declareAbTestWinner"), id.clone()).await.code(), "PRECONDITION_FAILED");
    operator.data(&act("startAbTest"), id.clone()).await;

    let started = row(on).await;
    let at = on.now();
    sent(on, started.id, AbVariant::A, 300, 30, at).await;
    sent(on, started.id, AbVariant::B, 310, 62, at).await;
    let early = operator.query(&act("declareAbTestWinner"), id.clone()).await;
    assert_eq!(early.code(), "PRECONDITION_FAILED");
    assert!(
        early.message().contains("SAMPLE_TOO_SMALL") && early.message().contains("A 30/300, B 62/310"),
        "{early:?}"
    );
    let open = operator.data(READ, id.clone()).await["abTest"].clone();
    assert_eq!(open["statistics"]["b"], json!({ "assigned": 310, "sent": 310, "successes": 62, "rate": 0.2 }));
    assert_eq!(
        (&open["statistics"]["decision"], &open["campaign"]["name"]),
        (&json!("KEEP_RUNNING"), &json!("Winter"))
    );

    sent(on, started.id, AbVariant::A, 150, 15, at).await;
    sent(on, started.id, AbVariant::B, 140, 28, at).await;
    let declared = operator.data(&act("declareAbTestWinner"), id.clone()).await;
    assert_eq!(declared["declareAbTestWinner"]["abTest"]["winner"], "B", "{declared}");
    // What comes later changes nothing of what was decided.
    sent(on, started.id, AbVariant::A, 50, 50, at).await;
    let over = operator.data(READ, id.clone()).await["abTest"].clone();
    assert_eq!(
        (&over["status"], &over["winningScript"]["id"]),
        (&json!("COMPLETED"), &json!(place.scripts[1].id.global()))
    );
    assert_eq!((&over["statistics"]["decision"], &over["statistics"]["a"]["sent"]), (&json!("WINNER_B"), &json!(450)));
    assert!(over["statistics"]["sequentialPValue"].as_f64().unwrap() < 1.0);
    assert_eq!(operator.query(&act("stopAbTest"), id).await.code(), "PRECONDITION_FAILED");
    let contact = contact(&place, LeadId::generate());
    let choice = choices(on.db.reader()).await.unwrap().of(&contact).unwrap();
    assert_eq!((choice.script, choice.test), (place.scripts[1].id, None));
    let audit = "{ auditLogs(filter: { actions: [AB_TEST_WINNER_DECLARED] }) { nodes { metadata } } }";
    let line = herald.admin().await.data(audit, json!({})).await["auditLogs"]["nodes"][0]["metadata"].clone();
    assert_eq!((&line["winner"], &line["numbers"]["b"]["successes"]), (&json!("B"), &json!(90)));
}

fn contact(place: &Place, lead: LeadId) -> Contact {
    let (campaign, script): (_, Option<ScriptId>) = (Some(place.campaign.id), Some(place.scripts[0].id));
    Contact { step: None, campaign, channel: ContactChannel::Email, script, lead }
}

#[tokio::test]
async fn one_test_runs_in_one_place_and_mistakes_are_told() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let place = place(on).await;
    let first = created(&operator, &place, json!({})).await;
    let second = created(&operator, &place, json!({ "shareOfA": 80 })).await;
    operator.data(&act("startAbTest"), json!({ "id": first["id"] })).await;
    let refused = operator.query(&act("startAbTest"), json!({ "id": second["id"] })).await;
    assert_eq!(refused.code(), "PRECONDITION_FAILED", "{refused:?}");
    operator.data(&act("stopAbTest"), json!({ "id": first["id"] })).await;
    operator.data(&act("startAbTest"), json!({ "id": second["id"] })).await;
    let choice = choices(on.db.reader()).await.unwrap().of(&contact(&place, LeadId::generate())).unwrap();
    assert!(choice.test.is_some());

    let wrong = |more: Json| {
        let (operator, input) = (&operator, place.input(more));
        async move { operator.query(CREATE, input).await }
    };
    let reply = wrong(json!({ "variantBId": place.scripts[0].id.global(), "shareOfA": -1, "maxLoss": 2.0 })).await;
    assert_eq!(reply.violations(), ["input.variantBId", "input.shareOfA", "input.maxLoss"]);
    assert_eq!(wrong(json!({ "channel": "CALL" })).await.violations(), ["input.channel"]);
    assert_eq!(wrong(json!({ "channel": "SMS" })).await.violations(), ["input.variantAId", "input.variantBId"]);
    assert_eq!(wrong(json!({ "campaignId": null })).await.violations(), ["input.stepId"]);
    assert_eq!(wrong(json!({ "variantAId": ScriptId::generate().global() })).await.code(), "NOT_FOUND");
    let listed = "{ abTests(filter: { statuses: [RUNNING], channel: EMAIL }) { totalCount nodes { id statistics { a { assigned } } } } }";
    let listed = operator.data(listed, json!({})).await["abTests"].clone();
    assert_eq!((&listed["totalCount"], &listed["nodes"][0]["id"]), (&json!(1), &second["id"]));
    let stale = "mutation($id: ID!) { stopAbTest(input: { id: $id, expectedVersion: 1 }) { abTest { id } } }";
    assert_eq!(operator.query(stale, json!({ "id": second["id"] })).await.code(), "CONFLICT");
}

#[tokio::test]
async fn clicks_and_replies_count_where_they_are_the_goal_and_what_never_went_out_does_not() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let mut place = place(on).await;
    // Where nobody tells of clicks they can't be the goal.
    let refused = operator.query(CREATE, place.input(json!({ "goal": "CLICK" }))).await;
    assert!(refused.code() == "BAD_USER_INPUT" && refused.message().contains("nobody tells of clicks"), "{refused:?}");
    let silent = created(&operator, &place, json!({})).await;
    let to_clicks = json!({ "input": { "id": silent["id"], "goal": "CLICK" } });
    assert_eq!(operator.query(UPDATE, to_clicks).await.code(), "BAD_USER_INPUT");
    operator.data(DELETE, json!({ "input": { "id": silent["id"] } })).await;
    place.campaign = campaign::Model { instantly_sync: true, ..rows::campaign(on.now()) };
    rows::insert::<campaign::Entity, _>(on, vec![place.campaign.clone()]).await;
    let test = created(&operator, &place, json!({ "goal": "CLICK" })).await;
    operator.data(&act("startAbTest"), json!({ "id": test["id"] })).await;
    let id = row(on).await.id;
    let at = on.now() - TimeDelta::hours(1);
    let people: Vec<lead::Model> = (0..4).map(|_| rows::lead(at)).collect();
    let results = [
        (ContactAttemptStatus::Success, json!({ "opened": true, "clicked": true })),
        (ContactAttemptStatus::Delivered, json!({ "opened": true, "clicked": false })),
        (ContactAttemptStatus::Failed, json!({ "clicked": true })),
        (ContactAttemptStatus::Pending, json!({})),
    ];
    let attempts = people.iter().zip(results).map(|(lead, (status, result))| contact_attempt::Model {
        ab_test_id: Some(id),
        ab_variant: Some(AbVariant::A),
        status,
        result: Some(result),
        ..rows::attempt(lead.id, ContactChannel::Email, at)
    });
    rows::insert::<lead::Entity, _>(on, people.clone()).await;
    rows::insert::<contact_attempt::Entity, _>(on, attempts.collect()).await;
    let shown = operator.data(READ, json!({ "id": test["id"] })).await["abTest"]["statistics"].clone();
    assert_eq!(shown["a"], json!({ "assigned": 4, "sent": 2, "successes": 1, "rate": 0.5 }));
    assert_eq!((&shown["b"]["sent"], &shown["z"], &shown["pValue"]), (&json!(0), &Json::Null, &json!(1.0)));
}

#[tokio::test]
async fn a_draft_can_be_changed_and_taken_back_and_what_has_begun_can_not() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let place = place(on).await;
    let draft = created(&operator, &place, json!({})).await;
    let [a, b] = [0, 1].map(|side: usize| place.scripts[side].id.global());
    let change = json!({ "id": draft["id"], "name": "Greeting", "variantAId": b, "variantBId": a, "shareOfA": 20, "minSample": 50,
        "goal": "REPLY", "expectedVersion": 1 });
    let changed = operator.data(UPDATE, json!({ "input": change })).await["updateAbTest"]["abTest"].clone();
    assert_eq!(changed["rule"], json!({ "shareOfA": 20, "minSample": 50, "goal": "REPLY" }));
    assert_eq!(
        (&changed["name"], &changed["variantA"]["id"], &changed["version"]),
        (&json!("Greeting"), &json!(b), &json!(2))
    );
    for wrong in [json!({ "variantAId": a }), json!({ "shareOfA": 0 }), json!({ "name": " " })] {
        let mut input = wrong.clone();
        input["id"] = draft["id"].clone();
        assert_eq!(operator.query(UPDATE, json!({ "input": input })).await.code(), "BAD_USER_INPUT", "{wrong}");
    }
    operator.data(&act("startAbTest"), json!({ "id": draft["id"] })).await;
    let id = json!({ "input": { "id": draft["id"] } });
    for late in [operator.query(UPDATE, id.clone()).await, operator.query(DELETE, id.clone()).await] {
        assert!(late.code() == "PRECONDITION_FAILED" && late.message().contains("RUNNING"), "{late:?}");
    }
    let other = created(&operator, &place, json!({})).await;
    let id = json!({ "input": { "id": other["id"] } });
    assert_eq!(operator.data(DELETE, id.clone()).await["deleteAbTest"]["deletedId"], other["id"]);
    assert_eq!(operator.query(DELETE, id).await.code(), "NOT_FOUND");
    let audit = "{ auditLogs(filter: { actions: [AB_TEST_UPDATED, AB_TEST_DELETED] }) { totalCount } }";
    assert_eq!(herald.admin().await.data(audit, json!({})).await["auditLogs"]["totalCount"], 2);
}

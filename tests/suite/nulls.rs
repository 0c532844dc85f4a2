//! Null in an update: it empties what can be empty, and is refused where it would do nothing.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::harness::TestApp;

/// What null empties, of each update.
const EMPTIED: [&str; 39] = [
    "UpdateBatchInput.description",
    "UpdateBroadcastCampaignInput.description",
    "UpdateBroadcastCampaignInput.params",
    "UpdateBroadcastCampaignInput.scheduledAt",
    "UpdateBroadcastCampaignInput.telegramAccountIds",
    "UpdateChannelInput.description",
    "UpdateChannelInput.memberCount",
    "UpdateChannelInput.tgstatUrl",
    "UpdateChannelInput.title",
    "UpdateLeadInput.email",
    "UpdateLeadInput.externalId",
    "UpdateLeadInput.firstName",
    "UpdateLeadInput.language",
    "UpdateLeadInput.lastName",
    "UpdateLeadInput.meta",
    "UpdateLeadInput.notes",
    "UpdateLeadInput.phone",
    "UpdateLeadInput.telegramUsername",
    "UpdateLeadInput.timeZone",
    "UpdateRetentionCampaignInput.contactHoursEnd",
    "UpdateRetentionCampaignInput.contactHoursStart",
    "UpdateRetentionCampaignInput.delayBetweenChannels",
    "UpdateRetentionCampaignInput.description",
    "UpdateRetentionCampaignInput.endDate",
    "UpdateRetentionCampaignInput.maxContactsPerDay",
    "UpdateRetentionCampaignInput.startDate",
    "UpdateRetentionCampaignInput.timeZone",
    "UpdateRetentionCampaignInput.vapiConfig",
    "UpdateRetentionSequenceInput.campaignId",
    "UpdateRetentionSequenceInput.description",
    "UpdateScriptInput.campaignId",
    "UpdateScriptInput.content",
    "UpdateScriptInput.plainContent",
    "UpdateScriptInput.subject",
    "UpdateScriptInput.vapiConfig",
    "UpdateTemplateInput.description",
    "UpdateTemplateInput.mediaType",
    "UpdateTemplateInput.mediaUploadId",
    "UpdateTemplateInput.mediaUrl",
];

fn name_of(kind: &Json) -> String {
    match kind["kind"].as_str() {
        Some("LIST") => format!("[{}]", name_of(&kind["ofType"])),
        Some("NON_NULL") => format!("{}!", name_of(&kind["ofType"])),
        _ => kind["name"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn each_field_of_an_update_is_emptied_by_null_or_refuses_it() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let schema = "{ __schema { types { name inputFields { name type { kind name ofType { kind name ofType { kind name
        ofType { kind name } } } } } } } }";
    let types = admin.data(schema, json!({})).await["__schema"]["types"].clone();
    let updates = types.as_array().unwrap().iter().filter(|kind| {
        let name = kind["name"].as_str().unwrap();
        name.starts_with("Update") && name.ends_with("Input")
    });
    let (mut emptied, mut looked) = (BTreeSet::new(), 0);
    for kind in updates {
        let input = kind["name"].as_str().unwrap();
        let mutation = input.strip_suffix("Input").unwrap().replacen("Update", "update", 1);
        for field in kind["inputFields"].as_array().unwrap() {
            let (name, wanted) = (field["name"].as_str().unwrap(), name_of(&field["type"]));
            if wanted.ends_with('!') || ["expectedVersion", "idempotencyKey"].contains(&name) {
                continue;
            }
            looked += 1;
            let literal = format!("mutation {{ {mutation}(input: {{ id: \"x\", {name}: null }}) {{ __typename }} }}");
            let variable =
                format!("mutation($v: {wanted}) {{ {mutation}(input: {{ id: \"x\", {name}: $v }}) {{ __typename }} }}");
            let whole = format!("mutation($i: {input}!) {{ {mutation}(input: $i) {{ __typename }} }}");
            let answers = [
                admin.query(&literal, json!({})).await,
                admin.query(&variable, json!({ "v": null })).await,
                admin.query(&whole, json!({ "i": { "id": "x", name: null } })).await,
            ];
            let path = format!("input.{name}");
            let refused = answers.map(|answer| {
                let is_told =
                    answer.message().contains("null") || answer.errors()[0].to_string().contains("null is not");
                is_told && answer.violations().contains(&path)
            });
            assert!(refused.iter().all(|one| *one == refused[0]), "{input}.{name}: {refused:?}");
            if !refused[0] {
                emptied.insert(format!("{input}.{name}"));
            }
        }
    }
    assert!(looked > 60, "{looked}");
    assert_eq!(emptied, EMPTIED.iter().map(ToString::to_string).collect());
}

#[tokio::test]
async fn null_empties_custom_fields_and_parameters() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let lead =
        "mutation { createLead(input: { email: \"a@b.de\", meta: { plan: \"gold\" } }) { lead { id version } } }";
    let lead = admin.data(lead, json!({})).await["createLead"]["lead"].clone();
    let update = "mutation($id: ID!, $m: JSON) { updateLead(input: { id: $id, meta: $m }) { lead { meta version } } }";
    let left_out = admin.data(update, json!({ "id": lead["id"] })).await["updateLead"]["lead"].clone();
    assert_eq!(left_out, json!({ "meta": { "plan": "gold" }, "version": 1 }), "nothing changed");
    let emptied = admin.data(update, json!({ "id": lead["id"], "m": null })).await["updateLead"]["lead"].clone();
    assert_eq!(emptied, json!({ "meta": {}, "version": 2 }));
}

#[tokio::test]
async fn a_conversion_says_whether_it_was_known() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let lead = "mutation { createLead(input: { email: \"a@b.de\" }) { lead { id } } }";
    let lead = admin.data(lead, json!({})).await["createLead"]["lead"]["id"].clone();
    let record = "mutation($input: RecordConversionInput!) {
        recordConversion(input: $input) { isNew conversion { id revenue } } }";
    let tell = async |more: Json| {
        let mut input = json!({ "leadId": lead, "status": "SALE" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.data(record, json!({ "input": input })).await["recordConversion"].clone()
    };
    let first = tell(json!({ "revenue": "9", "idempotencyKey": "k" })).await;
    assert_eq!((&first["isNew"], &first["conversion"]["revenue"]), (&json!(true), &json!("9")));
    let repeated = tell(json!({ "revenue": "9", "idempotencyKey": "k" })).await;
    assert_eq!(repeated, first, "a repetition is answered the same");
    let second = tell(json!({ "revenue": "5" })).await;
    let told = (&second["isNew"], &second["conversion"]["id"], &second["conversion"]["revenue"]);
    assert_eq!(told, (&json!(false), &first["conversion"]["id"], &json!("5")), "another amount is a correction");
    assert_eq!(tell(json!({ "revenue": "5", "transactionId": "2" })).await["isNew"], true);
}

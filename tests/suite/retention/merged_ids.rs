//! The id that a merged lead had in another system: that system goes on using it.

use serde_json::{Value as Json, json};

use super::lead as created;
use super::persons_in_lists::imported;
use crate::harness::{Client, TestApp};

/// Two leads with an id each that became one; its id.
async fn merged(by: &Client, kept: &str, gone: &str) -> Json {
    let keep =
        created(by, json!({ "externalId": kept, "email": format!("{kept}@example.com") })).await["lead"]["id"].clone();
    let other = created(by, json!({ "externalId": gone })).await["lead"]["id"].clone();
    let merge = "mutation($input: MergeLeadsInput!) { mergeLeads(input: $input) { lead { id externalId } } }";
    let input = json!({ "input": { "keepId": keep, "duplicateId": other } });
    let lead = by.data(merge, input).await["mergeLeads"]["lead"].clone();
    assert_eq!(lead["externalId"], kept);
    keep
}

/// The lead that is looked up by this id.
async fn by(by: &Client, external: &str) -> Json {
    let look = "query($id: String!) { leadBy(key: { externalId: $id }) { id } }";
    by.data(look, json!({ "id": external })).await["leadBy"].get("id").cloned().unwrap_or_default()
}

/// Whose a sale is that a tracker tells with this id.
async fn sale(by: &Client, sub: &str) -> Json {
    let record =
        "mutation($input: RecordConversionInput!) { recordConversion(input: $input) { conversion { lead { id } } } }";
    let input = json!({ "subId": sub, "status": "SALE", "revenue": "5", "transactionId": sub });
    by.data(record, json!({ "input": input })).await["recordConversion"]["conversion"]["lead"]["id"].clone()
}

#[tokio::test]
async fn what_another_system_says_of_a_merged_lead_is_said_of_the_one_that_it_is_a_part_of() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let kept = merged(&operator, "crm-1", "crm-2").await;
    assert_eq!(sale(&operator, "crm-2").await, kept);
    assert_eq!(by(&operator, "crm-2").await, kept);
    let again = created(&operator, json!({ "externalId": "crm-2" })).await;
    assert_eq!((&again["lead"]["id"], &again["isNew"]), (&kept, &json!(false)));
    let import = imported(&operator, "externalId,email,phone\ncrm-2,,+4915140000021\n", json!({})).await;
    assert_eq!((&import["inserted"], &import["duplicates"]), (&json!(0), &json!(1)), "{import}");

    // A part of a part.
    let last = merged(&operator, "crm-3", "crm-4").await;
    let merge = "mutation($input: MergeLeadsInput!) { mergeLeads(input: $input) { lead { id } } }";
    operator.data(merge, json!({ "input": { "keepId": last, "duplicateId": kept } })).await;
    let auditor = herald.auditor().await;
    for id in ["crm-1", "crm-2", "crm-4"] {
        assert_eq!(sale(&operator, id).await, last, "{id}");
        assert_eq!(by(&auditor, id).await, last, "{id}");
    }
    assert_eq!(by(&operator, "CRM-2").await, Json::Null, "letter for letter");
    // Who has the id now is meant.
    let other = created(&operator, json!({ "email": "other@example.com" })).await["lead"]["id"].clone();
    let update = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { lead { id } } }";
    operator.data(update, json!({ "input": { "id": other, "externalId": "crm-4" } })).await;
    assert_eq!(created(&operator, json!({ "externalId": "crm-4" })).await["lead"]["id"], other);
    assert_eq!(by(&operator, "crm-4").await, other);
}

#[tokio::test]
async fn a_list_of_ids_that_refuses_a_merged_lead_closes_the_one_that_it_is_a_part_of_and_erasure_forgets_its_id() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let kept = merged(&operator, "shop-1", "shop-2").await;
    let import = imported(&operator, "externalId,email\nshop-2,\n", json!({ "isSuppressionList": true })).await;
    assert_eq!(import["status"], "COMPLETED", "{import}");
    let read = "query($id: ID!) { lead(id: $id) { status } }";
    assert_eq!(operator.data(read, json!({ "id": kept })).await["lead"]["status"], "DO_NOT_CONTACT");

    let person = merged(&operator, "shop-3", "shop-4").await;
    admin.data("mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }", json!({ "id": person })).await;
    assert_eq!(by(&operator, "shop-4").await, Json::Null);
    assert_eq!(created(&operator, json!({ "externalId": "shop-4" })).await["isNew"], true);
}

//! Leads, retention campaigns, and what is done for them.

pub mod ab_tests;
mod bought;
mod campaigns;
mod clicks;
mod contacts;
mod conversion_rules;
mod distance;
mod edits;
pub mod engine;
mod explain;
mod histories;
mod holds;
mod inbox;
mod kept;
mod kills;
mod large_assignments;
mod large_deletions;
mod lead_imports;
mod leads;
mod letters;
mod live;
mod mail;
mod mailbox;
mod merged_ids;
mod nested;
mod outages;
mod persons;
mod persons_in_lists;
mod recredited;
mod refusals;
mod refused_addresses;
mod refused_lists;
mod reports;
pub mod rows;
mod scripts;
mod statements;
mod sums;
mod tables;
mod told;
mod worlds;

use domain::id::LeadId;
use graphql::engine::id::encode;
use sea_orm::EntityTrait;
use serde_json::{Value as Json, json};
use service::Services;
use storage::retention::lead;

use crate::harness::{Client, Reply};

/// Tries to make a lead.
async fn try_lead(by: &Client, input: Json) -> Reply {
    let create = "mutation($input: CreateLeadInput!) {
        createLead(input: $input) { isNew lead { id email phone status version } } }";
    by.query(create, json!({ "input": input })).await
}

/// A lead, and whether it is new.
async fn lead(by: &Client, input: Json) -> Json {
    try_lead(by, input).await.data()["createLead"].clone()
}

/// The ids of `count` leads with emails that begin with `prefix`.
async fn some_leads(by: &Client, prefix: &str, count: usize) -> Vec<Json> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(lead(by, json!({ "email": format!("{prefix}{n}@example.com") })).await["lead"]["id"].clone());
    }
    ids
}

/// A campaign with these settings; its id.
async fn campaign(by: &Client, settings: Json) -> Json {
    let mut input = json!({ "name": "Win back", "channels": ["EMAIL"] });
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let create = "mutation($input: CreateRetentionCampaignInput!) {
        createRetentionCampaign(input: $input) { campaign { id } } }";
    by.data(create, json!({ "input": input })).await["createRetentionCampaign"]["campaign"]["id"].clone()
}

/// Tries to change a campaign.
async fn change_campaign(by: &Client, input: Json) -> Reply {
    let update = "mutation($input: UpdateRetentionCampaignInput!) {
        updateRetentionCampaign(input: $input) { campaign { id status version channels contactHoursStart endDate } } }";
    by.query(update, json!({ "input": input })).await
}

/// A script; its id.
async fn script(by: &Client, input: Json) -> Json {
    let create = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
    by.data(create, json!({ "input": input })).await["createScript"]["script"]["id"].clone()
}

/// A contact that was made elsewhere.
async fn contact(by: &Client, input: Json) -> Reply {
    let record = "mutation($input: RecordContactAttemptInput!) { recordContactAttempt(input: $input) {
        contactAttempt { id status provider cost lead { id status } } } }";
    by.query(record, json!({ "input": input })).await
}

/// A lead by email in Berlin, changed as is wanted.
pub async fn person(on: &Services, name: &str, change: impl FnOnce(&mut lead::Model)) -> LeadId {
    let mut row = lead::Model {
        first_name: Some(name.into()),
        email: Some(format!("{name}@example.org")),
        source: "API".into(),
        time_zone: Some("Europe/Berlin".into()),
        ..lead::Model::new(on.now())
    };
    change(&mut row);
    let id = row.id;
    lead::Entity::insert(storage::noun::fresh(row)).exec_without_returning(on.db.reader()).await.unwrap();
    id
}

/// A lead that stands in the database, by its id in the API.
pub async fn somebody(on: &Services) -> String {
    encode("Lead", person(on, "anybody", |_| ()).await.0).0
}

//! The tables of retention: every index that the specification names, and the rows that the code reads.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect, Statement};
use storage::Db;
use storage::retention::{
    ab_test, campaign, campaign_lead, consent, contact_attempt, conversion, conversion_credit, conversion_rule,
    enrollment, execution, gone_lead, instantly_campaign, instantly_lead, integration_config, lead, lead_import,
    mailbox, refusal, refusal_to_carry, script, sequence, sequence_step, tracked_links, webhook_event,
};

use crate::harness::Database;

/// Table and first columns of every index that the specification names, unique ones first.
const UNIQUE: [(&str, &str); 5] = [
    ("leads", "email"),
    ("leads", "phone"),
    ("campaign_leads", "campaign_id, lead_id"),
    ("integration_configs", "provider"),
    // One enrollment a lead and sequence: of those that go on. Those that have ended are numbered.
    ("sequence_enrollments", "sequence_id, lead_id"),
];
const PLAIN: [(&str, &str); 34] = [
    ("leads", "email"),
    ("leads", "phone"),
    ("leads", "status"),
    ("retention_campaigns", "status"),
    ("campaign_leads", "campaign_id"),
    ("campaign_leads", "lead_id"),
    ("contact_attempts", "lead_id"),
    ("contact_attempts", "channel"),
    ("contact_attempts", "campaign_id"),
    ("scripts", "campaign_id"),
    ("scripts", "type"),
    ("conversions", "lead_id"),
    ("conversions", "campaign_id"),
    ("conversions", "sub_id"),
    ("conversions", "click_id"),
    ("conversions", "source"),
    ("conversion_rules", "channel"),
    ("conversion_rules", "metric"),
    ("retention_sequences", "status"),
    ("retention_sequences", "trigger_type"),
    ("sequence_steps", "sequence_id"),
    ("sequence_steps", "step_order"),
    ("sequence_enrollments", "sequence_id"),
    ("sequence_enrollments", "status"),
    ("sequence_enrollments", "lead_id"),
    ("sequence_enrollments", "sequence_id, status"),
    ("sequence_step_executions", "enrollment_id"),
    ("sequence_step_executions", "step_id"),
    ("sequence_step_executions", "status"),
    ("sequence_step_executions", "scheduled_at"),
    ("sequence_step_executions", "status, scheduled_at"),
    ("sequence_step_executions", "contact_attempt_id"),
    ("campaign_leads", "campaign_id, status"),
    ("ab_tests", "campaign_id"),
];

/// The definitions of all indexes, by table.
async fn indexes(db: &Db) -> BTreeMap<String, Vec<String>> {
    let sql = if db.is_postgres() {
        "SELECT tablename AS of, indexdef AS definition FROM pg_indexes WHERE schemaname = 'public'"
    } else {
        "SELECT tbl_name AS of, sql AS definition FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in db.reader().query_all_raw(Statement::from_string(db.backend(), sql)).await.unwrap() {
        let definition: String = row.try_get("", "definition").unwrap();
        found.entry(row.try_get("", "of").unwrap()).or_default().push(definition);
    }
    found
}

/// Whether one of `definitions` begins with `columns`.
fn has(definitions: &[String], columns: &str, is_unique: bool) -> bool {
    definitions.iter().any(|definition| {
        let (head, rest) = definition.split_once('(').unwrap();
        let is_wanted = !is_unique || head.contains("UNIQUE");
        let rest = rest.strip_prefix(columns);
        is_wanted && rest.is_some_and(|rest| rest.starts_with(')') || rest.starts_with(','))
    })
}

/// An empty database with all tables, and what must live as long as it.
async fn open() -> (Db, (Database, tempfile::TempDir)) {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::create().await);
    let db = database.open(folder.path()).await;
    db.migrate().await.unwrap();
    (db, (database, folder))
}

#[tokio::test]
async fn every_index_that_the_specification_names_is_there() {
    let (db, _kept) = open().await;
    let found = indexes(&db).await;
    let mut missing = Vec::new();
    for (table, columns) in UNIQUE {
        if !found.get(table).is_some_and(|definitions| has(definitions, columns, true)) {
            missing.push(format!("unique {table} ({columns})"));
        }
    }
    for (table, columns) in PLAIN {
        if !found.get(table).is_some_and(|definitions| has(definitions, columns, false)) {
            missing.push(format!("{table} ({columns})"));
        }
    }
    assert!(missing.is_empty(), "there is no index {}", missing.join(", "));
}

#[tokio::test]
async fn every_row_has_the_columns_of_its_table() {
    let (db, _kept) = open().await;
    macro_rules! read {
        ($($table:ident),+ $(,)?) => {$(
            let found = $table::Entity::find().limit(1).all(db.reader()).await;
            assert_eq!(found.unwrap(), [], stringify!($table));
        )+};
    }
    read!(
        ab_test,
        campaign,
        campaign_lead,
        consent,
        contact_attempt,
        conversion,
        conversion_credit,
        conversion_rule,
        enrollment,
        execution,
        gone_lead,
        instantly_campaign,
        instantly_lead,
        integration_config,
        lead,
        lead_import,
        mailbox,
        refusal,
        refusal_to_carry,
        script,
        sequence,
        sequence_step,
        tracked_links,
        webhook_event,
    );
}

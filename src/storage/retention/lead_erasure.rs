//! What tells who a lead was, wherever it lies: emptied in statements over all rows at once.

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, Value};
use serde_json::{Value as Json, json};

use super::{contact_attempt, conversion, lead};
use crate::Tx;
use crate::sql::{self, Dialect};
use domain::error::Result;

/// How many rows were emptied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub attempts: u64,
    pub conversions: u64,
    pub webhook_events: u64,
}

/// Empties what other tables know of a lead, which is locked, and whose enrollments have ended.
pub async fn traces(tx: &Tx, row: &lead::Model) -> Result<Erased> {
    let dialect = Dialect(tx.get_database_backend());
    let run = async |sql: &str, values: Vec<Value>| -> Result<u64> {
        Ok(tx.execute_raw(dialect.statement(sql, values)).await?.rows_affected())
    };
    let id = || vec![Value::from(row.id)];
    // First, while it is known by what providers call it.
    let terms: Vec<Json> = terms(tx, row).await?.into_iter().map(|term| json!({ "term": term })).collect();
    let webhook_events = run(&callbacks(dialect), vec![sql::rows(&terms)]).await?;
    let attempts = run(attempts(dialect), id()).await?;
    let conversions = run(&conversions(dialect), id()).await?;
    run("DELETE FROM consents WHERE lead_id = $1", id()).await?;
    run("DELETE FROM lead_peers WHERE lead_id = $1", id()).await?;
    run(EXECUTIONS, id()).await?;
    run(ENROLLMENTS, id()).await?;
    Ok(Erased { attempts, conversions, webhook_events })
}

/// The texts by which a provider's callback about the lead is found, in small letters. What is shorter might be in
/// others' too.
async fn terms(tx: &Tx, row: &lead::Model) -> Result<Vec<String>> {
    let mut terms: Vec<String> = Vec::new();
    if let Some(email) = &row.email {
        terms.extend([email.clone(), email.replace('@', "%40")]);
    }
    terms.extend(row.phone.as_ref().map(|phone| phone.trim_start_matches('+').to_owned()));
    let refs = contact_attempt::Entity::to(row.id).filter(contact_attempt::Column::ProviderRef.is_not_null());
    let refs = refs.select_only().column(contact_attempt::Column::ProviderRef);
    terms.extend(refs.into_tuple::<String>().all(tx).await?);
    let clicks = conversion::Entity::by(row.id).select_only().column(conversion::Column::SubjectId);
    terms.extend(clicks.into_tuple::<String>().all(tx).await?);
    terms.retain(|term| term.len() >= 6);
    Ok(terms.into_iter().map(|term| term.to_lowercase()).collect())
}

/// Callbacks that name one of the terms keep nothing but that they came.
fn callbacks(dialect: Dialect) -> String {
    let table = dialect.table("$1", &[("term", "text")]);
    let position = if dialect.is_postgres() { "strpos" } else { "instr" };
    format!(
        "UPDATE webhook_events SET body = '', query = NULL, error_message = NULL
         WHERE EXISTS (SELECT 1 FROM {table} WHERE {position}(lower(webhook_events.body), r.term) > 0
            OR {position}(lower(COALESCE(webhook_events.query, '')), r.term) > 0)"
    )
}

/// The statement that empties attempts: whether they were opened, clicked and answered is a number in reports; the rest
/// of what the provider said goes.
fn attempts(dialect: Dialect) -> &'static str {
    if dialect.is_postgres() {
        "UPDATE contact_attempts SET notes = NULL, provider_ref = NULL,
            result = jsonb_build_object('opened', opened, 'clicked', clicked, 'replied', replied)
         WHERE lead_id = $1"
    } else {
        "UPDATE contact_attempts SET notes = NULL, provider_ref = NULL,
            result = json_object('opened', json(CASE WHEN opened THEN 'true' ELSE 'false' END),
                'clicked', json(CASE WHEN clicked THEN 'true' ELSE 'false' END),
                'replied', json(CASE WHEN replied THEN 'true' ELSE 'false' END))
         WHERE lead_id = $1"
    }
}

/// Ids of clicks lead to a person, by way of who sold them. Each conversion keeps a key of its own.
fn conversions(dialect: Dialect) -> String {
    let id = if dialect.is_postgres() { "CAST(id AS text)" } else { "lower(hex(id))" };
    format!(
        "UPDATE conversions SET postback_data = NULL, sub_id = NULL, click_id = NULL, subject_id = 'erased:' || {id},
            version = version + 1
         WHERE lead_id = $1"
    )
}

const EXECUTIONS: &str = "UPDATE sequence_step_executions SET result = NULL
    WHERE enrollment_id IN (SELECT e.id FROM sequence_enrollments e WHERE e.lead_id = $1)";

const ENROLLMENTS: &str = "UPDATE sequence_enrollments SET meta = '{}', version = version + 1 WHERE lead_id = $1";

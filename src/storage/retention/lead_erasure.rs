//! What tells who a lead was, wherever it lies: emptied in statements over all rows at once. Each column is named: of a new one
//! it must be decided here whether it tells who the lead was.

#![expect(clippy::match_same_arms, reason = "the columns that stay, in lines of a readable length")]

use sea_orm::{ColumnTrait, ConnectionTrait, IdenStatic, Iterable, QueryFilter, QuerySelect, Value};
use serde_json::{Value as Json, json};

use super::webhook_event_key::SHORTEST;
use super::{contact_attempt, conversion, enrollment, execution, lead, webhook_event};
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
    let terms = || vec![sql::rows(&terms)];
    let webhook_events =
        run(&known_callbacks(dialect), terms()).await? + run(&unread_callbacks(dialect), terms()).await?;
    run(&callback_keys(dialect), terms()).await?;
    let of_lead = "lead_id = $1";
    let attempts = run(&emptied("contact_attempts", attempt(dialect), of_lead), id()).await?;
    let conversions = run(&emptied("conversions", conversion(dialect), of_lead), id()).await?;
    // What stands in an address may say who was sent there.
    run(TRACKED_LINKS, id()).await?;
    run("DELETE FROM consents WHERE lead_id = $1", id()).await?;
    run("DELETE FROM lead_peers WHERE lead_id = $1", id()).await?;
    let of_enrollments = "enrollment_id IN (SELECT e.id FROM sequence_enrollments e WHERE e.lead_id = $1)";
    run(&emptied("sequence_step_executions", execution, of_enrollments), id()).await?;
    run(&emptied("sequence_enrollments", enrollment, of_lead), id()).await?;
    Ok(Erased { attempts, conversions, webhook_events })
}

const TRACKED_LINKS: &str = "DELETE FROM tracked_links
    WHERE contact_attempt_id IN (SELECT a.id FROM contact_attempts a WHERE a.lead_id = $1)";

/// The statement that empties rows: `new` has the new value of each column, in SQL; None: it stays.
fn emptied<C: Iterable + IdenStatic>(table: &str, new: impl Fn(C) -> Option<&'static str>, rows: &str) -> String {
    let set = C::iter().filter_map(|column| Some(format!("{} = {}", column.as_str(), new(column)?)));
    format!("UPDATE {table} SET {} WHERE {rows}", set.collect::<Vec<_>>().join(", "))
}

/// The texts by which a provider's callback about the lead is found, in small letters. What is shorter might be in others' too.
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
    terms.retain(|term| term.len() >= SHORTEST);
    Ok(terms.into_iter().map(|term| term.to_lowercase()).collect())
}

/// Callbacks that name one of the terms keep nothing but that they came: those whose names are known.
fn known_callbacks(dialect: Dialect) -> String {
    emptied("webhook_events", callback, &format!("id IN ({})", events(dialect)))
}

/// The callbacks that have one of the terms as a key.
fn events(dialect: Dialect) -> String {
    let table = dialect.table("$1", &[("term", "text")]);
    format!("SELECT k.event_id FROM webhook_event_keys k JOIN {table} ON k.key = r.term")
}

/// What else an emptied callback named somebody by goes, too.
fn callback_keys(dialect: Dialect) -> String {
    format!("DELETE FROM webhook_event_keys WHERE event_id IN ({})", events(dialect))
}

/// Callbacks of which it is not known whom they name, as they have not been looked at: these are read.
fn unread_callbacks(dialect: Dialect) -> String {
    let table = dialect.table("$1", &[("term", "text")]);
    let position = if dialect.is_postgres() { "strpos" } else { "instr" };
    let rows = format!(
        "NOT is_keyed AND EXISTS (SELECT 1 FROM {table} WHERE {position}(lower(webhook_events.body), r.term) > 0
            OR {position}(lower(COALESCE(webhook_events.query, '')), r.term) > 0)"
    );
    emptied("webhook_events", callback, &rows)
}

fn callback(column: webhook_event::Column) -> Option<&'static str> {
    use webhook_event::Column as C;
    match column {
        C::Body => Some("''"),
        C::Query | C::ErrorMessage => Some("NULL"),
        C::Id | C::Provider | C::DedupeKey | C::Status | C::ContentType | C::Attempts => None,
        C::ReceivedAt | C::NotBefore | C::ProcessedAt | C::Outcome | C::IsKeyed => None,
    }
}

/// The new values of an attempt: whether it was opened, clicked and answered is a number in reports; the rest goes.
fn attempt(dialect: Dialect) -> impl Fn(contact_attempt::Column) -> Option<&'static str> {
    use contact_attempt::Column as C;
    let figures = if dialect.is_postgres() {
        "jsonb_build_object('opened', opened, 'clicked', clicked, 'replied', replied)"
    } else {
        "json_object('opened', json(CASE WHEN opened THEN 'true' ELSE 'false' END),
            'clicked', json(CASE WHEN clicked THEN 'true' ELSE 'false' END),
            'replied', json(CASE WHEN replied THEN 'true' ELSE 'false' END))"
    };
    move |column| match column {
        C::Result => Some(figures),
        C::Notes | C::ProviderRef => Some("NULL"),
        C::Id | C::LeadId | C::CampaignId | C::StepId | C::ScriptId | C::AbTestId | C::AbVariant | C::Channel => None,
        C::Status | C::Provider | C::StartedAt | C::CompletedAt | C::Duration | C::CostMicros | C::Currency => None,
        C::TracksClicks => None,
    }
}

/// Ids of clicks lead to a person, by way of who sold them. Each conversion keeps a key of its own.
fn conversion(dialect: Dialect) -> impl Fn(conversion::Column) -> Option<&'static str> {
    use conversion::Column as C;
    move |column| match column {
        C::PostbackData | C::SubId | C::ClickId => Some("NULL"),
        C::SubjectId if dialect.is_postgres() => Some("'erased:' || CAST(id AS text)"),
        C::SubjectId => Some("'erased:' || lower(hex(id))"),
        C::Version => Some("version + 1"),
        C::Id | C::LeadId | C::CampaignId | C::ContactAttemptId | C::StepId | C::Channel | C::RevenueMicros => None,
        C::Currency | C::Status | C::OriginalStatus | C::Source | C::TransactionId | C::Attribution => None,
        C::AttributedAt | C::CreatedAt | C::UpdatedAt => None,
    }
}

fn execution(column: execution::Column) -> Option<&'static str> {
    use execution::Column as C;
    match column {
        C::Result => Some("NULL"),
        C::Id | C::EnrollmentId | C::StepId | C::ContactAttemptId | C::Status | C::Reason | C::ScheduledAt => None,
        C::NextAttemptAt | C::ExecutedAt | C::Attempt | C::Leases | C::Holder | C::Lease | C::LeasedUntil => None,
        C::CreatedAt | C::Channel => None,
    }
}

fn enrollment(column: enrollment::Column) -> Option<&'static str> {
    use enrollment::Column as C;
    match column {
        C::Meta => Some("'{}'"),
        C::Version => Some("version + 1"),
        C::Id | C::SequenceId | C::LeadId | C::Attempt | C::Status | C::StepsVersion | C::CurrentStep => None,
        C::EndReason | C::EnrolledAt | C::CompletedAt | C::LastStepAt | C::Change => None,
    }
}

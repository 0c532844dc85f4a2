//! What callbacks name somebody by, so that they are found without being read.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, QuerySelect, QueryTrait, Select};
use serde::Serialize;

use super::webhook_event;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::WebhookEventId;

/// What is shorter names nobody, in bytes: it might stand in what is about others, too.
pub const SHORTEST: usize = 6;

#[derive(Serialize)]
struct Row<'a> {
    event: WebhookEventId,
    key: &'a str,
}

/// Stores the keys of callbacks; those that are stored stay.
pub async fn keep(tx: &impl ConnectionTrait, events: &[(WebhookEventId, Vec<String>)]) -> Result<()> {
    let of_all = events.iter().flat_map(|(event, keys)| keys.iter().map(|key| Row { event: *event, key }));
    let keys: Vec<Row<'_>> = of_all.collect();
    if keys.is_empty() {
        return Ok(());
    }
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "INSERT INTO webhook_event_keys (event_id, key) SELECT r.event, r.key FROM {} WHERE true ON CONFLICT DO NOTHING",
        dialect.table("$1", &[("event", "uuid"), ("key", "text")]),
    );
    tx.execute_raw(dialect.statement(&sql, [rows(&keys)])).await?;
    Ok(())
}

/// Forgets the keys of these callbacks.
pub async fn forget(tx: &impl ConnectionTrait, events: Select<webhook_event::Entity>) -> Result<()> {
    let events = events.select_only().column(webhook_event::Column::Id).into_query();
    let these = Expr::col("event_id").in_subquery(events);
    tx.execute(Query::delete().from_table("webhook_event_keys").and_where(these)).await?;
    Ok(())
}

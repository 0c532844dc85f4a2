//! Leads whose addresses are on Instantly's block list.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::Db;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::LeadId;

/// A lead who wants no emails, and of whom Instantly has not been told.
#[derive(Debug, FromQueryResult)]
pub struct Unwilling {
    /// The lead.
    pub id: LeadId,
    /// Where.
    pub email: String,
}

/// The first `most` of them. Raw SQL: the condition is that of the partial index `leads_unwilling`, to the letter.
pub async fn unwilling(db: &Db, most: i64) -> Result<Vec<Unwilling>> {
    let sql = "SELECT l.id, l.email FROM leads l
               WHERE l.email IS NOT NULL AND (l.no_email OR l.status = 'DO_NOT_CONTACT')
                 AND NOT EXISTS (SELECT 1 FROM instantly_blocks b WHERE b.lead_id = l.id)
               ORDER BY l.id LIMIT $1";
    let rows = db.reader().query_all_raw(Dialect(db.backend()).statement(sql, [most.into()])).await?;
    rows.iter().map(|row| Ok(Unwilling::from_query_result(row, "")?)).collect()
}

/// Notes that Instantly has been told. Raw SQL: it commits by itself.
pub async fn note(db: &Db, lead: LeadId, now: chrono::DateTime<chrono::Utc>) -> Result<()> {
    let sql = "INSERT INTO instantly_blocks (lead_id, blocked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let values: [Value; 2] = [lead.into(), now.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

//! Jobs as the change log tells of them: each by its last change only (R8).

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::job;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// A part of an entry of the change log: consecutive positions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part {
    pub seq: i64,
    pub key: i64,
    pub first: i32,
    pub last: i32,
}

const COLUMNS: [(&str, &str); 4] = [("seq", "bigint"), ("key", "bigint"), ("first", "integer"), ("last", "integer")];

/// The jobs that were last changed by the entries that `parts` are of, each with the entry's `seq`, in the log's order.
pub async fn read(
    db: &impl ConnectionTrait,
    campaign: BroadcastCampaignId,
    parts: &[Part],
) -> Result<Vec<(i64, job::Model)>> {
    let dialect = Dialect(db.get_database_backend());
    // CROSS JOIN: SQLite must not turn the order of the loops around and walk all jobs of the campaign.
    let sql = format!(
        "SELECT r.seq AS seq, j.* FROM {} CROSS JOIN jobs AS j
         WHERE j.campaign_id = $1 AND j.position BETWEEN r.first AND r.last AND j.change = r.key
         ORDER BY r.seq, j.position",
        dialect.table("$2", &COLUMNS),
    );
    let values: [Value; 2] = [campaign.into(), rows(parts)];
    let found = db.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(|row| Ok((row.try_get("", "seq")?, job::Model::from_query_result(row, "")?))).collect()
}

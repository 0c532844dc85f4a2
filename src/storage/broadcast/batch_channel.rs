//! Which channels are in which batch.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ConnectionTrait, Value};

use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{BatchId, ChannelId};

/// One channel in one batch.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batch_channels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch_id: BatchId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
}

joins_nothing!();

/// How many active channels each of these batches has now. The inactive ones are counted, by their index: they are few.
pub async fn active(db: &impl ConnectionTrait, batches: &[BatchId]) -> Result<HashMap<BatchId, i32>> {
    let dialect = Dialect(db.get_database_backend());
    let places: Vec<String> = (1..=batches.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "SELECT b.id, b.channel_count - (
             SELECT COUNT(*) FROM channels c JOIN batch_channels m ON m.batch_id = b.id AND m.channel_id = c.id
             WHERE c.is_active = FALSE) AS active
         FROM batches b WHERE b.id IN ({})",
        places.join(", ")
    );
    let found = db.query_all_raw(dialect.statement(&sql, batches.iter().map(|id| Value::from(*id)))).await?;
    let count = |active: i64| i32::try_from(active).unwrap_or_default();
    found.iter().map(|row| Ok((row.try_get("", "id")?, count(row.try_get("", "active")?)))).collect()
}

impl Entity {
    /// The channels of a batch.
    pub fn of(batch: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::BatchId)).eq(batch))
    }

    /// The batches of a channel.
    pub fn with(channel: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::ChannelId)).eq(channel))
    }
}

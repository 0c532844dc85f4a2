//! Batches: lists of channels that campaigns write to.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue, QuerySelect};

use crate::domain::error::{Error, Result};
use crate::domain::id::{BatchId, UserId};

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batches")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatchId,
    pub name: String,
    pub description: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub created_by_id: UserId,
    /// Kept in step with `batch_channels`, so that lists need not count.
    pub channel_count: i32,
    pub version: i32,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The batch `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require(tx: &impl ConnectionTrait, id: BatchId) -> Result<Model> {
        let found = Self::find_by_id(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("batch"))
    }
}

impl Model {
    /// A changed copy of this row, with its version raised.
    pub fn changed(self, now: DateTimeUtc) -> ActiveModel {
        let version = self.version + 1;
        let mut row: ActiveModel = self.into();
        row.updated_at = ActiveValue::Set(now);
        row.version = ActiveValue::Set(version);
        row
    }
}

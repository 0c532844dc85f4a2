//! Uploaded files; the bytes lie in the data folder of the node that took them.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;

use crate::domain::error::{Error, Result};
use crate::domain::id::{NodeId, UploadId, UserId};

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UploadId,
    pub user_id: UserId,
    pub node_id: NodeId,
    pub bytes: i64,
    pub created_at: DateTimeUtc,
    /// None: it vanishes after a day.
    pub used_at: Option<DateTimeUtc>,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The upload `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require(tx: &impl ConnectionTrait, id: UploadId) -> Result<Model> {
        let found = Self::find_by_id(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("upload"))
    }

    /// Files of `node` that nobody has used since `before`.
    pub fn unused(node: NodeId, before: DateTimeUtc) -> Select<Self> {
        Self::find()
            .filter(Column::NodeId.eq(node))
            .filter(Column::UsedAt.is_null())
            .filter(Column::CreatedAt.lt(before))
    }
}

//! Imports of leads from uploaded files.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;

use crate::domain::broadcast::ImportStatus;
use crate::domain::error::{Error, Result};
use crate::domain::id::{LeadImportId, NodeId, RetentionCampaignId, UploadId, UserId};
use crate::domain::retention::words::LeadImportFormat;

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lead_imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeadImportId,
    pub upload_id: UploadId,
    /// The node that has the file and therefore does the work.
    pub node_id: NodeId,
    pub status: ImportStatus,
    pub format: LeadImportFormat,
    /// Which column holds what, a JSON object.
    pub mapping: Json,
    /// The campaign that the leads are assigned to.
    pub campaign_id: Option<RetentionCampaignId>,
    pub lines: i64,
    pub inserted: i64,
    pub duplicates: i64,
    pub invalid: i64,
    pub bytes_read: i64,
    pub error_message: Option<String>,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub created_by_id: UserId,
    /// Rises with every change, so that subscribers can tell old from new.
    pub version: i32,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// Those of `ids` that are there.
    pub fn by_ids(ids: &[LeadImportId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied()))
    }

    /// The lead import `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require(tx: &impl ConnectionTrait, id: LeadImportId) -> Result<Model> {
        let found = Self::find_by_id(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("lead import"))
    }
}

//! Imports of leads from uploaded files.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::broadcast::ImportStatus;
use domain::error::Result;
use domain::id::{LeadImportId, NodeId, RetentionCampaignId, UploadId, UserId};
use domain::retention::words::LeadImportFormat;

/// Errors of an import that are kept.
pub const ERRORS: i64 = 1_000;

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
    /// Whether its people must never be contacted.
    pub is_suppression_list: bool,
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

joins_nothing!();

noun!(LeadImportId);

impl Entity {
    /// Imports of `node` that have not ended, oldest first: those of an earlier run of the process too.
    pub fn unfinished(node: NodeId) -> Select<Self> {
        Self::in_progress().filter(Column::NodeId.eq(node)).order_by_asc(Column::Id)
    }

    /// Imports that have not ended.
    pub fn in_progress() -> Select<Self> {
        Self::find().filter(Column::Status.is_in([ImportStatus::Queued, ImportStatus::Running]))
    }
}

impl Model {
    /// Whether the import is being done, and everything before this byte of its file has been written.
    pub fn is_at(&self, byte: i64) -> bool {
        self.status == ImportStatus::Running && self.bytes_read == byte
    }

    /// Counts a batch that ends at this byte: its lines, the new leads, and the lines that did not go in.
    pub async fn moved_on(
        self,
        tx: &impl ConnectionTrait,
        byte: i64,
        [lines, inserted, invalid]: [i64; 3],
    ) -> Result<Self> {
        let mut row: ActiveModel = self.clone().into();
        row.lines = Set(self.lines + lines);
        row.inserted = Set(self.inserted + inserted);
        row.invalid = Set(self.invalid + invalid);
        row.duplicates = Set(self.duplicates + lines - inserted - invalid);
        row.bytes_read = Set(byte);
        row.version = Set(self.version + 1);
        Ok(row.update(tx).await?)
    }
}

//! Imports of channels from uploaded files.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::broadcast::ImportStatus;
use domain::error::Result;
use domain::id::{ChannelImportId, NodeId, UploadId, UserId};

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChannelImportId,
    pub upload_id: UploadId,
    /// The node that has the file and therefore does the work.
    pub node_id: NodeId,
    pub status: ImportStatus,
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

noun!(ChannelImportId);

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
    /// Whether it is being done, and everything before this byte of its file has been written.
    pub fn is_at(&self, byte: i64) -> bool {
        self.status == ImportStatus::Running && self.bytes_read == byte
    }
}

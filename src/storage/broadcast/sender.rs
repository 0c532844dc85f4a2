//! Senders: processes that hold leases on jobs.

use sea_orm::entity::prelude::*;

use crate::domain::id::SenderId;

/// A sender. Its row is there for as long as it may hold leases.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "senders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SenderId,
    /// Raised by whoever takes its leases over.
    pub epoch: i64,
    /// Raised by the holder every few seconds.
    pub beat: i64,
    pub host: String,
    /// The boot of the host's kernel.
    pub boot: String,
    pub pid: i32,
    /// When the process started, in clock ticks since the boot: pids are used again.
    pub pid_started: i64,
    /// Its data folder.
    pub data_dir: String,
    pub started_at: DateTimeUtc,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

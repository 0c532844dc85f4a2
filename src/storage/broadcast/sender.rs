//! Senders: processes that hold leases on jobs, and for a day those that did.

use std::time::Duration;

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::id::SenderId;

/// A sender.
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
    /// The process's data folder.
    pub data_dir: String,
    pub started_at: DateTimeUtc,
    /// What the leads of its claims add to D at most, in milliseconds: written before a claim has such a lead.
    pub lead_ms: i32,
    /// When more of its claims had come back in ten seconds, since they were over too late, than were sent.
    pub late_at: Option<DateTimeUtc>,
    /// The version of Herald that it runs; empty if it does not tell.
    pub program: String,
    /// Since when it claims nothing, because it was told so.
    pub drained_at: Option<DateTimeUtc>,
    /// When it has given all its leases back, or somebody took them over.
    pub ended_at: Option<DateTimeUtc>,
}

crate::rows::row!(
    id, epoch, beat, host, boot, pid, pid_started, data_dir, started_at, lead_ms, program;
    late_at, drained_at, ended_at,
);

joins_nothing!();

noun!(SenderId);

impl Entity {
    /// Senders that may hold leases.
    pub fn live() -> Select<Self> {
        Self::find().filter(Column::EndedAt.is_null())
    }

    /// What the longest lead of those that may hold leases adds to D.
    pub async fn longest_delay(db: &impl ConnectionTrait) -> Result<Duration, DbErr> {
        let longest = Self::live().order_by_desc(Column::LeadMs).one(db).await?;
        Ok(longest.map_or(Duration::ZERO, |row| Duration::from_millis(row.lead_ms.max(0).unsigned_abs().into())))
    }

    /// Running processes that send: a command that only looks at accounts has no data folder.
    pub fn working() -> Select<Self> {
        Self::live().filter(Column::DataDir.ne(""))
    }

    /// Those of them that claim what is to be sent.
    pub fn sending() -> Select<Self> {
        Self::working().filter(Column::DrainedAt.is_null())
    }

    /// When the database was last too slow for one of those that may hold leases.
    pub async fn last_late(db: &impl ConnectionTrait) -> Result<Option<DateTimeUtc>, DbErr> {
        let late = Self::live().filter(Column::LateAt.is_not_null()).order_by_desc(Column::LateAt).one(db).await?;
        Ok(late.and_then(|row| row.late_at))
    }

    /// Senders that ended before an instant: nobody needs to know of them any more.
    pub fn forget(before: DateTimeUtc) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::EndedAt.lt(before))
    }
}

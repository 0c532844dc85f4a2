//! Parts of the audit log that lie in the archive. Recorded in the transaction that deletes their lines, and never changed.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

/// A part: consecutive lines of the chain in one file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_archives")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub first_seq: i64,
    pub last_seq: i64,
    pub lines: i64,
    /// The file's name in the archive, wherever that is now.
    pub name: String,
    /// Of the file, in hexadecimal digits.
    pub sha256: String,
    /// The hash of the last line: the chain goes on from it.
    pub last_hash: String,
    pub archived_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// All parts, in the order of the chain.
    pub fn in_order() -> Select<Self> {
        Self::find().order_by_asc(Column::FirstSeq)
    }

    /// The part that was archived last comes first.
    pub fn newest() -> Select<Self> {
        Self::find().order_by_desc(Column::FirstSeq)
    }
}

//! The audit log: append-only, and chained by hashes just after commit.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::noun::noun;
use crate::sql::{self, Dialect};
use domain::audit::{Action, Severity};
use domain::error::Result;
use domain::id::{AuditLogId, UserId};

/// One line: who did what to what, when, and from where.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_logs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditLogId,
    /// None for what Herald did by itself.
    pub user_id: Option<UserId>,
    pub action: Action,
    pub resource_type: Option<String>,
    pub resource_id: Option<Uuid>,
    pub metadata: Option<Json>,
    pub severity: Severity,
    pub timestamp: DateTimeUtc,
    pub ip_address: Option<String>,
    /// The place in the chain, given by the sealer.
    pub seq: Option<i64>,
    /// SHA-256 over the line and the hash of the line before it, in hexadecimal digits.
    pub hash: Option<String>,
}

joins_nothing!();

noun!(AuditLogId);

impl Entity {
    /// The lines about one thing, newest first.
    pub fn about(kind: &str, id: Uuid) -> Select<Self> {
        let about = Self::find().filter(Column::ResourceType.eq(kind)).filter(Column::ResourceId.eq(id));
        about.order_by_desc(Column::Id)
    }

    /// Lines that the sealer has not reached, oldest first.
    pub fn unsealed() -> Select<Self> {
        Self::find().filter(Column::Seq.is_null()).order_by_asc(Column::Id)
    }

    /// The lines from one place of the chain to another, which must be recorded as archived: the database keeps all others.
    pub fn forget(first: i64, last: i64) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::Seq.between(first, last))
    }

    /// Sealed lines after `seq`, in the order of the chain.
    pub fn sealed_after(seq: i64) -> Select<Self> {
        Self::find().filter(Column::Seq.gt(seq)).order_by_asc(Column::Seq)
    }
}

/// A line's place in the chain, and the hash that holds it there.
#[derive(Debug, Serialize)]
pub struct Seal {
    pub id: AuditLogId,
    pub seq: i64,
    pub hash: String,
}

/// Seals many lines in one statement, which sea-orm can't say: each has values of its own.
pub async fn seal(tx: &impl ConnectionTrait, seals: &[Seal]) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$1", &[("id", "uuid"), ("seq", "bigint"), ("hash", "text")]);
    let sql = format!("UPDATE audit_logs SET seq = r.seq, hash = r.hash FROM {table} WHERE audit_logs.id = r.id");
    tx.execute_raw(dialect.statement(&sql, [sql::rows(seals)])).await?;
    Ok(())
}

crate::filter::filter! {
    /// Which lines are wanted.
    AuditLogFilter of Entity {
        actions: Vec<Action> => |actions| Column::Action.is_in(actions),
        severities: Vec<Severity> => |severities| Column::Severity.is_in(severities),
        user: UserId => |id| Column::UserId.eq(id),
        resource_type: String => |kind| Column::ResourceType.eq(kind),
        resource: (String, Uuid) => |(kind, id)| {
            sea_orm::Condition::all().add(Column::ResourceType.eq(kind)).add(Column::ResourceId.eq(id))
        },
        since: DateTimeUtc => |since| Column::Timestamp.gte(since),
        until: DateTimeUtc => |until| Column::Timestamp.lt(until),
    }
}

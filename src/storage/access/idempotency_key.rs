//! Idempotency keys: what a write that carried one has done.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

use domain::error::Result;
use domain::id::UserId;

/// A key of one user for one mutation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub mutation: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The request that did it: it may write this row several times, no other request may.
    pub request: Uuid,
    /// A keyed hash of the input.
    pub fingerprint: String,
    /// The row that was made or changed.
    pub resource_id: Option<Uuid>,
    /// More of the answer, such as counts.
    pub result: Option<Json>,
    pub created_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// Writes the row, unless another request has written one that is not older than `kept_since`. Returns whether it did.
    /// On PostgreSQL it waits for a request that is just doing so.
    pub async fn claim(tx: &impl ConnectionTrait, row: Model, kept_since: DateTimeUtc) -> Result<bool> {
        let is_own = Expr::col((Self, Column::Request)).eq(row.request);
        let is_free = is_own.or(Expr::col((Self, Column::CreatedAt)).lt(kept_since));
        let replace = OnConflict::columns([Column::UserId, Column::Mutation, Column::Key])
            .update_columns([
                Column::Request,
                Column::Fingerprint,
                Column::ResourceId,
                Column::Result,
                Column::CreatedAt,
            ])
            .action_and_where(is_free)
            .to_owned();
        let written = Self::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(tx).await?;
        Ok(written > 0)
    }

    /// The mutation that was done under this key since then.
    pub fn kept(user: UserId, mutation: &str, key: &str, since: DateTimeUtc) -> Select<Self> {
        Self::find_by_id((user, mutation.to_owned(), key.to_owned())).filter(Column::CreatedAt.gte(since))
    }

    /// Forgets what is older.
    pub fn forget(before: DateTimeUtc) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::CreatedAt.lt(before))
    }
}

//! Those who sign in.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Query;
use sea_orm::{ActiveValue, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::refresh_token;

use crate::domain::error::{Error, Result};
use crate::domain::id::UserId;
use crate::domain::role::Role;

/// A user. A deleted one stays as a row: what was done in that name keeps its author.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    pub username: String,
    pub password_hash: String,
    pub role: Role,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub last_login_at: Option<DateTimeUtc>,
    pub deleted_at: Option<DateTimeUtc>,
    pub version: i32,
}

/// A user's row joins nothing: loaders follow its id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Users that have not been deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }

    /// The user who signs in as `username`.
    pub fn named(username: &str) -> Select<Self> {
        Self::present().filter(Column::Username.eq(username))
    }

    /// The user `id`, if not deleted.
    pub fn present_one(id: UserId) -> Select<Self> {
        Self::present().filter(Column::Id.eq(id))
    }

    /// All users, deleted ones too.
    pub fn any() -> Select<Self> {
        Self::find()
    }

    /// Users that have been deleted.
    pub fn deleted() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_not_null())
    }

    /// Users with these ids, deleted ones too.
    pub fn by_ids(ids: &[UserId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied()))
    }

    /// The admins, locked until the transaction ends, always in the same order.
    pub fn admins() -> Select<Self> {
        Self::present().filter(Column::Role.eq(Role::Admin)).order_by_asc(Column::Id).lock_exclusive()
    }

    /// The user `id`, while the session `family` has not ended.
    pub fn in_session(id: UserId, family: Uuid) -> Select<Self> {
        let token = Query::select()
            .expr(Expr::val(1))
            .from(refresh_token::Entity)
            .and_where(refresh_token::Column::Family.eq(family))
            .and_where(refresh_token::Column::UserId.eq(id))
            .and_where(refresh_token::Column::RevokedAt.is_null())
            .to_owned();
        Self::present_one(id).filter(Expr::exists(token))
    }

    /// The user `id`, locked until the transaction ends; `NOT_FOUND` if deleted.
    pub async fn require(tx: &impl ConnectionTrait, id: UserId) -> Result<Model> {
        let found = Self::present_one(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("user"))
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

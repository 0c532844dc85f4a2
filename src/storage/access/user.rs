//! Those who sign in.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{QueryOrder, QuerySelect};
use uuid::Uuid;

use super::refresh_token;

use crate::noun::noun;
use crate::sql::contains;
use domain::error::Result;
use domain::fold::fold;
use domain::id::UserId;
use domain::role::Role;

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
    /// By which name single sign-on knows him; None for who signs in with a password only.
    pub sso_subject: Option<String>,
    /// When the newest token was issued that told his role, or when an admin gave him another one since.
    pub sso_issued_at: Option<DateTimeUtc>,
    /// When all of his sessions were ended: what single sign-on issued before opens none.
    pub sso_ended_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(UserId {
    fn changeable() -> Select<Self> {
        Self::present()
    }
});

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

    /// The user who has or had this name, a deleted one too.
    pub fn any_named(username: &str) -> Select<Self> {
        Self::find().filter(Column::Username.eq(username))
    }

    /// All users, deleted ones too.
    pub fn any() -> Select<Self> {
        Self::find()
    }

    /// Users that have been deleted.
    pub fn deleted() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_not_null())
    }

    /// The admins, locked until the transaction ends, always in the same order.
    pub fn admins() -> Select<Self> {
        Self::present().filter(Column::Role.eq(Role::Admin)).order_by_asc(Column::Id).lock_exclusive()
    }

    /// The user `id`, while the session `family` has not ended.
    pub fn in_session(id: UserId, family: Uuid) -> Select<Self> {
        Self::present_one(id).filter(in_family(family))
    }

    /// The user whom single sign-on knows as `subject`, while the session `family` has not ended.
    pub fn vouched_for(subject: &str, family: Uuid) -> Select<Self> {
        Self::present().filter(Column::SsoSubject.eq(subject)).filter(in_family(family))
    }

    /// The user whom single sign-on knows as `subject`, a deleted one too, locked until the transaction ends.
    pub fn with_subject(subject: &str) -> Select<Self> {
        Self::find().filter(Column::SsoSubject.eq(subject)).lock_exclusive()
    }
}

/// Whether a user is the one of the session `family`, which has not ended.
fn in_family(family: Uuid) -> sea_orm::sea_query::SimpleExpr {
    let token = Query::select()
        .expr(Expr::val(1))
        .from(refresh_token::Entity)
        .and_where(refresh_token::Column::Family.eq(family))
        .and_where(Expr::col(refresh_token::Column::UserId.as_column_ref()).equals(Column::Id.as_column_ref()))
        .and_where(refresh_token::Column::RevokedAt.is_null())
        .to_owned();
    Expr::exists(token)
}

crate::filter::filter! {
    /// Which users are wanted.
    UserFilter of Entity {
        roles: Vec<Role> => |roles| Column::Role.is_in(roles),
        username_contains: String => |part: String| Column::Username.like(contains(&fold(part.trim()))),
    }
}

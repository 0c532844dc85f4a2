//! API tokens: what scripts sign in with.

use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use crate::folded::{Folded, FoldedFrom};
use crate::noun::noun;
use domain::error::Result;
use domain::id::{ApiTokenId, UserId};
use domain::role::Role;

/// An API token, stored as its SHA-256. A revoked one stays as a row: what it did keeps its name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiTokenId,
    /// The user whose token it is: it ends with him.
    pub user_id: UserId,
    pub name: String,
    /// The most that it may do; never more than its user.
    pub role: Role,
    pub token_hash: String,
    pub created_at: DateTimeUtc,
    /// None: it does not end by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// To the minute.
    pub last_used_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    /// The name as it is sorted.
    pub name_fold: Folded,
}

joins_nothing!();

noun!(ApiTokenId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NameFold, &[Column::Name])];
});

impl Entity {
    /// The tokens of one user.
    pub fn of(user: UserId) -> Select<Self> {
        Self::find().filter(Column::UserId.eq(user))
    }

    /// The token with this hash, if it holds at `now`.
    pub fn with_hash(hash: &str, now: DateTimeUtc) -> Select<Self> {
        Self::find().filter(Column::TokenHash.eq(hash)).filter(holding(now))
    }

    /// The token `id`, if it holds at `now`.
    pub fn held(id: ApiTokenId, now: DateTimeUtc) -> Select<Self> {
        Self::find_by_id(id).filter(holding(now))
    }

    /// Notes a use at `now`, unless one was noted after `before`.
    pub fn use_at(id: ApiTokenId, now: DateTimeUtc, before: DateTimeUtc) -> sea_orm::UpdateMany<Self> {
        let is_due = Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lte(before));
        Self::update_many().col_expr(Column::LastUsedAt, Expr::value(now)).filter(Column::Id.eq(id)).filter(is_due)
    }
}

/// Neither revoked nor at its end.
pub fn holding(now: DateTimeUtc) -> Condition {
    let lasts = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now));
    Condition::all().add(Column::RevokedAt.is_null()).add(lasts)
}

crate::filter::filter! {
    /// Which API tokens are wanted.
    ApiTokenFilter of Entity {
        user: UserId => |id| Column::UserId.eq(id),
        // Whether they hold, and when.
        holding: (bool, DateTimeUtc) => |(holds, now)| if holds { holding(now) } else { holding(now).not() },
    }
}

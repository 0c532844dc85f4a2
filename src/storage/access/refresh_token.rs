//! Refresh tokens: each is used once, and all that came from one login are one family.

use sea_orm::entity::prelude::*;
use sea_orm::{Condition, ExprTrait, QuerySelect};

use domain::id::{RefreshTokenId, UserId};

/// A refresh token, stored as its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefreshTokenId,
    pub user_id: UserId,
    pub family: Uuid,
    pub token_hash: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    /// The name of the session at whom single sign-on believes, if it has one.
    pub sso_session: Option<String>,
}

joins_nothing!();

impl Entity {
    /// The token with this hash, locked until the transaction ends.
    pub fn with_hash(hash: &str) -> Select<Self> {
        Self::find().filter(Column::TokenHash.eq(hash)).lock_exclusive()
    }

    /// The tokens of single sign-on by which a session of `user` goes on: those of the same name, or, where it has none, those that
    /// have not ended by `since`. A token of a session that was ended here is none of them.
    pub fn of_session(user: UserId, session: Option<&str>, since: DateTimeUtc) -> Select<Self> {
        let of_user = Self::find().filter(Column::UserId.eq(user)).filter(Column::RevokedAt.is_null());
        match session {
            Some(session) => of_user.filter(Column::SsoSession.eq(session)),
            None => of_user.filter(Column::SsoSession.is_null()).filter(Column::ExpiresAt.gt(since)),
        }
    }

    /// The tokens of single sign-on of a session of `user` that was ended here, after `issued` if that is known; without a name, of
    /// all that have none.
    pub fn ended_session(user: UserId, session: Option<&str>, issued: Option<DateTimeUtc>) -> Select<Self> {
        let ended = Self::find().filter(Column::UserId.eq(user)).filter(in_session(session));
        match issued {
            Some(issued) => ended.filter(Column::RevokedAt.gt(issued)),
            None => ended.filter(Column::RevokedAt.is_not_null()),
        }
    }

    /// Forgets tokens that ended before then. Of a session that goes on, the newest stays, and of single sign-on what was ended
    /// here after `remembered`: a token of the same session may come that was not seen yet.
    pub fn forget(before: DateTimeUtc, remembered: DateTimeUtc) -> sea_orm::DeleteMany<Self> {
        let is_needless = Condition::any()
            .add(Column::SsoSession.is_null())
            .add(Column::RevokedAt.is_null())
            .add(Column::RevokedAt.lt(remembered));
        Self::delete_many().filter(Column::ExpiresAt.lt(before)).filter(is_needless)
    }

    /// The tokens of a family.
    pub fn of_family(family: Uuid) -> Select<Self> {
        Self::find().filter(Column::Family.eq(family))
    }

    /// Ends every token of a session of single sign-on.
    pub fn revoke_session(user: UserId, session: &str, now: DateTimeUtc) -> sea_orm::UpdateMany<Self> {
        Self::revoke_of(user, now).filter(Column::SsoSession.eq(session))
    }

    /// Ends every token of a family.
    pub fn revoke_family(family: Uuid, now: DateTimeUtc) -> sea_orm::UpdateMany<Self> {
        Self::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now))
            .filter(Column::Family.eq(family))
            .filter(Column::RevokedAt.is_null())
    }

    /// Ends every session of a user.
    pub fn revoke_of(user: UserId, now: DateTimeUtc) -> sea_orm::UpdateMany<Self> {
        Self::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now))
            .filter(Column::UserId.eq(user))
            .filter(Column::RevokedAt.is_null())
    }

    /// Ends every session of a user but one.
    pub fn revoke_others(user: UserId, kept: Uuid, now: DateTimeUtc) -> sea_orm::UpdateMany<Self> {
        Self::revoke_of(user, now).filter(Column::Family.ne(kept))
    }
}

/// How the hash of a token begins that single sign-on has issued.
const SIGNED_ON: &str = "sso ";

impl Model {
    /// By what a token of single sign-on is known here, of which this is the hash.
    pub fn of_sign_on(hash: &str) -> String {
        format!("{SIGNED_ON}{hash}")
    }
}

/// Whether a token of single sign-on is of this session, or has none.
fn in_session(session: Option<&str>) -> sea_orm::sea_query::SimpleExpr {
    match session {
        Some(session) => Column::SsoSession.eq(session),
        None => Column::SsoSession.is_null().and(Column::TokenHash.starts_with(SIGNED_ON)),
    }
}

//! Sessions: what is known of those who have signed in, beside the tokens by which their sessions go on.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{DeleteMany, IntoActiveModel};

use super::refresh_token;
use crate::noun::noun;
use domain::error::Result;
use domain::id::{SessionId, UserId};

/// A session. Its id is the family of its refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    /// When somebody signed in.
    pub began_at: DateTimeUtc,
    /// When its tokens were last renewed: that is every quarter of an hour while it is used.
    pub seen_at: DateTimeUtc,
    /// From where, then.
    pub ip_address: Option<String>,
    /// By which program, then.
    pub user_agent: Option<String>,
}

crate::rows::row!(id, user_id, began_at, seen_at; ip_address, user_agent);

joins_nothing!();

noun!(SessionId);

impl Entity {
    /// Notes that a session begins, or is seen again.
    pub async fn note(tx: &impl ConnectionTrait, row: Model) -> Result<()> {
        let seen = [Column::SeenAt, Column::IpAddress, Column::UserAgent];
        let again = OnConflict::column(Column::Id).update_columns(seen).to_owned();
        Self::insert(row.into_active_model()).on_conflict(again).exec_without_returning(tx).await?;
        Ok(())
    }

    /// Those that have not ended by `now`.
    pub fn live(now: DateTimeUtc) -> Select<Self> {
        use refresh_token::Column as Token;
        let tokens = Query::select()
            .column(Token::Family)
            .from(refresh_token::Entity)
            .and_where(Token::RevokedAt.is_null())
            .and_where(Token::ExpiresAt.gt(now))
            .to_owned();
        Self::find().filter(Column::Id.in_subquery(tokens))
    }

    /// Forgets those that have no token any more.
    pub fn forget() -> DeleteMany<Self> {
        let tokens = Query::select().column(refresh_token::Column::Family).from(refresh_token::Entity).to_owned();
        Self::delete_many().filter(Column::Id.not_in_subquery(tokens))
    }
}

crate::filter::filter! {
    /// Which sessions are wanted.
    SessionFilter of Entity {
        user: UserId => |id| Column::UserId.eq(id),
    }
}

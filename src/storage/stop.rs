//! The stop of everything: a row that is there, or not. Each claim asks for it in its own statement, so that no process can have
//! an old answer.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use domain::error::Result;
use domain::id::UserId;

/// What a statement that claims something to be sent asks for.
pub const NOTHING_IS_STOPPED: &str = "NOT EXISTS (SELECT 1 FROM stops)";

/// The id of the one row.
const ID: i32 = 1;

/// Nothing is sent, of any sort.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stops")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    #[expect(missing_docs, reason = "a name of a column")]
    pub id: i32,
    /// What whoever did it said.
    pub reason: String,
    /// Since when.
    pub stopped_at: DateTimeUtc,
    /// Who did it; None if it was done on the command line.
    pub user_id: Option<UserId>,
}

joins_nothing!();

impl Entity {
    /// The stop that holds; None if nothing is stopped.
    pub async fn present(db: &impl ConnectionTrait) -> Result<Option<Model>> {
        Ok(Self::find_by_id(ID).one(db).await?)
    }

    /// Stops everything, unless it is stopped already: then the first reason stays.
    pub async fn begin(
        tx: &impl ConnectionTrait,
        reason: &str,
        user_id: Option<UserId>,
        now: DateTimeUtc,
    ) -> Result<()> {
        let row = Model { id: ID, reason: reason.to_owned(), stopped_at: now, user_id };
        let known = OnConflict::column(Column::Id).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        Ok(())
    }

    /// Lifts the stop. False if nothing was stopped.
    pub async fn end(tx: &impl ConnectionTrait) -> Result<bool> {
        Ok(Self::delete_by_id(ID).exec(tx).await?.rows_affected > 0)
    }
}

//! How far whoever should know has been told: a place in the chain of the audit log, and who is telling at the moment.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};

use domain::error::Result;

/// The id of the one row.
const ID: i32 = 1;

/// The place up to which all was told.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alerts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The last line of the chain that was told, or is not worth it.
    pub seq: i64,
    /// Until then one process tells, and the others leave it alone.
    pub held_until: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// The place; None before anybody was to be told.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Option<Model>> {
        Ok(Self::find_by_id(ID).one(db).await?)
    }

    /// From now on what comes after `seq` is told, unless that was so already.
    pub async fn begin(db: &impl ConnectionTrait, seq: i64, now: DateTimeUtc) -> Result<()> {
        let row = Model { id: ID, seq, held_until: now };
        let known = OnConflict::column(Column::Id).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(db).await?;
        Ok(())
    }

    /// Takes the turn to tell what comes after `seq`. False if somebody else has it, or has told it.
    pub async fn hold(db: &impl ConnectionTrait, seq: i64, now: DateTimeUtc, until: DateTimeUtc) -> Result<bool> {
        let free = Self::update_many().col_expr(Column::HeldUntil, Expr::value(until));
        let free = free.filter(Column::Id.eq(ID)).filter(Column::Seq.eq(seq)).filter(Column::HeldUntil.lte(now));
        Ok(free.exec(db).await?.rows_affected > 0)
    }

    /// All up to `seq` was told; what comes next waits until `until`.
    pub async fn advance(db: &impl ConnectionTrait, seq: i64, until: DateTimeUtc) -> Result<()> {
        let told = Self::update_many().col_expr(Column::HeldUntil, Expr::value(until));
        let told = told.col_expr(Column::Seq, Expr::value(seq)).filter(Column::Id.eq(ID)).filter(Column::Seq.lte(seq));
        told.exec(db).await?;
        Ok(())
    }
}

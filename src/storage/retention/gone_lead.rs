//! Leads that are no more: where what names them leads to. Links, tokens and ids that other systems have outlive the rows.

use chrono::{DateTime, Utc};
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};

use domain::error::Result;
use domain::id::LeadId;

/// A lead that was merged into another one, or deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "gone_leads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeadId,
    /// The lead that it is a part of now; None: it was deleted.
    pub kept_id: Option<LeadId>,
    /// The hash of the email address that it had.
    pub email_hash: Option<String>,
    pub gone_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// Notes that a lead goes, and that those who became a part of it go with it.
    pub async fn note(
        tx: &impl ConnectionTrait,
        id: LeadId,
        kept: Option<LeadId>,
        email_hash: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let row = Model { id, kept_id: kept, email_hash, gone_at: now };
        let known = OnConflict::column(Column::Id).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        Self::update_many().col_expr(Column::KeptId, Expr::value(kept)).filter(Column::KeptId.eq(id)).exec(tx).await?;
        Ok(())
    }

    /// The lead that `id` names today: itself, or the one that it is a part of.
    pub async fn today(db: &impl ConnectionTrait, id: LeadId) -> Result<LeadId> {
        let gone = Self::find_by_id(id).one(db).await?;
        Ok(gone.and_then(|row| row.kept_id).unwrap_or(id))
    }
}

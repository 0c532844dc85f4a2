//! Leads that are no more: where what names them leads to. Links, tokens and ids that other systems have outlive the rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ExprTrait, IntoActiveModel, QueryOrder};

use super::lead;
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
    /// Its id in another system, which goes on using it; None if it had none, was deleted, or is forgotten with the person.
    pub external_id: Option<String>,
    pub gone_at: DateTimeUtc,
}

joins_nothing!();

impl Entity {
    /// Notes that a lead goes, and that those who became a part of it go with it.
    pub async fn note(
        tx: &impl ConnectionTrait,
        id: LeadId,
        kept: Option<LeadId>,
        (email_hash, external_id): (Option<String>, Option<String>),
        now: DateTime<Utc>,
    ) -> Result<()> {
        let row =
            Model { id, kept_id: kept, email_hash, external_id: external_id.filter(|_| kept.is_some()), gone_at: now };
        let known = OnConflict::column(Column::Id).do_nothing().to_owned();
        Self::insert(row.into_active_model()).on_conflict(known).exec_without_returning(tx).await?;
        if kept.is_none() {
            Self::forget(tx, id).await?;
        }
        Self::update_many().col_expr(Column::KeptId, Expr::value(kept)).filter(Column::KeptId.eq(id)).exec(tx).await?;
        Ok(())
    }

    /// The leads that those with these ids in another system are a part of, by these ids. Where somebody has the id now, he is meant.
    pub async fn kept(db: &impl ConnectionTrait, external_ids: &[&str]) -> Result<HashMap<String, lead::Model>> {
        if external_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let named = Column::ExternalId.is_in(external_ids.iter().copied());
        let gone = Self::find().filter(named).filter(Column::KeptId.is_not_null()).order_by_asc(Column::GoneAt);
        let gone: Vec<(String, LeadId)> =
            gone.all(db).await?.into_iter().filter_map(|row| Some((row.external_id?, row.kept_id?))).collect();
        if gone.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<LeadId> = gone.iter().map(|(_, id)| *id).collect();
        let owned = lead::Column::ExternalId.is_in(gone.iter().map(|(id, _)| id.as_str()));
        let leads = lead::Entity::find().filter(lead::Column::Id.is_in(ids).or(owned)).all(db).await?;
        let is_free = |id: &str| leads.iter().all(|lead| lead.external_id.as_deref() != Some(id));
        let kept = gone.into_iter().filter(|(id, _)| is_free(id));
        Ok(kept.filter_map(|(id, kept)| Some((id, leads.iter().find(|lead| lead.id == kept)?.clone()))).collect())
    }

    /// Forgets the ids that a lead and those that became a part of it had in other systems.
    pub async fn forget(tx: &impl ConnectionTrait, kept: LeadId) -> Result<()> {
        let nothing = Expr::value(Option::<String>::None);
        Self::update_many().col_expr(Column::ExternalId, nothing).filter(Column::KeptId.eq(kept)).exec(tx).await?;
        Ok(())
    }

    /// The lead that `id` names today: itself, or the one that it is a part of.
    pub async fn today(db: &impl ConnectionTrait, id: LeadId) -> Result<LeadId> {
        let gone = Self::find_by_id(id).one(db).await?;
        Ok(gone.and_then(|row| row.kept_id).unwrap_or(id))
    }
}

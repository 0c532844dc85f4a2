//! Leads of an earlier version whose refusals stand in their own rows only, until they are kept by address too.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;

use domain::error::Result;
use domain::id::LeadId;

/// Such a lead.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refusals_to_carry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub lead_id: LeadId,
}

joins_nothing!();

impl Entity {
    /// Some of them, at most `most`.
    pub async fn some(db: &impl ConnectionTrait, most: u64) -> Result<Vec<LeadId>> {
        let rows = Self::find().limit(most).all(db).await?;
        Ok(rows.into_iter().map(|row| row.lead_id).collect())
    }

    /// Strikes off those that are done with.
    pub async fn done(tx: &impl ConnectionTrait, leads: &[LeadId]) -> Result<()> {
        Self::delete_many().filter(Column::LeadId.is_in(leads.iter().copied())).exec(tx).await?;
        Ok(())
    }
}

//! The first errors of each import of leads.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use domain::id::LeadImportId;

/// A line that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lead_import_errors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: LeadImportId,
    /// The line's number in the file, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    pub message: String,
}

joins_nothing!();

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// The errors of some imports, by line.
    pub fn of(imports: &[LeadImportId]) -> Select<Self> {
        Self::find().filter(Column::ImportId.is_in(imports.iter().copied())).order_by_asc(Column::Line)
    }
}

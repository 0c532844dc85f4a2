//! Addresses of erased people, as keyed hashes.

use sea_orm::entity::prelude::*;

/// An address that must not come back.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suppressions")]
pub struct Model {
    /// `EMAIL` or `PHONE`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// A keyed hash of the address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub reason: String,
    pub created_at: DateTimeUtc,
}

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }
}

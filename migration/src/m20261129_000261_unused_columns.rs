//! The columns of a list that an import had no use for: what was left out is told.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = "ALTER TABLE lead_imports ADD COLUMN unused_columns {json} NOT NULL DEFAULT '[]'";
        crate::run(manager, &[column]).await
    }
}

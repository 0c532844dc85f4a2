//! For whom a sequence is: who has bought may be written to by sequences that say so.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = "ALTER TABLE retention_sequences ADD COLUMN audience text NOT NULL DEFAULT 'OPEN'";
        crate::run(manager, &[column]).await
    }
}

//! How many slots the last claim of a channel took: the statement that takes them tells it by this column.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, &["ALTER TABLE channel_paces ADD COLUMN taken bigint NOT NULL DEFAULT 0"]).await
    }
}

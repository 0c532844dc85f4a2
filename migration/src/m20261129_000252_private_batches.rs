//! Whether campaigns to a batch may write to persons and bots.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = ["ALTER TABLE batches ADD COLUMN allow_private boolean NOT NULL DEFAULT FALSE"];
        crate::run(manager, &statements).await
    }
}

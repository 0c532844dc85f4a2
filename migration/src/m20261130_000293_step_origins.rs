//! A step stays the same step when the steps of its sequence are replaced: tests of it go on.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Null: the step is its own origin.
        crate::run(manager, &["ALTER TABLE sequence_steps ADD COLUMN origin_id {uuid}"]).await
    }
}

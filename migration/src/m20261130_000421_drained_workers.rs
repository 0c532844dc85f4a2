//! Which version a process that sends is of, and since when it was told to claim nothing.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "ALTER TABLE senders ADD COLUMN program text NOT NULL DEFAULT ''",
            "ALTER TABLE senders ADD COLUMN drained_at {instant}",
        ];
        crate::run(manager, &statements).await
    }
}

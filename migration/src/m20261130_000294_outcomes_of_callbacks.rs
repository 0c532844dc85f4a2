//! What was made of a callback, in words: the log of callbacks shows it.

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
            "ALTER TABLE webhook_events ADD COLUMN outcome text",
            "CREATE INDEX webhook_events_received_at ON webhook_events (received_at, id)",
        ];
        crate::run(manager, &statements).await
    }
}

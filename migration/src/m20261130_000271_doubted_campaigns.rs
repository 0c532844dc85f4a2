//! Since when the messages of a campaign may have been sent without the database's knowing, and why a sequence has paused by itself.

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
            "ALTER TABLE broadcast_campaigns ADD COLUMN doubted_since {instant}",
            "ALTER TABLE broadcast_campaigns ADD COLUMN doubted_until {instant}",
            "ALTER TABLE retention_sequences ADD COLUMN pause_reason text",
        ];
        crate::run(manager, &statements).await
    }
}

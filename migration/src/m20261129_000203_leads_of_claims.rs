//! How long before their slots the claims of a process begin: a pause waits as much longer (R5).

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, &["ALTER TABLE senders ADD COLUMN lead_ms integer NOT NULL DEFAULT 0"]).await
    }
}

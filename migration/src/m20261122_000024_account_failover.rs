//! Whether untouched jobs of a parked account may go by another one.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = "ALTER TABLE broadcast_campaigns ADD COLUMN account_failover boolean NOT NULL DEFAULT FALSE";
        crate::run(manager, &[add]).await
    }
}

//! When a process last found that more of its claims were over too late than in time: then the database is too slow for it, and
//! waiting jobs say so.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, &["ALTER TABLE senders ADD COLUMN late_at {instant}"]).await
    }
}

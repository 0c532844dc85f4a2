//! When the last contact of each channel was due: the pace is kept by all processes together.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(
            manager,
            &["CREATE TABLE channel_paces (channel text PRIMARY KEY, last_slot bigint NOT NULL DEFAULT 0)"],
        )
        .await
    }
}

//! Senders: processes that lease jobs, with the sign of life by which others see that one is gone (R15, R16).

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
            &["CREATE TABLE senders (
    id {uuid} PRIMARY KEY,
    epoch bigint NOT NULL,
    beat bigint NOT NULL,
    host text NOT NULL,
    boot text NOT NULL,
    pid integer NOT NULL,
    pid_started bigint NOT NULL,
    data_dir text NOT NULL,
    started_at {instant} NOT NULL,
    ended_at {instant}
)"],
        )
        .await
    }
}

//! Addresses of erased people, as keyed hashes: nothing brings them back.

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
            &["CREATE TABLE suppressions (
    kind text NOT NULL,
    hash text NOT NULL,
    reason text NOT NULL,
    created_at {instant} NOT NULL,
    PRIMARY KEY (kind, hash)
)"],
        )
        .await
    }
}

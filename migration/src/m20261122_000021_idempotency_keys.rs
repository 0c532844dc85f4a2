//! Keys under which scripts repeat a write without doing it twice.

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
            &[
                "CREATE TABLE idempotency_keys (
    user_id {uuid} NOT NULL REFERENCES users (id),
    mutation text NOT NULL,
    key text NOT NULL,
    request {uuid} NOT NULL,
    fingerprint text NOT NULL,
    resource_id {uuid},
    result {json},
    created_at {instant} NOT NULL,
    PRIMARY KEY (user_id, mutation, key)
)",
                "CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at)",
            ],
        )
        .await
    }
}

//! Imports of channels, with the first errors of each.

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
                "CREATE TABLE channel_imports (
    id {uuid} PRIMARY KEY,
    upload_id {uuid} NOT NULL REFERENCES uploads (id),
    node_id {uuid} NOT NULL,
    status text NOT NULL,
    lines bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    invalid bigint NOT NULL DEFAULT 0,
    bytes_read bigint NOT NULL DEFAULT 0,
    error_message text,
    created_at {instant} NOT NULL,
    started_at {instant},
    completed_at {instant},
    created_by_id {uuid} NOT NULL REFERENCES users (id),
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX channel_imports_unfinished ON channel_imports (node_id, id) WHERE status IN ('QUEUED', 'RUNNING')",
                "CREATE TABLE channel_import_errors (
    import_id {uuid} NOT NULL REFERENCES channel_imports (id),
    line bigint NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (import_id, line)
)",
            ],
        )
        .await
    }
}

//! Imports of leads, and the lines that could not be imported.

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
                "CREATE TABLE lead_imports (
    id {uuid} PRIMARY KEY,
    upload_id {uuid} NOT NULL REFERENCES uploads (id),
    node_id {uuid} NOT NULL,
    status text NOT NULL,
    format text NOT NULL,
    mapping {json} NOT NULL,
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE SET NULL,
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
                "CREATE INDEX lead_imports_upload_id ON lead_imports (upload_id)",
                "CREATE INDEX lead_imports_unfinished ON lead_imports (node_id, id) WHERE status IN ('QUEUED', 'RUNNING')",
                "CREATE INDEX lead_imports_campaign_id ON lead_imports (campaign_id) WHERE campaign_id IS NOT NULL",
                "CREATE TABLE lead_import_errors (
    import_id {uuid} NOT NULL REFERENCES lead_imports (id) ON DELETE CASCADE,
    line bigint NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (import_id, line)
)",
            ],
        )
        .await
    }
}

//! What providers told us, as it came: committed before it is acknowledged.

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
                "CREATE TABLE webhook_events (
    id {uuid} PRIMARY KEY,
    provider text NOT NULL,
    dedupe_key text NOT NULL,
    status text NOT NULL,
    query text,
    content_type text,
    body text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    error_message text,
    received_at {instant} NOT NULL,
    not_before {instant},
    processed_at {instant}
)",
                "CREATE UNIQUE INDEX webhook_events_provider_dedupe_key_key ON webhook_events (provider, dedupe_key)",
                "CREATE INDEX webhook_events_status ON webhook_events (status, received_at, id)",
            ],
        )
        .await
    }
}

//! Scripts: the texts of emails, messages, calls and webhooks.

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
                "CREATE TABLE scripts (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    type text NOT NULL,
    subject text,
    content text,
    vapi_config {json},
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE SET NULL,
    is_default boolean NOT NULL DEFAULT FALSE,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX scripts_campaign_id ON scripts (campaign_id, id)",
                "CREATE INDEX scripts_type ON scripts (type, created_at, id)",
                "CREATE INDEX scripts_created_at ON scripts (created_at, id)",
                "CREATE INDEX scripts_is_default ON scripts (type, id) WHERE is_default",
            ],
        )
        .await
    }
}

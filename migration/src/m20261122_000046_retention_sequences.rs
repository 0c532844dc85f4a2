//! Retention sequences: many steps over many channels.

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
                "CREATE TABLE retention_sequences (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    channels {json} NOT NULL,
    trigger_type text NOT NULL,
    trigger_config {json} NOT NULL,
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE SET NULL,
    steps_version integer NOT NULL DEFAULT 0,
    watermark {instant},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX retention_sequences_status ON retention_sequences (status, id)",
                "CREATE INDEX retention_sequences_trigger_type ON retention_sequences (trigger_type, status, id)",
                "CREATE INDEX retention_sequences_campaign_id ON retention_sequences (campaign_id)",
                "CREATE INDEX retention_sequences_created_at ON retention_sequences (created_at, id)",
            ],
        )
        .await
    }
}

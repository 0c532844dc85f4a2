//! Batches, and the channels in them.

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
                "CREATE TABLE batches (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    description text,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    created_by_id {uuid} NOT NULL REFERENCES users (id),
    channel_count integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX batches_created_by_id ON batches (created_by_id)",
                "CREATE INDEX batches_created_at ON batches (created_at, id)",
                "CREATE TABLE batch_channels (
    batch_id {uuid} NOT NULL REFERENCES batches (id),
    channel_id {uuid} NOT NULL REFERENCES channels (id),
    PRIMARY KEY (batch_id, channel_id)
)",
                "CREATE INDEX batch_channels_channel_id ON batch_channels (channel_id)",
            ],
        )
        .await
    }
}

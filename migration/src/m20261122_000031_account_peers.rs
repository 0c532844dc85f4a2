//! What each account knows of channels: access hashes are worth nothing to any other account.

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
                "CREATE TABLE account_peers (
    account_id {uuid} NOT NULL REFERENCES telegram_accounts (id) ON DELETE CASCADE,
    channel_id {uuid} NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    peer_id bigint NOT NULL,
    access_hash bigint,
    is_user boolean NOT NULL DEFAULT FALSE,
    resolved_at {instant} NOT NULL,
    refreshes integer NOT NULL DEFAULT 0,
    written_at {instant},
    slow_seconds integer,
    not_before {instant},
    PRIMARY KEY (account_id, channel_id)
)",
                "CREATE INDEX account_peers_channel_id ON account_peers (channel_id)",
            ],
        )
        .await
    }
}

//! What Telegram tells about posting to a channel, and when it is asked again.

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
                "ALTER TABLE channels ADD COLUMN can_post text NOT NULL DEFAULT 'UNKNOWN'",
                "ALTER TABLE channels ADD COLUMN slow_mode_seconds integer",
                "ALTER TABLE channels ADD COLUMN message_price bigint",
                "ALTER TABLE channels ADD COLUMN refresh_requested_at {instant}",
                "ALTER TABLE channels ADD COLUMN refresh_not_before {instant}",
                "CREATE INDEX channels_refresh_requested_at ON channels (refresh_requested_at, id)
                 WHERE refresh_requested_at IS NOT NULL",
                "CREATE INDEX channels_unchecked ON channels (id) WHERE is_active AND last_checked IS NULL",
                "CREATE INDEX channels_last_checked ON channels (last_checked, id) WHERE is_active",
                "CREATE INDEX channels_obstacles ON channels (id) WHERE can_post = 'NO' OR message_price IS NOT NULL",
            ],
        )
        .await
    }
}

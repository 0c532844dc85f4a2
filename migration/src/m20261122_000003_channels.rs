//! The catalog of Telegram channels.

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
                "CREATE TABLE channels (
    id {uuid} PRIMARY KEY,
    username text NOT NULL,
    category text NOT NULL,
    tgstat_url text,
    collected_at {instant} NOT NULL,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    title text,
    description text,
    member_count integer,
    is_verified boolean NOT NULL DEFAULT FALSE,
    last_checked {instant},
    is_active boolean NOT NULL DEFAULT TRUE,
    error_count integer NOT NULL DEFAULT 0,
    last_error text,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX channels_username_key ON channels (username)",
                "CREATE INDEX channels_category ON channels (category, id)",
                "CREATE INDEX channels_is_active ON channels (is_active, id)",
                "CREATE INDEX channels_member_count ON channels ((COALESCE(member_count, -1)), id)",
                "CREATE INDEX channels_category_member_count ON channels (category, (COALESCE(member_count, -1)), id)",
            ],
        )
        .await
    }
}

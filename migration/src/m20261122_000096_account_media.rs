//! Media that accounts have put at Telegram: once per account, then named in each message.

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
            &["CREATE TABLE account_media (
    account_id {uuid} NOT NULL REFERENCES telegram_accounts (id) ON DELETE CASCADE,
    source text NOT NULL,
    is_photo boolean NOT NULL,
    media_id bigint NOT NULL,
    access_hash bigint NOT NULL,
    file_reference text NOT NULL,
    stored_at {instant} NOT NULL,
    PRIMARY KEY (account_id, source)
)"],
        )
        .await
    }
}

//! Uploaded files. The bytes lie in the data folder of the node that took them.

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
                "CREATE TABLE uploads (
    id {uuid} PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users (id),
    node_id {uuid} NOT NULL,
    bytes bigint NOT NULL,
    created_at {instant} NOT NULL,
    used_at {instant}
)",
                "CREATE INDEX uploads_unused ON uploads (created_at) WHERE used_at IS NULL",
            ],
        )
        .await
    }
}

//! Message templates.

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
                "CREATE TABLE templates (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    content text NOT NULL,
    description text,
    parse_mode text NOT NULL,
    media_type text,
    media_url text,
    media_upload_id {uuid},
    usage_count integer NOT NULL DEFAULT 0,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX templates_name ON templates (name, id)",
            ],
        )
        .await
    }
}

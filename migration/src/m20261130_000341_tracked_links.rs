//! Where the short links in plain texts lead. They go with their contact.

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
                "CREATE TABLE tracked_links (
    key text PRIMARY KEY,
    contact_attempt_id {uuid} NOT NULL REFERENCES contact_attempts (id) ON DELETE CASCADE,
    targets {json} NOT NULL
)",
                "CREATE INDEX tracked_links_contact_attempt_id ON tracked_links (contact_attempt_id)",
            ],
        )
        .await
    }
}

//! A retention campaign may have clicks and opens told by Herald's own links; of a contact it is known whether its links do.

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
                "ALTER TABLE retention_campaigns ADD COLUMN track_clicks boolean NOT NULL DEFAULT FALSE",
                "ALTER TABLE retention_campaigns ADD COLUMN track_opens boolean NOT NULL DEFAULT FALSE",
                "ALTER TABLE contact_attempts ADD COLUMN tracks_clicks boolean NOT NULL DEFAULT FALSE",
            ],
        )
        .await
    }
}

//! Which leads Instantly was told not to write to.

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
                "CREATE TABLE instantly_blocks (
    lead_id {uuid} PRIMARY KEY REFERENCES leads (id) ON DELETE CASCADE,
    blocked_at {instant} NOT NULL
)",
                "CREATE INDEX leads_unwilling ON leads (id)
                    WHERE email IS NOT NULL AND (no_email OR status = 'DO_NOT_CONTACT')",
            ],
        )
        .await
    }
}

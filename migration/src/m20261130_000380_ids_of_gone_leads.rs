//! A lead that was merged had an id in another system, by which that goes on naming it: in conversions, in lists of who refuses.

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
                "ALTER TABLE gone_leads ADD COLUMN external_id text",
                "CREATE INDEX gone_leads_external_id ON gone_leads (external_id) WHERE external_id IS NOT NULL",
            ],
        )
        .await
    }
}

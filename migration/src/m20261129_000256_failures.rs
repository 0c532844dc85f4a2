//! Failed jobs by their reason. No lease or settlement of a job that goes well changes a column that it names.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "CREATE INDEX jobs_reason ON jobs (campaign_id, reason, position) WHERE failed_at IS NOT NULL";
        crate::run(manager, &[index]).await
    }
}

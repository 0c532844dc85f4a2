//! One A/B test at a time in one place.

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
                "CREATE UNIQUE INDEX ab_tests_running_step_key ON ab_tests (step_id) WHERE status = 'RUNNING' AND step_id IS NOT NULL",
                "CREATE UNIQUE INDEX ab_tests_running_campaign_key ON ab_tests (campaign_id, channel) WHERE status = 'RUNNING' AND campaign_id IS NOT NULL",
            ],
        )
        .await
    }
}

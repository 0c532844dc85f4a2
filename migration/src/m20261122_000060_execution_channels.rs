//! The queue of retention by channel: each channel has a pace of its own, and none waits behind another.

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
                "ALTER TABLE sequence_step_executions ADD COLUMN channel text NOT NULL DEFAULT 'EMAIL'",
                "UPDATE sequence_step_executions SET channel =
                    (SELECT s.channel FROM sequence_steps s WHERE s.id = sequence_step_executions.step_id)",
                "CREATE INDEX sequence_step_executions_due ON sequence_step_executions (channel, scheduled_at, id)
                    WHERE status = 'SCHEDULED' AND holder IS NULL",
            ],
        )
        .await
    }
}

//! The steps of enrollments are the queue of retention: what is due is leased, sent and settled.

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
                "CREATE TABLE sequence_step_executions (
    id {uuid} PRIMARY KEY,
    enrollment_id {uuid} NOT NULL REFERENCES sequence_enrollments (id) ON DELETE CASCADE,
    step_id {uuid} NOT NULL REFERENCES sequence_steps (id) ON DELETE CASCADE,
    contact_attempt_id {uuid} REFERENCES contact_attempts (id) ON DELETE SET NULL,
    status text NOT NULL,
    reason text,
    scheduled_at {instant},
    next_attempt_at {instant},
    executed_at {instant},
    attempt integer NOT NULL DEFAULT 0,
    leases integer NOT NULL DEFAULT 0,
    holder {uuid},
    lease bigint,
    leased_until {instant},
    result {json},
    created_at {instant} NOT NULL
)",
                "CREATE INDEX sequence_step_executions_enrollment_id ON sequence_step_executions (enrollment_id, id)",
                "CREATE INDEX sequence_step_executions_step_id ON sequence_step_executions (step_id, status)",
                "CREATE INDEX sequence_step_executions_status_scheduled_at ON sequence_step_executions (status, scheduled_at, id)",
                "CREATE INDEX sequence_step_executions_scheduled_at ON sequence_step_executions (scheduled_at)",
                "CREATE INDEX sequence_step_executions_contact_attempt_id ON sequence_step_executions (contact_attempt_id) WHERE contact_attempt_id IS NOT NULL",
                "CREATE INDEX sequence_step_executions_holder ON sequence_step_executions (holder) WHERE holder IS NOT NULL",
            ],
        )
        .await
    }
}

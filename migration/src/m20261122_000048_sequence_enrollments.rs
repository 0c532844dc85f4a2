//! Which leads go through which retention sequences.

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
                "CREATE TABLE sequence_enrollments (
    id {uuid} PRIMARY KEY,
    sequence_id {uuid} NOT NULL REFERENCES retention_sequences (id) ON DELETE CASCADE,
    lead_id {uuid} NOT NULL REFERENCES leads (id) ON DELETE CASCADE,
    attempt integer NOT NULL DEFAULT 1,
    status text NOT NULL,
    steps_version integer NOT NULL,
    current_step integer NOT NULL DEFAULT 1,
    end_reason text,
    enrolled_at {instant} NOT NULL,
    completed_at {instant},
    last_step_at {instant},
    meta {json} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                // A lead is in a sequence once at a time; each further time is another attempt.
                "CREATE UNIQUE INDEX sequence_enrollments_current_key ON sequence_enrollments (sequence_id, lead_id) WHERE status IN ('ACTIVE', 'PAUSED')",
                "CREATE UNIQUE INDEX sequence_enrollments_sequence_id_lead_id_attempt_key ON sequence_enrollments (sequence_id, lead_id, attempt)",
                "CREATE INDEX sequence_enrollments_sequence_id ON sequence_enrollments (sequence_id, enrolled_at, id)",
                "CREATE INDEX sequence_enrollments_sequence_id_status ON sequence_enrollments (sequence_id, status, id)",
                "CREATE INDEX sequence_enrollments_status ON sequence_enrollments (status, id)",
                "CREATE INDEX sequence_enrollments_lead_id ON sequence_enrollments (lead_id, enrolled_at, id)",
            ],
        )
        .await
    }
}

//! The counters of each retention sequence, and the order in which its enrollments changed.

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
                "CREATE TABLE sequence_progress (
    sequence_id {uuid} PRIMARY KEY REFERENCES retention_sequences (id) ON DELETE CASCADE,
    status text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    active integer NOT NULL DEFAULT 0,
    paused integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    converted integer NOT NULL DEFAULT 0,
    steps_scheduled integer NOT NULL DEFAULT 0,
    steps_sent integer NOT NULL DEFAULT 0,
    steps_delivered integer NOT NULL DEFAULT 0,
    steps_failed integer NOT NULL DEFAULT 0,
    steps_skipped integer NOT NULL DEFAULT 0,
    steps_cancelled integer NOT NULL DEFAULT 0,
    steps_unknown integer NOT NULL DEFAULT 0
)",
                "ALTER TABLE sequence_enrollments ADD COLUMN change bigint NOT NULL DEFAULT 0",
                "CREATE INDEX sequence_enrollments_change ON sequence_enrollments (sequence_id, change, id)",
            ],
        )
        .await
    }
}

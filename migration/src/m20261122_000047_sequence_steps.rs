//! The steps of retention sequences. Replaced ones stay, under their version.

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
                "CREATE TABLE sequence_steps (
    id {uuid} PRIMARY KEY,
    sequence_id {uuid} NOT NULL REFERENCES retention_sequences (id) ON DELETE CASCADE,
    steps_version integer NOT NULL,
    step_order integer NOT NULL,
    channel text NOT NULL,
    script_id {uuid} REFERENCES scripts (id) ON DELETE SET NULL,
    delay_value integer NOT NULL,
    delay_unit text NOT NULL,
    conditions {json} NOT NULL,
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL
)",
                "CREATE UNIQUE INDEX sequence_steps_sequence_id_steps_version_step_order_key ON sequence_steps (sequence_id, steps_version, step_order)",
                "CREATE INDEX sequence_steps_sequence_id ON sequence_steps (sequence_id, id)",
                "CREATE INDEX sequence_steps_step_order ON sequence_steps (step_order)",
                "CREATE INDEX sequence_steps_script_id ON sequence_steps (script_id)",
            ],
        )
        .await
    }
}

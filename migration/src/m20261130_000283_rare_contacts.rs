//! Enrollments of all sequences by their time, and contacts in rare states: without an index both lists read their whole table.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "CREATE INDEX sequence_enrollments_enrolled_at ON sequence_enrollments (enrolled_at, id)",
            "CREATE INDEX contact_attempts_rare ON contact_attempts (status, started_at, id)
             WHERE status IN ('PENDING', 'UNKNOWN', 'BOUNCED')",
        ];
        crate::run(manager, &indexes).await
    }
}

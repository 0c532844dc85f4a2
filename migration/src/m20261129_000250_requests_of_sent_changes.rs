//! Which request an edit or a recall belongs to, and by which text a message without a number is looked for. The number itself is
//! the job's.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "ALTER TABLE sent_changes DROP COLUMN message_id",
            "ALTER TABLE sent_changes ADD COLUMN asked integer NOT NULL DEFAULT 1",
            "ALTER TABLE sent_changes ADD COLUMN sought text",
            "CREATE INDEX sent_changes_failed ON sent_changes (campaign_id, position) WHERE status = 'FAILED'",
        ];
        crate::run(manager, &statements).await
    }
}

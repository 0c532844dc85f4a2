//! The contacts with a script are listed by when they began.

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
                "DROP INDEX contact_attempts_script_id",
                "CREATE INDEX contact_attempts_script_id ON contact_attempts (script_id, started_at, id) WHERE script_id IS NOT NULL",
            ],
        )
        .await
    }
}

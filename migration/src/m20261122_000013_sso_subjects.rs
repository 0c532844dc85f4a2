//! Users whom somebody else vouches for: by which name, and since which token.

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
                "ALTER TABLE users ADD COLUMN sso_subject text",
                "ALTER TABLE users ADD COLUMN sso_issued_at {instant}",
                "CREATE UNIQUE INDEX users_sso_subject_key ON users (sso_subject)",
            ],
        )
        .await
    }
}

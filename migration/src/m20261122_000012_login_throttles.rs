//! Failed logins of the last minutes, by name and by address.

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
                "CREATE TABLE login_throttles (
    key text PRIMARY KEY,
    failures {json} NOT NULL,
    until {instant} NOT NULL
)",
                "CREATE INDEX login_throttles_until ON login_throttles (until)",
            ],
        )
        .await
    }
}

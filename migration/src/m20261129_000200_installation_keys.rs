//! Keys that outlive each replacement of the installation's key, sealed under it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The key itself is sealed at the first start: a migration doesn't know the installation's.
        let table = "CREATE TABLE installation_keys (
            id {uuid} PRIMARY KEY,
            sealed text NOT NULL,
            created_at {instant} NOT NULL
        )";
        crate::run(manager, &[table]).await
    }
}

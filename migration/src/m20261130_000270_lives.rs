//! The lives of the database: by them it is known that it was restored or copied.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The first start makes the first row: a migration doesn't know where it runs.
        let table = "CREATE TABLE lives (
            ordinal integer PRIMARY KEY,
            id {uuid} NOT NULL,
            age bigint NOT NULL,
            home text NOT NULL,
            began_at {instant} NOT NULL,
            seen_at {instant} NOT NULL,
            doubted_since {instant},
            settled_at {instant}
        )";
        crate::run(manager, &[table]).await
    }
}

//! How far whoever should know has been told what stopped by itself.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = "CREATE TABLE alerts (
            id integer PRIMARY KEY CHECK (id = 1),
            seq bigint NOT NULL,
            held_until {instant} NOT NULL
        )";
        crate::run(manager, &[table]).await
    }
}

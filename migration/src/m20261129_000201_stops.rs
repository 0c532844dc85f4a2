//! The stop of everything: while there is a row nothing is sent.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // At most one: claims ask whether there is any, in the statement that claims.
        let table = "CREATE TABLE stops (
            id integer PRIMARY KEY CHECK (id = 1),
            reason text NOT NULL,
            stopped_at {instant} NOT NULL,
            user_id {uuid}
        )";
        crate::run(manager, &[table]).await
    }
}

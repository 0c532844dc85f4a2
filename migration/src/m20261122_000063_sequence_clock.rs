//! A clock of their own for sequences, for demonstrations and tests: two weeks in a minute.

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
            &["CREATE TABLE sequence_clock (
    id integer PRIMARY KEY,
    anchor bigint NOT NULL,
    start bigint NOT NULL,
    speed bigint NOT NULL,
    catches_up boolean NOT NULL
)"],
        )
        .await
    }
}

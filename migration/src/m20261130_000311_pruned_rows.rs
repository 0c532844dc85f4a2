//! Until when old rows were taken away: before that, reports know whole quarters of an hour only.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, &["CREATE TABLE pruned_rows (what text PRIMARY KEY, until {instant} NOT NULL)"]).await
    }
}

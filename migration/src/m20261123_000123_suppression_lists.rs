//! A list may be of people who must never be contacted.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = "ALTER TABLE lead_imports ADD COLUMN is_suppression_list boolean NOT NULL DEFAULT FALSE";
        crate::run(manager, &[column]).await
    }
}

//! Campaigns, sequences, scripts and A/B tests that were deleted while large tables still name them: they are not there any more, and
//! go themselves once nothing names them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["retention_campaigns", "retention_sequences", "scripts", "ab_tests"];
        let all = tables.map(|table| format!("ALTER TABLE {table} ADD COLUMN deleted_at {{instant}}"));
        crate::run(manager, &all.each_ref().map(String::as_str)).await
    }
}

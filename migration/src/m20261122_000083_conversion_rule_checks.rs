//! What conversion rules found when they were looked at last.

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
            &["CREATE TABLE conversion_rule_checks (
    rule_id {uuid} PRIMARY KEY REFERENCES conversion_rules (id) ON DELETE CASCADE,
    checked_at {instant} NOT NULL,
    is_worse boolean NOT NULL,
    attempts bigint NOT NULL,
    measured double precision
)"],
        )
        .await
    }
}

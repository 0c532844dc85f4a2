//! Conversions are found by the word with which they were told: an operator says later what it stands for.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "CREATE INDEX conversions_original_status ON conversions (original_status) WHERE original_status IS NOT NULL";
        crate::run(manager, &[index]).await
    }
}

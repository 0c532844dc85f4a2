//! Since when a message of unknown fate, which is to be sent again, is looked for before.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = ["ALTER TABLE jobs ADD COLUMN sought_since {instant}"];
        crate::run(manager, &statements).await
    }
}

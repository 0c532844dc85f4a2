//! What an uploaded file is called and of which type it is: whoever gets it gets it so.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = ["ALTER TABLE uploads ADD COLUMN name text", "ALTER TABLE uploads ADD COLUMN mime_type text"];
        crate::run(manager, &columns).await
    }
}

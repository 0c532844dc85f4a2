//! In which encoding the file of an import is: as it was said, or as it was found when the import began.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            "ALTER TABLE lead_imports ADD COLUMN encoding text",
            "ALTER TABLE channel_imports ADD COLUMN encoding text",
        ];
        crate::run(manager, &columns).await
    }
}

//! Leads are listed by their names and by their addresses.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "CREATE INDEX leads_names ON leads (names_fold, id)",
            "CREATE INDEX leads_emails ON leads (COALESCE(email, ''), id)",
        ];
        crate::run(manager, &indexes).await
    }
}

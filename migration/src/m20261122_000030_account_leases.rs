//! The leases of accounts: who holds which, and the pace of each (R15, R16).

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
            &[
                "CREATE TABLE account_leases (
    account_id {uuid} PRIMARY KEY REFERENCES telegram_accounts (id) ON DELETE CASCADE,
    holder_id {uuid},
    epoch bigint NOT NULL DEFAULT 0,
    last_slot bigint NOT NULL DEFAULT 0,
    refusals integer NOT NULL DEFAULT 0
)",
                "CREATE INDEX account_leases_holder_id ON account_leases (holder_id) WHERE holder_id IS NOT NULL",
            ],
        )
        .await
    }
}

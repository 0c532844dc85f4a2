//! Which accounts a campaign goes by. A campaign without a row here goes by all that are active.

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
                "CREATE TABLE campaign_accounts (
    campaign_id {uuid} NOT NULL REFERENCES broadcast_campaigns (id) ON DELETE CASCADE,
    account_id {uuid} NOT NULL REFERENCES telegram_accounts (id),
    position integer NOT NULL,
    PRIMARY KEY (campaign_id, account_id)
)",
                "CREATE INDEX campaign_accounts_account_id ON campaign_accounts (account_id)",
            ],
        )
        .await
    }
}

//! What each Telegram account knows of leads: access hashes are worth nothing to any other account.

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
                "CREATE TABLE lead_peers (
    account_id {uuid} NOT NULL REFERENCES telegram_accounts (id) ON DELETE CASCADE,
    lead_id {uuid} NOT NULL REFERENCES leads (id) ON DELETE CASCADE,
    username text NOT NULL,
    peer_id bigint NOT NULL,
    access_hash bigint NOT NULL,
    resolved_at {instant} NOT NULL,
    written_at {instant},
    PRIMARY KEY (account_id, lead_id)
)",
                "CREATE INDEX lead_peers_lead_id ON lead_peers (lead_id)",
            ],
        )
        .await
    }
}

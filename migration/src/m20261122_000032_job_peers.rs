//! One message a recipient, whatever its channels are called (R14).

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
                "ALTER TABLE jobs ADD COLUMN peer_id bigint",
                "CREATE UNIQUE INDEX jobs_campaign_id_peer_id_key ON jobs (campaign_id, peer_id) WHERE peer_id IS NOT NULL",
            ],
        )
        .await
    }
}

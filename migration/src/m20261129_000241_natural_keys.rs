//! What people know things by leads to them by an index: the name of a batch, Telegram's number of a channel.

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
            "CREATE INDEX batches_name ON batches (name, id)",
            "CREATE INDEX account_peers_peer_id ON account_peers (peer_id)",
        ];
        crate::run(manager, &indexes).await
    }
}

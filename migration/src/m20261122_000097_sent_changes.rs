//! Messages that were sent and are to be edited or deleted: the row is the queue.

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
                "CREATE TABLE sent_changes (
    campaign_id {uuid} NOT NULL REFERENCES broadcast_campaigns (id) ON DELETE CASCADE,
    position integer NOT NULL,
    account_id {uuid} NOT NULL,
    channel_id {uuid} NOT NULL,
    message_id bigint NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    not_before {instant},
    error text,
    PRIMARY KEY (campaign_id, position)
)",
                "CREATE INDEX sent_changes_queued ON sent_changes (account_id, campaign_id, position)
                 WHERE status = 'QUEUED'",
            ],
        )
        .await
    }
}

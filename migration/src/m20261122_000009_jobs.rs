//! Jobs are the queue. No index names a column that a lease or a settlement of a job that goes well changes, but `random_id`.

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
                "CREATE TABLE jobs (
    id {uuid} PRIMARY KEY,
    campaign_id {uuid} NOT NULL,
    position integer NOT NULL,
    channel_id {uuid} NOT NULL,
    status text NOT NULL,
    change bigint NOT NULL,
    epoch integer NOT NULL DEFAULT 0,
    random_id bigint,
    account_id {uuid},
    message_id bigint,
    attempts integer NOT NULL DEFAULT 0,
    leases integer NOT NULL DEFAULT 0,
    error_message text,
    ambiguous_since {instant},
    not_before {instant},
    created_at {instant} NOT NULL,
    started_at {instant},
    sent_at {instant},
    failed_at {instant}
)",
                "CREATE UNIQUE INDEX jobs_campaign_id_position_key ON jobs (campaign_id, position)",
                "CREATE UNIQUE INDEX jobs_channel_id_campaign_id_key ON jobs (channel_id, campaign_id)",
                "CREATE UNIQUE INDEX jobs_account_id_random_id_key ON jobs (account_id, random_id) WHERE account_id IS NOT NULL",
                "CREATE INDEX jobs_not_before ON jobs (campaign_id, not_before, position) WHERE not_before IS NOT NULL",
                "CREATE INDEX jobs_failed_at ON jobs (campaign_id, position) WHERE failed_at IS NOT NULL",
                "CREATE TABLE job_changes (
    campaign_id {uuid} NOT NULL,
    seq bigint NOT NULL,
    key bigint NOT NULL,
    positions text NOT NULL,
    sender_id {uuid},
    PRIMARY KEY (campaign_id, seq)
)",
                "CREATE INDEX job_changes_sender_id ON job_changes (sender_id) WHERE sender_id IS NOT NULL",
            ],
        )
        .await?;
        if crate::is_postgres(manager) {
            // Half of each page is kept free for the second version of its rows, which then need no index entries.
            crate::run(manager, &["ALTER TABLE jobs SET (fillfactor = 50)"]).await?;
        }
        Ok(())
    }
}

//! Broadcast campaigns, and the narrow row of each that changes with every batch of jobs (R7).

use sea_orm_migration::prelude::*;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE broadcast_campaigns (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    description text,
    batch_id {uuid} NOT NULL REFERENCES batches (id),
    template_id {uuid} NOT NULL REFERENCES templates (id),
    params {json} NOT NULL,
    mode text NOT NULL,
    delivery_rate integer NOT NULL,
    retry_limit integer NOT NULL,
    test_limit integer NOT NULL,
    is_simulated boolean NOT NULL,
    status text NOT NULL,
    pause_reason text,
    scheduled_at {instant},
    schedule_missed_at {instant},
    content text,
    parse_mode text,
    media_type text,
    media_url text,
    media_upload_id {uuid},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    started_at {instant},
    completed_at {instant},
    created_by_id {uuid} NOT NULL REFERENCES users (id),
    version integer NOT NULL DEFAULT 1
)",
    "CREATE INDEX broadcast_campaigns_status ON broadcast_campaigns (status, id)",
    "CREATE INDEX broadcast_campaigns_batch_id ON broadcast_campaigns (batch_id)",
    "CREATE INDEX broadcast_campaigns_template_id ON broadcast_campaigns (template_id)",
    "CREATE INDEX broadcast_campaigns_created_by_id ON broadcast_campaigns (created_by_id)",
    "CREATE INDEX broadcast_campaigns_created_at ON broadcast_campaigns (created_at, id)",
    "CREATE INDEX broadcast_campaigns_scheduled_at ON broadcast_campaigns (scheduled_at) WHERE status = 'QUEUED' AND scheduled_at IS NOT NULL",
    // Campaigns that were deleted while rows of theirs are still to be removed, in chunks.
    "CREATE TABLE broadcast_campaign_leftovers (campaign_id {uuid} PRIMARY KEY)",
    "CREATE TABLE broadcast_campaign_progress (
    campaign_id {uuid} PRIMARY KEY,
    status text NOT NULL,
    delivery_rate bigint NOT NULL,
    run integer NOT NULL DEFAULT 0,
    last_slot bigint NOT NULL DEFAULT 0,
    slots_taken bigint NOT NULL DEFAULT 0,
    not_before bigint NOT NULL DEFAULT 0,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    preview integer NOT NULL DEFAULT 0,
    total integer NOT NULL DEFAULT 0,
    queued integer NOT NULL DEFAULT 0,
    sending integer NOT NULL DEFAULT 0,
    sent integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    unknown integer NOT NULL DEFAULT 0,
    CONSTRAINT counters_never_lie CHECK (queued + sending + sent + failed + cancelled + unknown = total),
    CONSTRAINT counters_are_not_negative
        CHECK (queued >= 0 AND sending >= 0 AND sent >= 0 AND failed >= 0 AND cancelled >= 0 AND unknown >= 0)
)",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, STATEMENTS).await?;
        if crate::is_postgres(manager) {
            // Room in each page for the new versions of its few rows: they change many times a second.
            crate::run(manager, &["ALTER TABLE broadcast_campaign_progress SET (fillfactor = 20)"]).await?;
        }
        Ok(())
    }
}

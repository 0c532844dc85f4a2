//! Retention campaigns: what governs the contacts to their leads.

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
                "CREATE TABLE retention_campaigns (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    description text,
    status text NOT NULL,
    channels {json} NOT NULL,
    contact_hours_start integer,
    contact_hours_end integer,
    contact_days {json} NOT NULL,
    time_zone text,
    max_contacts_per_day integer,
    delay_between_channels bigint,
    auto_assign boolean NOT NULL DEFAULT FALSE,
    instantly_sync boolean NOT NULL DEFAULT FALSE,
    instantly_campaign_id text,
    email_sequence {json} NOT NULL,
    vapi_config {json},
    start_date {instant},
    end_date {instant},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX retention_campaigns_status ON retention_campaigns (status, id)",
                "CREATE INDEX retention_campaigns_created_at ON retention_campaigns (created_at, id)",
                "CREATE INDEX retention_campaigns_start_date ON retention_campaigns (start_date) WHERE status = 'DRAFT' AND start_date IS NOT NULL",
                "CREATE INDEX retention_campaigns_end_date ON retention_campaigns (end_date) WHERE status IN ('ACTIVE', 'PAUSED') AND end_date IS NOT NULL",
                "CREATE INDEX retention_campaigns_auto_assign ON retention_campaigns (id) WHERE status = 'ACTIVE' AND auto_assign",
                "CREATE UNIQUE INDEX retention_campaigns_instantly_campaign_id_key ON retention_campaigns (instantly_campaign_id) WHERE instantly_campaign_id IS NOT NULL",
            ],
        )
        .await
    }
}

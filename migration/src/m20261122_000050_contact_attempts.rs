//! Every contact to a lead, on any channel.

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
                "CREATE TABLE contact_attempts (
    id {uuid} PRIMARY KEY,
    lead_id {uuid} NOT NULL REFERENCES leads (id) ON DELETE CASCADE,
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE SET NULL,
    step_id {uuid} REFERENCES sequence_steps (id) ON DELETE SET NULL,
    script_id {uuid} REFERENCES scripts (id) ON DELETE SET NULL,
    ab_test_id {uuid} REFERENCES ab_tests (id) ON DELETE SET NULL,
    ab_variant text,
    channel text NOT NULL,
    status text NOT NULL,
    provider text,
    provider_ref text,
    started_at {instant} NOT NULL,
    completed_at {instant},
    duration integer,
    cost_micros bigint,
    currency text,
    result {json},
    notes text
)",
                "CREATE INDEX contact_attempts_lead_id ON contact_attempts (lead_id, started_at, id)",
                "CREATE INDEX contact_attempts_campaign_id ON contact_attempts (campaign_id, started_at, id)",
                "CREATE INDEX contact_attempts_channel ON contact_attempts (channel, status, started_at)",
                "CREATE INDEX contact_attempts_started_at ON contact_attempts (started_at, id)",
                "CREATE INDEX contact_attempts_step_id ON contact_attempts (step_id) WHERE step_id IS NOT NULL",
                "CREATE INDEX contact_attempts_script_id ON contact_attempts (script_id) WHERE script_id IS NOT NULL",
                "CREATE INDEX contact_attempts_ab_test_id ON contact_attempts (ab_test_id, ab_variant) WHERE ab_test_id IS NOT NULL",
                "CREATE INDEX contact_attempts_provider_ref ON contact_attempts (provider_ref) WHERE provider_ref IS NOT NULL",
            ],
        )
        .await
    }
}

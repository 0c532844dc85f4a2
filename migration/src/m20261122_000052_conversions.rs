//! Conversions: what came of the contacts, in money.

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
                "CREATE TABLE conversions (
    id {uuid} PRIMARY KEY,
    lead_id {uuid} REFERENCES leads (id) ON DELETE SET NULL,
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE SET NULL,
    contact_attempt_id {uuid} REFERENCES contact_attempts (id) ON DELETE SET NULL,
    step_id {uuid} REFERENCES sequence_steps (id) ON DELETE SET NULL,
    channel text,
    revenue_micros bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    status text NOT NULL,
    original_status text,
    sub_id text,
    click_id text,
    source text NOT NULL,
    subject_id text NOT NULL,
    transaction_id text NOT NULL DEFAULT '',
    postback_data {json},
    attribution {json},
    attributed_at {instant},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX conversions_source_subject_id_transaction_id_key ON conversions (source, subject_id, transaction_id)",
                "CREATE INDEX conversions_lead_id ON conversions (lead_id, created_at, id)",
                "CREATE INDEX conversions_campaign_id ON conversions (campaign_id, created_at, id)",
                "CREATE INDEX conversions_contact_attempt_id ON conversions (contact_attempt_id) WHERE contact_attempt_id IS NOT NULL",
                "CREATE INDEX conversions_step_id ON conversions (step_id) WHERE step_id IS NOT NULL",
                "CREATE INDEX conversions_sub_id ON conversions (sub_id)",
                "CREATE INDEX conversions_click_id ON conversions (click_id)",
                "CREATE INDEX conversions_source ON conversions (source, id)",
                "CREATE INDEX conversions_created_at ON conversions (created_at, id)",
                "CREATE INDEX conversions_status ON conversions (status, created_at, id)",
            ],
        )
        .await
    }
}

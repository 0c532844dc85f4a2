//! A/B tests: which of two scripts does better.

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
                "CREATE TABLE ab_tests (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    campaign_id {uuid} REFERENCES retention_campaigns (id) ON DELETE CASCADE,
    step_id {uuid} REFERENCES sequence_steps (id) ON DELETE CASCADE,
    channel text NOT NULL,
    variant_a {uuid} NOT NULL REFERENCES scripts (id),
    variant_b {uuid} NOT NULL REFERENCES scripts (id),
    status text NOT NULL,
    rule {json} NOT NULL,
    winner text,
    winner_id {uuid},
    stats_a {json},
    stats_b {json},
    verdict {json},
    started_at {instant},
    ended_at {instant},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX ab_tests_campaign_id ON ab_tests (campaign_id, channel, status)",
                "CREATE INDEX ab_tests_step_id ON ab_tests (step_id, status)",
                "CREATE INDEX ab_tests_variant_a ON ab_tests (variant_a)",
                "CREATE INDEX ab_tests_variant_b ON ab_tests (variant_b)",
                "CREATE INDEX ab_tests_status ON ab_tests (status, id)",
                "CREATE INDEX ab_tests_created_at ON ab_tests (created_at, id)",
            ],
        )
        .await
    }
}

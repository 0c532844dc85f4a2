//! Rules that skip a channel which does worse than it should.

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
                "CREATE TABLE conversion_rules (
    id {uuid} PRIMARY KEY,
    channel text NOT NULL,
    metric text NOT NULL,
    value_micros bigint NOT NULL,
    conversion_rate double precision NOT NULL DEFAULT 0,
    sample_size integer NOT NULL,
    confidence double precision NOT NULL,
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE INDEX conversion_rules_channel ON conversion_rules (channel, id)",
                "CREATE INDEX conversion_rules_metric ON conversion_rules (metric, id)",
            ],
        )
        .await
    }
}

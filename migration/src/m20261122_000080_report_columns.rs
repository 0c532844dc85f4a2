//! What reports read: engagement as columns, and indexes that have all that is added up.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Generated: whoever writes a result, its columns are right. SQLite can't add stored ones.
        let column = |name: &str| {
            if crate::is_postgres(manager) {
                format!(
                    "ALTER TABLE contact_attempts ADD COLUMN {name} boolean NOT NULL
                     GENERATED ALWAYS AS (COALESCE(result ->> '{name}' = 'true', FALSE)) STORED"
                )
            } else {
                format!(
                    "ALTER TABLE contact_attempts ADD COLUMN {name} boolean
                     GENERATED ALWAYS AS (COALESCE(json_extract(result, '$.{name}') = 1, 0)) VIRTUAL"
                )
            }
        };
        let columns = ["opened", "clicked", "replied"].map(column);
        crate::run(manager, &columns.each_ref().map(String::as_str)).await?;
        crate::run(
            manager,
            &[
                "CREATE INDEX contact_attempts_report ON contact_attempts (started_at, channel, status, campaign_id, step_id, opened, clicked, replied, cost_micros, currency, duration)",
                "CREATE INDEX conversions_report ON conversions (created_at, status, channel, campaign_id, step_id, revenue_micros, currency)",
                "CREATE INDEX sequence_step_executions_report ON sequence_step_executions (step_id, scheduled_at, status)",
            ],
        )
        .await
    }
}

//! How providers are reached: encrypted.

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
                "CREATE TABLE integration_configs (
    id {uuid} PRIMARY KEY,
    provider text NOT NULL,
    type text NOT NULL,
    config text NOT NULL,
    hints {json} NOT NULL,
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX integration_configs_provider_key ON integration_configs (provider)",
            ],
        )
        .await
    }
}

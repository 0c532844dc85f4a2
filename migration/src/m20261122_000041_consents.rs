//! What leads agreed to, and what they took back: kept as proof.

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
                "CREATE TABLE consents (
    id {uuid} PRIMARY KEY,
    lead_id {uuid} NOT NULL REFERENCES leads (id) ON DELETE CASCADE,
    channel text,
    kind text NOT NULL,
    source text NOT NULL,
    wording text,
    given_at {instant} NOT NULL,
    created_at {instant} NOT NULL
)",
                "CREATE INDEX consents_lead_id ON consents (lead_id, given_at, id)",
            ],
        )
        .await
    }
}

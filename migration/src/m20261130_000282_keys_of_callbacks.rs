//! What callbacks name somebody by gets a table, so that an erasure finds them by key. Those that came before have no keys yet: they
//! get them while Herald runs, and are read until then.

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
                "CREATE TABLE webhook_event_keys (
    event_id {uuid} NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
    key text NOT NULL,
    PRIMARY KEY (key, event_id)
)",
                "CREATE INDEX webhook_event_keys_event_id ON webhook_event_keys (event_id)",
                "ALTER TABLE webhook_events ADD COLUMN is_keyed boolean NOT NULL DEFAULT FALSE",
                "CREATE INDEX webhook_events_unkeyed ON webhook_events (received_at) WHERE NOT is_keyed",
            ],
        )
        .await
    }
}

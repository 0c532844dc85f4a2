//! How far the mailbox of an integration was read, to which bounces and answers come.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, &[MAILBOXES]).await
    }
}

const MAILBOXES: &str = "CREATE TABLE mailboxes (
    integration_id {uuid} PRIMARY KEY REFERENCES integration_configs (id) ON DELETE CASCADE,
    version integer NOT NULL,
    place text NOT NULL,
    uid_validity bigint,
    last_uid bigint,
    read_at {instant},
    failures integer NOT NULL,
    stuck_uid bigint,
    stuck_times integer NOT NULL,
    error text,
    first_failed_at {instant},
    is_told boolean NOT NULL,
    held_until {instant} NOT NULL
)";

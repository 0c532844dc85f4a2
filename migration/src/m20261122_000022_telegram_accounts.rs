//! Telegram accounts that send, their keys sealed (R17: one row a user, and one a session).

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
                "CREATE TABLE telegram_accounts (
    id {uuid} PRIMARY KEY,
    label text NOT NULL,
    status text NOT NULL,
    last_error text,
    telegram_user_id bigint,
    name text,
    username text,
    phone_end text,
    dc integer NOT NULL,
    auth_key text NOT NULL,
    auth_key_hash text NOT NULL,
    api_id integer NOT NULL,
    api_hash text,
    messages_per_minute integer NOT NULL,
    new_peers_per_day integer NOT NULL,
    resolves_per_day integer NOT NULL,
    day integer NOT NULL DEFAULT 0,
    sends_today integer NOT NULL DEFAULT 0,
    new_peers_today integer NOT NULL DEFAULT 0,
    resolves_today integer NOT NULL DEFAULT 0,
    send_not_before {instant},
    resolve_not_before {instant},
    read_not_before {instant},
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    created_by_id {uuid} REFERENCES users (id),
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX telegram_accounts_telegram_user_id_key ON telegram_accounts (telegram_user_id)",
                "CREATE UNIQUE INDEX telegram_accounts_auth_key_hash_key ON telegram_accounts (auth_key_hash)",
                "CREATE INDEX telegram_accounts_status ON telegram_accounts (status, id)",
                "CREATE INDEX telegram_accounts_label ON telegram_accounts (label, id)",
            ],
        )
        .await?;
        if crate::is_postgres(manager) {
            // Counters and waits change often, and no index names them: half of each page is for their new versions.
            crate::run(manager, &["ALTER TABLE telegram_accounts SET (fillfactor = 50)"]).await?;
        }
        Ok(())
    }
}

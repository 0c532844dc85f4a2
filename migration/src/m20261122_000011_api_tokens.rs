//! API tokens: what scripts sign in with. Only their hashes are here.

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
                "CREATE TABLE api_tokens (
    id {uuid} PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users (id),
    name text NOT NULL,
    role text NOT NULL,
    token_hash text NOT NULL,
    created_at {instant} NOT NULL,
    expires_at {instant},
    last_used_at {instant},
    revoked_at {instant}
)",
                "CREATE UNIQUE INDEX api_tokens_token_hash_key ON api_tokens (token_hash)",
                "CREATE INDEX api_tokens_user_id ON api_tokens (user_id, id)",
            ],
        )
        .await
    }
}

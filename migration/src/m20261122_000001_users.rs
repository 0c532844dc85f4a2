//! Users and the refresh tokens of their sessions.

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
                "CREATE TABLE users (
    id {uuid} PRIMARY KEY,
    username text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at {instant} NOT NULL,
    updated_at {instant} NOT NULL,
    last_login_at {instant},
    deleted_at {instant},
    version integer NOT NULL DEFAULT 1
)",
                "CREATE UNIQUE INDEX users_username_key ON users (username)",
                "CREATE TABLE refresh_tokens (
    id {uuid} PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users (id),
    family {uuid} NOT NULL,
    token_hash text NOT NULL,
    created_at {instant} NOT NULL,
    expires_at {instant} NOT NULL,
    used_at {instant},
    revoked_at {instant}
)",
                "CREATE UNIQUE INDEX refresh_tokens_token_hash_key ON refresh_tokens (token_hash)",
                "CREATE INDEX refresh_tokens_family ON refresh_tokens (family)",
                "CREATE INDEX refresh_tokens_user_id ON refresh_tokens (user_id)",
            ],
        )
        .await
    }
}

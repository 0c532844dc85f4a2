//! Sessions by themselves: since when, and from where they were last seen. Until now there were only their refresh tokens.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "CREATE TABLE sessions (
                 id {uuid} PRIMARY KEY NOT NULL,
                 user_id {uuid} NOT NULL REFERENCES users (id),
                 began_at {instant} NOT NULL,
                 seen_at {instant} NOT NULL,
                 ip_address text,
                 user_agent text
             )",
            "CREATE INDEX sessions_user_id ON sessions (user_id, id)",
            "INSERT INTO sessions (id, user_id, began_at, seen_at)
             SELECT family, user_id, MIN(created_at), MAX(created_at) FROM refresh_tokens GROUP BY family, user_id
             ON CONFLICT (id) DO NOTHING",
        ];
        crate::run(manager, &statements).await
    }
}

//! The audit log, and the head of its chain: `seq` and `hash` are given by the sealer just after commit.

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
                r#"CREATE TABLE audit_logs (
    id {uuid} PRIMARY KEY,
    user_id {uuid},
    action text NOT NULL,
    resource_type text,
    resource_id {uuid},
    metadata {json},
    severity text NOT NULL,
    "timestamp" {instant} NOT NULL,
    ip_address text,
    seq bigint,
    hash text
)"#,
                "CREATE UNIQUE INDEX audit_logs_seq_key ON audit_logs (seq)",
                "CREATE INDEX audit_logs_unsealed ON audit_logs (id) WHERE seq IS NULL",
                "CREATE INDEX audit_logs_user_id ON audit_logs (user_id, id)",
                "CREATE INDEX audit_logs_action ON audit_logs (action, id)",
                "CREATE INDEX audit_logs_severity ON audit_logs (severity, id)",
                r#"CREATE INDEX audit_logs_timestamp ON audit_logs ("timestamp", id)"#,
                "CREATE TABLE audit_heads (id integer PRIMARY KEY, seq bigint NOT NULL, hash text NOT NULL)",
                "INSERT INTO audit_heads (id, seq, hash) VALUES (1, 0, '')",
            ],
        )
        .await
    }
}

//! When PostgreSQL cleans the audit log: each line is written twice, once when something is done and once when it is sealed, and by the
//! server's own measure a fifth of the table would be dead before its room is used again.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !crate::is_postgres(manager) {
            return Ok(());
        }
        let sql =
            "ALTER TABLE audit_logs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
                                               autovacuum_vacuum_insert_scale_factor = 0.05)";
        crate::run(manager, &[sql]).await
    }
}

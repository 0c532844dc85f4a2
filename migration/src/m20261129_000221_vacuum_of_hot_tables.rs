//! When PostgreSQL cleans the tables that change most: by its own measure a fifth of ten million jobs would be dead before it began, and
//! its statistics would be those of before.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Whose rows change several times each.
const TABLES: [&str; 5] = ["jobs", "sequence_step_executions", "contact_attempts", "sequence_enrollments", "senders"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !crate::is_postgres(manager) {
            return Ok(());
        }
        for table in TABLES {
            let sql = format!(
                "ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
                                          autovacuum_vacuum_insert_scale_factor = 0.05)"
            );
            crate::run(manager, &[&sql]).await?;
        }
        Ok(())
    }
}

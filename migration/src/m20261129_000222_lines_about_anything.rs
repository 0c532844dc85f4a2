//! Indexes for the audit lines about anything, not only about a lead, and for the imports of an upload.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let indexes = [
            "DROP INDEX audit_logs_lead",
            "CREATE INDEX audit_logs_about ON audit_logs (resource_type, resource_id, id) WHERE resource_type IS NOT NULL",
            "CREATE INDEX channel_imports_upload_id ON channel_imports (upload_id)",
        ];
        crate::run(manager, &indexes).await
    }
}

//! What became of the contacts with a script is added up from its index alone, and not from the contacts, which lie all over their table.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (told, columns) = ("channel, status, currency, duration, cost_micros", "script_id, started_at, id");
        let columns = if crate::is_postgres(manager) {
            format!("({columns}) INCLUDE ({told})")
        } else {
            format!("({columns}, {told})")
        };
        let index = format!(
            "CREATE INDEX contact_attempts_script_id ON contact_attempts {columns} WHERE script_id IS NOT NULL"
        );
        crate::run(manager, &["DROP INDEX contact_attempts_script_id", &index]).await
    }
}

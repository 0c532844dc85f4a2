//! Email addresses with letters beyond ASCII get the one form in which they are stored now, at the next start, together with what is
//! refused there.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_beyond = if crate::is_postgres(manager) {
            r"email ~ '[^\x01-\x7f]'"
        } else {
            "email GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
        };
        let statement = format!(
            "INSERT INTO refusals_to_carry (lead_id) SELECT id FROM leads WHERE email IS NOT NULL AND {is_beyond}
             ON CONFLICT DO NOTHING"
        );
        crate::run(manager, &[&statement]).await
    }
}

//! The credit of conversions as it is computed anew, beside them, until all of it takes the place of the old one at once.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Nothing refers to other tables: what goes meanwhile is found when the new credit takes its place.
        let table = "CREATE TABLE conversion_credits (
                 conversion_id {uuid} PRIMARY KEY NOT NULL,
                 seen_version integer NOT NULL,
                 lead_id {uuid} NOT NULL,
                 contact_attempt_id {uuid},
                 attribution {json} NOT NULL
             )";
        crate::run(manager, &[table]).await
    }
}

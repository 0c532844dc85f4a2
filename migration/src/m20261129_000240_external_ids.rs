//! No two leads have the same id of another system: it finds its lead, as an email does.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Of leads that share an id the one that was known first keeps it. The others have it among their custom fields: nothing of
/// what another system knows them by is lost.
fn parted(is_postgres: bool) -> String {
    let kept = if is_postgres {
        "meta || jsonb_build_object('duplicateExternalId', external_id)"
    } else {
        "json_set(meta, '$.duplicateExternalId', external_id)"
    };
    format!(
        "UPDATE leads SET meta = {kept}, external_id = NULL, version = version + 1
         WHERE id IN (SELECT id FROM (
             SELECT id, ROW_NUMBER() OVER (PARTITION BY external_id ORDER BY created_at, id) AS place
             FROM leads WHERE external_id IS NOT NULL
         ) placed WHERE place > 1)"
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            &*parted(crate::is_postgres(manager)),
            "DROP INDEX leads_external_id",
            "CREATE UNIQUE INDEX leads_external_id_key ON leads (external_id) WHERE external_id IS NOT NULL",
        ];
        crate::run(manager, &statements).await
    }
}

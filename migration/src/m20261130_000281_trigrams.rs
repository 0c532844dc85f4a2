//! Parts of names, addresses and usernames are found by an index of their groups of three letters, where PostgreSQL has them: the
//! extension `pg_trgm`, which each owner of a database may add where it is installed. SQLite reads its table, as before.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// It may not be there, or not be allowed: the block takes back what it began.
const EXTENSION: &str =
    "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLERRM; END $$";

/// New rows wait in a list before they are sorted into the index, which a loop does every few seconds: one by one it takes an import
/// twice the time (30,000 leads 13.3 s, so 7.2 s, without the index 6.1 s). 32 MB are some 100,000 leads.
const PENDING: &str = "WITH (gin_pending_list_limit = 32768)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !crate::is_postgres(manager) {
            return Ok(());
        }
        crate::run(manager, &[EXTENSION]).await?;
        let found = "SELECT quote_ident(n.nspname) AS place FROM pg_extension e
                     JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'";
        let found = Statement::from_string(manager.get_database_backend(), found);
        let Some(row) = manager.get_connection().query_one_raw(found).await? else {
            tracing::warn!(
                "this database has no extension pg_trgm and Herald may not add it: searches for a part of a name, an address or a \
                 username read the whole table. Whoever may: CREATE EXTENSION pg_trgm, and the indexes that the manual names"
            );
            return Ok(());
        };
        // Wherever it was added: that need not be on this connection's path.
        let place: String = row.try_get("", "place")?;
        let indexes = [
            format!(
                "CREATE INDEX leads_search ON leads USING gin (names_fold {place}.gin_trgm_ops, email {place}.gin_trgm_ops,
                    phone {place}.gin_trgm_ops) {PENDING}"
            ),
            format!("CREATE INDEX channels_search ON channels USING gin (username {place}.gin_trgm_ops) {PENDING}"),
        ];
        crate::run(manager, &indexes.each_ref().map(String::as_str)).await
    }
}

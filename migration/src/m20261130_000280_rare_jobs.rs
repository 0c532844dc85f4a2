//! Jobs in rare states have an index, and no job on its usual way changes a column that an index names: PostgreSQL writes the new
//! version of such a row into the same page, and into no index.
//!
//! It looks at the columns that an index names, also in its condition, whether the row is in the index or not. So what these indexes
//! name are columns that the database works out, and that stay null on the usual way: of a job that is neither cancelled nor unknown,
//! and of a job without an account, as all are whose messages go nowhere.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ASIDE: &str = "CASE status WHEN 'CANCELLED' THEN 1 WHEN 'UNKNOWN' THEN 2 END";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if crate::is_postgres(manager) {
            // Both columns in one statement, which writes the table anew.
            let columns = format!(
                "ALTER TABLE jobs ADD COLUMN aside integer GENERATED ALWAYS AS ({ASIDE}) STORED,
                    ADD COLUMN account_random_id bigint
                        GENERATED ALWAYS AS (CASE WHEN account_id IS NOT NULL THEN random_id END) STORED"
            );
            let unique = "CREATE UNIQUE INDEX jobs_account_id_random_id_key ON jobs (account_id, account_random_id)
                          WHERE account_id IS NOT NULL";
            crate::run(manager, &["DROP INDEX jobs_account_id_random_id_key", &columns, unique]).await?;
        } else {
            let column = format!("ALTER TABLE jobs ADD COLUMN aside integer GENERATED ALWAYS AS ({ASIDE}) VIRTUAL");
            crate::run(manager, &[&column]).await?;
        }
        let index = "CREATE INDEX jobs_aside ON jobs (campaign_id, aside, position) WHERE aside IS NOT NULL";
        crate::run(manager, &[index]).await
    }
}

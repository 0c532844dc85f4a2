//! Sums of messages that cost a settlement little: PostgreSQL's numbers of seconds, which are slow to reckon with, are made of each
//! group only, and nothing is added up that jobs do not have.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NOBODY: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

/// Notes what the jobs of `rows` come to: each with a sign.
fn note(rows: &str) -> String {
    format!(
        "INSERT INTO time_notes (what, at, owner, step, channel, status, detail,
             n, opened, clicked, replied, timed, seconds, paid, micros)
         SELECT 'jobs', CAST(EXTRACT(EPOCH FROM quarter) AS bigint), campaign_id, {NOBODY}, '', status, reason,
             n, 0, 0, 0, 0, 0, 0, 0
         FROM (
             SELECT campaign_id, status, COALESCE(reason, '') AS reason, SUM(sign) AS n,
                 date_bin('15 minutes', CASE status WHEN 'SENT' THEN sent_at ELSE failed_at END, '2000-01-01 00:00:00+00') AS quarter
             FROM ({rows}) AS d GROUP BY 1, 2, 3, 5 HAVING SUM(sign) <> 0) AS g
         WHERE quarter IS NOT NULL"
    )
}

fn rows(from: &str, sign: &str) -> String {
    format!(
        "SELECT campaign_id, status, reason, sent_at, failed_at, {sign} AS sign FROM {from} WHERE status IN ('SENT', 'FAILED')"
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !crate::is_postgres(manager) {
            return Ok(());
        }
        let (new, old) = (rows("new_rows", "1"), rows("old_rows", "-1"));
        let function = format!(
            "CREATE OR REPLACE FUNCTION sums_jobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF TG_OP = 'DELETE' THEN {};
                 ELSE {};
                 END IF;
                 RETURN NULL;
             END $$",
            note(&old),
            note(&format!("{new} UNION ALL {old}"))
        );
        crate::run(manager, &[&function]).await
    }
}

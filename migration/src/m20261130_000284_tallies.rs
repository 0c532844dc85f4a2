//! How many rows of large tables there are of each kind, kept by PostgreSQL itself in the transaction that changes them.
//!
//! Each statement adds what it changed as rows of its own, and no row is ever changed: so nobody waits for anybody. A loop adds them
//! up every now and then. SQLite has one writer, whom this would cost more than counting costs there.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What is counted of a table: whose a row is, and by what rows are told apart.
struct Kept {
    table: &'static str,
    owner: &'static str,
    one: &'static str,
    other: &'static str,
    third: &'static str,
    /// Seconds and millionths of money, which contacts have.
    seconds: &'static str,
    micros: &'static str,
}

const NONE: Kept = Kept {
    table: "",
    owner: "CAST(NULL AS uuid)",
    one: "''",
    other: "''",
    third: "''",
    seconds: "CAST(NULL AS bigint)",
    micros: "CAST(NULL AS bigint)",
};

const ALL: [Kept; 5] = [
    Kept { table: "leads", one: "status", other: "source", ..NONE },
    Kept {
        table: "contact_attempts",
        owner: "campaign_id",
        one: "channel",
        other: "status",
        third: "COALESCE(currency, '')",
        seconds: "CAST(duration AS bigint)",
        micros: "cost_micros",
    },
    Kept { table: "campaign_leads", owner: "campaign_id", one: "status", ..NONE },
    Kept { table: "sequence_step_executions", owner: "step_id", one: "status", ..NONE },
    Kept {
        table: "channels",
        one: "category_fold",
        other: "CASE WHEN is_active THEN 'yes' ELSE 'no' END",
        third: "category",
        ..NONE
    },
];

impl Kept {
    /// The rows of `from`, each as so many.
    fn rows(&self, from: &str, sign: &str) -> String {
        let Self { owner, one, other, third, seconds, micros, .. } = self;
        format!(
            "SELECT {sign} AS sign, {owner} AS owner, {one} AS one, {other} AS other, {third} AS third,
                 {seconds} AS seconds, {micros} AS micros FROM {from}"
        )
    }

    /// Notes how many of each sort `rows` are.
    fn note(&self, rows: &str) -> String {
        let what = self.table;
        let sums = [
            "SUM(sign)",
            "SUM(CASE WHEN seconds IS NULL THEN 0 ELSE sign END)",
            "SUM(sign * COALESCE(seconds, 0))",
            "SUM(CASE WHEN micros IS NULL THEN 0 ELSE sign END)",
            "SUM(sign * COALESCE(micros, 0))",
        ];
        let changed = sums.map(|sum| format!("{sum} <> 0")).join(" OR ");
        format!(
            "INSERT INTO tallies (what, owner, one, other, third, n, timed, seconds, paid, micros)
             SELECT '{what}', owner, one, other, third, {} FROM ({rows}) AS d GROUP BY owner, one, other, third HAVING {changed}",
            sums.join(", ")
        )
    }

    fn statements(&self) -> Vec<String> {
        let table = self.table;
        let (new, old) = (self.rows("new_rows", "1"), self.rows("old_rows", "-1"));
        let function = format!(
            "CREATE FUNCTION tally_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF TG_OP = 'INSERT' THEN {};
                 ELSIF TG_OP = 'DELETE' THEN {};
                 ELSE {};
                 END IF;
                 RETURN NULL;
             END $$",
            self.note(&new),
            self.note(&old),
            self.note(&format!("{new} UNION ALL {old}")),
        );
        let trigger = |event: &str, tables: &str| {
            format!(
                "CREATE TRIGGER {table}_tally_{event} AFTER {event} ON {table} REFERENCING {tables}
                 FOR EACH STATEMENT EXECUTE FUNCTION tally_{table}()"
            )
        };
        vec![
            function,
            trigger("insert", "NEW TABLE AS new_rows"),
            trigger("delete", "OLD TABLE AS old_rows"),
            trigger("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
            // Nobody writes until the commit: the triggers have locked the table.
            self.note(&self.rows(table, "1")),
        ]
    }
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
        let table = "CREATE TABLE tallies (
    what text NOT NULL,
    owner {uuid},
    one text NOT NULL COLLATE \"C\",
    other text NOT NULL COLLATE \"C\",
    third text NOT NULL COLLATE \"C\",
    n bigint NOT NULL,
    timed bigint NOT NULL,
    seconds bigint NOT NULL,
    paid bigint NOT NULL,
    micros bigint NOT NULL
)";
        let statements = [
            table,
            "CREATE INDEX tallies_what ON tallies (what, owner)",
            // It is small, and all of it is written anew again and again.
            "ALTER TABLE tallies SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
        ];
        crate::run(manager, &statements).await?;
        for kept in ALL {
            crate::run(manager, &kept.statements().iter().map(String::as_str).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

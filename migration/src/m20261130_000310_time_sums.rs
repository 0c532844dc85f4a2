//! Sums over time, kept by the database in the transaction that changes a row: by the quarter of an hour, the hour, the day, and 32 days.
//!
//! Each statement notes what it changed, and a loop adds the notes to the sums: nobody waits for a row that all change. What the
//! indexes of reports were for is read from the sums.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What is added up of a table: when a row happened, by what rows are told apart, and what is added.
pub(crate) struct Summed {
    pub(crate) table: &'static str,
    pub(crate) at: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) step: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) status: &'static str,
    pub(crate) detail: &'static str,
    pub(crate) is_engaged: bool,
    pub(crate) seconds: &'static str,
    pub(crate) micros: &'static str,
}

pub(crate) const NONE: Summed = Summed {
    table: "",
    at: "",
    owner: "NULL",
    step: "NULL",
    channel: "''",
    status: "''",
    detail: "''",
    is_engaged: false,
    seconds: "CAST(NULL AS bigint)",
    micros: "CAST(NULL AS bigint)",
};

const LEADS: Summed = Summed { table: "leads", at: "{row}created_at", ..NONE };

const ALL: [Summed; 4] = [
    Summed {
        table: "contact_attempts",
        at: "{row}started_at",
        owner: "{row}campaign_id",
        step: "{row}step_id",
        channel: "{row}channel",
        status: "{row}status",
        detail: "COALESCE({row}currency, '')",
        is_engaged: true,
        seconds: "{row}duration",
        micros: "{row}cost_micros",
    },
    Summed {
        table: "conversions",
        at: "{row}created_at",
        owner: "{row}campaign_id",
        step: "{row}step_id",
        channel: "COALESCE({row}channel, '')",
        status: "{row}status",
        detail: "{row}currency",
        micros: "{row}revenue_micros",
        ..NONE
    },
    Summed {
        table: "sequence_enrollments",
        at: "{row}enrolled_at",
        owner: "{row}sequence_id",
        status: "{row}status",
        ..NONE
    },
    Summed {
        table: "sequence_step_executions",
        at: "{row}scheduled_at",
        step: "{row}step_id",
        status: "{row}status",
        ..NONE
    },
];

/// Lengths of the spans in seconds: 32 days is one that holds whole days, as months do not.
const SPANS: [i64; 4] = [900, 3_600, 86_400, 2_764_800];
const KEYS: [&str; 7] = ["what", "at", "owner", "step", "channel", "status", "detail"];
const SUMS: [&str; 8] = ["n", "opened", "clicked", "replied", "timed", "seconds", "paid", "micros"];

impl Summed {
    /// What is noted of the row `row`, whose columns are called `row.` and their name, or by their name alone.
    fn noted(&self, row: &str, sign: &str, is_postgres: bool) -> String {
        let Self { table, at, owner, step, channel, status, detail, is_engaged, seconds, micros } = self;
        let nobody = if is_postgres { "'00000000-0000-0000-0000-000000000000'::uuid" } else { "zeroblob(16)" };
        let id = |id: &str| if id == "NULL" { nobody.to_owned() } else { format!("COALESCE({id}, {nobody})") };
        // SQLite's own function rounds to milliseconds, perhaps into the next quarter of an hour.
        let at = if is_postgres {
            format!("CAST(FLOOR(EXTRACT(EPOCH FROM {at}) / 900) AS bigint) * 900")
        } else {
            format!("CAST(strftime('%s', substr({at}, 1, 19)) AS integer) / 900 * 900")
        };
        let is = |column: &str| {
            if *is_engaged { format!("CASE WHEN {{row}}{column} THEN {sign} ELSE 0 END") } else { "0".into() }
        };
        let has = |column: &str| format!("CASE WHEN {column} IS NULL THEN 0 ELSE {sign} END");
        let sum = |column: &str| format!("{sign} * COALESCE({column}, 0)");
        let told = [
            format!("'{table}' AS what"),
            format!("{at} AS at"),
            format!("{} AS owner", id(owner)),
            format!("{} AS step", id(step)),
            format!("{channel} AS channel"),
            format!("{status} AS status"),
            format!("{detail} AS detail"),
            format!("{sign} AS n"),
            format!("{} AS opened", is("opened")),
            format!("{} AS clicked", is("clicked")),
            format!("{} AS replied", is("replied")),
            format!("{} AS timed", has(seconds)),
            format!("{} AS seconds", sum(seconds)),
            format!("{} AS paid", has(micros)),
            format!("{} AS micros", sum(micros)),
        ];
        told.join(", ").replace("{row}", row)
    }

    /// When a row happened; null if it has not.
    fn when(&self, row: &str) -> String {
        self.at.replace("{row}", row)
    }

    /// The rows of a table of PostgreSQL, as they are noted.
    fn rows(&self, from: &str, sign: &str) -> String {
        format!("SELECT {} FROM {from} WHERE {} IS NOT NULL", self.noted("", sign, true), self.when(""))
    }

    pub(crate) fn postgres(&self) -> Vec<String> {
        let table = self.table;
        let function = format!(
            "CREATE FUNCTION sums_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF TG_OP = 'INSERT' THEN {};
                 ELSIF TG_OP = 'DELETE' THEN {};
                 ELSE {};
                 END IF;
                 RETURN NULL;
             END $$",
            note(&self.rows("new_rows", "1")),
            note(&self.rows("old_rows", "-1")),
            note(&format!("{} UNION ALL {}", self.rows("new_rows", "1"), self.rows("old_rows", "-1"))),
        );
        let trigger = |event: &str, tables: &str| {
            format!(
                "CREATE TRIGGER {table}_sums_{event} AFTER {event} ON {table} REFERENCING {tables}
                 FOR EACH STATEMENT EXECUTE FUNCTION sums_{table}()"
            )
        };
        let mut all =
            vec![function, trigger("insert", "NEW TABLE AS new_rows"), trigger("delete", "OLD TABLE AS old_rows")];
        if table == LEADS.table {
            // What is noted of a lead hardly ever changes: its other changes cost nothing.
            let (new, old) = (self.noted("NEW.", "1", true), self.noted("OLD.", "-1", true));
            all.push(format!(
                "CREATE FUNCTION sums_moved_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     {};
                     RETURN NULL;
                 END $$",
                note(&format!("SELECT {new} UNION ALL SELECT {old}"))
            ));
            all.push(format!(
                "CREATE TRIGGER {table}_sums_update AFTER UPDATE ON {table} FOR EACH ROW
                 WHEN (OLD.created_at IS DISTINCT FROM NEW.created_at) EXECUTE FUNCTION sums_moved_{table}()"
            ));
        } else {
            all.push(trigger("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows"));
        }
        all
    }

    /// Of a note that is there already, its numbers change: so the loop has little to do after a statement over many rows.
    pub(crate) fn sqlite(&self) -> Vec<String> {
        let table = self.table;
        let row = |row: &str, sign: &str| {
            format!(
                "INSERT INTO time_notes ({}, {}) SELECT {} WHERE {} IS NOT NULL
                 ON CONFLICT ({}) DO UPDATE SET {};",
                KEYS.join(", "),
                SUMS.join(", "),
                self.noted(row, sign, false),
                self.when(row),
                KEYS.join(", "),
                added("time_notes"),
            )
        };
        let (new, old) = (row("NEW.", "1"), row("OLD.", "-1"));
        let all = [self.at, self.owner, self.step, self.channel, self.status, self.detail, self.seconds, self.micros];
        let is_name = |sign: char| sign == '_' || sign.is_ascii_lowercase();
        let mut told: Vec<&str> = all
            .iter()
            .flat_map(|text| text.split("{row}").skip(1))
            .map(|rest| rest.find(|sign| !is_name(sign)).map_or(rest, |end| &rest[..end]))
            .collect();
        told.sort_unstable();
        told.dedup();
        let mut compared = told.clone();
        if self.is_engaged {
            told.push("result");
            compared.extend(["opened", "clicked", "replied"]);
        }
        let differs: Vec<String> = compared.iter().map(|column| format!("OLD.{column} IS NOT NEW.{column}")).collect();
        vec![
            format!("CREATE TRIGGER {table}_sums_insert AFTER INSERT ON {table} BEGIN {new} END"),
            format!("CREATE TRIGGER {table}_sums_delete AFTER DELETE ON {table} BEGIN {old} END"),
            format!(
                "CREATE TRIGGER {table}_sums_update AFTER UPDATE OF {} ON {table}
                 WHEN ({}) AND ({} IS NOT NULL OR {} IS NOT NULL) BEGIN {old} {new} END",
                told.join(", "),
                differs.join(" OR "),
                self.when("OLD."),
                self.when("NEW."),
            ),
        ]
    }

    /// Adds up the rows that are there: the shortest spans from them, the others from those.
    pub(crate) fn fill(&self, is_postgres: bool) -> Vec<String> {
        let all = |from: &str, span: i64, at: &str| {
            let keys = KEYS[2..].join(", ");
            let sums = SUMS.map(|sum| format!("SUM({sum})")).join(", ");
            format!(
                "INSERT INTO time_sums (span, what, at, {keys}, {})
                 SELECT {span}, what, {at}, {keys}, {sums} FROM {from} GROUP BY what, {at}, {keys}",
                SUMS.join(", ")
            )
        };
        let (table, at) = (self.table, self.when(""));
        let rows = format!("(SELECT {} FROM {table} WHERE {at} IS NOT NULL) AS d", self.noted("", "1", is_postgres));
        let mut filled = vec![all(&rows, SPANS[0], "at")];
        for span in &SPANS[1..] {
            let shortest = format!("(SELECT * FROM time_sums WHERE what = '{table}' AND span = {}) AS d", SPANS[0]);
            filled.push(all(&shortest, *span, &format!("at - at % {span}")));
        }
        filled
    }
}

/// Notes what the rows of a select come to.
fn note(rows: &str) -> String {
    let keys = KEYS.join(", ");
    format!(
        "INSERT INTO time_notes ({keys}, {}) SELECT {keys}, {} FROM ({rows}) AS d GROUP BY {keys} HAVING {}",
        SUMS.join(", "),
        SUMS.map(|sum| format!("SUM({sum})")).join(", "),
        SUMS.map(|sum| format!("SUM({sum}) <> 0")).join(" OR "),
    )
}

fn added(table: &str) -> String {
    SUMS.map(|sum| format!("{sum} = {table}.{sum} + excluded.{sum}")).join(", ")
}

fn tables(is_postgres: bool) -> Vec<String> {
    let text = "text NOT NULL";
    let columns = format!(
        "what {text}, at bigint NOT NULL, owner {{uuid}} NOT NULL, step {{uuid}} NOT NULL, channel {text}, status {text},
         detail {text}, {}",
        SUMS.map(|sum| format!("{sum} bigint NOT NULL")).join(", ")
    );
    let key = KEYS[1..].join(", ");
    if !is_postgres {
        return vec![
            format!("CREATE TABLE time_notes (id integer PRIMARY KEY, {columns}, UNIQUE ({}))", KEYS.join(", ")),
            format!(
                "CREATE TABLE time_sums (span integer NOT NULL, {columns}, PRIMARY KEY (what, span, {key})) WITHOUT ROWID"
            ),
        ];
    }
    vec![
        // It is small, and all of it is written anew again and again.
        format!(
            "CREATE TABLE time_notes ({columns})
             WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
        ),
        // Those of the last hours change again and again.
        format!(
            "CREATE TABLE time_sums (span integer NOT NULL, {columns}, PRIMARY KEY (what, span, {key}))
             WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)"
        ),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = crate::is_postgres(manager);
        let mut statements = tables(is_postgres);
        if is_postgres {
            for summed in [&LEADS].into_iter().chain(&ALL) {
                // Nobody writes until the commit: the triggers have locked the table.
                statements.extend(summed.postgres());
                statements.extend(summed.fill(true));
            }
        } else {
            // Leads are counted there: a million are imported at once, and each would be noted by itself.
            for summed in &ALL {
                statements.extend(summed.sqlite());
                statements.extend(summed.fill(false));
            }
        }
        for index in ["contact_attempts_report", "conversions_report", "sequence_step_executions_report"] {
            statements.push(format!("DROP INDEX {index}"));
        }
        if is_postgres {
            statements.push("ANALYZE time_sums".into());
        }
        crate::run(manager, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

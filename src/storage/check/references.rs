//! Rows that name what is not there. Foreign keys keep that from happening; a database that was damaged, restored in part or changed by
//! hand has such rows all the same.

use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;

/// Tables whose rows say nothing without what they name, though no foreign key takes them along.
const LINKS: [&str; 7] = [
    "api_tokens",
    "batch_channels",
    "campaign_accounts",
    "channel_import_errors",
    "idempotency_keys",
    "refresh_tokens",
    "sessions",
];

/// Keys that are held by use cases alone.
const UNKEYED: [(&str, &str, &str, &str, Cure); 6] = [
    ("broadcast_campaign_progress", "campaign_id", "broadcast_campaigns", "id", Cure::Remove),
    ("broadcast_campaigns", "id", "broadcast_campaign_progress", "campaign_id", Cure::Nothing),
    ("broadcast_campaigns", "media_upload_id", "uploads", "id", Cure::Nothing),
    ("jobs", "channel_id", "channels", "id", Cure::Nothing),
    ("retention_sequences", "id", "sequence_progress", "sequence_id", Cure::Count),
    ("templates", "media_upload_id", "uploads", "id", Cure::Nothing),
];

/// The foreign keys of one column each, as the database itself has them.
const KEYS: &str = r#"SELECT m.name AS child, f."from" AS col, f."table" AS parent, COALESCE(f."to", 'id') AS key, f.on_delete AS rule
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.name, f."from""#;
const POSTGRES_KEYS: &str =
    "SELECT child.relname::text AS child, a.attname::text AS col, parent.relname::text AS parent, b.attname::text AS key,
            c.confdeltype::text AS rule
     FROM pg_constraint c
     JOIN pg_class child ON child.oid = c.conrelid
     JOIN pg_class parent ON parent.oid = c.confrelid
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
     JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
     WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND child.relnamespace = current_schema()::regnamespace
     ORDER BY 1, 2";

/// What becomes of a row that names what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// It goes.
    Remove,
    /// It stays, and names nothing any more.
    Loosen,
    /// The counters that it lacks are made, and then counted.
    Count,
    /// Nobody can know what it should name.
    Nothing,
}

/// A column that names rows of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The table of what it names.
    pub parent: String,
    key: String,
    /// What becomes of rows that name what is not there.
    pub cure: Cure,
}

/// All columns that name rows of other tables.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Reference>> {
    let dialect = Dialect(db.get_database_backend());
    let sql = if dialect.is_postgres() { POSTGRES_KEYS } else { KEYS };
    let keyed = db.query_all_raw(dialect.statement(sql, [])).await?;
    let mut all = keyed.iter().map(read).collect::<Result<Vec<_>>>()?;
    all.extend(UNKEYED.map(|(table, column, parent, key, cure)| Reference {
        table: table.to_owned(),
        column: column.to_owned(),
        parent: parent.to_owned(),
        key: key.to_owned(),
        cure,
    }));
    Ok(all)
}

fn read(row: &QueryResult) -> Result<Reference> {
    let (table, rule): (String, String) = (row.try_get("", "child")?, row.try_get("", "rule")?);
    let cure = match rule.as_str() {
        "CASCADE" | "c" => Cure::Remove,
        "SET NULL" | "n" => Cure::Loosen,
        _ if LINKS.contains(&table.as_str()) => Cure::Remove,
        _ => Cure::Nothing,
    };
    let (column, parent, key) = (row.try_get("", "col")?, row.try_get("", "parent")?, row.try_get("", "key")?);
    Ok(Reference { table, column, parent, key, cure })
}

impl Reference {
    /// Whether the row `c` names what is not there.
    fn is_broken(&self) -> String {
        let Self { column, parent, key, .. } = self;
        format!("c.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.{key} = c.{column})")
    }

    /// How many rows name what is not there.
    pub async fn broken(&self, db: &impl ConnectionTrait) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) AS n FROM {} AS c WHERE {}", self.table, self.is_broken());
        let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await?;
        Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
    }

    /// Where some of these rows lie.
    pub async fn places(&self, db: &impl ConnectionTrait, most: i64) -> Result<Vec<String>> {
        let dialect = Dialect(db.get_database_backend());
        let place = if dialect.is_postgres() { "c.ctid::text" } else { "CAST(c.rowid AS text)" };
        let sql = format!("SELECT {place} AS place FROM {} AS c WHERE {} LIMIT $1", self.table, self.is_broken());
        let rows = db.query_all_raw(dialect.statement(&sql, [most.into()])).await?;
        rows.iter().map(|row| Ok(row.try_get("", "place")?)).collect()
    }

    /// Mends the rows at these places that still name what is not there. Returns how many these were.
    pub async fn mend(&self, tx: &Tx, places: &[String]) -> Result<u64> {
        let dialect = Dialect(tx.get_database_backend());
        let here = if dialect.is_postgres() {
            "c.ctid = ANY (ARRAY(SELECT value::tid FROM json_array_elements_text($1::json)))"
        } else {
            "c.rowid IN (SELECT CAST(value AS integer) FROM json_each($1))"
        };
        let Self { table, column, .. } = self;
        let change = match self.cure {
            Cure::Remove => format!("DELETE FROM {table} AS c"),
            Cure::Loosen => format!("UPDATE {table} AS c SET {column} = NULL"),
            Cure::Count => "INSERT INTO sequence_progress (sequence_id, status) SELECT c.id, c.status FROM retention_sequences AS c".into(),
            Cure::Nothing => return Ok(0),
        };
        let sql = format!("{change} WHERE {here} AND {}", self.is_broken());
        let list = Value::from(serde_json::to_string(places).map_err(domain::error::Error::internal)?);
        Ok(tx.execute_raw(dialect.statement(&sql, [list])).await?.rows_affected())
    }
}

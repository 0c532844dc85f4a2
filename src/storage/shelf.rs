//! Where sealed secrets lie, for the one use case that goes through them all: replacing the key.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::Tx;
use super::sql::Dialect;
use domain::error::Result;
use domain::sealed::{Sealed, SecretPlace};

/// Rows that are read and written in one transaction.
const CHUNK: i64 = 100;

/// A table with sealed columns. Each new one gets a line in [`SHELVES`].
#[derive(Debug, Clone, Copy)]
pub struct Shelf {
    /// The table; its rows have an `id`.
    pub table: &'static str,
    /// The table's sealed columns.
    pub columns: &'static [&'static str],
    /// A sealed column, and the one with the keyed hash of its content.
    pub hashed: Option<(&'static str, &'static str)>,
}

/// All of them. A test compares it with the columns of the database.
pub const SHELVES: &[Shelf] = &[
    Shelf {
        table: "telegram_accounts",
        columns: &["auth_key", "api_hash"],
        hashed: Some(("auth_key", "auth_key_hash")),
    },
    Shelf { table: "integration_configs", columns: &["config"], hashed: None },
    Shelf { table: "installation_keys", columns: &["sealed"], hashed: None },
];

/// The sealed values of one row.
#[derive(Debug)]
pub struct Secrets {
    /// The row.
    pub row: Uuid,
    /// The column, and what is sealed in it.
    pub sealed: Vec<(&'static str, Sealed)>,
}

impl Shelf {
    /// Where a secret of it lies.
    pub const fn place(&self, column: &'static str, row: Uuid) -> SecretPlace {
        SecretPlace { table: self.table, column, row }
    }

    /// Some rows after `after`, locked, with something that is not sealed under the key `key_id`.
    pub async fn sealed_otherwise(&self, tx: &Tx, key_id: &str, after: Uuid) -> Result<Vec<Secrets>> {
        let dialect = Dialect(tx.get_database_backend());
        let columns = self.columns.join(", ");
        // A null is not sealed at all, and neither like nor unlike anything.
        let others: Vec<_> = self.columns.iter().map(|column| format!("{column} NOT LIKE $1")).collect();
        let sql = format!(
            "SELECT id, {columns} FROM {} WHERE id > $2 AND ({}) ORDER BY id LIMIT {CHUNK} {}",
            self.table,
            others.join(" OR "),
            dialect.for_update(),
        );
        let values: [Value; 2] = [format!("%.{key_id}.%").into(), after.into()];
        let mut found = Vec::new();
        for row in tx.query_all_raw(dialect.statement(&sql, values)).await? {
            let mut sealed = Vec::new();
            for column in self.columns {
                let text: Option<String> = row.try_get("", column)?;
                sealed.extend(text.map(|text| (*column, Sealed(text))));
            }
            found.push(Secrets { row: row.try_get("", "id")?, sealed });
        }
        Ok(found)
    }

    /// All that is sealed on it.
    pub async fn all(&self, db: &impl ConnectionTrait) -> Result<Vec<Sealed>> {
        let sql = format!("SELECT {} FROM {}", self.columns.join(", "), self.table);
        let mut found = Vec::new();
        for row in db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await? {
            for column in self.columns {
                found.extend(row.try_get::<Option<String>>("", column)?.map(Sealed));
            }
        }
        Ok(found)
    }

    /// Writes columns of one row.
    pub async fn write(&self, tx: &Tx, row: Uuid, columns: &[(&'static str, String)]) -> Result<()> {
        let set: Vec<_> =
            columns.iter().enumerate().map(|(index, (column, _))| format!("{column} = ${}", index + 2)).collect();
        let sql = format!("UPDATE {} SET {} WHERE id = $1", self.table, set.join(", "));
        let values = std::iter::once(row.into()).chain(columns.iter().map(|(_, text)| text.clone().into()));
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, values.collect::<Vec<Value>>())).await?;
        Ok(())
    }
}

//! Parts of names, addresses and usernames are found by an index of their groups of three letters on SQLite, too: its full-text search,
//! which keeps no copy of the texts. PostgreSQL has such indexes since the migration `trigrams`.
//!
//! Triggers keep it, in the transaction that writes the row: nothing is in the one and not in the other, whenever a process ends. The rows
//! are known by their `rowid`. What is taken out is written over at once (`secure-delete`): of an erased person no letter stays.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SEARCHED: [(&str, &[&str]); 2] = [("leads", &["names_fold", "email", "phone"]), ("channels", &["username"])];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if crate::is_postgres(manager) {
            return Ok(());
        }
        for (table, columns) in SEARCHED {
            let statements = index(table, columns);
            crate::run(manager, &statements.each_ref().map(String::as_str)).await?;
        }
        Ok(())
    }
}

/// The index, what is there already, and the triggers.
fn index(table: &str, columns: &[&str]) -> [String; 6] {
    let search = format!("{table}_search");
    let names = columns.join(", ");
    let of = |row: &str| columns.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let is_other: Vec<_> = columns.iter().map(|column| format!("OLD.{column} IS NOT NEW.{column}")).collect();
    let add = format!("INSERT INTO {search} (rowid, {names}) VALUES (NEW.rowid, {});", of("NEW"));
    let remove =
        format!("INSERT INTO {search} ({search}, rowid, {names}) VALUES ('delete', OLD.rowid, {});", of("OLD"));
    [
        format!("CREATE VIRTUAL TABLE {search} USING fts5 ({names}, content = '{table}', tokenize = 'trigram')"),
        format!("INSERT INTO {search} ({search}, rank) VALUES ('secure-delete', 1)"),
        format!("INSERT INTO {search} ({search}) VALUES ('rebuild')"),
        format!("CREATE TRIGGER {search}_added AFTER INSERT ON {table} BEGIN {add} END"),
        format!("CREATE TRIGGER {search}_removed AFTER DELETE ON {table} BEGIN {remove} END"),
        format!(
            "CREATE TRIGGER {search}_changed AFTER UPDATE OF {names} ON {table} WHEN {} BEGIN {remove} {add} END",
            is_other.join(" OR ")
        ),
    ]
}

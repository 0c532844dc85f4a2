//! SQLite's index of letters learns of new rows behind their transaction: an import took a third longer by it. `letters` says up to which
//! row of a table it knows all; whoever searches looks at those beyond one by one. A new row's number is above all others', so it is
//! beyond; what changes or goes is taken out of the index at once, as before.
//!
//! The last row that is known stands there by its id as well: if the numbers were given anew (by a dump that was read in again, or by
//! VACUUM), another row has its number, and the index is asked nothing until it is made anew.

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
        let table =
            "CREATE TABLE letters (name text NOT NULL PRIMARY KEY, number integer NOT NULL, id blob) WITHOUT ROWID";
        crate::run(manager, &[table]).await?;
        for (table, columns) in SEARCHED {
            let statements = known(table, columns);
            crate::run(manager, &statements.each_ref().map(String::as_str)).await?;
        }
        Ok(())
    }
}

/// What the index knows already, and the triggers.
fn known(table: &str, columns: &[&str]) -> [String; 6] {
    let search = format!("{table}_search");
    let names = columns.join(", ");
    let of = |row: &str| columns.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let is_other: Vec<_> = columns.iter().map(|column| format!("OLD.{column} IS NOT NEW.{column}")).collect();
    let is_known = format!("OLD.rowid <= (SELECT number FROM letters WHERE name = '{table}')");
    let add = format!("INSERT INTO {search} (rowid, {names}) VALUES (NEW.rowid, {});", of("NEW"));
    let remove =
        format!("INSERT INTO {search} ({search}, rowid, {names}) VALUES ('delete', OLD.rowid, {});", of("OLD"));
    let below = format!("FROM {table} WHERE rowid < OLD.rowid ORDER BY rowid DESC LIMIT 1");
    // The number of the last row may be given again, to one that is not known.
    let last = format!(
        "UPDATE letters SET number = COALESCE((SELECT rowid {below}), 0), id = (SELECT id {below})
         WHERE name = '{table}' AND number = OLD.rowid;"
    );
    [
        format!(
            "INSERT INTO letters (name, number, id)
             SELECT '{table}', COALESCE(MAX(rowid), 0), (SELECT id FROM {table} ORDER BY rowid DESC LIMIT 1) FROM {table}"
        ),
        format!("DROP TRIGGER {search}_added"),
        format!("DROP TRIGGER {search}_removed"),
        format!("DROP TRIGGER {search}_changed"),
        format!("CREATE TRIGGER {search}_removed AFTER DELETE ON {table} WHEN {is_known} BEGIN {remove} {last} END"),
        format!(
            "CREATE TRIGGER {search}_changed AFTER UPDATE OF {names} ON {table} WHEN ({}) AND {is_known}
             BEGIN {remove} {add} END",
            is_other.join(" OR ")
        ),
    ]
}

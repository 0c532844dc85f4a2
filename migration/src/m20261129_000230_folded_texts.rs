//! What is searched and sorted stands beside itself as Herald folds it, since each database knows other letters.

use domain::fold::fold;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::{Json, Uuid};
use sea_orm_migration::sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

/// Rows that are folded in one statement.
const PAGE: usize = 1_000;

/// The columns of folded text of each table, and what they are made of. Channels have few categories and are many: see
/// [`fold_categories`].
const FOLDED: [(&str, &str, &[&str]); 11] = [
    ("batches", "name_fold", &["name"]),
    ("templates", "name_fold", &["name"]),
    ("broadcast_campaigns", "name_fold", &["name"]),
    ("scripts", "name_fold", &["name"]),
    ("retention_sequences", "name_fold", &["name"]),
    ("retention_sequences", "description_fold", &["description"]),
    ("retention_campaigns", "name_fold", &["name"]),
    ("retention_campaigns", "description_fold", &["description"]),
    ("api_tokens", "name_fold", &["name"]),
    ("telegram_accounts", "label_fold", &["label"]),
    ("leads", "names_fold", &["first_name", "last_name"]),
];

/// Lists that are sorted by a folded column: the text as it was written comes second, then the id.
const SORTED: [(&str, &str, &str); 9] = [
    ("batches", "name_fold", "name"),
    ("templates", "name_fold", "name"),
    ("broadcast_campaigns", "name_fold", "name"),
    ("scripts", "name_fold", "name"),
    ("retention_sequences", "name_fold", "name"),
    ("retention_campaigns", "name_fold", "name"),
    ("api_tokens", "name_fold", "name"),
    ("telegram_accounts", "label_fold", "label"),
    ("channels", "category_fold", "category"),
];

/// Columns that sort lists without being folded.
const PLAIN: [(&str, &str); 4] =
    [("users", "username"), ("channels", "username"), ("leads", "source"), ("integration_configs", "provider")];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = crate::is_postgres(manager);
        let text = if is_postgres { "text COLLATE \"C\"" } else { "text" };
        let channels = ("channels", "category_fold");
        let added = FOLDED.iter().map(|(table, folded, _)| (*table, *folded)).chain([channels]);
        let mut statements: Vec<String> = added
            .map(|(table, folded)| format!("ALTER TABLE {table} ADD COLUMN {folded} {text} NOT NULL DEFAULT ''"))
            .collect();
        if is_postgres {
            // By code point, as SQLite sorts, whatever the language of the database is.
            let columns = SORTED.iter().map(|(table, _, written)| (*table, *written)).chain(PLAIN);
            statements.extend(
                columns.map(|(table, column)| format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {text}")),
            );
        }
        run(manager, &statements).await?;
        for (table, folded, texts) in FOLDED {
            fold_rows(manager, table, folded, texts).await?;
        }
        fold_categories(manager).await?;
        let mut indexes: Vec<String> = ["templates_name", "telegram_accounts_label", "channels_category"]
            .iter()
            .chain(&["channels_category_member_count"])
            .map(|index| format!("DROP INDEX {index}"))
            .collect();
        indexes.extend(SORTED.iter().map(|(table, folded, written)| {
            format!("CREATE INDEX {table}_{folded} ON {table} ({folded}, {written}, id)")
        }));
        indexes.push(
            "CREATE INDEX channels_category_fold_member_count
             ON channels (category_fold, (COALESCE(member_count, -1)), id)"
                .to_owned(),
        );
        run(manager, &indexes).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[String]) -> Result<(), DbErr> {
    crate::run(manager, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Fills `folded` in all rows of a table, a page at a time.
async fn fold_rows(manager: &SchemaManager<'_>, table: &str, folded: &str, texts: &[&str]) -> Result<(), DbErr> {
    let (db, backend) = (manager.get_connection(), manager.get_database_backend());
    let columns = texts.join(", ");
    let select = format!("SELECT id, {columns} FROM {table} WHERE id > $1 ORDER BY id LIMIT {PAGE}");
    let rows = if crate::is_postgres(manager) {
        "json_to_recordset($1::json) AS r(id uuid, folded text)"
    } else {
        "(SELECT unhex(replace(json_extract(value, '$.id'), '-', '')) AS id, json_extract(value, '$.folded') AS folded
          FROM json_each($1) LIMIT -1) AS r"
    };
    let update = format!("UPDATE {table} SET {folded} = r.folded FROM {rows} WHERE {table}.id = r.id");
    let mut last = Uuid::nil();
    loop {
        let page = db.query_all_raw(Statement::from_sql_and_values(backend, &select, [last.into()])).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.try_get("", "id")?;
        let page: Result<Vec<Json>, DbErr> = page.iter().map(|row| folded_row(row, texts)).collect();
        let rows = Value::from(Json::Array(page?).to_string());
        db.execute_raw(Statement::from_sql_and_values(backend, &update, [rows])).await?;
    }
}

/// The id of a row and its texts as one, folded.
fn folded_row(row: &QueryResult, texts: &[&str]) -> Result<Json, DbErr> {
    let id: Uuid = row.try_get("", "id")?;
    let texts: Result<Vec<Option<String>>, DbErr> = texts.iter().map(|text| row.try_get("", text)).collect();
    let text = texts?.into_iter().flatten().collect::<Vec<_>>().join("\n");
    let fields = [("id", Json::from(id.to_string())), ("folded", Json::from(fold(&text)))];
    Ok(Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// Fills the folded category of all channels, one statement for each category.
async fn fold_categories(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (db, backend) = (manager.get_connection(), manager.get_database_backend());
    let all = db.query_all_raw(Statement::from_string(backend, "SELECT DISTINCT category FROM channels")).await?;
    for row in all {
        let category: String = row.try_get("", "category")?;
        let values = [Value::from(fold(&category)), category.into()];
        let update = "UPDATE channels SET category_fold = $1 WHERE category = $2";
        db.execute_raw(Statement::from_sql_and_values(backend, update, values)).await?;
    }
    Ok(())
}

//! What a script is written as is said. Until now an email was HTML if, but for placeholders, it began with a tag: those that are there
//! are by that rule once more, and never again.

use domain::text::is_seen;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::Statement;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            "ALTER TABLE scripts ADD COLUMN format text NOT NULL DEFAULT 'TEXT'",
            "ALTER TABLE scripts ADD COLUMN plain_content text",
        ];
        crate::run(manager, &columns).await?;
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        // Whoever has none of these has no tag.
        let some = "SELECT DISTINCT content FROM scripts WHERE type = 'EMAIL' AND content LIKE '%<%'";
        for row in db.query_all_raw(Statement::from_string(backend, some)).await? {
            let content: String = row.try_get("", "content")?;
            if is_html(&content) {
                let update = "UPDATE scripts SET format = 'HTML' WHERE type = 'EMAIL' AND content = $1";
                db.execute_raw(Statement::from_sql_and_values(backend, update, [content.into()])).await?;
            }
        }
        Ok(())
    }
}

/// Whether a text is HTML: what of it is no placeholder and no statement begins with a tag. What is filled in does not matter.
///
/// Where a placeholder stands before the tag, that must be one of a part of a page, or be closed again: else it's words.
fn is_html(content: &str) -> bool {
    let (mut rest, mut is_behind_value) = (trimmed(content), false);
    while let Some(inner) = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .find_map(|(open, close)| rest.strip_prefix(open).map(|inner| inner.find(close).map(|at| &inner[at + 2..])))
    {
        is_behind_value |= rest.starts_with("{{");
        let Some(behind) = inner else { return false };
        rest = trimmed(behind);
    }
    let Some(tag) = rest.strip_prefix('<') else { return false };
    if tag.starts_with("!--")
        || tag.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!doctype"))
        || tag.starts_with("?xml")
    {
        return true;
    }
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let length = tag.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(tag.len());
    let name = tag[..length].to_ascii_lowercase();
    let is_tag = tag[length..].starts_with(['>', '/', ' ', '\t', '\r', '\n']) && tag.contains('>');
    let is_part = PARTS.contains(&name.as_str());
    if !is_tag || !(is_part || WITHIN_LINES.contains(&name.as_str())) {
        return false;
    }
    !is_behind_value || is_part || tag.to_ascii_lowercase().contains(&format!("</{name}>"))
}

/// A text without blanks, byte order marks and other signs of no width at its beginning.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches(|sign: char| !is_seen(sign))
}

/// The elements that are parts of a page, or break its lines.
const PARTS: [&str; 52] = [
    "address",
    "article",
    "aside",
    "base",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "img",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "style",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "wbr",
];

/// Those that stand within a line.
const WITHIN_LINES: [&str; 36] = [
    "a", "abbr", "audio", "b", "bdi", "bdo", "big", "button", "cite", "code", "del", "dfn", "em", "font", "i",
    "iframe", "input", "ins", "kbd", "label", "map", "mark", "picture", "q", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "svg", "time", "u", "video",
];

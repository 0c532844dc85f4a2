//! The addresses of links in plain texts, which stand in these as a key: there people see how long a link is. In HTML, where nobody does,
//! a link carries its address itself.

use sea_orm::Statement;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::retention::lists::Texts;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::ContactAttemptId;

/// The links of one contact.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tracked_links")]
pub struct Model {
    /// Letters and digits that nobody guesses.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub contact_attempt_id: ContactAttemptId,
    /// Where they lead: to the letter, in the order in which links count them.
    pub targets: Texts,
}

joins_nothing!();

/// The links of a contact that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct New {
    pub key: String,
    pub contact_attempt_id: ContactAttemptId,
    pub targets: Texts,
}

impl Entity {
    /// The links that go by a key.
    pub async fn by(db: &impl ConnectionTrait, key: &str) -> Result<Option<Model>> {
        Ok(Self::find_by_id(key.to_owned()).one(db).await?)
    }
}

/// Raw, as it is a part of the statement that writes the contacts down.
pub(crate) fn insert(dialect: Dialect, links: &[New]) -> Option<Statement> {
    if links.is_empty() {
        return None;
    }
    let columns = [("key", "text"), ("contact_attempt_id", "uuid"), ("targets", "jsonb")];
    let names = columns.map(|(name, _)| name).join(", ");
    let table = dialect.table("$1", &columns);
    let sql = format!("INSERT INTO tracked_links ({names}) SELECT {names} FROM {table}");
    Some(dialect.statement(&sql, [rows(links)]))
}

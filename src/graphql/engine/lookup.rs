//! One row by a key that people know: a name, an address, an id in another system.

use async_graphql::Context;
use sea_orm::{QueryOrder, QuerySelect, Select};

use super::context::ContextExt;
use crate::node::NodeType;
use domain::error::{Error, Result, Violation};
use domain::id::NounId;
use storage::noun::{Keyed, Noun};
use storage::rows;

/// Rows that are named at most where several have a key.
const NAMED: u64 = 3;

/// What `found` finds; None if that is nothing.
///
/// # Errors
/// [`Error::Conflict`] if it finds several: none of them is the one that was meant.
pub(crate) async fn only<T: NodeType>(ctx: &Context<'_>, found: Select<<T::Id as Keyed>::Noun>) -> Result<Option<T>> {
    type Table<T> = <<T as NodeType>::Id as Keyed>::Noun;
    let found = found.order_by_asc(<Table<T> as Noun>::ID).limit(NAMED + 1);
    let mut rows = rows::all(found, ctx.services().db.reader()).await?;
    rows.retain(|row| T::is_visible(row, ctx));
    if rows.len() > 1 {
        let ids = rows.iter().map(|row| <Table<T> as Noun>::id(row).global_id());
        let ids: Vec<String> = ids.take(usize::try_from(NAMED).unwrap_or(usize::MAX)).collect();
        let (word, ids) = (T::Id::WORD, ids.join(", "));
        return Err(Error::Conflict(format!("this key is that of more than one {word}: ask for one by its id: {ids}")));
    }
    Ok(rows.pop().map(T::of))
}

/// The key that was written into `field`, in its stored form.
///
/// # Errors
/// [`Error::Invalid`] with the reason why there can be no such key.
pub(crate) fn key<T>(field: &str, read: Result<T, impl Into<String>>) -> Result<T> {
    read.map_err(|why| Error::Invalid(vec![Violation { path: vec!["key".into(), field.into()], message: why.into() }]))
}

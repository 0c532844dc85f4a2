//! One page of a list: keyset pagination over a sort value and the id.

use sea_orm::sea_query::{Expr, ExprTrait, Order, SimpleExpr};
use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, Value,
};

use crate::domain::error::Result;

/// What a list is sorted by: a column (or an expression that has an index) and then the id.
#[derive(Debug, Clone)]
pub struct Sort {
    /// The value that sorts.
    pub by: SimpleExpr,
    /// The id, which breaks ties.
    pub id: SimpleExpr,
    /// Whether the greatest come first.
    pub descending: bool,
}

/// A place in a sorted list: the sort value and the id of a row.
#[derive(Debug, Clone)]
pub struct Place {
    /// The row's sort value.
    pub by: Value,
    /// The row's id.
    pub id: Value,
}

/// Which part of the list is wanted.
#[derive(Debug, Clone)]
pub struct Window {
    /// Only rows after this place.
    pub after: Option<Place>,
    /// Only rows before this place.
    pub before: Option<Place>,
    /// How many rows.
    pub limit: u64,
    /// Whether the last rows of the range are wanted instead of the first.
    pub from_end: bool,
}

/// The rows found, in the list's order.
#[derive(Debug)]
pub struct Page<M> {
    /// At most as many as wanted.
    pub rows: Vec<M>,
    /// Whether there are more rows beyond those found, on the far side.
    pub has_more: bool,
}

/// Reads one page of `select`: one statement, however deep the page lies.
pub async fn read<E, M>(db: &impl ConnectionTrait, select: Select<E>, sort: &Sort, window: &Window) -> Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + sea_orm::ModelTrait<Entity = E> + Send + Sync,
{
    let backwards = sort.descending != window.from_end;
    let order = if backwards { Order::Desc } else { Order::Asc };
    let mut select = select.filter(range(sort, window));
    QueryOrder::query(&mut select).order_by_expr(sort.by.clone(), order.clone()).order_by_expr(sort.id.clone(), order);
    let mut rows = select.limit(window.limit + 1).all(db).await?;
    let has_more = rows.len() as u64 > window.limit;
    rows.truncate(usize::try_from(window.limit).unwrap_or(usize::MAX));
    if window.from_end {
        rows.reverse();
    }
    Ok(Page { rows, has_more })
}

/// How many rows `select` finds, counted up to `most`.
pub async fn count<E>(db: &impl ConnectionTrait, select: Select<E>, most: Option<u64>) -> Result<u64>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Sized + Send + Sync,
{
    let select = match most {
        Some(most) => select.limit(most),
        None => select,
    };
    Ok(select.count(db).await?)
}

/// The rows after one place and before another, as row values: both databases use an index on (by, id) for it.
fn range(sort: &Sort, window: &Window) -> Condition {
    let key = || Expr::tuple([sort.by.clone(), sort.id.clone()]);
    let place = |place: &Place| Expr::tuple([Expr::val(place.by.clone()), Expr::val(place.id.clone())]);
    let mut condition = Condition::all();
    if let Some(after) = &window.after {
        condition = condition.add(if sort.descending { key().lt(place(after)) } else { key().gt(place(after)) });
    }
    if let Some(before) = &window.before {
        condition = condition.add(if sort.descending { key().gt(place(before)) } else { key().lt(place(before)) });
    }
    condition
}

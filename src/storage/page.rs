//! One page of a list: keyset pagination over a sort value and the id.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr, UnionType};
use sea_orm::{
    ColumnTrait, ColumnType, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    ModelTrait, PaginatorTrait, PrimaryKeyToColumn, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait,
    Select, Value,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::error::{Error, Result};

/// What a list is sorted by: a column and then the id, or the id alone. Ids sort by the time of their making.
#[derive(Debug, Clone, Copy)]
pub struct Sort<E: EntityTrait> {
    by: Option<(E::Column, Option<i64>)>,
    descending: bool,
}

/// A place in a sorted list: the sort value and the id of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// None in a list that is sorted by the id alone.
    key: Option<Key>,
    id: Uuid,
}

/// A sort value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Key {
    Text(String),
    Number(i64),
    Instant(DateTime<Utc>),
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone)]
pub struct Page<M> {
    /// At most as many as wanted.
    pub rows: Vec<M>,
    /// Whether there are more rows beyond those found, on the far side.
    pub has_more: bool,
}

impl<E: EntityTrait> Sort<E> {
    /// By the id: the order in which the rows were made.
    pub const fn by_id() -> Self {
        Self { by: None, descending: false }
    }

    /// By `column`, which is text, a whole number or an instant, and never null.
    pub const fn by(column: E::Column) -> Self {
        Self { by: Some((column, None)), descending: false }
    }

    /// By a `column` of whole numbers in which null counts as `absent`: an index has `COALESCE(column, absent)`.
    pub const fn by_or(column: E::Column, absent: i64) -> Self {
        Self { by: Some((column, Some(absent))), descending: false }
    }

    /// The same, with the greatest first if `descending`.
    #[must_use]
    pub const fn descending(self, descending: bool) -> Self {
        Self { by: self.by, descending }
    }

    /// A name that no other order of this list has: a place is of one order only.
    pub fn name(&self) -> String {
        let column = self.by.as_ref().map_or("id", |(column, _)| column.as_str());
        format!("{column} {}", if self.descending { "down" } else { "up" })
    }

    /// The place of `row` in the list.
    ///
    /// # Errors
    /// The column that sorts is of a kind that can't sort a list: a defect.
    pub fn place(&self, row: &E::Model) -> Result<Place>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let Value::Uuid(Some(id)) = row.get(Self::id()) else { return Err(unsortable("the id")) };
        let Some((column, absent)) = self.by else { return Ok(Place { key: None, id }) };
        let key = match (row.get(column), absent) {
            (Value::String(Some(text)), _) => Key::Text(text.clone()),
            (Value::Int(Some(number)), _) => Key::Number(number.into()),
            (Value::BigInt(Some(number)), _) => Key::Number(number),
            (Value::ChronoDateTimeUtc(Some(at)), _) => Key::Instant(at),
            (_, Some(absent)) => Key::Number(absent),
            _ => return Err(unsortable(column.as_str())),
        };
        Ok(Place { key: Some(key), id })
    }

    /// Whether `place` can be one of this list: its value is of the column's kind.
    pub fn has(&self, place: &Place) -> bool {
        match (&self.by, &place.key) {
            (None, None) => true,
            (Some((column, _)), Some(key)) => matches!(
                (column.def().get_column_type(), key),
                (ColumnType::Text | ColumnType::String(_), Key::Text(_))
                    | (ColumnType::Integer | ColumnType::BigInteger, Key::Number(_))
                    | (ColumnType::TimestampWithTimeZone, Key::Instant(_))
            ),
            _ => false,
        }
    }

    fn id() -> E::Column {
        let key = E::PrimaryKey::iter().next().expect("each table has a primary key");
        key.into_column()
    }

    fn keys(&self) -> Vec<SimpleExpr> {
        let column = |column: &E::Column| Expr::col(column.as_column_ref());
        let by = self.by.as_ref().map(|(by, absent)| match absent {
            None => column(by),
            Some(absent) => Func::coalesce([column(by), Expr::val(*absent)]).into(),
        });
        by.into_iter().chain([column(&Self::id())]).collect()
    }

    /// The rows after one place and before another, as row values: both databases use an index on (by, id) for it.
    fn range(&self, window: &Window) -> Condition {
        let values = |place: &Place| {
            let by = place.key.clone().map(|key| Expr::val(Value::from(key)));
            Expr::tuple(by.into_iter().chain([Expr::val(place.id)]))
        };
        let keys = || Expr::tuple(self.keys());
        let after = window.after.as_ref().map(values);
        let before = window.before.as_ref().map(values);
        let (from, to) = if self.descending { (before, after) } else { (after, before) };
        Condition::all().add_option(from.map(|from| keys().gt(from))).add_option(to.map(|to| keys().lt(to)))
    }

    /// `select`, cut to the window and one row more, which tells whether there are more.
    fn cut(&self, select: Select<E>, window: &Window) -> Select<E> {
        let order = if self.descending == window.from_end { Order::Asc } else { Order::Desc };
        let mut select = select.filter(self.range(window)).limit(window.limit + 1);
        for key in self.keys() {
            QueryOrder::query(&mut select).order_by_expr(key, order.clone());
        }
        select
    }
}

impl Window {
    /// The first `limit` rows.
    pub const fn first(limit: u64) -> Self {
        Self { after: None, before: None, limit, from_end: false }
    }

    fn page<M>(&self, mut rows: Vec<M>) -> Page<M> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if self.from_end {
            rows.reverse();
        }
        Page { rows, has_more }
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Text(text) => text.into(),
            Key::Number(number) => number.into(),
            Key::Instant(at) => at.into(),
        }
    }
}

/// Reads one page of `select`: one statement, however deep the page lies.
pub async fn read<E>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    sort: Sort<E>,
    window: &Window,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    Ok(window.page(sort.cut(select, window).all(db).await?))
}

/// One of several lists that are read at once.
#[derive(Debug, Clone)]
pub struct Request<E: EntityTrait> {
    /// The whole list.
    pub select: Select<E>,
    /// Its order.
    pub sort: Sort<E>,
    /// The part that is wanted.
    pub window: Window,
}

/// Reads a page of each of several lists in one statement: the children of many parents. The pages are in the order of the
/// requests.
pub async fn read_each<E>(db: &impl ConnectionTrait, requests: &[Request<E>]) -> Result<Vec<Page<E::Model>>>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let lists = requests.iter().enumerate().map(|(list, Request { select, sort, window })| {
        let part = sort.cut(select.clone(), window).into_query();
        Query::select()
            .column(Asterisk)
            .expr_as(Expr::cust(list.to_string()), "list")
            // The part is sorted; a union is not.
            .expr_as(Expr::cust("row_number() OVER ()"), "place")
            .from_subquery(part, "part")
            .take()
    });
    let mut found: Vec<Vec<E::Model>> = requests.iter().map(|_| Vec::new()).collect();
    for (list, row) in union(db, lists).await? {
        found[list].push(E::Model::from_query_result(&row, "")?);
    }
    Ok(requests.iter().zip(found).map(|(request, rows)| request.window.page(rows)).collect())
}

/// How many rows each of several lists has, in one statement.
pub async fn count_each<E: EntityTrait>(db: &impl ConnectionTrait, selects: &[Select<E>]) -> Result<Vec<u64>> {
    let lists = selects.iter().enumerate().map(|(list, select)| {
        Query::select()
            .expr_as(Func::count(Expr::col(Asterisk)), "count")
            .expr_as(Expr::cust(list.to_string()), "list")
            .expr_as(Expr::cust("0"), "place")
            .from_subquery(select.clone().into_query(), "part")
            .take()
    });
    let mut counts = vec![0; selects.len()];
    for (list, row) in union(db, lists).await? {
        let count: i64 = row.try_get("", "count")?;
        counts[list] = u64::try_from(count).unwrap_or_default();
    }
    Ok(counts)
}

/// Selects in one statement: SQLite takes 500.
const UNITED: usize = 400;

/// The rows of all `lists`, each with the number of its list, in the order of the lists and of their places.
async fn union(
    db: &impl ConnectionTrait,
    lists: impl Iterator<Item = SelectStatement>,
) -> Result<Vec<(usize, QueryResult)>> {
    let lists: Vec<SelectStatement> = lists.collect();
    let mut found = Vec::new();
    for some in lists.chunks(UNITED) {
        let Some((first, rest)) = some.split_first() else { continue };
        let mut all = first.clone();
        all.unions(rest.iter().map(|list| (UnionType::All, list.clone())));
        let order = |name: &'static str| Expr::col(name);
        all.order_by_expr(order("list"), Order::Asc).order_by_expr(order("place"), Order::Asc);
        for row in db.query_all(&all).await? {
            let list: i32 = row.try_get("", "list")?;
            found.push((usize::try_from(list).unwrap_or_default(), row));
        }
    }
    Ok(found)
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

fn unsortable(what: &str) -> Error {
    Error::internal(anyhow::anyhow!("{what} does not sort a list"))
}

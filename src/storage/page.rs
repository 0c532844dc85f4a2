//! One page of a list: keyset pagination over a sort value and the id.

mod below;

use std::hash::{Hash, Hasher};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, SimpleExpr};
use sea_orm::{
    ColumnTrait, ColumnType, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    ModelTrait, PaginatorTrait, PrimaryKeyToColumn, QueryFilter, QueryOrder, QuerySelect, Select, Value,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::below::{count_below, read_across, read_below};
use super::rows::{self, Row};
use domain::error::{Error, Result};

/// As what null sorts a list: an index has `COALESCE(column, ..)` with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Absent {
    Number(i64),
    /// As the text that comes first.
    Empty,
}

impl Absent {
    fn key(self) -> Key {
        match self {
            Self::Number(number) => Key::Number(number),
            Self::Empty => Key::Text(String::new()),
        }
    }

    fn literal(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Empty => "''".to_owned(),
        }
    }
}

/// The order of a list: by a column and then the id, or the id alone. Ids sort by the time of their making.
#[derive(Debug, Clone, Copy)]
pub struct Sort<E: EntityTrait> {
    by: Option<(E::Column, Option<Absent>)>,
    /// What tells rows apart that are the same by that.
    then: Option<E::Column>,
    descending: bool,
}

impl<E: EntityTrait> Sort<E> {
    fn key(&self) -> (Option<(&str, Option<Absent>)>, bool) {
        (self.by.as_ref().map(|(column, absent)| (column.as_str(), *absent)), self.descending)
    }
}

impl<E: EntityTrait> PartialEq for Sort<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E: EntityTrait> Eq for Sort<E> {}

impl<E: EntityTrait> Hash for Sort<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// A place in a sorted list: the sort value and the id of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// None in a list that is sorted by the id alone.
    key: Option<Key>,
    /// Of a list that is sorted by a second column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    then: Option<Key>,
    id: Uuid,
}

/// A sort value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Text(String),
    Number(i64),
    Instant(DateTime<Utc>),
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Only rows after this place.
    pub after: Option<Cursor>,
    /// Only rows before this place.
    pub before: Option<Cursor>,
    /// How many rows.
    pub limit: u64,
    /// Whether the last rows of the range are wanted instead of the first.
    pub from_end: bool,
}

/// Rows beyond these are not counted one by one: a list's length would take the longer, the more there are.
pub const MOST_COUNTED: u64 = 10_001;

/// How long a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The rows that were counted.
    pub rows: u64,
    /// If it isn't, there may be more.
    pub is_exact: bool,
}

impl Length {
    /// So long.
    pub const fn exactly(rows: u64) -> Self {
        Self { rows, is_exact: true }
    }

    /// What was found by whoever stops at [`MOST_COUNTED`].
    const fn counted(rows: u64) -> Self {
        Self { rows, is_exact: rows < MOST_COUNTED }
    }
}

impl Default for Length {
    fn default() -> Self {
        Self::exactly(0)
    }
}

/// The rows found, in the list's order.
#[derive(Debug, Clone)]
pub struct Page<M> {
    /// At most as many as wanted.
    pub rows: Vec<M>,
    /// Whether there are more rows beyond those found, on the far side.
    pub has_more: bool,
}

impl<M> Page<M> {
    /// A page on which there is nothing.
    pub const fn none() -> Self {
        Self { rows: Vec::new(), has_more: false }
    }
}

impl<E: EntityTrait> Sort<E> {
    /// By the id: the order in which the rows were made.
    pub const fn by_id() -> Self {
        Self { by: None, then: None, descending: false }
    }

    /// By `column`, which is text, a whole number or an instant, and never null.
    pub const fn by(column: E::Column) -> Self {
        Self { by: Some((column, None)), then: None, descending: false }
    }

    /// By a column of folded text, and by the text as it was written where two are folded to the same.
    pub const fn by_text(folded: E::Column, written: E::Column) -> Self {
        Self { by: Some((folded, None)), then: Some(written), descending: false }
    }

    /// By a `column` of whole numbers in which null counts as `absent`: an index has `COALESCE(column, absent)`.
    pub const fn by_or(column: E::Column, absent: i64) -> Self {
        Self { by: Some((column, Some(Absent::Number(absent)))), then: None, descending: false }
    }

    /// By a `column` of text in which null comes first: an index has `COALESCE(column, '')`.
    pub const fn by_text_or_empty(column: E::Column) -> Self {
        Self { by: Some((column, Some(Absent::Empty))), then: None, descending: false }
    }

    /// This order, with the greatest first if `descending`.
    #[must_use]
    pub const fn descending(self, descending: bool) -> Self {
        Self { by: self.by, then: self.then, descending }
    }

    /// A name that no other order has, of this list or of another: a place is of one order only.
    pub fn name(&self) -> String {
        let (list, column) = (E::default(), self.by.as_ref().map_or("id", |(column, _)| column.as_str()));
        format!("{} {column} {}", list.table_name(), if self.descending { "down" } else { "up" })
    }

    /// The place of `row` in the list.
    ///
    /// # Errors
    /// The column that sorts is of a kind that can't sort a list: a defect.
    pub fn place(&self, row: &E::Model) -> Result<Cursor>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let Value::Uuid(Some(id)) = row.get(Self::id()) else { return Err(unsortable("the id")) };
        let Some((column, absent)) = self.by else { return Ok(Cursor { key: None, then: None, id }) };
        let then = match self.then.map(|then| row.get(then)) {
            Some(Value::String(text)) => text.map(Key::Text),
            _ => None,
        };
        let key = match (row.get(column), absent) {
            (Value::String(Some(text)), _) => Key::Text(text.clone()),
            (Value::Int(Some(number)), _) => Key::Number(number.into()),
            (Value::BigInt(Some(number)), _) => Key::Number(number),
            (Value::ChronoDateTimeUtc(Some(at)), _) => Key::Instant(at),
            (_, Some(absent)) => absent.key(),
            _ => return Err(unsortable(column.as_str())),
        };
        Ok(Cursor { key: Some(key), then, id })
    }

    /// Whether `place` can be one of this list: its value is of the column's kind.
    pub fn has(&self, place: &Cursor) -> bool {
        if !matches!((&self.then, &place.then), (None, None) | (Some(_), Some(Key::Text(_)))) {
            return false;
        }
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
        self.keys_as(|column| Expr::col(column.as_column_ref()))
    }

    /// The keys in a table that stands for this list's.
    fn keys_of(&self, table: &'static str) -> Vec<SimpleExpr> {
        self.keys_as(|column| Expr::col((table, *column)))
    }

    fn keys_as(&self, column: impl Fn(&E::Column) -> SimpleExpr) -> Vec<SimpleExpr> {
        let by = self.by.as_ref().map(|(by, absent)| match absent {
            None => column(by),
            // Written out: as a parameter PostgreSQL would not see that the index has it.
            Some(absent) => Func::coalesce([column(by), Expr::cust(absent.literal())]).into(),
        });
        by.into_iter().chain(self.then.as_ref().map(&column)).chain([column(&Self::id())]).collect()
    }

    /// The rows after one place and before another, as row values: both databases use an index on (by, id) for it.
    fn range(&self, window: &Window) -> Condition {
        let values = |place: &Cursor| {
            let by = [&place.key, &place.then].into_iter().flatten().map(|key| Expr::val(Value::from(key.clone())));
            Expr::tuple(by.chain([Expr::val(place.id)]))
        };
        let keys = || Expr::tuple(self.keys());
        let after = window.after.as_ref().map(values);
        let before = window.before.as_ref().map(values);
        let (from, to) = if self.descending { (before, after) } else { (after, before) };
        Condition::all().add_option(from.map(|from| keys().gt(from))).add_option(to.map(|to| keys().lt(to)))
    }

    /// In which order the rows of the window are read.
    fn order(&self, window: &Window) -> Order {
        if self.descending == window.from_end { Order::Asc } else { Order::Desc }
    }

    /// `select`, cut to the window and one row more, which tells whether there are more.
    fn cut(&self, select: Select<E>, window: &Window) -> Select<E> {
        let order = self.order(window);
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
    E::Model: Row + Send + Sync,
{
    Ok(window.page(rows::all(sort.cut(select, window), db).await?))
}

/// How many rows `select` finds, counted no further than [`MOST_COUNTED`].
pub async fn count<E>(db: &impl ConnectionTrait, select: Select<E>) -> Result<Length>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Sized + Send + Sync,
{
    Ok(Length::counted(select.limit(MOST_COUNTED).count(db).await?))
}

/// How many rows `select` finds, however long that takes.
pub async fn count_all<E>(db: &impl ConnectionTrait, select: Select<E>) -> Result<u64>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Sized + Send + Sync,
{
    Ok(select.count(db).await?)
}

fn unsortable(what: &str) -> Error {
    Error::internal(anyhow::anyhow!("{what} does not sort a list"))
}

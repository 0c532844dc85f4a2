//! Pages of the children of many parents: one for each, or one of them all.

use std::collections::HashMap;

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement, WindowStatement};
use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, JoinType, ModelTrait, QueryFilter, QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use super::{Cursor, Length, MOST_COUNTED, Page, Sort, Window, read};
use crate::rows::{Places, Row};
use crate::sql::Dialect;
use domain::error::Result;

/// The column that a row of [`read_below`] and [`count_below`] has besides: the id of its parent, and its place below it.
const BELOW: &str = "below";
const PLACE: &str = "place";
/// The table of the parents, and that of their children.
const PARENT: &str = "parent";
const CHILD: &str = "child";

/// Reads a page of the children of each of many parents in one statement, whose text does not depend on how many they are.
/// `children` selects those of the parent whose id it is given. All `parents` are in the answer.
///
/// A window function numbers the children of each parent. It alone would read them all, a million jobs for the first 25; so
/// each parent's are cut before it, by a lateral join where the database has one.
pub async fn read_below<E>(
    db: &impl ConnectionTrait,
    parents: &[Uuid],
    children: impl Fn(Expr) -> Select<E>,
    sort: Sort<E>,
    window: &Window,
) -> Result<HashMap<Uuid, Page<E::Model>>>
where
    E: EntityTrait,
    E::Model: Row + Send + Sync,
{
    if let [parent] = parents {
        let page = read(db, children(Expr::val(*parent)), sort, window).await?;
        return Ok(HashMap::from([(*parent, page)]));
    }
    let part = sort.cut(children(Expr::col((PARENT, "id"))), window);
    let dialect = Dialect(db.get_database_backend());
    let order = sort.order(window);
    let mut numbered = WindowStatement::partition_by((PARENT, "id"));
    for key in sort.keys_of(CHILD) {
        numbered.order_by_expr(key, order.clone());
    }
    let mut query = Query::select();
    query.column((CHILD, Asterisk)).expr_as(Expr::col((PARENT, "id")), BELOW).expr_window_as(
        Func::cust("row_number"),
        numbered,
        PLACE,
    );
    join(dialect, &mut query, parents, part);
    let mut found: HashMap<Uuid, Vec<(i64, E::Model)>> = parents.iter().map(|id| (*id, Vec::new())).collect();
    let mut places = Places::default();
    for row in db.query_all(&query).await? {
        let place = row.try_get("", PLACE)?;
        found.entry(row.try_get("", BELOW)?).or_default().push((place, places.read(&row)?));
    }
    let page = |(parent, mut rows): (Uuid, Vec<(i64, E::Model)>)| {
        rows.sort_unstable_by_key(|(place, _)| *place);
        (parent, window.page(rows.into_iter().map(|(_, row)| row).collect()))
    };
    Ok(found.into_iter().map(page).collect())
}

/// Adds the parents to the query, and the `part` of each one's children.
fn join<E: EntityTrait>(dialect: Dialect, query: &mut SelectStatement, parents: &[Uuid], part: Select<E>) {
    query.from_subquery(dialect.ids(parents), PARENT);
    if dialect.is_postgres() {
        query.join_lateral(JoinType::InnerJoin, part.into_query(), CHILD, Expr::cust("TRUE"));
    } else {
        let ids = part.select_only().column(Sort::<E>::id()).into_query();
        let is_in_part = Expr::col((CHILD, Sort::<E>::id())).in_subquery(ids);
        // SQLite keeps the order of a cross join: for each parent its children are looked up by their ids.
        query.join_as(JoinType::CrossJoin, E::default(), CHILD, Condition::all()).and_where(is_in_part);
    }
}

/// How many children each of many parents has, in one statement, counted no further than [`MOST_COUNTED`]. `children` selects those
/// of the parent whose id it is given.
pub async fn count_below<E: EntityTrait>(
    db: &impl ConnectionTrait,
    parents: &[Uuid],
    children: impl Fn(Expr) -> Select<E>,
) -> Result<HashMap<Uuid, Length>> {
    let some = children(Expr::col((PARENT, "id"))).select_only().expr(Expr::val(1)).limit(MOST_COUNTED).into_query();
    let count = Query::select().expr(Func::count(Expr::col(Asterisk))).from_subquery(some, CHILD).take();
    let query = Query::select()
        .expr_as(Expr::col((PARENT, "id")), BELOW)
        .expr_as(Expr::SubQuery(None, Box::new(count.into())), "count")
        .from_subquery(Dialect(db.get_database_backend()).ids(parents), PARENT)
        .take();
    let mut counts = HashMap::with_capacity(parents.len());
    for row in db.query_all(&query).await? {
        let count: i64 = row.try_get("", "count")?;
        counts.insert(row.try_get("", BELOW)?, Length::counted(u64::try_from(count).unwrap_or_default()));
    }
    Ok(counts)
}

/// Reads a page of the children of many parents as one list, in the order `sort`: of each parent as many as the page may have, and of
/// those the first. Where few of a large table's rows are wanted and it is known below which parents they are, this reads those.
///
/// Each part has its parents and says which of a parent's children are wanted; no row is in two parts. `within` is the order in which
/// an index has the children of one parent: the same as `sort` among them.
pub async fn read_across<E, F>(
    db: &impl ConnectionTrait,
    parts: Vec<(Vec<Uuid>, F)>,
    sort: Sort<E>,
    within: Sort<E>,
    window: &Window,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    E::Model: Row + ModelTrait<Entity = E> + Send + Sync,
    F: Fn(Expr) -> Select<E>,
{
    let within = within.descending(sort.descending);
    let each = Window { after: None, before: None, limit: window.limit, from_end: window.from_end };
    let mut rows: Vec<(Cursor, E::Model)> = Vec::new();
    for (parents, children) in parts.into_iter().filter(|(parents, _)| !parents.is_empty()) {
        let of_each = children(Expr::col((PARENT, "id"))).filter(sort.range(window));
        let mut query = Query::select();
        query.column((CHILD, Asterisk));
        join(Dialect(db.get_database_backend()), &mut query, &parents, within.cut(of_each, &each));
        // All that could be on the page stays with the database but the page.
        for key in sort.keys_of(CHILD) {
            query.order_by_expr(key, sort.order(window));
        }
        let mut places = Places::default();
        query.limit(window.limit + 1);
        for row in db.query_all(&query).await? {
            let row = places.read(&row)?;
            rows.push((sort.place(&row)?, row));
        }
    }
    rows.sort_unstable_by(|(one, _), (other, _)| if sort.descending { other.cmp(one) } else { one.cmp(other) });
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    let beyond = if window.from_end { rows.len().saturating_sub(limit) } else { 0 };
    let rows = rows.into_iter().skip(beyond).take(limit).map(|(_, row)| row).collect();
    Ok(Page { rows, has_more })
}

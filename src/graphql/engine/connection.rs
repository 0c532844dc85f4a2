//! Relay connections, over any node type and any order.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ComplexObject, Context, Enum, Object, SimpleObject, TypeName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, ModelTrait, Select};

use super::context::ContextExt;
use super::nodes::Nodes;
use domain::error::{Error, Result, Violation};
use storage::page::{self, Cursor, Length, Page, Sort, Window};
use storage::rows::Row;
use tokio::sync::OnceCell;

/// Nodes in a page when none are asked for.
pub(super) const DEFAULT: u64 = 25;

/// Which way a list is sorted. Equal values are sorted by the time of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Enum)]
pub enum OrderDirection {
    /// The least, the first in the alphabet or the oldest comes first.
    #[default]
    Asc,
    /// The greatest, the last in the alphabet or the newest comes first.
    Desc,
}

impl OrderDirection {
    /// Whether the greatest come first.
    pub const fn is_desc(self) -> bool {
        matches!(self, Self::Desc)
    }
}

/// A part of a list.
pub struct Connection<N: ContainerType> {
    edges: Vec<Edge<N>>,
    page_info: PageInfo,
    count: Count,
    /// What it told: it is asked once.
    length: OnceCell<Length>,
}

/// Counts the whole list, when it is asked to.
pub type Count = Box<dyn for<'a> Fn(&'a Context<'_>) -> BoxFuture<'a, Result<Length>> + Send + Sync>;

/// One node of a list, and its place in it.
#[derive(SimpleObject)]
#[graphql(name_type, complex)]
pub struct Edge<N: ContainerType> {
    /// What stands at this place.
    node: N,
    /// Its place, in the order of this name. A cursor is worked out only where it is asked for.
    #[graphql(skip)]
    place: Cursor,
    #[graphql(skip)]
    order: Arc<str>,
}

/// Where a part of a list begins and ends, and what lies beyond.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether there are nodes after this part.
    has_next_page: bool,
    /// Whether there are nodes before this part.
    has_previous_page: bool,
    /// The cursor of the first node; null if there are no nodes.
    start_cursor: Option<String>,
    /// The cursor of the last node; null if there are no nodes. Give it as `after` to go on.
    end_cursor: Option<String>,
}

/// A part of a list.
#[Object(name_type)]
impl<N: ContainerType> Connection<N> {
    /// What is listed, in order, each with its cursor.
    async fn edges(&self) -> Nodes<'_, Edge<N>> {
        Nodes(self.edges.iter().collect())
    }

    /// What is listed, in order; the shorter way where no cursors are needed.
    async fn nodes(&self) -> Nodes<'_, N> {
        Nodes(self.iter().collect())
    }

    /// Where this part of the list begins and ends.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// How many nodes the whole list has. It is counted only when this field is selected, and no further than to 10,001 where no
    /// number is kept: then `isExact` is false, and there are so many or more.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(self.length(ctx).await?.rows).unwrap_or(i32::MAX))
    }

    /// Whether the whole list has as many nodes as `totalCount` says: if not, counting has stopped there.
    async fn is_exact(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.length(ctx).await?.is_exact)
    }
}

#[ComplexObject]
impl<N: ContainerType> Edge<N> {
    /// The node's place in the list; it holds only for the same `orderBy`.
    async fn cursor(&self) -> String {
        encode(&self.order, &self.place)
    }
}

impl<N: ContainerType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

impl<N: ContainerType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

/// The arguments of a connection, as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageArgs {
    /// So many of the first.
    pub first: Option<i32>,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// So many of the last.
    pub last: Option<i32>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
    /// Nodes that a page may have.
    most: u64,
}

impl PageArgs {
    /// The arguments, in the order in which fields take them.
    pub fn new(
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Self {
        Self { first, after, last, before, most: ctx.services().rules.limits.document.page }
    }

    /// The part of the list that they ask for.
    pub fn window<E: EntityTrait>(&self, sort: &Sort<E>) -> Result<Window> {
        let (from_end, size) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(violation("last", "give either first or last")),
            (_, Some(last)) => (true, self.limit("last", last)?),
            (Some(first), None) => (false, self.limit("first", first)?),
            (None, None) => (false, DEFAULT.min(self.most)),
        };
        let place = |argument, cursor: &Option<String>| -> Result<Option<Cursor>> {
            let Some(cursor) = cursor else { return Ok(None) };
            let place = decode(cursor, sort);
            place.map(Some).ok_or_else(|| violation(argument, "this is not a cursor of this list in this order"))
        };
        let (after, before) = (place("after", &self.after)?, place("before", &self.before)?);
        Ok(Window { after, before, limit: size, from_end })
    }

    fn limit(&self, argument: &str, size: i32) -> Result<u64> {
        let size = u64::try_from(size).ok().filter(|size| *size <= self.most);
        size.ok_or_else(|| violation(argument, &format!("a page has 0 to {} nodes", self.most)))
    }
}

impl<N: ContainerType> Connection<N> {
    /// Reads the part of `select` that `args` ask for: `ctx` is that of the list's field. Nothing is read for a list of which
    /// only the length is asked.
    pub fn read<'a, E>(
        ctx: &'a Context<'_>,
        select: Select<E>,
        sort: Sort<E>,
        args: &'a PageArgs,
    ) -> BoxFuture<'a, Result<Self>>
    where
        E: EntityTrait,
        E::Model: Row + ModelTrait<Entity = E> + Send + Sync,
        N: From<E::Model>,
    {
        Box::pin(async move {
            let window = args.window(&sort)?;
            let page = if shows_page(ctx) {
                page::read(ctx.services().db.reader(), select.clone(), sort, &window).await?
            } else {
                Page::none()
            };
            let count: Count = Box::new(move |ctx| {
                let select = select.clone();
                Box::pin(async move { page::count(ctx.services().db.reader(), select).await })
            });
            Self::new(page, sort, &window, count)
        })
    }

    /// The same list, counted in another way.
    #[must_use]
    pub fn counted(self, count: Count) -> Self {
        Self { count, length: OnceCell::new(), ..self }
    }

    async fn length(&self, ctx: &Context<'_>) -> Result<Length> {
        self.length.get_or_try_init(|| (self.count)(ctx)).await.copied()
    }

    /// What is listed, in order.
    pub fn iter(&self) -> impl Iterator<Item = &N> {
        self.edges.iter().map(|edge| &edge.node)
    }

    /// A connection of rows that have been read.
    pub fn new<E>(page: Page<E::Model>, sort: Sort<E>, window: &Window, count: Count) -> Result<Self>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E>,
        N: From<E::Model>,
    {
        let order: Arc<str> = sort.name().into();
        let edge = |row: E::Model| Ok(Edge { place: sort.place(&row)?, order: order.clone(), node: N::from(row) });
        let edges = page.rows.into_iter().map(edge).collect::<Result<Vec<_>>>()?;
        let (has_previous_page, has_next_page) = if window.from_end {
            (page.has_more, window.before.is_some())
        } else {
            (window.after.is_some(), page.has_more)
        };
        let cursor = |edge: Option<&Edge<N>>| edge.map(|edge| encode(&order, &edge.place));
        let (start_cursor, end_cursor) = (cursor(edges.first()), cursor(edges.last()));
        let page_info = PageInfo { has_next_page, has_previous_page, start_cursor, end_cursor };
        Ok(Self { edges, page_info, count, length: OnceCell::new() })
    }
}

/// Whether anything is selected that lies in the page of the list whose field this is; its length does not.
pub fn shows_page(ctx: &Context<'_>) -> bool {
    let selected = ctx.look_ahead();
    ["nodes", "edges", "pageInfo"].into_iter().any(|field| selected.field(field).exists())
}

fn encode(order: &str, place: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(order, place)).expect("a place is plain data"))
}

fn decode<E: EntityTrait>(cursor: &str, sort: &Sort<E>) -> Option<Cursor> {
    let (name, place): (String, Cursor) = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    (name == sort.name() && sort.has(&place)).then_some(place)
}

fn violation(argument: &str, message: &str) -> Error {
    Error::Invalid(vec![Violation { path: vec![argument.into()], message: message.into() }])
}

//! Lists below a node: asked for under many nodes at once, they are read in one statement.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use async_graphql::Context;
use async_graphql::async_trait::async_trait;
use async_graphql::dataloader::Loader;
use async_graphql::resolver_utils::ContainerType;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, ModelTrait, Select};
use uuid::Uuid;

use super::connection::{Connection, Count, PageArgs, shows_page};
use super::context::ContextExt;
use super::id::GlobalId;
use super::loaders::{Load, LoadError, Reader, grouped};
use domain::error::{Error, Result};
use storage::filter::Filter;
use storage::page::{self, Length, Page, Sort};
use storage::rows::Row;

/// A list below a node, with everything that was asked of it but the page. Of which node is not part of it: the lists below
/// all nodes of which the same was asked are read together.
#[derive(Debug)]
pub struct List<E: EntityTrait, F = ()> {
    /// The whole list below one node.
    pub below: fn(Expr) -> Select<E>,
    /// Which rows of it are wanted.
    pub filter: F,
    /// Its order.
    pub sort: Sort<E>,
}

/// What can stand in a list.
pub trait Listed: EntityTrait<Model: Row + ModelTrait<Entity = Self> + Clone + Send + Sync> {}

impl<E: EntityTrait<Model: Row + ModelTrait<Entity = E> + Clone + Send + Sync>> Listed for E {}

impl<E: EntityTrait> List<E> {
    /// Those with the greatest value of `column` first: an instant.
    pub fn latest(below: fn(Expr) -> Select<E>, column: E::Column) -> Self {
        Self { below, filter: (), sort: Sort::by(column).descending(true) }
    }

    /// Those that were made last first.
    pub fn newest(below: fn(Expr) -> Select<E>) -> Self {
        Self { below, filter: (), sort: Sort::by_id().descending(true) }
    }

    /// Those of it that are wanted.
    pub fn filtered<F: Filter<E>>(self, filter: F) -> List<E, F> {
        List { below: self.below, filter, sort: self.sort }
    }
}

impl<E: EntityTrait, F: Filter<E>> List<E, F> {
    fn select(&self, parent: Expr) -> Select<E> {
        self.filter.cut((self.below)(parent))
    }

    /// What tells it from other lists of the same rows. Functions that do the same may have one address: then they are one list.
    fn key(&self) -> (usize, &F, &Sort<E>) {
        (self.below as usize, &self.filter, &self.sort)
    }
}

impl<E: EntityTrait, F: Clone> Clone for List<E, F> {
    fn clone(&self) -> Self {
        Self { below: self.below, filter: self.filter.clone(), sort: self.sort }
    }
}

impl<E: EntityTrait, F: Filter<E>> PartialEq for List<E, F> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E: EntityTrait, F: Filter<E>> Eq for List<E, F> {}

impl<E: EntityTrait, F: Filter<E>> Hash for List<E, F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// One page of the list below one node.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<L> {
    parent: Uuid,
    asked: (L, PageArgs),
}

/// The length of the list below one node.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<L> {
    parent: Uuid,
    list: L,
}

/// The part of the `list` below `parent` that `args` ask for.
pub fn connection<'a, E: Listed, F: Filter<E>, T>(
    ctx: &'a Context<'_>,
    parent: impl GlobalId,
    list: List<E, F>,
    args: PageArgs,
) -> BoxFuture<'a, Result<Connection<T>>>
where
    T: ContainerType + From<E::Model> + 'static,
{
    let (parent, counted) = (parent.uuid(), list.clone());
    let count: Count = Box::new(move |ctx| {
        let list = counted.clone();
        length(ctx, parent, list)
    });
    page(ctx, parent, list, args, count).boxed()
}

/// Like [`connection`], of a list that is counted in its own way.
pub fn connection_counted<'a, E: Listed, F: Filter<E>, T>(
    ctx: &'a Context<'_>,
    parent: impl GlobalId,
    list: List<E, F>,
    args: PageArgs,
    count: Count,
) -> BoxFuture<'a, Result<Connection<T>>>
where
    T: ContainerType + From<E::Model> + 'static,
{
    page(ctx, parent.uuid(), list, args, count).boxed()
}

async fn page<E: Listed, F: Filter<E>, T>(
    ctx: &Context<'_>,
    parent: Uuid,
    list: List<E, F>,
    args: PageArgs,
    count: Count,
) -> Result<Connection<T>>
where
    T: ContainerType + From<E::Model> + 'static,
{
    let sort = list.sort;
    let window = args.window(&sort)?;
    if !shows_page(ctx) {
        return Connection::new(Page::none(), sort, &window, count);
    }
    let page = ctx.loaders().one(PageOf { parent, asked: (list, args) }).await?;
    let page = page.ok_or_else(|| Error::internal(anyhow::anyhow!("a page was not read")))?;
    Connection::new(page, sort, &window, count)
}

/// How many rows the `list` below `parent` has.
pub fn length<'a, E: Listed, F: Filter<E>>(
    ctx: &'a Context<'_>,
    parent: Uuid,
    list: List<E, F>,
) -> BoxFuture<'a, Result<Length>> {
    ctx.loaders().one(CountOf { parent, list }).map_ok(Option::unwrap_or_default).boxed()
}

#[async_trait]
impl<E: Listed, F: Filter<E>> Loader<PageOf<List<E, F>>> for Reader {
    type Value = Page<E::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[PageOf<List<E, F>>]) -> Result<HashMap<PageOf<List<E, F>>, Self::Value>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (asked, parents) in grouped(keys.iter().map(|key| (&key.asked, key.parent))) {
            let (list, args) = asked;
            let window = args.window(&list.sort)?;
            let select = |parent| list.select(parent);
            let found = page::read_below(self.db.reader(), &parents, select, list.sort, &window).await?;
            pages.extend(found.into_iter().map(|(parent, page)| (PageOf { parent, asked: asked.clone() }, page)));
        }
        Ok(pages)
    }
}

#[async_trait]
impl<E: Listed, F: Filter<E>> Loader<CountOf<List<E, F>>> for Reader {
    type Value = Length;
    type Error = LoadError;

    async fn load(&self, keys: &[CountOf<List<E, F>>]) -> Result<HashMap<CountOf<List<E, F>>, Length>, LoadError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for (list, parents) in grouped(keys.iter().map(|key| (&key.list, key.parent))) {
            let found = page::count_below(self.db.reader(), &parents, |parent| list.select(parent)).await?;
            counts.extend(found.into_iter().map(|(parent, count)| (CountOf { parent, list: list.clone() }, count)));
        }
        Ok(counts)
    }
}

//! Lists below a node: asked for under many nodes at once, they are read in one statement.

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::Context;
use async_graphql::async_trait::async_trait;
use async_graphql::dataloader::Loader;
use async_graphql::resolver_utils::ContainerType;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, ModelTrait, Select};
use uuid::Uuid;

use super::connection::{Connection, Count, PageArgs};
use super::context::ContextExt;
use super::id::GlobalId;
use super::loaders::{Load, LoadError, Reader};
use domain::error::{Error, Result};
use storage::page::{self, Page, Sort};
use storage::rows::Row;

/// A list below a node, with everything that was asked of it but the page. Of which node is not part of it: the lists below
/// all nodes of which the same was asked are read together.
pub trait Nested: Clone + Eq + Hash + Send + Sync + 'static {
    /// The entity in the list.
    type Entity: EntityTrait<Model: Row + ModelTrait<Entity = Self::Entity> + Clone + Send + Sync>;

    /// The whole list below the node whose id is `parent`.
    fn select(&self, parent: Expr) -> Select<Self::Entity>;

    /// The list's order.
    fn sort(&self) -> Sort<Self::Entity>;

    /// Reads what will be asked of the nodes one by one, where that is worth it.
    fn ahead(
        &self,
        _: &Context<'_>,
        _rows: &[<Self::Entity as EntityTrait>::Model],
    ) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// How long it is, if that is known without counting.
    fn known_count(&self, _: &Context<'_>, _parent: Uuid) -> impl Future<Output = Result<Option<u64>>> + Send {
        std::future::ready(Ok(None))
    }
}

/// One page of the list below one node.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<N> {
    parent: Uuid,
    asked: (N, PageArgs),
}

/// The length of the list below one node.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<N> {
    parent: Uuid,
    list: N,
}

/// The part of the `list` below `parent` that `args` ask for.
pub async fn connection<N, T>(
    ctx: &Context<'_>,
    parent: impl GlobalId,
    list: N,
    args: PageArgs,
) -> Result<Connection<T>>
where
    N: Nested,
    T: ContainerType + From<<N::Entity as EntityTrait>::Model>,
{
    counted(ctx, parent, list, args, None).await
}

/// Like [`connection`], of a list whose length may be known already.
pub async fn counted<N, T>(
    ctx: &Context<'_>,
    parent: impl GlobalId,
    list: N,
    args: PageArgs,
    length: Option<u64>,
) -> Result<Connection<T>>
where
    N: Nested,
    T: ContainerType + From<<N::Entity as EntityTrait>::Model>,
{
    let (parent, sort) = (parent.uuid(), list.sort());
    let window = args.window(&sort)?;
    let (asked, below) = (list.clone(), list.clone());
    let count: Count = Box::new(move |ctx| {
        let list = asked.clone();
        Box::pin(async move {
            match length {
                Some(length) => Ok(length),
                None => match list.known_count(ctx, parent).await? {
                    Some(count) => Ok(count),
                    None => Ok(ctx.loaders().one(CountOf { parent, list }).await?.unwrap_or_default()),
                },
            }
        })
    });
    let page = ctx.loaders().one(PageOf { parent, asked: (list, args) }).await?;
    let page = page.ok_or_else(|| Error::internal(anyhow::anyhow!("a page was not read")))?;
    below.ahead(ctx, &page.rows).await?;
    Connection::new(page, sort, &window, count)
}

#[async_trait]
impl<N: Nested> Loader<PageOf<N>> for Reader {
    type Value = Page<<N::Entity as EntityTrait>::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[PageOf<N>]) -> Result<HashMap<PageOf<N>, Self::Value>, LoadError> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (asked, parents) in grouped(keys.iter().map(|key| (&key.asked, key.parent))) {
            let (list, args) = asked;
            let (sort, select) = (list.sort(), |parent| list.select(parent));
            let window = args.window(&sort)?;
            let found = page::read_below(self.db.reader(), &parents, select, sort, &window).await?;
            pages.extend(found.into_iter().map(|(parent, page)| (PageOf { parent, asked: asked.clone() }, page)));
        }
        Ok(pages)
    }
}

#[async_trait]
impl<N: Nested> Loader<CountOf<N>> for Reader {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[CountOf<N>]) -> Result<HashMap<CountOf<N>, u64>, LoadError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for (list, parents) in grouped(keys.iter().map(|key| (&key.list, key.parent))) {
            let found = page::count_below(self.db.reader(), &parents, |parent| list.select(parent)).await?;
            counts.extend(found.into_iter().map(|(parent, count)| (CountOf { parent, list: list.clone() }, count)));
        }
        Ok(counts)
    }
}

/// The parents of which the same was asked: as many groups as a query has such fields, however many rows it shows.
fn grouped<K: Eq + Hash>(keys: impl Iterator<Item = (K, Uuid)>) -> HashMap<K, Vec<Uuid>> {
    let mut groups: HashMap<K, Vec<Uuid>> = HashMap::new();
    for (key, parent) in keys {
        groups.entry(key).or_default().push(parent);
    }
    groups
}

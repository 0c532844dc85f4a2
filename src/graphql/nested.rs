//! Lists below a node: asked for under many nodes at once, they are read in one statement.

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, OutputType};
use sea_orm::{EntityTrait, FromQueryResult, ModelTrait, Select};

use super::connection::{Connection, Count, PageArgs};
use super::context::ContextExt;
use super::loaders::{Load, LoadError, Reader};
use crate::domain::error::{Error, Result};
use crate::storage::page::{self, Page, Request, Sort};

/// A list below a node, with everything that was asked of it but the page.
pub trait Nested: Clone + Eq + Hash + Send + Sync + 'static {
    /// What is in the list.
    type Entity: EntityTrait<Model: FromQueryResult + ModelTrait<Entity = Self::Entity> + Clone + Send + Sync>;

    /// The whole list.
    fn select(&self) -> Select<Self::Entity>;

    /// Its order.
    fn sort(&self) -> Sort<Self::Entity>;

    /// How long it is, if that is known without counting.
    fn known_count(&self, _: &Context<'_>) -> impl Future<Output = Result<Option<u64>>> + Send {
        std::future::ready(Ok(None))
    }
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<N>(N, PageArgs);

/// The length of a list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<N>(N);

/// The part of `list` that `args` ask for.
pub async fn connection<N, T>(ctx: &Context<'_>, list: N, args: PageArgs) -> Result<Connection<T>>
where
    N: Nested,
    T: OutputType + From<<N::Entity as EntityTrait>::Model>,
{
    let sort = list.sort();
    let window = args.window(&sort)?;
    let counted = list.clone();
    let count: Count = Box::new(move |ctx| {
        let list = counted.clone();
        Box::pin(async move {
            match list.known_count(ctx).await? {
                Some(count) => Ok(count),
                None => Ok(ctx.loaders().one(CountOf(list)).await?.unwrap_or_default()),
            }
        })
    });
    let page = ctx.loaders().one(PageOf(list, args)).await?;
    Connection::new(page.ok_or_else(|| Error::internal(anyhow::anyhow!("a page was not read")))?, sort, &window, count)
}

impl<N: Nested> Loader<PageOf<N>> for Reader {
    type Value = Page<<N::Entity as EntityTrait>::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[PageOf<N>]) -> Result<HashMap<PageOf<N>, Self::Value>, LoadError> {
        let request = |PageOf(list, args): &PageOf<N>| {
            let sort = list.sort();
            Ok(Request { select: list.select(), window: args.window(&sort)?, sort })
        };
        let requests = keys.iter().map(request).collect::<Result<Vec<_>>>()?;
        let pages = page::read_each(self.db.reader(), &requests).await?;
        Ok(keys.iter().cloned().zip(pages).collect())
    }
}

impl<N: Nested> Loader<CountOf<N>> for Reader {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[CountOf<N>]) -> Result<HashMap<CountOf<N>, u64>, LoadError> {
        let selects: Vec<_> = keys.iter().map(|CountOf(list)| list.select()).collect();
        let counts = page::count_each(self.db.reader(), &selects).await?;
        Ok(keys.iter().cloned().zip(counts).collect())
    }
}

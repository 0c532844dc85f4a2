//! What nearly every noun's file needs.

pub use std::collections::HashMap;

pub use async_graphql::async_trait::async_trait;
pub use async_graphql::dataloader::Loader;
pub use async_graphql::{
    Context, Description, Enum, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject, Subscription,
};

pub use crate::engine::connection::{Connection, OrderDirection, PageArgs};
pub use crate::engine::context::{ContextExt, Repeatable};
pub use crate::engine::guard::{needs_login, requires};
pub use crate::engine::id::{GlobalId, ReadId};
pub(crate) use crate::engine::loaders::question;
pub use crate::engine::loaders::{Load, LoadError, Reader, grouped};
pub(crate) use crate::engine::lookup;
pub(crate) use crate::engine::mistakes::noted;
pub use crate::engine::nested::{self, List};
pub use crate::engine::order::Order;
pub(crate) use crate::engine::order::order;
pub use crate::engine::scalar::{BigInt, DateTime, Decimal, Json, int};
pub use crate::node::NodeType;
pub(crate) use crate::node::node;
pub use crate::node::types::*;
pub use ::service::once::{once, once_moving};
pub use domain::error::{Error, Result, Violation};
pub use domain::role::Permission;
pub use futures_util::FutureExt;
pub use storage::Noun;
pub use storage::filter::Filter;
pub use storage::page::Length;
pub use storage::page::Sort;

/// The words that are given, each once: a statement takes only so many values.
#[expect(clippy::needless_pass_by_value, reason = "given to where a list is mapped")]
pub fn each<W: sea_orm::Iterable + PartialEq>(given: Vec<W>) -> Vec<W> {
    W::iter().filter(|word| given.contains(word)).collect()
}

//! The nodes of a page, asked field by field.
//!
//! The library makes each field of each node a task of its own, in a queue for each node: of a page of a hundred rows that are
//! a thousand tasks, nearly all of which know their answer at once. Here each field is asked in the place that the one before
//! it has left, and only those that wait are kept. Fields stand in the answer in the order of the query, whichever was first.

use std::borrow::Cow;
use std::task::Poll;

use async_graphql::async_trait::async_trait;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

/// A list of objects.
pub struct Nodes<'a, N>(pub Vec<&'a N>);

/// An object that each node of a list leads to.
pub struct Linked<N>(pub N);

#[async_trait]
impl<N: ContainerType> OutputType for Nodes<'_, N> {
    fn type_name() -> Cow<'static, str> {
        <Vec<&N> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<&N> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<&N> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut asked = Vec::new();
        if !flatten(&N::type_name(), ctx, &ctx.item.node, &mut asked) {
            let each = self.0.iter().copied().enumerate().map(|(index, node)| {
                let ctx = ctx.with_index(index);
                async move { node.resolve(&ctx, field).await.map_err(|error| ctx.set_error_path(error)) }.boxed()
            });
            return together(each.collect()).await;
        }
        let places: Vec<_> = (0..self.0.len()).map(|index| ctx.with_index(index)).collect();
        let nodes: Vec<_> = places.iter().zip(self.0.iter().copied()).collect();
        Ok(Value::List(answers(&nodes, &asked).await))
    }
}

#[async_trait]
impl<N: ContainerType> OutputType for Linked<N> {
    fn type_name() -> Cow<'static, str> {
        N::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        N::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut asked = Vec::new();
        if !flatten(&N::type_name(), ctx, &ctx.item.node, &mut asked) {
            return self.0.resolve(ctx, field).await;
        }
        Ok(answers(&[(ctx, &self.0)], &asked).await.pop().unwrap_or_default())
    }
}

/// The answers of the nodes by the library's own way. Boxed, for its queue of tasks is code anew for each sort of them.
async fn together(asking: Vec<BoxFuture<'_, ServerResult<Value>>>) -> ServerResult<Value> {
    Ok(Value::List(try_join_all(asking).await?))
}

/// A field that is asked of each node, and the key of its answer.
type Asked<'a> = (&'a Name, &'a Positioned<Field>);

/// Collects the fields of a selection of a `node`, by its type's name, and of the fragments in it. False of what the library must do: directives, and objects
/// that are asked for twice and have to be merged.
fn flatten<'a>(
    node: &str,
    ctx: &ContextSelectionSet<'a>,
    selected: &'a SelectionSet,
    asked: &mut Vec<Asked<'a>>,
) -> bool {
    selected.items.iter().all(|selection| {
        let (condition, selected) = match &selection.node {
            Selection::Field(field) => {
                let (key, is_leaf) = (&field.node.response_key().node, field.node.selection_set.node.items.is_empty());
                let is_new = asked.iter().all(|(known, _)| *known != key);
                if is_new {
                    asked.push((key, field));
                }
                return field.node.directives.is_empty() && (is_new || is_leaf);
            }
            Selection::InlineFragment(fragment) => {
                (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
            }
            Selection::FragmentSpread(spread) => {
                let Some(fragment) = ctx.query_env.fragments.get(&spread.node.fragment_name.node) else { return false };
                (Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
        };
        // Of an interface that it implements it is as well; the validation has let nothing else in.
        let is_meant = condition.is_none_or(|condition| {
            let wanted = condition.node.on.node.as_str();
            let interfaces = ctx.schema_env.registry.implements.get(node);
            node == wanted || interfaces.is_some_and(|interfaces| interfaces.contains(wanted))
        });
        !is_meant || flatten(node, ctx, &selected.node, asked)
    })
}

/// The answers of each node.
async fn answers<N: ContainerType>(nodes: &[(&ContextSelectionSet<'_>, &N)], asked: &[Asked<'_>]) -> Vec<Value> {
    let mut objects: Vec<IndexMap<Name, Value>> = nodes.iter().map(|_| IndexMap::with_capacity(asked.len())).collect();
    let ask = |node: usize, field: usize| {
        let ((ctx, object), (_, field)) = (nodes[node], asked[field]);
        async move {
            if field.node.name.node == "__typename" {
                return Ok(Some(Value::String(N::type_name().into_owned())));
            }
            object.resolve_field(&ctx.with_field(field)).await
        }
    };
    let mut waiting = FuturesUnordered::new();
    let mut place = (!nodes.is_empty() && !asked.is_empty()).then(|| Box::pin(ask(0, 0)));
    for (node, object) in objects.iter_mut().enumerate() {
        for (field, (key, _)) in asked.iter().enumerate() {
            let mut asking = match place.take() {
                None => Box::pin(ask(node, field)),
                Some(mut place) => {
                    place.set(ask(node, field));
                    place
                }
            };
            let value = match futures_util::poll!(asking.as_mut()) {
                Poll::Ready(answer) => {
                    place = Some(asking);
                    reported(nodes[node].0, answer)
                }
                Poll::Pending => {
                    waiting.push(async move { (node, field, asking.await) });
                    Some(Value::Null)
                }
            };
            if let Some(value) = value {
                object.insert((*key).clone(), value);
            }
        }
    }
    while let Some((node, field, answer)) = waiting.next().await {
        match reported(nodes[node].0, answer) {
            Some(value) => drop(objects[node].insert(asked[field].0.clone(), value)),
            None => drop(objects[node].shift_remove(asked[field].0)),
        }
    }
    objects.into_iter().map(|object| if object.is_empty() { Value::Null } else { Value::Object(object) }).collect()
}

/// The value of a field; its error is told with the answer, in which the field is then missing.
fn reported(ctx: &ContextSelectionSet<'_>, answer: ServerResult<Option<Value>>) -> Option<Value> {
    answer.map_err(|error| ctx.add_error(error)).ok().map(Option::unwrap_or_default)
}

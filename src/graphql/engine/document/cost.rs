//! What an operation costs, before it runs: an object 1, a scalar 0, a connection 1 and so many times its nodes as it asks for, and
//! 100 more if it searches in texts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::AddAssign;
use std::sync::LazyLock;

use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::collections::IndexMap;
use apollo_compiler::schema::{Component, ExtendedType};
use async_graphql::parser::types::{Field, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value, Variables};

use super::Refusal;
use super::schema::SCHEMA;
use crate::engine::connection::DEFAULT;
use domain::error::Code;
use domain::limits::DocumentLimits;
use domain::role::Role;

/// Points of a search in texts.
const SEARCH: u64 = 100;

/// The cost of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Points.
    pub points: u64,
    /// Nodes that its connections may have.
    nodes: u64,
}

impl Cost {
    fn times(self, times: u64) -> Self {
        Self { points: self.points.saturating_mul(times), nodes: self.nodes.saturating_mul(times) }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.points = self.points.saturating_add(other.points);
        self.nodes = self.nodes.saturating_add(other.nodes);
    }
}

/// The cost of an operation, or its refusal if it is too much.
pub(super) fn check(
    operation: &OperationDefinition,
    variables: &Variables,
    role: Option<Role>,
    limits: &DocumentLimits,
) -> Result<Cost, Refusal> {
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let till = Till { variables, page: limits.page };
    let cost = till.set(root, &operation.selection_set.node, 0);
    let refuse = |message| {
        let hint = till.dearest(root, &operation.selection_set.node, Within { page: 0, times: 1 });
        let hint = hint.as_ref().map(ToString::to_string).unwrap_or_default();
        Err(Refusal::new(Code::QueryTooComplex, format!("{message}{hint}")))
    };
    let most = limits.complexity_of(role);
    if cost.points > most {
        return refuse(format!("the operation costs {} points, {most} is the most", cost.points));
    }
    if cost.nodes > limits.nodes {
        return refuse(format!("the operation may have {} nodes, {} is the most", cost.nodes, limits.nodes));
    }
    Ok(cost)
}

/// The fields that cost something, by type and name.
static PRICES: LazyLock<HashMap<String, HashMap<String, Price>>> = LazyLock::new(prices);

/// The type and the price of a field.
struct Price {
    gives: String,
    is_connection: bool,
}

fn prices() -> HashMap<String, HashMap<String, Price>> {
    let is_connection = |name: &str| {
        name.ends_with("Connection") && fields_of(name).is_some_and(|fields| fields.contains_key("pageInfo"))
    };
    let priced = |fields: &IndexMap<apollo_compiler::Name, Component<FieldDefinition>>| {
        let fields = fields.iter().filter_map(|(name, field)| {
            let gives = field.ty.inner_named_type().as_str();
            let price = Price { gives: gives.to_owned(), is_connection: is_connection(gives) };
            SCHEMA.is_composite(gives).then(|| (name.to_string(), price))
        });
        fields.collect()
    };
    let own = SCHEMA.types.types.iter().filter(|(_, kind)| !kind.is_built_in());
    own.filter_map(|(name, _)| Some((name.to_string(), priced(fields_of(name)?)))).collect()
}

fn fields_of(name: &str) -> Option<&'static IndexMap<apollo_compiler::Name, Component<FieldDefinition>>> {
    match SCHEMA.types.types.get(name)? {
        ExtendedType::Object(object) => Some(&object.fields),
        ExtendedType::Interface(interface) => Some(&interface.fields),
        _ => None,
    }
}

/// Where a selection stands: below a connection of so many nodes, and so many times in the answer.
#[derive(Clone, Copy)]
struct Within {
    page: u64,
    times: u64,
}

/// The part of an operation that costs most.
struct Part {
    /// The way to it, by the keys of the answer; from the last field to the first.
    path: Vec<String>,
    points: u64,
    is_connection: bool,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        write!(f, "; most of it is {} ({} points): ", path.join("."), self.points)?;
        f.write_str(if self.is_connection {
            "ask it for fewer by `first`, or for `totalCount` alone"
        } else {
            "ask for less below it, or in several requests"
        })
    }
}

/// The fields of a selection, those of its fragments too, each with the type that it belongs to.
fn fields<'s>(parent: &'s str, set: &'s SelectionSet) -> Vec<(&'s str, &'s Positioned<Field>)> {
    let below = |selection: &'s Positioned<Selection>| match &selection.node {
        Selection::Field(field) => vec![(parent, field)],
        Selection::InlineFragment(fragment) => {
            let on = fragment.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
            fields(on, &fragment.node.selection_set.node)
        }
        // What is run has its fragments put in.
        Selection::FragmentSpread(_) => Vec::new(),
    };
    set.items.iter().flat_map(below).collect()
}

struct Till<'a> {
    variables: &'a Variables,
    page: u64,
}

impl Till<'_> {
    /// The cost of a selection on a `parent`; of a connection, `page` is how many nodes are asked for.
    fn set(&self, parent: &str, set: &SelectionSet, page: u64) -> Cost {
        let mut sum = Cost::default();
        for selection in &set.items {
            sum += match &selection.node {
                Selection::Field(field) => self.field(parent, field, page),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map_or(parent, |condition| &condition.node.on.node);
                    self.set(on, &fragment.node.selection_set.node, page)
                }
                // What is run has its fragments put in.
                Selection::FragmentSpread(_) => Cost::default(),
            };
        }
        sum
    }

    /// The part of a selection that costs most: down from the root, at each level the field that costs most, to the last of them
    /// that is a connection, or has several by their ids; else the first.
    fn dearest(&self, parent: &str, set: &SelectionSet, within: Within) -> Option<Part> {
        let fields = fields(parent, set);
        let priced =
            fields.iter().map(|(parent, field)| (self.field(parent, field, within.page).points, parent, field));
        let (points, parent, field) = priced.max_by_key(|(points, ..)| *points).filter(|(points, ..)| *points > 0)?;
        let price = PRICES.get(*parent)?.get(field.node.name.node.as_str())?;
        let below = if price.is_connection {
            Within { page: self.size(&field.node), ..within }
        } else {
            let is_page = parent.ends_with("Connection");
            let times = if is_page { within.page } else { self.ids(&field.node) };
            Within { page: 0, times: within.times.saturating_mul(times) }
        };
        let key = field.node.response_key().node.to_string();
        let part = self.dearest(&price.gives, &field.node.selection_set.node, below).filter(|part| part.is_connection);
        let points = points.saturating_mul(within.times);
        let part = part.map(|mut part| {
            part.path.push(key.clone());
            part
        });
        Some(part.unwrap_or(Part { path: vec![key], points, is_connection: price.is_connection }))
    }

    /// What a connection costs whose filter looks for a part of a text: no index answers that, all rows are read.
    fn search(&self, field: &Field) -> u64 {
        let Some(Value::Object(filter)) = self.argument(field, "filter") else { return 0 };
        let is_search = |name: &str| name == "search" || name.ends_with("Contains");
        let searches = filter.iter().filter(|(name, value)| is_search(name) && !matches!(value, Value::Null));
        SEARCH * u64::try_from(searches.count()).unwrap_or(u64::MAX)
    }

    fn field(&self, parent: &str, field: &Positioned<Field>, page: u64) -> Cost {
        let field = &field.node;
        // Scalars, introspection, and what is not there.
        let Some(price) = PRICES.get(parent).and_then(|fields| fields.get(field.name.node.as_str())) else {
            return Cost::default();
        };
        let set = &field.selection_set.node;
        if price.is_connection {
            let size = self.size(field);
            let mut cost = self.set(&price.gives, set, size);
            cost += Cost { points: 1 + self.search(field), nodes: size };
            return cost;
        }
        let mut cost = self.set(&price.gives, set, 0);
        // An edge is only where its node stands.
        cost += Cost { points: u64::from(!price.gives.ends_with("Edge")), nodes: 0 };
        let is_page = parent.ends_with("Connection") && matches!(field.name.node.as_str(), "nodes" | "edges");
        cost.times(if is_page { page } else { self.ids(field) })
    }

    /// The nodes that a connection is asked for. One that asks for more than a page has is refused by its resolver.
    fn size(&self, field: &Field) -> u64 {
        let size = |name| match self.argument(field, name)? {
            Value::Number(number) => Some(number.as_u64().unwrap_or_default()),
            _ => None,
        };
        size("first").max(size("last")).unwrap_or(DEFAULT).min(self.page)
    }

    /// How many objects are asked for by their ids.
    fn ids(&self, field: &Field) -> u64 {
        match self.argument(field, "ids") {
            Some(Value::List(ids)) => u64::try_from(ids.len()).unwrap_or(u64::MAX).max(1),
            _ => 1,
        }
    }

    /// An argument, with the values of its variables.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let (_, value) = field.arguments.iter().find(|(argument, _)| argument.node == name)?;
        let Ok(value) = value.node.clone().into_const_with(|name| Ok::<_, Infallible>(self.variable(&name)));
        Some(value)
    }

    fn variable(&self, name: &Name) -> Value {
        self.variables.get(name).cloned().unwrap_or_default()
    }
}

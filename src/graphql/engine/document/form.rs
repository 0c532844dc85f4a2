//! What of a document is run: one operation, its fragments put in, what is skipped left out, and what is asked for twice merged.
//!
//! So each field is resolved once, however often it is selected, and a selection of which nothing is left is known before:
//! the library answers null for it, as if there were no such object. There it is asked for its type instead, under a name
//! that no client can write, and [`Form::shown`] takes that away again.

use std::collections::HashSet;

use apollo_compiler::ast;
use apollo_compiler::executable::{self, Selection, SelectionSet};
use apollo_compiler::{Name, Node};
use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, InlineFragment, OperationDefinition, OperationType,
    Selection as Selected, SelectionSet as Set, Type, TypeCondition, VariableDefinition,
};
use async_graphql::{Name as Key, Positioned, Request, Response, Value, Variables};
use async_graphql_value::Value as Given;

use super::Refusal;
use super::known::{Known, Operation};
use super::literal;
use super::schema::Published;
use domain::error::Code;

/// The key of what is asked for in place of nothing. No document can have it.
const NOTHING: &str = "";

/// An operation as it is run.
#[derive(Debug)]
pub(crate) struct Form {
    /// The operation.
    pub operation: OperationDefinition,
    /// Fields in it.
    pub fields: usize,
    /// Whether it asks for users: who sees which of them depends on who asks, not on the role alone.
    pub has_users: bool,
    /// Whether a selection of it is empty.
    has_empty: bool,
}

impl Form {
    /// The form of an operation for these variables. `most` is how many fields it may have.
    pub fn of(known: &Known, operation: &Operation, variables: &Variables, most: usize) -> Result<Self, Refusal> {
        let mut former = Former { known, variables, most, fields: 0, has_users: false, has_empty: false };
        let definition = &operation.definition;
        let set = former.set(&definition.selection_set.ty, &[&definition.selection_set])?;
        let at = known.places.pos(definition.location());
        let variable = |variable: &Node<ast::VariableDefinition>| {
            let kind = Type::new(&variable.ty.to_string()).expect("it has been read as a type");
            let definition = VariableDefinition {
                name: Positioned::new(Key::new(&variable.name), at),
                var_type: Positioned::new(kind, at),
                directives: Vec::new(),
                default_value: None,
            };
            Positioned::new(definition, at)
        };
        let operation = OperationDefinition {
            ty: match definition.operation_type {
                ast::OperationType::Query => OperationType::Query,
                ast::OperationType::Mutation => OperationType::Mutation,
                ast::OperationType::Subscription => OperationType::Subscription,
            },
            variable_definitions: definition.variables.iter().map(variable).collect(),
            directives: Vec::new(),
            selection_set: Positioned::new(set, at),
        };
        Ok(Self { operation, fields: former.fields, has_users: former.has_users, has_empty: former.has_empty })
    }

    /// The request that runs this.
    pub fn prepare(&self, request: &mut Request) {
        let operation = Positioned::new(self.operation.clone(), self.operation.selection_set.pos);
        request.operation_name = None;
        request.set_parsed_query(ExecutableDocument {
            operations: DocumentOperations::Single(operation),
            fragments: std::collections::HashMap::new(),
        });
    }

    /// The response as clients see it.
    pub fn shown(&self, mut response: Response) -> Response {
        if self.has_empty {
            clear(&mut response.data);
        }
        order(&mut response.data, &self.operation.selection_set.node);
        response
    }
}

/// Puts fields into the order in which they are asked for: the library leaves them in that in which they were resolved, which is
/// another one each time.
fn order(value: &mut Value, set: &Set) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| order(item, set)),
        Value::Object(fields) => {
            order_from(0, fields, set);
        }
        _ => {}
    }
}

/// Puts those that are asked for by `set` at this place and behind it; returns the place behind them.
fn order_from(mut place: usize, fields: &mut IndexMap<Key, Value>, set: &Set) -> usize {
    for item in &set.items {
        let field = match &item.node {
            Selected::Field(field) => &field.node,
            Selected::InlineFragment(fragment) => {
                place = order_from(place, fields, &fragment.node.selection_set.node);
                continue;
            }
            // What is run has its fragments put in.
            Selected::FragmentSpread(_) => continue,
        };
        let key = &field.response_key().node;
        if fields.get_index(place).is_none_or(|(here, _)| here != key) {
            match fields.get_index_of(key) {
                Some(at) if at > place => fields.move_index(at, place),
                // It is not there, as in an object of another type, or has its place.
                _ => continue,
            }
        }
        // What has no selection may be an object too, whose order is its own.
        if !field.selection_set.node.items.is_empty() {
            order(&mut fields[place], &field.selection_set.node);
        }
        place += 1;
    }
    place
}

fn clear(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(NOTHING);
            fields.values_mut().for_each(clear);
        }
        Value::List(items) => items.iter_mut().for_each(clear),
        _ => {}
    }
}

/// The fields that are answered under each key.
type Fields<'a> = IndexMap<&'a Name, Vec<&'a Node<executable::Field>>>;

/// Of whom fields are collected.
#[derive(Clone, Copy)]
enum Whose<'a> {
    /// Of one type of object.
    Object(&'a str),
    /// Of all that an interface or a union stands for.
    All(&'a [Name]),
}

impl Whose<'_> {
    fn are(self, schema: &Published, condition: &str) -> bool {
        match self {
            Self::Object(object) => schema.is(object, condition),
            Self::All(objects) => objects.iter().all(|object| schema.is(object, condition)),
        }
    }
}

struct Former<'a> {
    known: &'a Known,
    variables: &'a Variables,
    most: usize,
    fields: usize,
    has_users: bool,
    has_empty: bool,
}

/// The type of those who sign in.
const USER: &str = "User";

impl<'a> Former<'a> {
    /// What is selected of a `parent` by all of these sets.
    fn set(&mut self, parent: &'a str, sets: &[&'a SelectionSet]) -> Result<Set, Refusal> {
        let Some(objects) = self.known.schema.objects(parent) else {
            return self.merged(&self.collected(Whose::Object(parent), sets));
        };
        let common = self.collected(Whose::All(objects), sets);
        let mut set = self.merged(&common)?;
        let mut named = IndexSet::new();
        self.named(objects, sets, &mut named, &mut HashSet::new());
        for object in named {
            let mut fields = self.collected(Whose::Object(object), sets);
            // What is asked of all of them stands above already.
            fields.retain(|key, fields| common.get(key).is_none_or(|common| common.len() < fields.len()));
            fields.retain(|key, fields| {
                !common.contains_key(key) || self.known.schema.is_composite(fields[0].definition.ty.inner_named_type())
            });
            if !fields.is_empty() {
                let at = set.items[0].pos;
                let fragment = InlineFragment {
                    type_condition: Some(Positioned::new(
                        TypeCondition { on: Positioned::new(Key::new(object), at) },
                        at,
                    )),
                    directives: Vec::new(),
                    selection_set: Positioned::new(self.merged(&fields)?, at),
                };
                set.items.push(Positioned::new(Selected::InlineFragment(Positioned::new(fragment, at)), at));
            }
        }
        Ok(set)
    }

    /// The fields, each once; never none.
    fn merged(&mut self, fields: &Fields<'a>) -> Result<Set, Refusal> {
        if fields.is_empty() {
            self.has_empty = true;
            let (name, alias) = (Key::new("__typename"), Key::new(NOTHING));
            let at = async_graphql::Pos::default();
            let field = Field {
                alias: Some(Positioned::new(alias, at)),
                name: Positioned::new(name, at),
                arguments: Vec::new(),
                directives: Vec::new(),
                selection_set: Positioned::default(),
            };
            return Ok(Set { items: vec![Positioned::new(Selected::Field(Positioned::new(field, at)), at)] });
        }
        let items = fields.values().map(|fields| {
            let field = self.field(fields)?;
            let at = field.pos;
            Ok(Positioned::new(Selected::Field(field), at))
        });
        Ok(Set { items: items.collect::<Result<_, Refusal>>()? })
    }

    fn field(&mut self, fields: &[&'a Node<executable::Field>]) -> Result<Positioned<Field>, Refusal> {
        let field = fields[0];
        self.fields += 1;
        if self.fields > self.most {
            let message = format!("the operation has more than {} fields", self.most);
            return Err(Refusal::new(Code::QueryTooComplex, message));
        }
        if fields.iter().any(|other| other.name != field.name || !same(&field.arguments, &other.arguments)) {
            let message =
                format!("{} stands for two different fields: give one of them an alias", field.response_key());
            return Err(Refusal::new(Code::GraphqlValidationFailed, message));
        }
        let at = self.known.places.pos(field.location());
        let argument = |argument: &Node<ast::Argument>| {
            let value = self.value(&argument.value)?;
            let at = self.known.places.pos(argument.location());
            Some((Positioned::new(Key::new(&argument.name), at), Positioned::new(value, at)))
        };
        let arguments = field.arguments.iter().filter_map(argument).collect();
        let kind = field.definition.ty.inner_named_type();
        self.has_users |=
            kind == USER || self.known.schema.objects(kind).is_some_and(|all| all.iter().any(|one| one == USER));
        let selected = if self.known.schema.is_composite(kind) {
            let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
            self.set(kind, &sets)?
        } else {
            Set::default()
        };
        let field = Field {
            alias: field.alias.as_ref().map(|alias| Positioned::new(Key::new(alias), at)),
            name: Positioned::new(Key::new(&field.name), at),
            arguments,
            directives: Vec::new(),
            selection_set: Positioned::new(selected, at),
        };
        Ok(Positioned::new(field, at))
    }

    /// A value with its variables; None for a variable that was left out.
    fn value(&self, value: &ast::Value) -> Option<Given> {
        Some(match value {
            ast::Value::Variable(name) => {
                self.variables.get(name.as_str())?;
                Given::Variable(Key::new(name))
            }
            ast::Value::List(items) => {
                Given::List(items.iter().map(|item| self.value(item).unwrap_or(Given::Null)).collect())
            }
            ast::Value::Object(fields) => {
                let field = |(name, value): &(Name, Node<ast::Value>)| Some((Key::new(name), self.value(value)?));
                Given::Object(fields.iter().filter_map(field).collect())
            }
            // A number that can't be held has been refused.
            other => literal::constant(other).unwrap_or_default().into(),
        })
    }

    fn collected(&self, whose: Whose<'_>, sets: &[&'a SelectionSet]) -> Fields<'a> {
        let (mut fields, mut seen) = (Fields::new(), HashSet::new());
        for set in sets {
            self.collect(whose, set, &mut fields, &mut seen);
        }
        fields
    }

    fn collect(&self, whose: Whose<'_>, set: &'a SelectionSet, fields: &mut Fields<'a>, seen: &mut HashSet<&'a Name>) {
        for selection in set.selections.iter().filter(|selection| self.is_meant(selection)) {
            match selection {
                Selection::Field(field) => fields.entry(field.response_key()).or_default().push(field),
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(|condition| whose.are(self.known.schema, condition))
                    {
                        self.collect(whose, &fragment.selection_set, fields, seen);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.known.document.fragments.get(&spread.fragment_name) else { continue };
                    if whose.are(self.known.schema, fragment.type_condition()) && seen.insert(&spread.fragment_name) {
                        self.collect(whose, &fragment.selection_set, fields, seen);
                    }
                }
            }
        }
    }

    /// The objects of which fragments in these sets ask for more than of the others.
    fn named(
        &self,
        objects: &'a [Name],
        sets: &[&'a SelectionSet],
        named: &mut IndexSet<&'a Name>,
        seen: &mut HashSet<&'a Name>,
    ) {
        for selection in sets.iter().flat_map(|set| &set.selections).filter(|selection| self.is_meant(selection)) {
            let (condition, set) = match selection {
                Selection::Field(_) => continue,
                Selection::InlineFragment(fragment) => (fragment.type_condition.as_ref(), &fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.known.document.fragments.get(&spread.fragment_name) else { continue };
                    if !seen.insert(&spread.fragment_name) {
                        continue;
                    }
                    (Some(fragment.type_condition()), &fragment.selection_set)
                }
            };
            if let Some(condition) =
                condition.filter(|condition| !Whose::All(objects).are(self.known.schema, condition))
            {
                named.extend(objects.iter().filter(|object| self.known.schema.is(object, condition)));
            }
            self.named(objects, &[set], named, seen);
        }
    }

    /// Whether `@skip` and `@include` leave it in.
    fn is_meant(&self, selection: &Selection) -> bool {
        let says = |name: &str| {
            let directive = selection.directives().get(name)?;
            match &**directive.specified_argument_by_name("if")? {
                ast::Value::Boolean(says) => Some(*says),
                ast::Value::Variable(name) => match self.variables.get(name.as_str()) {
                    Some(Value::Boolean(says)) => Some(*says),
                    _ => None,
                },
                _ => None,
            }
        };
        says("skip") != Some(true) && says("include") != Some(false)
    }
}

fn same(one: &[Node<ast::Argument>], other: &[Node<ast::Argument>]) -> bool {
    let has = |argument: &Node<ast::Argument>| {
        other.iter().any(|given| given.name == argument.name && alike(&given.value, &argument.value))
    };
    one.len() == other.len() && one.iter().all(has)
}

/// Whether two values are the same: the order of an object's fields says nothing.
fn alike(one: &ast::Value, other: &ast::Value) -> bool {
    match (one, other) {
        (ast::Value::List(one), ast::Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (ast::Value::Object(one), ast::Value::Object(other)) => {
            let has = |(name, value): &(Name, Node<ast::Value>)| {
                other.iter().any(|(given, other)| given == name && alike(value, other))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        (one, other) => one == other,
    }
}

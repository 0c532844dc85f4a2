//! The values that are written in a document, and the places of its variables: each fits the type that is wanted there.

use std::collections::HashSet;

use apollo_compiler::ast::{self, Argument, Directive, InputValueDefinition, Type, Value};
use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use apollo_compiler::{ExecutableDocument, Name, Node};
use async_graphql::Pos;
use async_graphql::indexmap::IndexMap;

use super::literal;
use super::places::Places;
use super::schema::Published;
use super::suggestion;
use super::variables::{KEEPS, NULL, PICKS, is_blank, is_filter, keeps, wanted};
use domain::error::Violation;

/// What is said of the second value of a field.
const TWICE: &str = "this field is given twice";

/// Where a variable stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The way to the field that takes it, the first if there are several; its own name if there is none.
    pub path: Vec<String>,
    /// The way to a field that takes no null, though the variable may be null by its type.
    pub refuses_null: Option<Vec<String>>,
    /// The way to a condition by which a mutation picks what it changes.
    pub picks: Option<Vec<String>>,
    /// The way to a field of an update that null can't empty.
    pub keeps: Option<Vec<String>>,
    /// Whether `@skip` or `@include` asks for it.
    pub decides: bool,
}

/// A filter by which a mutation picks what it changes, of which all conditions are variables: if all of them are left out, nothing
/// is left of it.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    /// The way to it.
    pub path: Vec<String>,
    /// The places of its variables among those of the operation.
    pub variables: Vec<usize>,
}

/// A value that does not fit.
#[derive(Debug)]
pub(super) struct Mistake {
    /// The way to it, and what is wrong.
    pub violation: Violation,
    /// Where it is written.
    pub at: Pos,
    /// Whether it is of a kind that Herald defines: such as an instant that is none.
    pub is_own: bool,
}

/// The places of an operation's variables, in the order in which they are defined, and all values that do not fit.
pub(super) fn read(
    schema: &Published,
    document: &ExecutableDocument,
    operation: &Operation,
    places: &Places,
    suggests: bool,
) -> (Vec<Place>, Vec<Picked>, Vec<Mistake>) {
    let mut reader = Reader {
        schema,
        document,
        operation,
        places,
        found: operation.variables.iter().map(|_| Place::default()).collect(),
        picked: Vec::new(),
        suggests,
        mistakes: Vec::new(),
        path: Vec::new(),
        seen: HashSet::new(),
    };
    reader.defaults();
    reader.directives(&operation.directives);
    reader.set(&operation.selection_set);
    let mut found = reader.found;
    for (place, variable) in found.iter_mut().zip(&operation.variables) {
        if place.path.is_empty() {
            place.path.push(variable.name.to_string());
        }
    }
    (found, reader.picked, reader.mistakes)
}

struct Reader<'a> {
    schema: &'a Published,
    document: &'a ExecutableDocument,
    operation: &'a Operation,
    places: &'a Places,
    found: Vec<Place>,
    picked: Vec<Picked>,
    suggests: bool,
    mistakes: Vec<Mistake>,
    path: Vec<String>,
    seen: HashSet<&'a Name>,
}

impl<'a> Reader<'a> {
    fn defaults(&mut self) {
        for variable in &self.operation.variables {
            self.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                self.path = vec![variable.name.to_string()];
                self.value(&variable.ty, false, default);
                self.path.clear();
            }
        }
    }

    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments, false);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| self.seen.insert(&fragment.name)) {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Node<Directive>]) {
        for directive in directives {
            if let Some(definition) = self.schema.types.directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments, true);
            }
        }
    }

    fn arguments(&mut self, given: &[Node<Argument>], defined: &[Node<InputValueDefinition>], decides: bool) {
        for argument in given {
            // One that there is not is told by the validation.
            let Some(defined) = defined.iter().find(|defined| defined.name == argument.name) else { continue };
            self.path = vec![argument.name.to_string()];
            self.value(&defined.ty, defined.default_value.is_some(), &argument.value);
            self.path.clear();
            if let (true, Value::Variable(name)) = (decides, &*argument.value)
                && let Some(index) = self.variable_at(name)
            {
                self.found[index].decides = true;
            }
        }
    }

    fn wrong(&mut self, value: &Node<Value>, message: impl Into<String>, is_own: bool) {
        let violation = Violation { path: self.path.clone(), message: message.into() };
        self.mistakes.push(Mistake { violation, at: self.places.pos(value.location()), is_own });
    }

    fn variable_at(&self, name: &Name) -> Option<usize> {
        self.operation.variables.iter().position(|variable| variable.name == *name)
    }

    fn within(&mut self, step: String, read: impl FnOnce(&mut Self)) {
        self.path.push(step);
        read(self);
        self.path.pop();
    }

    fn value(&mut self, wanted: &Type, has_default: bool, value: &Node<Value>) {
        match (wanted, &**value) {
            (_, Value::Variable(name)) => self.variable(wanted, has_default, name, value),
            (_, Value::Null) if wanted.is_non_null() => self.wrong(value, NULL, false),
            (_, Value::Null) => {}
            (Type::List(item) | Type::NonNullList(item), Value::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.within(index.to_string(), |reader| reader.value(item, false, value));
                }
            }
            (Type::List(item) | Type::NonNullList(item), _) => self.value(item, false, value),
            (Type::Named(name) | Type::NonNullNamed(name), _) => match self.schema.types.types.get(name) {
                Some(ExtendedType::InputObject(kind)) => self.object(kind, value),
                Some(ExtendedType::Enum(kind)) => self.word(kind, value),
                Some(ExtendedType::Scalar(_)) => self.scalar(name, value),
                // Of another kind no argument is.
                _ => {}
            },
        }
    }

    fn variable(&mut self, wanted: &Type, has_default: bool, name: &Name, value: &Node<Value>) {
        let Some(index) = self.variable_at(name) else {
            return self.wrong(value, format!("the variable ${name} is not defined"), false);
        };
        let variable = &self.operation.variables[index];
        let may_be_null = !variable.ty.is_non_null();
        let stands_for_null = wanted.is_non_null() && may_be_null;
        let has_value = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
        let fits = if stands_for_null {
            (has_default || has_value) && variable.ty.is_assignable_to(&wanted.clone().nullable())
        } else {
            variable.ty.is_assignable_to(wanted)
        };
        if !fits {
            let message = format!("the variable ${name} is of the type {}, but {wanted} is wanted here", variable.ty);
            return self.wrong(value, message, false);
        }
        let place = &mut self.found[index];
        if place.path.is_empty() {
            place.path.clone_from(&self.path);
        }
        if stands_for_null {
            place.refuses_null.get_or_insert_with(|| self.path.clone());
        }
    }

    fn object(&mut self, kind: &InputObjectType, value: &Node<Value>) {
        let Value::Object(given) = &**value else {
            return self.wrong(value, format!("an object of the type {} is wanted", kind.name), false);
        };
        let mut names = HashSet::new();
        for (name, given) in given {
            self.within(name.to_string(), |reader| match kind.fields.get(name) {
                None => {
                    let meant = reader.meant(name, kind.fields.keys());
                    reader.wrong(given, format!("{} has no such field{meant}", kind.name), false);
                }
                Some(_) if !names.insert(name) => reader.wrong(given, TWICE, false),
                Some(field) => {
                    reader.value(&field.ty, field.default_value.is_some(), given);
                    if reader.operation.is_mutation() && is_filter(kind, &reader.path) {
                        reader.condition(given);
                    }
                    if keeps(kind, name) {
                        reader.kept(given);
                    }
                }
            });
        }
        for (name, _) in kind.fields.iter().filter(|(name, field)| field.is_required() && !names.contains(name)) {
            self.within(name.to_string(), |reader| reader.wrong(value, "this field is missing", false));
        }
        if kind.directives.has("oneOf") {
            self.one_of(given, value);
        }
        if self.operation.is_mutation() && is_filter(kind, &self.path) {
            self.picks(given);
        }
    }

    /// What was meant perhaps, if that may be told.
    fn meant<'n>(&self, written: &str, known: impl Iterator<Item = &'n Name>) -> String {
        if self.suggests { suggestion::among(written, known) } else { String::new() }
    }

    /// Notes a filter of which nothing may be left.
    fn picks(&mut self, given: &[(ast::NamedType, Node<Value>)]) {
        let variables = given.iter().map(|(_, value)| match &**value {
            Value::Variable(name) => self.variable_at(name),
            _ => None,
        });
        let variables: Option<Vec<usize>> = variables.collect();
        if let Some(variables) = variables.filter(|variables| !variables.is_empty()) {
            self.picked.push(Picked { path: self.path.clone(), variables });
        }
    }

    /// A condition by which a mutation picks what it changes: left empty, it would pick everything.
    fn condition(&mut self, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => {
                if let Some(index) = self.variable_at(name) {
                    self.found[index].picks.get_or_insert_with(|| self.path.clone());
                }
            }
            Value::Null => self.wrong(value, PICKS, true),
            Value::String(text) if is_blank(text) => self.wrong(value, PICKS, true),
            _ => {}
        }
    }

    /// A field of an update that null can't empty.
    fn kept(&mut self, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => {
                if let Some(index) = self.variable_at(name) {
                    self.found[index].keeps.get_or_insert_with(|| self.path.clone());
                }
            }
            Value::Null => self.wrong(value, KEEPS, true),
            _ => {}
        }
    }

    /// Of an input of which one field is given, that one must be there.
    fn one_of(&mut self, given: &[(ast::NamedType, Node<Value>)], value: &Node<Value>) {
        let is_there = |given: &Value| match given {
            Value::Null => false,
            Value::Variable(name) => {
                self.variable_at(name).is_none_or(|index| self.operation.variables[index].ty.is_non_null())
            }
            _ => true,
        };
        if !matches!(given, [(_, given)] if is_there(given)) {
            self.wrong(value, "exactly one field is to be given, and not null", false);
        }
    }

    fn word(&mut self, kind: &EnumType, value: &Node<Value>) {
        match &**value {
            Value::Enum(word) if kind.values.contains_key(word) => {}
            Value::String(_) => self.wrong(value, format!("a value of {} is wanted, without quotes", kind.name), false),
            given => {
                let written = if let Value::Enum(word) = given { word.as_str() } else { "" };
                let meant = self.meant(written, kind.values.keys());
                self.wrong(value, format!("a value of {} is wanted{meant}", kind.name), false);
            }
        }
    }

    fn scalar(&mut self, name: &str, value: &Node<Value>) {
        let fits = match (name, &**value) {
            ("Int", Value::Int(number)) => number.try_to_i32().is_ok(),
            ("Float", Value::Int(number)) => number.try_to_f64().is_ok(),
            ("Float", Value::Float(number)) => number.try_to_f64().is_ok(),
            ("String" | "ID", Value::String(_)) | ("ID", Value::Int(_)) | ("Boolean", Value::Boolean(_)) => true,
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
            (name, given) => return self.own(name, given, value),
        };
        if !fits {
            self.wrong(value, wanted(name), false);
        }
    }

    /// A value of a scalar that Herald defines. With variables in it, it is whole only when it runs: then the scalar must be one
    /// that takes any shape.
    fn own(&mut self, name: &str, given: &Value, value: &Node<Value>) {
        self.inner_variables(given);
        let whole = literal::constant(given);
        let shown = whole.unwrap_or_else(|| async_graphql::Value::Object(IndexMap::new()));
        if let Err(message) = (self.schema.check)(name, shown) {
            self.wrong(value, message, true);
        }
    }

    /// Variables inside a value of any shape: of any type, but defined.
    fn inner_variables(&mut self, value: &Value) {
        match value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.within(index.to_string(), |reader| reader.inner_variable(item));
                }
            }
            Value::Object(fields) => {
                let mut names = HashSet::new();
                for (name, field) in fields {
                    self.within(name.to_string(), |reader| {
                        if names.insert(name) {
                            reader.inner_variable(field);
                        } else {
                            reader.wrong(field, TWICE, false);
                        }
                    });
                }
            }
            _ => {}
        }
    }

    fn inner_variable(&mut self, value: &Node<Value>) {
        let name = match &**value {
            Value::Variable(name) => name,
            Value::Int(_) | Value::Float(_) if literal::constant(value).is_none() => {
                return self.wrong(value, "this number is too large", true);
            }
            inner => return self.inner_variables(inner),
        };
        match self.variable_at(name) {
            None => self.wrong(value, format!("the variable ${name} is not defined"), false),
            Some(index) if self.found[index].path.is_empty() => self.found[index].path.clone_from(&self.path),
            Some(_) => {}
        }
    }
}

//! Documents that came before: clients send the same few again and again, so each is read and validated once, and put into the
//! form that is run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apollo_compiler::Node;
use apollo_compiler::ast;
use apollo_compiler::executable::{self, ExecutableDocument};
use apollo_compiler::parser::Parser;
use async_graphql::{Value, Variables};
use parking_lot::Mutex;

use super::form::Form;
use super::places::Places;
use super::schema::{Published, SCHEMA};
use super::values::{Picked, Place};
use super::{Refusal, measure, tokens, unreadable, validity, written};
use domain::error::Code;
use domain::limits::DocumentLimits;
use domain::role::Permission;

/// Documents that are remembered before all are forgotten: more than a frontend has, few enough for little memory.
const MOST: usize = 256;
/// Bytes of the longest that is remembered.
const LONGEST: usize = 8 << 10;
/// Forms of one document that are remembered: one for each way in which variables leave fields and arguments out.
const MOST_FORMS: usize = 16;
/// Fields in all forms that are remembered before all is forgotten: some 50 MiB.
const MOST_FIELDS: usize = 100_000;

/// A document that is valid.
#[derive(Debug)]
pub(crate) struct Known {
    /// The schema that it is valid for.
    pub schema: &'static Published,
    /// The document, with the types of what it selects.
    pub document: ExecutableDocument,
    /// Its operations.
    pub operations: Vec<Operation>,
    /// Its lines.
    pub places: Places,
    forms: Mutex<HashMap<Shape, Arc<Form>>>,
}

/// An operation of a document.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The operation.
    pub definition: Node<executable::Operation>,
    /// Where its variables stand, in the order in which they are defined.
    pub places: Vec<Place>,
    /// Where it picks what it changes by conditions that all are variables.
    pub picked: Vec<Picked>,
    /// Its root fields, each with the permission that it needs.
    pub roots: Vec<Root>,
}

/// A field of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its name.
    pub name: String,
    /// The permission that it needs; None of introspection.
    pub permission: Option<Permission>,
}

/// What of a request decides about its form: the operation, and of each variable what is left out for it.
type Shape = (usize, Box<[Effect]>);

/// What a variable does to the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Effect {
    /// Nothing.
    Given,
    /// What it would stand for is left out.
    Missing,
    /// It decides what is skipped.
    Says(bool),
}

impl Known {
    /// A document that is valid.
    pub fn new(
        schema: &'static Published,
        document: ExecutableDocument,
        operations: Vec<Operation>,
        places: Places,
    ) -> Self {
        Self { schema, document, operations, places, forms: Mutex::default() }
    }

    /// The operation that is to be run.
    pub fn operation(&self, name: Option<&str>) -> Result<(usize, &Operation), Refusal> {
        let mut named = self.operations.iter().enumerate();
        let found = match name {
            None if self.operations.len() == 1 => named.next(),
            None => None,
            Some(name) => {
                named.find(|(_, operation)| operation.definition.name.as_ref().is_some_and(|it| it.as_str() == name))
            }
        };
        let missing = match name {
            Some(_) => "the document has no operation of this name",
            None => "the document has several operations: say by operationName which is to be run",
        };
        found.ok_or_else(|| Refusal::new(Code::OperationResolutionFailure, missing))
    }
}

/// Documents that were read, and let through by all checks that need no variables.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    known: Mutex<HashMap<Box<str>, Arc<Known>>>,
    /// Fields in all forms of what is known.
    fields: AtomicUsize,
}

impl Documents {
    /// Reads a document, or finds it. What is refused is not remembered. It `suggests` names of the schema to who may see it.
    pub fn read(&self, text: &str, suggests: bool, limits: &DocumentLimits) -> Result<Arc<Known>, Refusal> {
        let found = self.known.lock().get(text).cloned();
        if let Some(document) = found {
            return Ok(document);
        }
        tokens::check(text, limits)?;
        let places = Places::of(text);
        let written = Parser::new().parse_ast(text, "document");
        let written = written.map_err(|wrong| unreadable(&wrong.errors, |span| places.pos(span)))?;
        written::check(&written, limits)?;
        measure::check(&written, limits)?;
        let document = Arc::new(validity::check(&SCHEMA, &written, places, suggests, limits)?);
        if text.len() <= LONGEST {
            let mut known = self.known.lock();
            // Whoever sends ever new documents gains nothing, and costs the others one reading.
            if known.len() >= MOST {
                known.clear();
                self.fields.store(0, Ordering::Relaxed);
            }
            known.insert(text.into(), document.clone());
        }
        Ok(document)
    }

    /// The form of an operation for these variables.
    pub fn form(
        &self,
        known: &Known,
        index: usize,
        variables: &Variables,
        limits: &DocumentLimits,
    ) -> Result<Arc<Form>, Refusal> {
        let operation = &known.operations[index];
        let shape = (index, shape(operation, variables));
        if let Some(form) = known.forms.lock().get(&shape) {
            return Ok(form.clone());
        }
        let most = usize::try_from(limits.selections).unwrap_or(usize::MAX);
        let form = Arc::new(Form::of(known, operation, variables, most)?);
        let mut forms = known.forms.lock();
        if forms.len() >= MOST_FORMS {
            forms.clear();
        }
        forms.insert(shape, form.clone());
        drop(forms);
        // Forms of what is not remembered are counted too: it costs no more than a reading.
        if self.fields.fetch_add(form.fields, Ordering::Relaxed) > MOST_FIELDS {
            self.known.lock().clear();
            self.fields.store(0, Ordering::Relaxed);
        }
        Ok(form)
    }
}

fn shape(operation: &Operation, variables: &Variables) -> Box<[Effect]> {
    let role = |(definition, place): (&Node<ast::VariableDefinition>, &Place)| match variables.get(&*definition.name) {
        None => Effect::Missing,
        Some(Value::Boolean(says)) if place.decides => Effect::Says(*says),
        Some(_) => Effect::Given,
    };
    operation.definition.variables.iter().zip(&operation.places).map(role).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_once_and_few_are_kept() {
        let (documents, limits) = (Documents::default(), DocumentLimits::default());
        let read = |text: &str| documents.read(text, true, &limits).unwrap();
        assert!(Arc::ptr_eq(&read("{ viewer { id } }"), &read("{ viewer { id } }")));
        for number in 0..MOST * 2 {
            read(&format!("{{ viewer {{ a{number}: id }} }}"));
        }
        assert!(documents.known.lock().len() <= MOST);
        let long = format!("{{ viewer {{ id }} }} #{}", "-".repeat(LONGEST));
        assert!(!Arc::ptr_eq(&read(&long), &read(&long)), "a long one is not kept");
        assert!(documents.read("{ a", true, &limits).is_err() && documents.read("{ a", true, &limits).is_err());
    }

    #[test]
    fn forms_are_made_once_and_few_are_kept() {
        let (documents, limits) = (Documents::default(), DocumentLimits::default());
        let text = "query($a: Boolean!, $b: Int) { viewer { id @include(if: $a) } users(first: $b) { totalCount } }";
        let known = documents.read(text, true, &limits).unwrap();
        let form = |variables: serde_json::Value| {
            documents.form(&known, 0, &Variables::from_json(variables), &limits).unwrap()
        };
        let one = form(serde_json::json!({ "a": true, "b": 1 }));
        assert!(Arc::ptr_eq(&one, &form(serde_json::json!({ "a": true, "b": 2 }))), "a value changes no form");
        assert!(!Arc::ptr_eq(&one, &form(serde_json::json!({ "a": false, "b": 1 }))), "a field less");
        assert!(!Arc::ptr_eq(&one, &form(serde_json::json!({ "a": true }))), "an argument less");
        assert_eq!(known.forms.lock().len(), 3);
        documents.fields.store(MOST_FIELDS + 1, Ordering::Relaxed);
        form(serde_json::json!({ "a": false }));
        assert!(documents.known.lock().is_empty(), "all is forgotten where it is too much");
    }
}

//! What a document comes to once its fragments are put in where they are spread.
//!
//! Each fragment is measured once, however often it is spread: 24 fragments that each spread the next one twice are 16
//! million selections in 901 bytes, and are counted in 24 steps.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};

use super::Refusal;
use domain::error::Code;
use domain::limits::DocumentLimits;

/// The field that tries a password.
const LOGIN: &str = "login";

/// The size of a selection set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    selections: u64,
    aliases: u64,
    depth: usize,
    /// Fields of its own level.
    fields: u64,
    /// Fields among them that log in.
    logins: u64,
    /// Whether one of them is `__schema`.
    pub reads_schema: bool,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.logins = self.logins.saturating_add(other.logins);
        self.reads_schema |= other.reads_schema;
    }

    /// Refuses an operation of this measure, if it is too much.
    fn check(&self, kind: OperationType, limits: &DocumentLimits) -> Result<(), Refusal> {
        let at_most = |code, what: &str, number: u64, most: u64| {
            let message = || format!("the operation has {number} {what}, {most} is the most");
            if number <= most { Ok(()) } else { Err(Refusal::new(code, message())) }
        };
        let root_fields = if kind == OperationType::Mutation { limits.mutation_fields } else { limits.root_fields };
        at_most(Code::QueryTooComplex, "selections", self.selections, limits.selections)?;
        at_most(Code::QueryTooDeep, "levels", wide(self.depth), wide(limits.depth))?;
        at_most(Code::TooManyAliases, "aliases", self.aliases, limits.aliases)?;
        at_most(Code::QueryTooComplex, "root fields", self.fields, root_fields)?;
        // Else one request could try many passwords.
        at_most(Code::QueryTooComplex, "logins", self.logins, 1)
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Refuses a document of which an operation is too much, run or not: all of it is validated.
pub(super) fn check(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<(), Refusal> {
    let mut ruler = Ruler { document, known: HashMap::new() };
    for (_, operation) in document.operations.iter() {
        ruler.set(&operation.node.selection_set.node)?.check(operation.node.ty, limits)?;
    }
    for name in document.fragments.keys() {
        if ruler.fragment(name)?.selections > limits.selections {
            let message = format!("the fragment {name} has more than {} selections", limits.selections);
            return Err(Refusal::new(Code::QueryTooComplex, message));
        }
    }
    Ok(())
}

/// The size of one operation.
pub(super) fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<Measure, Refusal> {
    Ruler { document, known: HashMap::new() }.set(&operation.selection_set.node)
}

struct Ruler<'a> {
    document: &'a ExecutableDocument,
    /// Fragments by name; None is one that is being measured.
    known: HashMap<&'a Name, Option<Measure>>,
}

impl<'a> Ruler<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Measure, Refusal> {
        let mut sum = Measure::default();
        for selection in &set.items {
            sum.add(self.selection(&selection.node)?);
        }
        Ok(sum)
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Measure, Refusal> {
        let one = Measure { selections: 1, ..Measure::default() };
        match selection {
            Selection::Field(field) => {
                let field = &field.node;
                let below = self.set(&field.selection_set.node)?;
                Ok(Measure {
                    selections: below.selections.saturating_add(1),
                    aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
                    depth: below.depth + 1,
                    fields: 1,
                    logins: u64::from(field.name.node == LOGIN),
                    reads_schema: field.name.node == "__schema",
                })
            }
            Selection::InlineFragment(fragment) => {
                let mut measure = self.set(&fragment.node.selection_set.node)?;
                measure.add(one);
                Ok(measure)
            }
            Selection::FragmentSpread(spread) => {
                let mut measure = self.fragment(&spread.node.fragment_name.node)?;
                measure.add(one);
                Ok(measure)
            }
        }
    }

    fn fragment(&mut self, name: &Name) -> Result<Measure, Refusal> {
        // One that is not there is told by the validation.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Measure::default()) };
        match self.known.get(name) {
            Some(Some(measure)) => Ok(*measure),
            Some(None) => {
                Err(Refusal::new(Code::GraphqlValidationFailed, format!("the fragment {name} spreads itself")))
            }
            None => {
                self.known.insert(name, None);
                let measure = self.set(&fragment.node.selection_set.node)?;
                self.known.insert(name, Some(measure));
                Ok(measure)
            }
        }
    }
}

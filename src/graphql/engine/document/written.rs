//! What is written in a document, each part once: operations, variables, directives, arguments.

use std::convert::Infallible;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Positioned, Value};

use super::Refusal;
use domain::error::Code;
use domain::limits::DocumentLimits;

/// Refuses a document in which too much is written.
pub(super) fn check(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<(), Refusal> {
    let mut reader = Reader { limits, directives: 0 };
    at_most("operations", document.operations.iter().count(), limits.operations)?;
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        at_most("variables in one operation", operation.variable_definitions.len(), limits.variables)?;
        for variable in &operation.variable_definitions {
            reader.directives(&variable.node.directives)?;
            if let Some(default) = &variable.node.default_value {
                value(&default.node, limits)?;
            }
        }
        reader.directives(&operation.directives)?;
        reader.set(&operation.selection_set.node)?;
    }
    for fragment in document.fragments.values() {
        reader.directives(&fragment.node.directives)?;
        reader.set(&fragment.node.selection_set.node)?;
    }
    Ok(())
}

/// Refuses a value of too many levels.
pub(super) fn value(value: &Value, limits: &DocumentLimits) -> Result<(), Refusal> {
    if levels(value) > limits.input_depth {
        let message = format!("an argument or variable has more than {} levels", limits.input_depth);
        return Err(Refusal::new(Code::QueryTooDeep, message));
    }
    Ok(())
}

/// Refuses more than `most` of something.
pub(super) fn at_most(what: &str, number: usize, most: usize) -> Result<(), Refusal> {
    if number <= most {
        return Ok(());
    }
    Err(Refusal::new(Code::QueryTooComplex, format!("there are {number} {what}, {most} is the most")))
}

fn levels(value: &Value) -> usize {
    match value {
        Value::List(list) => 1 + list.iter().map(levels).max().unwrap_or_default(),
        Value::Object(object) => 1 + object.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

struct Reader<'a> {
    limits: &'a DocumentLimits,
    directives: usize,
}

impl Reader<'_> {
    fn set(&mut self, set: &SelectionSet) -> Result<(), Refusal> {
        for selection in &set.items {
            self.directives(selection.node.directives())?;
            match &selection.node {
                Selection::Field(field) => {
                    for (_, argument) in &field.node.arguments {
                        let Ok(argument) = argument.node.clone().into_const_with(|_| Ok::<_, Infallible>(Value::Null));
                        value(&argument, self.limits)?;
                    }
                    self.set(&field.node.selection_set.node)?;
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        self.directives += directives.len();
        at_most("directives in one place", directives.len(), self.limits.directives_at_once)?;
        at_most("directives", self.directives, self.limits.directives)?;
        for (_, argument) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            let Ok(argument) = argument.node.clone().into_const_with(|_| Ok::<_, Infallible>(Value::Null));
            value(&argument, self.limits)?;
        }
        Ok(())
    }
}

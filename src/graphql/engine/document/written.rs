//! What is written in a document, each part once: operations, variables, directives, arguments.

use apollo_compiler::Node;
use apollo_compiler::ast::{self, Definition, Directive, Document, Selection};
use async_graphql::Value;

use super::Refusal;
use domain::error::Code;
use domain::limits::DocumentLimits;

/// Refuses a document in which too much is written.
pub(super) fn check(document: &Document, limits: &DocumentLimits) -> Result<(), Refusal> {
    let mut reader = Reader { limits, directives: 0 };
    let operations = document.definitions.iter().filter(|definition| definition.as_operation_definition().is_some());
    at_most("operations", operations.count(), limits.operations)?;
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                at_most("variables in one operation", operation.variables.len(), limits.variables)?;
                for variable in &operation.variables {
                    reader.directives(&variable.directives)?;
                    if let Some(default) = &variable.default_value {
                        reader.value(default)?;
                    }
                }
                reader.directives(&operation.directives)?;
                reader.set(&operation.selection_set)?;
            }
            Definition::FragmentDefinition(fragment) => {
                reader.directives(&fragment.directives)?;
                reader.set(&fragment.selection_set)?;
            }
            // The validation refuses what defines types.
            _ => {}
        }
    }
    Ok(())
}

/// Refuses the value of a variable with too many levels.
pub(super) fn value(value: &Value, limits: &DocumentLimits) -> Result<(), Refusal> {
    shallow(levels(value), limits)
}

/// Refuses more than `most` of something.
pub(super) fn at_most(what: &str, number: usize, most: usize) -> Result<(), Refusal> {
    if number <= most {
        return Ok(());
    }
    Err(Refusal::new(Code::QueryTooComplex, format!("there are {number} {what}, {most} is the most")))
}

fn shallow(levels: usize, limits: &DocumentLimits) -> Result<(), Refusal> {
    if levels > limits.input_depth {
        let message = format!("an argument or variable has more than {} levels", limits.input_depth);
        return Err(Refusal::new(Code::QueryTooDeep, message));
    }
    Ok(())
}

fn levels(value: &Value) -> usize {
    match value {
        Value::List(list) => 1 + list.iter().map(levels).max().unwrap_or_default(),
        Value::Object(object) => 1 + object.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

fn written_levels(value: &ast::Value) -> usize {
    match value {
        ast::Value::List(list) => 1 + list.iter().map(|item| written_levels(item)).max().unwrap_or_default(),
        ast::Value::Object(object) => {
            1 + object.iter().map(|(_, value)| written_levels(value)).max().unwrap_or_default()
        }
        _ => 0,
    }
}

struct Reader<'a> {
    limits: &'a DocumentLimits,
    directives: usize,
}

impl Reader<'_> {
    fn set(&mut self, set: &[Selection]) -> Result<(), Refusal> {
        for selection in set {
            match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives)?;
                    for argument in &field.arguments {
                        self.value(&argument.value)?;
                    }
                    self.set(&field.selection_set)?;
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives)?;
                    self.set(&fragment.selection_set)?;
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives)?,
            }
        }
        Ok(())
    }

    fn directives(&mut self, directives: &[Node<Directive>]) -> Result<(), Refusal> {
        self.directives += directives.len();
        at_most("directives in one place", directives.len(), self.limits.directives_at_once)?;
        at_most("directives", self.directives, self.limits.directives)?;
        for argument in directives.iter().flat_map(|directive| &directive.arguments) {
            self.value(&argument.value)?;
        }
        Ok(())
    }

    fn value(&self, value: &ast::Value) -> Result<(), Refusal> {
        shallow(written_levels(value), self.limits)
    }
}

//! Whether a document is valid: the rules of the specification, on the published schema.

use std::collections::HashSet;

use apollo_compiler::ast::{self, Value};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::executable::{ExecutableDocument, Selection, SelectionSet};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Node};
use async_graphql::{InputType, Pos};

use super::Refusal;
use super::known::{Known, Operation, Root};
use super::places::Places;
use super::schema::Published;
use super::values::{self, Mistake};
use domain::error::{Code, Error, Violation};
use domain::limits::DocumentLimits;
use domain::role::Permission;

/// The validator's words for what is looked at here, with the way to it: values, which it compares less closely, and the root
/// of a subscription, in which the same field may stand twice.
const OWN: [&str; 8] = [
    "DisallowedVariableUsage",
    "FloatCoercionError",
    "IntCoercionError",
    "RequiredField",
    "SubscriptionUsesMultipleFields",
    "UndefinedEnumValue",
    "UndefinedInputValue",
    "UnsupportedValueType",
];

/// The document, if it is valid; else what is wrong with it, all at once.
pub(super) fn check(
    schema: &'static Published,
    written: &ast::Document,
    places: Places,
    limits: &DocumentLimits,
) -> Result<Known, Refusal> {
    let (document, mut wrong) = match written.to_executable_validate(&schema.types) {
        Ok(document) => (document.into_inner(), Vec::new()),
        Err(wrong) => (wrong.partial, told(&wrong.errors, &places, limits)),
    };
    let (mut operations, mut mistakes) = (Vec::new(), Vec::new());
    for definition in document.operations.iter() {
        let (found, wrong_values) = values::read(schema, &document, definition, &places);
        mistakes.extend(wrong_values);
        let mut roots = Roots { document: &document, seen: HashSet::new(), found: Vec::new(), keys: HashSet::new() };
        roots.read(&definition.selection_set);
        if definition.is_subscription() && roots.keys.len() > 1 {
            let message = "a subscription has one root field: send a request for each of them".to_owned();
            wrong.push((message, places.pos(definition.location())));
        }
        operations.push(Operation { definition: definition.clone(), places: found, roots: roots.found });
    }
    match refusal(wrong, mistakes, limits) {
        None => Ok(Known::new(schema, document, operations, places)),
        Some(refusal) if operations.len() == 1 => Err(Refusal { roots: operations.remove(0).roots.into(), ..refusal }),
        Some(refusal) => Err(refusal),
    }
}

/// What the validator says, no more than is told.
fn told(wrong: &DiagnosticList, places: &Places, limits: &DocumentLimits) -> Vec<(String, Pos)> {
    let wrong = wrong.iter().filter(|wrong| wrong.error.unstable_error_name().is_none_or(|name| !OWN.contains(&name)));
    let one = wrong.map(|wrong| (wrong.error.to_string(), places.pos(ToCliReport::location(wrong.error))));
    one.take(limits.errors).collect()
}

fn refusal(wrong: Vec<(String, Pos)>, mistakes: Vec<Mistake>, limits: &DocumentLimits) -> Option<Refusal> {
    if wrong.is_empty() && mistakes.is_empty() {
        return None;
    }
    let is_input = wrong.is_empty() && mistakes.iter().all(|mistake| mistake.is_own);
    let place = mistakes.first().map(|mistake| mistake.at);
    let mut others = wrong;
    others.extend(mistakes.iter().map(|mistake| (mistake.violation.message.clone(), mistake.at)));
    others.dedup();
    let mut violations: Vec<Violation> = mistakes.into_iter().map(|mistake| mistake.violation).collect();
    // A fragment is looked at for each operation.
    violations.dedup();
    violations.truncate(limits.errors);
    if is_input {
        let message = Error::Invalid(violations.clone()).to_string();
        return Some(Refusal { place, violations: violations.into(), ..Refusal::new(Code::BadUserInput, message) });
    }
    let (message, at) = others.remove(0);
    let refusal = Refusal::new(Code::GraphqlValidationFailed, message);
    Some(Refusal { place: Some(at), others: others.into(), violations: violations.into(), ..refusal })
}

/// The fields of a root.
struct Roots<'a> {
    document: &'a ExecutableDocument,
    seen: HashSet<&'a Name>,
    found: Vec<Root>,
    keys: HashSet<&'a Name>,
}

impl<'a> Roots<'a> {
    fn read(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.keys.insert(field.response_key());
                    let requires = field.definition.directives.get("requires");
                    let permission = requires.and_then(|requires| requires.specified_argument_by_name("permission"));
                    self.found.push(Root { name: field.name.to_string(), permission: permission.and_then(named) });
                }
                Selection::InlineFragment(fragment) => self.read(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| self.seen.insert(&fragment.name)) {
                        self.read(&fragment.selection_set);
                    }
                }
            }
        }
    }
}

fn named(permission: &Node<Value>) -> Option<Permission> {
    let name = permission.as_enum()?;
    Permission::parse(Some(async_graphql::Value::Enum(async_graphql::Name::new(name)))).ok()
}

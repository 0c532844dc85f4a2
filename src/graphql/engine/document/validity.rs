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
use super::suggestion;
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

/// The document, if it is valid; else what is wrong with it, all at once. It `suggests` names of the schema to who may see it.
pub(super) fn check(
    schema: &'static Published,
    written: &ast::Document,
    places: Places,
    suggests: bool,
    limits: &DocumentLimits,
) -> Result<Known, Refusal> {
    let (document, mut wrong) = match written.to_executable_validate(&schema.types) {
        Ok(document) => (document.into_inner(), Vec::new()),
        Err(wrong) => (wrong.partial, told(&wrong.errors, &places, suggests.then_some(schema), limits)),
    };
    let (mut operations, mut mistakes) = (Vec::new(), Vec::new());
    for definition in document.operations.iter() {
        let (found, picked, wrong_values) = values::read(schema, &document, definition, &places, suggests);
        mistakes.extend(wrong_values);
        let mut roots = Roots { document: &document, seen: HashSet::new(), found: Vec::new(), keys: HashSet::new() };
        roots.read(&definition.selection_set);
        if definition.is_subscription() && roots.keys.len() > 1 {
            let message = "a subscription has one root field: send a request for each of them".to_owned();
            wrong.push((message, places.pos(definition.location())));
        }
        operations.push(Operation { definition: definition.clone(), places: found, picked, roots: roots.found });
    }
    match refusal(wrong, mistakes, limits) {
        None => Ok(Known::new(schema, document, operations, places)),
        Some(refusal) if operations.len() == 1 => Err(Refusal { roots: operations.remove(0).roots.into(), ..refusal }),
        Some(refusal) => Err(refusal),
    }
}

/// What the validator says, no more than is told; with what was meant perhaps, if that may be told of the `schema`.
fn told(
    wrong: &DiagnosticList,
    places: &Places,
    schema: Option<&Published>,
    limits: &DocumentLimits,
) -> Vec<(String, Pos)> {
    let all = || wrong.iter().map(|wrong| (wrong.error.unstable_error_name(), wrong));
    // Of a selection only what is known is left: that then nothing is left of it is no mistake of its own.
    let has_unknown = all().any(|(name, _)| name == Some("UndefinedField"));
    let is_told = |name: &str| !(OWN.contains(&name) || has_unknown && name == "MissingSubselection");
    let wrong = all().filter(|(name, _)| name.is_none_or(is_told)).map(|(_, wrong)| wrong);
    let one = wrong.map(|wrong| {
        let (mut message, kind) = (wrong.error.to_string(), wrong.error.unstable_error_name());
        if let (Some(schema), Some(kind)) = (schema, kind) {
            message.push_str(&suggestion::of(schema, kind, &message));
        }
        (message, places.pos(ToCliReport::location(wrong.error)))
    });
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

//! The guard in front of every operation, however it came. A document that asks for too much is refused before it is
//! validated, at a cost that grows with its length only; then it is validated, its variables are read, and it is put into the
//! form that is run: nothing runs of a request in which anything is wrong.

mod cost;
mod form;
mod known;
mod literal;
mod measure;
mod places;
mod schema;
mod suggestion;
#[cfg(test)]
mod tests;
mod tokens;
mod validity;
mod values;
mod variables;
#[cfg(test)]
mod vectors;
mod written;

use std::sync::Arc;

use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::DiagnosticList;
use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{IntrospectionMode, Pos, Request};

pub(super) use self::form::Form;
pub(super) use self::known::{Documents, Root};
pub(super) use self::schema::SCHEMA;
pub(crate) use self::variables::PICKS;
use domain::error::{Code, Error, Violation};
use domain::limits::DocumentLimits;
use domain::role::Role;

/// Why a document is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The value of `extensions.code`.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
    /// Where in the document it is.
    pub place: Option<Pos>,
    /// Values that do not fit.
    pub violations: Box<[Violation]>,
    /// What else is wrong with the document, and where.
    pub others: Box<[(String, Pos)]>,
    /// The root fields that are asked for, as far as they are known: who may not have them need not hear of wrong values.
    pub roots: Box<[Root]>,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            violations: Box::default(),
            others: Box::default(),
            roots: Box::default(),
        }
    }
}

/// A request whose document may be run.
pub struct Checked {
    /// The request. Its variables are as the document wants them.
    pub request: Request,
    /// What is run.
    pub(crate) form: Arc<Form>,
    /// The kind of operation that it asks for.
    pub kind: OperationType,
    /// The cost in points.
    pub cost: u64,
    /// The points that are left to its caller; None where they are not counted, and before he has paid.
    pub left: Option<u32>,
}

impl Checked {
    /// The operation that is to be run.
    pub(super) fn operation(&self) -> &OperationDefinition {
        &self.form.operation
    }

    /// The request, with what is to be run in it.
    pub(super) fn into_request(self) -> Request {
        let mut request = self.request;
        self.form.prepare(&mut request);
        request
    }
}

/// Reads the document, finds the operation, and refuses what is too much or wrong. `role` is that of who asks, None of nobody
/// in particular: the schema is not for everybody.
pub(super) fn check(
    mut request: Request,
    role: Option<Role>,
    documents: &Documents,
    limits: &DocumentLimits,
) -> Result<Checked, Refusal> {
    let suggests = role.is_some();
    let known = documents.read(&request.query, suggests, limits)?;
    // Clients that know no other way say "no name" by an empty one.
    request.operation_name.take_if(|name| name.is_empty());
    written::at_most("variables", request.variables.len(), limits.variables)?;
    for value in request.variables.values() {
        written::value(value, limits)?;
    }
    let (index, operation) = known.operation(request.operation_name.as_deref())?;
    if role.is_none() && operation.roots.iter().any(|root| root.name == "__schema") {
        return Err(Refusal::new(Code::Unauthenticated, "sign in to read the schema"));
    }
    request.variables =
        variables::coerce(known.schema, operation, &request.variables, suggests).map_err(|mut violations| {
            violations.truncate(limits.errors);
            let message = Error::Invalid(violations.clone()).to_string();
            Refusal {
                violations: violations.into(),
                roots: operation.roots.clone().into(),
                ..Refusal::new(Code::BadUserInput, message)
            }
        })?;
    let form = documents.form(&known, index, &request.variables, limits)?;
    let cost = cost::check(&form.operation, &request.variables, role, limits)?.points;
    if role.is_none() {
        request.introspection_mode = IntrospectionMode::Disabled;
    }
    Ok(Checked { request, kind: form.operation.ty, form, cost, left: None })
}

/// What the parser says, without the part of the document that it can't read: that may be as long as the document.
fn unreadable(wrong: &DiagnosticList, place: impl Fn(Option<SourceSpan>) -> Pos) -> Refusal {
    use apollo_compiler::diagnostic::ToCliReport;
    let Some(first) = wrong.iter().next() else {
        return Refusal::new(Code::GraphqlParseFailed, "the document can't be read");
    };
    let (what, at) = (first.error.to_string(), place(ToCliReport::location(first.error)));
    let what = what.strip_prefix("syntax error: ").unwrap_or(&what);
    if what.contains("recursion limit") {
        return Refusal::new(Code::QueryTooDeep, "the document is nested too deeply");
    }
    let message = format!("the document can't be read at {at}: {what}");
    Refusal { place: Some(at), ..Refusal::new(Code::GraphqlParseFailed, message) }
}

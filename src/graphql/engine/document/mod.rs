//! The guard in front of every operation, however it came: a document that asks for too much is refused before it is
//! validated, at a cost that grows with its length only.

mod cost;
mod known;
mod measure;
#[cfg(test)]
mod tests;
mod tokens;
mod written;

use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{IntrospectionMode, Request};

pub(super) use self::known::Documents;
use domain::error::Code;
use domain::limits::DocumentLimits;
use domain::role::Role;

/// Why a document is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The value of `extensions.code`.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A request whose document may be run.
pub struct Checked {
    /// The request.
    pub request: Request,
    /// The request's document.
    pub document: Arc<ExecutableDocument>,
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
        operation(&self.document, self.request.operation_name.as_deref()).expect("the check has found it")
    }

    /// The request, with its document in it.
    pub(super) fn into_request(self) -> Request {
        let mut request = self.request;
        request.set_parsed_query(Arc::unwrap_or_clone(self.document));
        request
    }
}

/// Reads the document, finds the operation, and refuses what is too much. `role` is that of who asks, None of nobody in
/// particular: the schema is not for everybody.
pub(super) fn check(
    mut request: Request,
    role: Option<Role>,
    documents: &Documents,
    limits: &DocumentLimits,
) -> Result<Checked, Refusal> {
    let document = documents.read(&request.query, limits)?;
    // Clients that know no other way say "no name" by an empty one.
    request.operation_name.take_if(|name| name.is_empty());
    written::at_most("variables", request.variables.len(), limits.variables)?;
    for value in request.variables.values() {
        written::value(value, limits)?;
    }
    let operation = operation(&document, request.operation_name.as_deref())?;
    if role.is_none() && measure::of(&document, operation)?.reads_schema {
        return Err(Refusal::new(Code::Unauthenticated, "sign in to read the schema"));
    }
    let cost = cost::check(&document, operation, &request.variables, role, limits)?.points;
    let kind = operation.ty;
    if role.is_none() {
        request.introspection_mode = IntrospectionMode::Disabled;
    }
    Ok(Checked { request, document, kind, cost, left: None })
}

/// The parser's message, without the line of the document that it quotes: that may be as long as the document.
fn unreadable(message: &str) -> Refusal {
    if message.starts_with("recursion limit") {
        return Refusal::new(Code::QueryTooDeep, "the document is nested too deeply");
    }
    let place = message.lines().next().and_then(|line| line.trim().strip_prefix("--> "));
    let what = message.rsplit("= ").next().unwrap_or(message).trim();
    let message = match place {
        Some(place) => format!("the document can't be read at {place}: {what}"),
        None => format!("the document can't be read: {what}"),
    };
    Refusal::new(Code::GraphqlParseFailed, message)
}

/// The operation that is to be run.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Single(_), Some(_)) | (DocumentOperations::Multiple(_), None) => None,
    };
    let missing = match name {
        Some(_) => "the document has no operation of this name",
        None => "the document has several operations: say by operationName which is to be run",
    };
    found.map(|found| &found.node).ok_or_else(|| Refusal::new(Code::OperationResolutionFailure, missing))
}

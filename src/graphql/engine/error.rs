//! The one place where errors get their codes, and where the causes that clients must not see are logged.
//!
//! Resolvers return [`domain::error::Result`]; async-graphql keeps the error as the source of its own, and
//! [`dress`] finds it there.

use async_graphql::{Pos, Response, ServerError, Value, value};

use super::document::Refusal;
use domain::error::{Code, Error, Violation};
use domain::limits::DocumentLimits;
use domain::meters;

/// Gives each error of a response its `extensions`, and the log a line under the request's id.
pub fn dress(mut response: Response, request_id: Option<&str>) -> Response {
    for error in &mut response.errors {
        dress_one(error, request_id);
    }
    note(&response, request_id);
    response
}

/// Leaves out what is too much to tell: a document of two thousand mistakes is not answered by two thousand errors.
pub fn cut(mut response: Response, limits: &DocumentLimits) -> Response {
    response.errors.truncate(limits.errors);
    for error in &mut response.errors {
        if let Some((end, _)) = error.message.char_indices().nth(limits.message) {
            error.message.truncate(end);
        }
    }
    response
}

/// A line in the log, and the errors in the metrics.
fn note(response: &Response, request_id: Option<&str>) {
    let Some(first) = response.errors.first() else { return };
    for error in &response.errors {
        meters::error(code(error));
    }
    tracing::info!(request_id, code = code(first), errors = response.errors.len(), "an operation has failed");
}

/// The code that an error has been given.
fn code(error: &ServerError) -> &str {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code,
        _ => Code::InternalServerError.as_str(),
    }
}

/// Whether there is no result, only errors.
pub fn has_failed(response: &Response) -> bool {
    response.data == Value::Null && !response.errors.is_empty()
}

/// Whether the request was refused before anything ran: then its response has no `data` at all.
pub fn is_refusal(response: &Response) -> bool {
    has_failed(response) && response.errors.iter().all(|error| error.path.is_empty())
}

/// An error outside any resolver, such as of a request that could not be read.
pub fn response(error: Error, request_id: Option<&str>) -> Response {
    let error = async_graphql::Error::from(error).into_server_error(Pos::default());
    dress(Response::from_errors(vec![ServerError { locations: Vec::new(), ..error }]), request_id)
}

/// An error that has a code of its own, such as of a document that is not GraphQL.
pub fn coded(code: Code, message: impl Into<String>, request_id: Option<&str>) -> Response {
    let mut error = ServerError::new(message, None);
    set(&mut error, code, request_id);
    dress(Response::from_errors(vec![error]), request_id)
}

/// A document that is not run: all that is wrong with it, no more than is told.
pub(super) fn refused(refusal: Refusal, limits: &DocumentLimits, request_id: Option<&str>) -> Response {
    let one = |message: String, place: Option<Pos>| {
        let mut error = ServerError::new(message, place);
        set(&mut error, refusal.code, request_id);
        error
    };
    let mut first = one(refusal.message, refusal.place);
    if !refusal.violations.is_empty() {
        first.extensions.get_or_insert_default().set("violations", listed(&refusal.violations));
    }
    let others = refusal.others.into_iter().map(|(message, place)| one(message, Some(place)));
    let errors = std::iter::once(first).chain(others).collect();
    dress(cut(Response::from_errors(errors), limits), request_id)
}

fn dress_one(error: &mut ServerError, request_id: Option<&str>) {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
        return;
    }
    let source = error.source.clone();
    match source.as_ref().and_then(|source| source.downcast_ref::<Error>()) {
        Some(source) => describe(error, source, request_id),
        // What async-graphql itself refuses: in a resolver it is an argument, before that the document.
        None if error.path.is_empty() => set(error, Code::GraphqlValidationFailed, request_id),
        None => set(error, Code::BadUserInput, request_id),
    }
}

fn describe(error: &mut ServerError, source: &Error, request_id: Option<&str>) {
    set(error, source.code(), request_id);
    let extensions = error.extensions.get_or_insert_default();
    match source {
        Error::Shared(shared) => describe(error, shared, request_id),
        Error::Invalid(violations) => extensions.set("violations", listed(violations)),
        Error::RateLimited { retry_after_ms } | Error::TooManyPoints { retry_after_ms, .. } => {
            extensions.set("retryAfterMs", *retry_after_ms);
        }
        Error::Internal(cause) => {
            tracing::error!(cause = format!("{cause:#}"), request_id, path = ?error.path, "internal error");
        }
        Error::Unavailable(cause) => {
            tracing::warn!(cause = format!("{cause:#}"), request_id, path = ?error.path, "unavailable");
        }
        _ => {}
    }
}

fn listed(violations: &[Violation]) -> Value {
    let one = |violation: &Violation| value!({ "path": violation.path.clone(), "message": violation.message.clone() });
    Value::List(violations.iter().map(one).collect())
}

fn set(error: &mut ServerError, code: Code, request_id: Option<&str>) {
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("code", code.as_str());
    extensions.set("documentation", code.documentation());
    if let Some(request_id) = request_id {
        extensions.set("requestId", request_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extensions(error: Error) -> serde_json::Value {
        let response = response(error, Some("r1"));
        serde_json::to_value(&response.errors[0].extensions).unwrap()
    }

    #[test]
    fn each_error_says_its_code_and_what_goes_with_it() {
        let invalid = extensions(Error::invalid("name", "too long"));
        let violations = serde_json::json!([{ "path": ["input", "name"], "message": "too long" }]);
        assert_eq!(
            invalid,
            serde_json::json!({
                "code": "BAD_USER_INPUT",
                "documentation": "/manual/errors#bad_user_input",
                "requestId": "r1",
                "violations": violations,
            })
        );
        assert_eq!(extensions(Error::RateLimited { retry_after_ms: 5 })["retryAfterMs"], 5);
        let shared = Error::Shared(std::sync::Arc::new(Error::invalid("name", "too long")));
        assert_eq!(extensions(shared), invalid);
    }

    #[test]
    fn a_cause_never_leaves() {
        let cause = anyhow::anyhow!("postgres://user:password@host").context("secret");
        let response = response(Error::internal(cause), None);
        assert_eq!(response.errors[0].message, "internal error");
        assert!(!serde_json::to_string(&response).unwrap().contains("password"));
    }

    #[test]
    fn what_the_library_refuses_has_a_code_too() {
        let response = dress(Response::from_errors(vec![ServerError::new("Unknown field", None)]), None);
        let code = response.errors[0].extensions.as_ref().unwrap().get("code").cloned();
        assert_eq!(code, Some(Value::from("GRAPHQL_VALIDATION_FAILED")));
    }
}

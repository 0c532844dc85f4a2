//! What operators see of an operation: a span in logs and traces, and how long it took.

use std::time::{Duration, Instant};

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Response, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tracing::Span;
use tracing::field::Empty;

use super::context::Caller;
use super::document::Checked;
use domain::meters;

/// Stands where no root field has been run.
const NONE: &str = "none";

/// A query was answered by what another one like it found, `took` after it came.
pub(super) fn shared(checked: &Checked, took: Duration) {
    let (kind, field) = label(checked.operation());
    meters::request(kind, field, took);
}

/// A query or a mutation that is being answered.
pub(super) struct Observed {
    began: Instant,
    kind: &'static str,
    field: String,
    /// All that is logged while it runs belongs here.
    pub(super) span: Span,
}

impl Observed {
    /// An operation begins.
    pub(super) fn begin(checked: &Checked, caller: &Caller) -> Self {
        let (kind, field) = label(checked.operation());
        let field = field.to_owned();
        let span = tracing::info_span!(
            "operation",
            otel.name = format_args!("{kind} {field}"),
            request_id = caller.request_id,
            "graphql.operation.name" = checked.request.operation_name,
            "graphql.operation.type" = kind,
            "graphql.document.hash" = Empty,
            role = Empty,
        );
        if !span.is_disabled() {
            span.record(
                "graphql.document.hash",
                URL_SAFE_NO_PAD.encode(Sha256::digest(checked.request.query.as_bytes())),
            );
            span.record("role", caller.viewer().map_or_else(|| "NOBODY".into(), |viewer| viewer.role.to_string()));
        }
        Self { began: Instant::now(), kind, field, span }
    }

    /// Notes that the operation has been answered.
    pub(super) fn end(self, response: &Response) {
        // What was refused before it ran may name fields that there are not, as many as clients can think of.
        let was_run = response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
        meters::request(self.kind, if was_run { &self.field } else { NONE }, self.began.elapsed());
    }
}

/// The kind of an operation and its first root field: there are only so many of these, while clients may call operations
/// what they like.
fn label(operation: &OperationDefinition) -> (&'static str, &str) {
    let kind = match operation.ty {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    };
    let first = operation.selection_set.node.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field.node.name.node.as_str()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
    });
    (kind, first.unwrap_or("fragment"))
}

//! Callbacks of VAPI: how calls go, and what came of them.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::Applied;
use super::twilio::of_attempt;
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::ContactAttemptId;
use domain::json;
use domain::retention::callback::{self, News};
use domain::retention::credentials::Provider;
use domain::retention::words::ContactAttemptStatus;
use storage::retention::webhook_event::Model;

/// Where Herald's own id may stand in what VAPI tells of a call.
const ATTEMPT: [&str; 4] = [
    "/assistantOverrides/metadata/attempt",
    "/squadOverrides/metadata/attempt",
    "/workflowOverrides/metadata/attempt",
    "/name",
];

/// A change of status, or the report at the end.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let body: Json = json::from_outside(&row.body).map_err(|_| Error::invalid("body", "this is no JSON"))?;
    let message = &body["message"];
    let news = match message["type"].as_str() {
        Some("end-of-call-report") => callback::vapi_report(message),
        Some("status-update") => {
            let status = message["status"].as_str().unwrap_or_default();
            let is_on_its_way = matches!(status, "queued" | "ringing" | "in-progress" | "forwarding");
            let result = Map::from_iter([("status".to_owned(), json!(status))]);
            News { status: is_on_its_way.then_some(ContactAttemptStatus::Sent), result, ..News::default() }
        }
        // Talk, tools and the like: nothing of that is kept.
        _ => return Ok(Applied::Done("nothing that is kept")),
    };
    let call = &message["call"];
    of_attempt(on, w, Provider::Vapi, (attempt(call), call["id"].as_str()), news).await
}

/// Which contact a call was made for.
pub(super) fn attempt(call: &Json) -> Option<ContactAttemptId> {
    let mut told = ATTEMPT.iter().filter_map(|path| call.pointer(path)?.as_str());
    told.find_map(|id| Uuid::try_parse(id).ok()).map(ContactAttemptId)
}

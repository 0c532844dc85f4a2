//! Whether this process is alive, and whether it can work.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Http;

/// A database that takes longer to answer is away.
const PATIENCE: Duration = Duration::from_secs(3);

/// The process answers.
pub(super) async fn alive() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// The database can be reached and has all migrations. Redis and Telegram do not count: Herald works on without them.
pub(super) async fn ready(State(http): State<Http>) -> Response {
    let reason = match tokio::time::timeout(PATIENCE, http.services.db.is_ready()).await {
        Ok(Ok(true)) => return Json(json!({ "status": "ready" })).into_response(),
        Ok(Ok(false)) => "migrations are missing",
        Ok(Err(_)) | Err(_) => "the database can't be reached",
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason }))).into_response()
}

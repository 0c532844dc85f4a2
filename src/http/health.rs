//! Whether this process is alive, and whether it can work.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Http;
use service::Services;
use storage::db::Readiness;

/// A database that takes longer to answer is away.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it is believed that writes are taken, or that they are not: whoever asks often makes none.
const BELIEF: Duration = Duration::from_secs(2);
/// How often is looked whether there are connections.
const LOOK: Duration = Duration::from_secs(5);

/// Whether writes are taken, and when it was tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes(Arc<Mutex<Option<(Instant, bool)>>>);

impl Writes {
    async fn are_taken(&self, on: &Services) -> bool {
        let mut tried = self.0.lock().await;
        if let Some((at, taken)) = *tried
            && at.elapsed() < BELIEF
        {
            return taken;
        }
        // One that is slow because others write is none that is refused.
        let taken = match timeout(PATIENCE, on.db.try_write()).await {
            Ok(Err(error)) => {
                tracing::warn!(?error, "the database takes no writes");
                false
            }
            Ok(Ok(())) | Err(_) => true,
        };
        *tried = Some((Instant::now(), taken));
        taken
    }
}

/// The process answers, and it can heal itself: if it can't, whoever watches it should start it anew.
pub(super) async fn alive(State(http): State<Http>) -> Response {
    match http.services.health.ailment() {
        None => Json(json!({ "status": "alive" })).into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "ill", "reason": reason }))).into_response()
        }
    }
}

/// The database can be reached, is whole, has just the migrations of this version and takes writes. Redis and Telegram do not count: Herald works on without
/// them.
pub(super) async fn ready(State(http): State<Http>) -> Response {
    let reason = if let Some(damage) = http.services.health.damage() {
        format!("the database is damaged ({damage}): nothing is sent; restore a backup, or see the manual")
    } else {
        match timeout(PATIENCE, http.services.db.readiness()).await {
            Ok(Ok(Readiness::Ready)) if http.writes.are_taken(&http.services).await => {
                return Json(json!({ "status": "ready" })).into_response();
            }
            Ok(Ok(Readiness::Ready)) => "the database takes no writes: it is full or read-only".to_owned(),
            Ok(Ok(Readiness::Older)) => "migrations are missing".to_owned(),
            Ok(Ok(Readiness::Newer(last))) => format!(
                "a newer Herald has used the database: this version does not know its migration {last}; start that version"
            ),
            Ok(Err(_)) | Err(_) => "the database can't be reached".to_owned(),
        }
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason }))).into_response()
}

/// Notes until `stop` whether the pool has connections, if the database has any.
pub(super) async fn look_after(on: Services, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let is_starved = !on.db.answers().await && on.db.can_connect().await;
        on.health.is_starved(is_starved);
    }
}

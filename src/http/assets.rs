//! The IDE, whole in the binary: it needs nothing from the network.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use super::answer;

/// Nothing but what the binary has: no foreign script, no script in the page.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; frame-ancestors 'none'";

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $kind:literal),+ $(,)?) => {
        [$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("assets/graphiql/", $name)) }),+]
    };
}

static GRAPHIQL: [Asset; 7] = assets![
    "index.html": "text/html; charset=utf-8",
    "graphiql-init.js": "text/javascript; charset=utf-8",
    "graphiql.min.js": "text/javascript; charset=utf-8",
    "graphiql.min.css": "text/css; charset=utf-8",
    "react.production.min.js": "text/javascript; charset=utf-8",
    "react-dom.production.min.js": "text/javascript; charset=utf-8",
    "LICENSES.txt": "text/plain; charset=utf-8",
];

/// The page of the IDE.
pub(super) async fn index() -> Response {
    find("index.html")
}

/// A file of the IDE.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    find(&name)
}

fn find(name: &str) -> Response {
    let Some(asset) = GRAPHIQL.iter().find(|asset| asset.name == name) else {
        return answer::plain(StatusCode::NOT_FOUND, "there is nothing here; the IDE is at /graphiql");
    };
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Another version of Herald has other files under the same names.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, asset.bytes).into_response()
}

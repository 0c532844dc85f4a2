//! A real HTTP server that keeps each request and answers as it is told to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Caught {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Caught {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The pairs of a form.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What is answered to a request: the status, and a body.
type Answer = Box<dyn Fn(&Caught) -> (u16, Json) + Send + Sync>;

struct Inner {
    caught: Mutex<Vec<Caught>>,
    answer: Answer,
}

/// The server. It runs for as long as the test.
pub struct Catcher {
    inner: Arc<Inner>,
    pub url: String,
}

impl Catcher {
    pub async fn start(answer: impl Fn(&Caught) -> (u16, Json) + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner { caught: Mutex::default(), answer: Box::new(answer) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(keep).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, url }
    }

    /// All requests so far.
    pub fn caught(&self) -> Vec<Caught> {
        self.inner.caught.lock().unwrap().clone()
    }
}

async fn keep(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caught = Caught {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: to_bytes(body, 1 << 24).await.unwrap().to_vec(),
    };
    let (status, body) = (inner.answer)(&caught);
    inner.caught.lock().unwrap().push(caught);
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

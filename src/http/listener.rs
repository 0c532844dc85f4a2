//! Connections: how many there may be, how long their headers may take to come, and how long nobody may read an answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONNECTION, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use uuid::Uuid;

use super::answer;
use super::flow::{Flow, Watched};
use super::origins::Readers;
use domain::error::Code;
use domain::limits::HttpLimits;
use domain::proxies::{Proxies, client_network};

/// How long nobody is let in after the system had no room for one more.
const NO_ROOM: Duration = Duration::from_millis(100);
/// The name of a request in the log, in its answer and in each of its errors.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What HTTP/1.1 calls it, though no standard has it: the clients of Node go by it.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// The longest request id that is taken over from a client.
const REQUEST_ID: usize = 64;

/// Serves `router` on `listener` until `stop`; then requests that have begun are answered.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &HttpLimits,
    proxies: Proxies,
    readers: Readers,
    stop: CancellationToken,
) {
    raise_file_limit();
    let readers = Arc::new(readers);
    let free = Arc::new(Semaphore::new(limits.connections));
    let addresses = Addresses { most: limits.per_address(), counts: Arc::default(), proxies };
    let mut protocol = http1::Builder::new();
    // Some clients look for a header in the one spelling that they know. How a request spells its headers is remembered for
    // `socket::upgrade`: no rule makes `Sec-WebSocket-Protocol`.
    protocol.title_case_headers(true).preserve_header_case(true);
    // The time of the head itself is the stream's to watch: hyper's begins when the answer before it has gone.
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.idle_time.max(limits.read_time));
    let keep_alive = keep_alive(limits.idle_time);
    // Beyond that hyper answers by itself, without a body; up to there `measured` does.
    protocol.max_buf_size((limits.headers * 2).max(64 << 10));
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let place = free.clone().acquire_owned().await.expect("it is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! { accepted = accepted => accepted, () = stop.cancelled() => break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(NO_ROOM).await;
                continue;
            }
        };
        let Some(guest) = addresses.enter(peer.ip()) else { continue };
        let flow = Arc::<Flow>::default();
        let stream = Watched::new(stream, flow.clone(), limits, readers.clone()).with_heads_within(limits.read_time);
        let place = Admission { flow, _place: Arc::new((guest, place)) };
        let (protocol, stop) = (protocol.clone(), stop.clone());
        let answers = Answers { router: router.clone(), keep_alive: keep_alive.clone(), readers: readers.clone() };
        connections.spawn(async move { converse(&protocol, stream, peer, place, answers, &stop).await });
    }
    connections.close();
    connections.wait().await;
}

/// The share that a connection takes of the limits, until its last holder ends: a WebSocket outlives the conversation
/// that it began in.
#[derive(Clone)]
pub(super) struct Admission {
    flow: Arc<Flow>,
    _place: Arc<(Guest, OwnedSemaphorePermit)>,
}

impl Admission {
    /// The connection has become a WebSocket, which looks itself at how long its client does not read.
    pub(super) fn is_socket(&self) {
        self.flow.let_go();
    }
}

/// How requests are answered.
#[derive(Clone)]
struct Answers {
    router: Router,
    /// What clients are told of how long they may keep an idle connection.
    keep_alive: HeaderValue,
    /// Which pages may read what is answered after a panic; the router says so of all else.
    readers: Arc<Readers>,
}

/// How long clients may keep an idle connection: a little less than Herald does, since who uses it at the end loses a request.
fn keep_alive(idle: Duration) -> HeaderValue {
    let seconds = idle.saturating_sub(Duration::from_secs(5)).max(idle / 2).as_secs().max(1);
    HeaderValue::try_from(format!("timeout={seconds}")).expect("it is of ASCII")
}

/// The body of an answer: when it is dropped, the answer has gone.
struct Told {
    body: Body,
    flow: Arc<Flow>,
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.flow.is_answered();
    }
}

/// All requests of one connection.
async fn converse(
    protocol: &http1::Builder,
    stream: Watched<TcpStream>,
    peer: SocketAddr,
    place: Admission,
    answers: Answers,
    stop: &CancellationToken,
) {
    if let Err(error) = stream.get_ref().set_nodelay(true) {
        tracing::debug!(%error, "small messages may wait for each other");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (flow, answers) = (place.flow.clone(), answers.clone());
        flow.is_asked();
        request.extensions_mut().insert(place.clone());
        async move {
            // Whoever sends requests without reading the answers gets one answer, not as many as fit into memory.
            flow.written().await;
            let answer = respond(answers, peer, request).await?;
            Ok::<_, Infallible>(answer.map(|body| Told { body, flow }))
        }
    });
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection has broken");
    }
}

async fn respond(
    Answers { router, keep_alive, readers }: Answers,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let is_fine = |id: &[u8]| {
        id.len() <= REQUEST_ID && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    };
    // It goes into the log and into answers: what can't stand there is not taken over.
    let id = request.headers().get(X_REQUEST_ID).filter(|id| is_fine(id.as_bytes())).cloned();
    let id = id.unwrap_or_else(|| HeaderValue::try_from(Uuid::new_v4().to_string()).expect("it is of ASCII"));
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    let page = request.headers().get(ORIGIN).cloned();
    let answered = AssertUnwindSafe(router.oneshot(request)).catch_unwind().await;
    let mut answer = answered.map_or_else(
        |_| {
            let mut answer = panicked(&id);
            readers.let_in(page.as_ref(), answer.headers_mut());
            answer
        },
        IntoResponse::into_response,
    );
    answer.headers_mut().insert(X_REQUEST_ID, id);
    // No answer is anything else than it says it is.
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS && !answer.headers().contains_key(CONNECTION) {
        answer.headers_mut().insert(KEEP_ALIVE, keep_alive);
    }
    Ok(answer)
}

/// The panic's message is in the log already.
fn panicked(id: &HeaderValue) -> Response {
    let (code, message) = (Code::InternalServerError, "internal error");
    answer::coded(StatusCode::INTERNAL_SERVER_ERROR, code, message, id.to_str().ok())
}

/// The id that each request has, its client's or one that was made up.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok())
}

/// Refuses what can't be read in one way only: a request with several hosts, or none. Whoever stands in front may go by another one.
pub(super) fn ambiguous(request: &Request) -> Option<Response> {
    let hosts = request.headers().get_all(HOST).iter().count();
    let is_fine = hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11);
    let id = request_id(request.headers());
    let message = format!("the request has {hosts} headers Host; it must have one");
    (!is_fine).then(|| answer::coded(StatusCode::BAD_REQUEST, Code::BadUserInput, &message, id))
}

/// Refuses headers, the path among them, of more than `most` bytes.
pub(super) fn measured(most: usize, request: &Request) -> Option<Response> {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if headers + path <= most {
        return None;
    }
    let message = format!("the headers have more than {most} bytes");
    let (status, id) = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, request_id(request.headers()));
    Some(answer::coded(status, Code::PayloadTooLarge, &message, id))
}

/// Each connection is a file; often a process may have more of them than it is given at first.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many connections each address has.
#[derive(Clone)]
struct Addresses {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    proxies: Proxies,
}

/// One connection of an address.
struct Guest {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// None if the address has too many already. Behind a proxy there are many clients.
    fn enter(&self, address: IpAddr) -> Option<Guest> {
        let is_proxy = self.proxies.contains(address);
        let address = client_network(address);
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_default();
        if *count >= self.most && !is_proxy {
            return None;
        }
        *count += 1;
        Some(Guest { addresses: self.clone(), address })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.addresses.counts.lock().entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

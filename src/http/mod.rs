//! Floor 4: the routes, and what each request must show to be let in.

#![recursion_limit = "256"]

mod answer;
mod api;
mod assets;
mod bare;
mod caller;
mod flow;
mod halves;
mod head;
mod health;
mod linger;
mod listener;
mod manual;
mod media;
pub mod metrics;
mod origins;
mod pace;
mod params;
mod socket;
mod trace;
mod tracking;
mod unsubscribe;
mod uploads;
mod ways;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use self::metrics::Metrics;
use self::origins::{Readers, Strangers};
use self::socket::open::OpenSockets;
use self::tracking::Visits;
use domain::error::Code;
use domain::limits::Limits;
use domain::proxies::Proxies;
use domain::retention::credentials::{Credentials, Provider};
use graphql::engine::execution::Execution;
use service::Services;
use service::loops::Loops;
use service::retention::callback;

/// How the API is reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Origins whose pages may use the API besides its own.
    pub origins: Vec<String>,
    /// The origin by which users reach Herald, if it is not the address that it listens on.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Proxies,
    /// Where single sign-on begins.
    pub sso_login_url: Option<String>,
}

/// The state that handlers work with.
#[derive(Clone)]
struct Http {
    execution: Execution,
    services: Services,
    options: Arc<Options>,
    /// Sockets are closed when this is cancelled.
    stop: CancellationToken,
    sockets: TaskTracker,
    open_sockets: OpenSockets,
    metrics: Metrics,
    writes: health::Writes,
    /// The credentials by which callbacks are known, and when they were read on the monotonic clock.
    passes: Arc<Mutex<HashMap<Provider, (Duration, Credentials)>>>,
    /// Callbacks on their way into the database.
    intake: callback::Intake,
    /// Wakes who processes callbacks.
    callbacks: Arc<Notify>,
    /// What was told of pages and proxies that no setting names.
    strangers: Arc<Strangers>,
    /// Clicks and opens on their way into the database.
    visits: Visits,
}

impl Http {
    fn new(services: Services, options: Options, callbacks: Arc<Notify>, stop: CancellationToken) -> Self {
        Self {
            execution: Execution::new(services.clone()),
            services,
            options: Arc::new(options),
            stop,
            sockets: TaskTracker::new(),
            open_sockets: OpenSockets::default(),
            metrics: Metrics::new(),
            writes: health::Writes::default(),
            passes: Arc::default(),
            intake: callback::Intake::default(),
            callbacks,
            strangers: Arc::default(),
            visits: Visits::default(),
        }
    }

    fn limits(&self) -> &Limits {
        &self.services.rules.limits
    }
}

/// Serves the API on `listener` until `stop`: then requests that have begun are answered, and sockets are closed. `callbacks` is
/// told of those that were stored.
pub async fn serve(
    services: Services,
    options: Options,
    callbacks: Arc<Notify>,
    listener: TcpListener,
    stop: CancellationToken,
) {
    let http = Http::new(services, options, callbacks, stop.clone());
    let (sockets, visits) = (http.sockets.clone(), http.visits.clone());
    let mut loops = Loops::until(stop.clone());
    let (open, events) = (http.open_sockets.clone(), http.services.events.clone());
    loops.start("the end of sessions", move |stop| open.clone().follow(events.subscribe(), stop));
    let on = http.services.clone();
    loops.start("the watch over connections", move |stop| health::look_after(on.clone(), stop));
    let (limits, proxies) = (http.limits().http.clone(), http.options.trusted_proxies.clone());
    let readers = Readers::new(&http.options.origins, http.services.rules.sso.is_some());
    listener::serve(listener, router(http), &limits, proxies, readers, stop).await;
    sockets.close();
    sockets.wait().await;
    visits.ended().await;
    loops.ended(Duration::MAX).await;
}

/// Serves what a process without an API tells of itself, until `stop`: whether it is alive and can work, and its metrics.
pub async fn serve_signs(services: Services, options: Options, listener: TcpListener, stop: CancellationToken) {
    let http = Http::new(services, options, Arc::default(), stop.clone());
    let mut loops = Loops::until(stop.clone());
    let on = http.services.clone();
    loops.start("the watch over connections", move |stop| health::look_after(on.clone(), stop));
    let (limits, proxies) = (http.limits().http.clone(), http.options.trusted_proxies.clone());
    let nothing = async |headers: HeaderMap| answer::nothing("this is a worker; the API is elsewhere", &headers);
    let router = signs().fallback(nothing).layer(middleware::from_fn(trace::span)).with_state(http);
    listener::serve(listener, router, &limits, proxies, Readers::default(), stop).await;
    loops.ended(Duration::MAX).await;
}

/// What each process tells of itself.
fn signs() -> Router<Http> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
}

fn router(http: Http) -> Router {
    // A page of another origin that is let in may use the cookie of single sign-on, too.
    let most = http.limits().http.headers;
    let cors = cors(&http.options).allow_credentials(http.services.rules.sso.is_some());
    let (options, strangers) = (http.options.clone(), http.strangers.clone());
    Router::new()
        .route("/graphql", post(api::post).get(api::get).fallback(api::other))
        .route("/uploads", post(uploads::post))
        .route("/api/webhooks/keitaro", get(webhooks::keitaro).post(webhooks::keitaro))
        .route("/api/webhooks/keitaro/{token}", get(webhooks::keitaro_with_token).post(webhooks::keitaro_with_token))
        .route("/api/webhooks/twilio", post(webhooks::twilio))
        .route("/api/webhooks/vapi", post(webhooks::vapi))
        .route("/api/webhooks/instantly", post(webhooks::instantly))
        .route("/api/webhooks/mail", post(webhooks::mail))
        .route("/api/webhooks/mail/{token}", post(webhooks::mail_with_token))
        .route("/unsubscribe/{token}", get(unsubscribe::ask).post(unsubscribe::now))
        .route("/l/{token}", get(tracking::link))
        .route("/o/{token}", get(tracking::pixel))
        .route("/sso", get(caller::sign_in_elsewhere))
        .merge(signs())
        .route("/", get(assets::dashboard))
        .route("/dashboard/{file}", get(assets::dashboard_file))
        .route("/graphiql", get(assets::graphiql))
        .route("/graphiql/{file}", get(assets::graphiql_file))
        .route("/manual", get(manual::index))
        .route("/manual/{file}", get(manual::file))
        .route("/manual/deploy/{file}", get(manual::deployed))
        .route("/schema.graphql", get(ways::schema))
        .route("/docs", get(ways::to_the_manual))
        .route("/manual/", get(ways::to_the_manual))
        .route("/dashboard", get(ways::to_the_dashboard))
        .route("/dashboard/", get(ways::to_the_dashboard))
        .route("/index.html", get(ways::to_the_dashboard))
        .route("/login", get(ways::to_the_dashboard))
        .route("/graphiql/", get(ways::to_the_page_for_trying))
        .route("/playground", get(ways::to_the_page_for_trying))
        .route("/graphql/", get(ways::to_the_api).post(ways::to_the_api))
        .route("/favicon.ico", get(ways::to_the_icon))
        .fallback(ways::nowhere)
        .method_not_allowed_fallback(async |headers: HeaderMap| {
            let (code, message) = (Code::BadUserInput, "this path has no such method: see the header Allow");
            answer::coded(StatusCode::METHOD_NOT_ALLOWED, code, message, listener::request_id(&headers))
        })
        .layer(middleware::from_fn(move |request: Request, next: Next| async move {
            match listener::measured(most, &request).or_else(|| listener::ambiguous(&request)) {
                Some(refusal) => refusal,
                None => next.run(request).await,
            }
        }))
        // A page may read refusals, too.
        .layer(cors)
        // Around it, since it answers by itself what browsers ask before they let a page ask.
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            origins::notice(options.clone(), strangers.clone(), request, next)
        }))
        .layer(middleware::from_fn(trace::span))
        .with_state(http)
}

/// How long a browser remembers what a page may send: as long as any browser does.
const PREFLIGHT: Duration = Duration::from_hours(2);

fn cors(options: &Options) -> CorsLayer {
    let origins = options.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let request_id = HeaderName::from_static("x-request-id");
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        // Any: each tool that traces, counts or reports adds its own to all that a page sends, and a page of an origin that is not
        // allowed sends none.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([request_id, RETRY_AFTER])
        .max_age(PREFLIGHT)
}

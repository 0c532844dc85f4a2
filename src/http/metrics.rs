//! `/metrics`, for Prometheus: what this process has counted, and what the database says at the moment.
//!
//! Nobody signs in here, so nothing in it names a person, a campaign or a channel.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::Http;
use domain::meters;
use service::Services;
use storage::broadcast::progress::Depths;
use storage::gauges::Gauges;
use storage::stop;

/// A process has one recorder, whatever runs in it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Bounds of all histograms, in seconds.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often what was measured is put into its buckets; otherwise it would wait in memory for a scrape.
const UPKEEP: Duration = Duration::from_secs(5);
/// The database is asked no more often than this: anybody may scrape.
const SAMPLE: Duration = Duration::from_secs(1);
/// A database that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The parts that a scrape works with.
#[derive(Clone)]
pub(super) struct Metrics {
    recorded: PrometheusHandle,
    sampled: Arc<Mutex<Option<Instant>>>,
}

impl Metrics {
    /// From now on is counted.
    pub(super) fn new() -> Self {
        Self { recorded: RECORDER.get_or_init(record).clone(), sampled: Arc::default() }
    }

    /// Asks the database, unless somebody has just done so.
    async fn sample(&self, on: &Services) {
        let mut sampled = self.sampled.lock().await;
        if sampled.is_some_and(|at| at.elapsed() < SAMPLE) {
            return;
        }
        let waited = match tokio::time::timeout(PATIENCE, depths(on)).await {
            Ok(Ok(waited)) => Some(waited),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the database can't be asked for metrics");
                None
            }
            Err(_) => None,
        };
        meters::database(on.db.connections(), waited);
        meters::events_up(on.events.is_up());
        *sampled = Some(Instant::now());
    }
}

/// Puts what was measured into its buckets, until `stop`.
pub async fn keep(stop: CancellationToken) {
    let recorded = RECORDER.get_or_init(record);
    while tokio::time::timeout(UPKEEP, stop.cancelled()).await.is_err() {
        recorded.run_upkeep();
    }
}

fn record() -> PrometheusHandle {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are bounds");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::error!("something else records the metrics of this process: /metrics stays empty");
    }
    meters::describe();
    handle
}

/// Reads how many jobs are in which status, and says how long a connection was waited for.
async fn depths(on: &Services) -> domain::error::Result<Duration> {
    let began = Instant::now();
    let connection = on.db.reader();
    connection.ping().await?;
    let waited = began.elapsed();
    let depths = Depths::read(connection).await?;
    for (status, count) in depths.jobs() {
        meters::jobs(status, count);
    }
    meters::senders(depths.senders);
    standing(&Gauges::read(connection, on.now()).await?);
    meters::stopped(stop::Entity::present(connection).await?.is_some());
    Ok(waited)
}

/// Says what stands how.
fn standing(gauges: &Gauges) {
    for (status, by_herald, count) in &gauges.campaigns {
        meters::campaigns(status, *by_herald, *count);
    }
    for (status, count) in &gauges.sequences {
        meters::sequences(status, *count);
    }
    for (status, count) in &gauges.accounts {
        meters::accounts(status, *count);
    }
    for (what, count) in gauges.waiting {
        meters::needs_person(what, count);
    }
}

/// Answers a scrape.
pub(super) async fn scrape(State(http): State<Http>) -> Response {
    http.metrics.sample(&http.services).await;
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, http.metrics.recorded.render()).into_response()
}

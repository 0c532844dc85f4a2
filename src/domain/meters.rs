//! What is counted for Prometheus: all names, units and meanings. To count costs next to nothing and never fails; without a
//! recorder it does nothing.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const SENDS: &str = "herald_sends_total";
const SEND_LAG: &str = "herald_send_lag_seconds";
const LATE: &str = "herald_sends_late_total";
const TRIP: &str = "herald_database_trip_seconds";
const CLAIM: &str = "herald_claim_seconds";
const SETTLEMENT: &str = "herald_settlement_seconds";
const JOBS: &str = "herald_jobs";
const SENDERS: &str = "herald_senders";
const CAMPAIGNS: &str = "herald_campaigns";
const SEQUENCES: &str = "herald_sequences";
const ACCOUNTS: &str = "herald_accounts";
const NEEDS_PERSON: &str = "herald_needs_person";
const EVENTS_UP: &str = "herald_events_up";
const STOPPED: &str = "herald_stopped";
const SOCKETS: &str = "herald_sockets";
const SUBSCRIPTIONS: &str = "herald_subscriptions";
const CONNECTIONS: &str = "herald_database_connections";
const CONNECTIONS_MAX: &str = "herald_database_connections_max";
const DATABASE_UP: &str = "herald_database_up";
const SLOW_STATEMENTS: &str = "herald_slow_statements_total";
const DATABASE_WAIT: &str = "herald_database_wait_seconds";
const REQUESTS: &str = "herald_graphql_request_seconds";
const ERRORS: &str = "herald_graphql_errors_total";
const PUBLISH: &str = "herald_events_publish_seconds";
const RESYNCS: &str = "herald_events_resyncs_total";
const LOOP_RESTARTS: &str = "herald_loop_restarts_total";
const LOGIN_FAILURES: &str = "herald_login_failures_total";

/// A metric as `/metrics` serves it.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, as Prometheus knows it.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// Its labels; empty if it has none.
    pub labels: &'static [&'static str],
    /// Its `HELP` text.
    pub meaning: &'static str,
}

/// What Prometheus does with a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often what took how long, in seconds.
    Histogram,
}

const fn counter(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, meaning }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, meaning }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, meaning }
}

/// All metrics, in the order in which people read of them.
pub const METRICS: &[Metric] = &[
    counter(
        SENDS,
        &["outcome"],
        "Jobs that came back from a send, by outcome: sent, failed, unknown, wait, retry, returned",
    ),
    histogram(SEND_LAG, &[], "How long after its slot a send began"),
    counter(
        LATE,
        &[],
        "Sends that did not start because their claim was over too late for their slot; they are claimed again",
    ),
    histogram(CLAIM, &[], "From taking slots until what is sent at them is leased"),
    histogram(SETTLEMENT, &[], "How long it took to store a batch of answers, or to fail at it"),
    histogram(TRIP, &[], "The way to the database and back, with next to nothing to do there"),
    gauge(
        JOBS,
        &["status"],
        "Jobs of all campaigns by status; those in SENDING are leased; of the whole fleet in each process",
    ),
    gauge(SENDERS, &[], "Processes that hold leases on jobs; of the whole fleet in each process"),
    gauge(STOPPED, &[], "Whether everything is stopped, by stopAll or herald stop; of the whole fleet in each process"),
    gauge(
        CAMPAIGNS,
        &["status", "by"],
        "Broadcast campaigns by status and by whom they came there: herald, or person; of the whole fleet in each process",
    ),
    gauge(SEQUENCES, &["status"], "Sequences by status; of the whole fleet in each process"),
    gauge(ACCOUNTS, &["status"], "Telegram accounts by status; of the whole fleet in each process"),
    gauge(
        NEEDS_PERSON,
        &["what"],
        "What waits for a person, by what it is: campaign_paused, schedule_missed, jobs_unknown, account, callback_failed, \
         mailbox; of the whole fleet in each process",
    ),
    gauge(EVENTS_UP, &[], "Whether events of other processes come in: Redis can be reached, or there are none to come"),
    gauge(SOCKETS, &[], "WebSockets that are open"),
    gauge(SUBSCRIPTIONS, &[], "Subscriptions that are running"),
    histogram(REQUESTS, &["kind", "field"], "Queries and mutations by their first root field"),
    counter(ERRORS, &["code"], "Errors in answers, by code"),
    counter(LOOP_RESTARTS, &["loop"], "How often a loop that had panicked began anew, by its name"),
    counter(LOGIN_FAILURES, &[], "Logins and refreshes that were refused"),
    gauge(CONNECTIONS, &["state"], "Connections to the database by state: in_use, idle"),
    gauge(CONNECTIONS_MAX, &[], "Connections to the database at most"),
    gauge(DATABASE_UP, &[], "Whether the database answered this scrape in time"),
    gauge(DATABASE_WAIT, &[], "How long this scrape waited for a connection to the database"),
    counter(
        SLOW_STATEMENTS,
        &[],
        "Statements that took the database longer than a second; the log has each without its values",
    ),
    histogram(PUBLISH, &[], "How long it took to hand events to Redis"),
    counter(RESYNCS, &[], "How often events of other processes may have been lost"),
];

/// Gives each its `HELP` text.
pub fn describe() {
    for Metric { name, kind, meaning, .. } in METRICS {
        match kind {
            Kind::Counter => describe_counter!(*name, *meaning),
            Kind::Gauge => describe_gauge!(*name, *meaning),
            Kind::Histogram => describe_histogram!(*name, Unit::Seconds, *meaning),
        }
    }
    // So that they are there before anything has happened: an alert on a missing series never fires.
    for outcome in ["sent", "failed", "unknown", "wait", "retry", "returned"] {
        counter!(SENDS, "outcome" => outcome).increment(0);
    }
    for name in [LATE, RESYNCS, LOGIN_FAILURES, SLOW_STATEMENTS] {
        counter!(name).increment(0);
    }
    for name in [SOCKETS, SUBSCRIPTIONS] {
        gauge!(name).increment(0);
    }
}

/// So many jobs came back with this outcome.
pub fn sends(outcome: &'static str, count: u64) {
    if count > 0 {
        counter!(SENDS, "outcome" => outcome).increment(count);
    }
}

/// A send began so long after its slot, in nanoseconds.
pub fn lag(nanos: i64) {
    histogram!(SEND_LAG).record(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
}

/// A send did not start, because its claim was over too late for its slot.
pub fn late() {
    counter!(LATE).increment(1);
}

/// The way to the database and back took so long.
pub fn trip(took: Duration) {
    histogram!(TRIP).record(took);
}

/// A claim took so long.
pub fn claim(took: Duration) {
    histogram!(CLAIM).record(took);
}

/// A settlement took so long.
pub fn settlement(took: Duration) {
    histogram!(SETTLEMENT).record(took);
}

/// So many jobs are in this status.
pub fn jobs(status: &'static str, count: i64) {
    set(&gauge!(JOBS, "status" => status), count);
}

/// So many processes hold leases.
pub fn senders(count: i64) {
    set(&gauge!(SENDERS), count);
}

/// So many campaigns are in this status, brought there by Herald itself or by a person.
pub fn campaigns(status: &str, by_herald: bool, count: i64) {
    let by = if by_herald { "herald" } else { "person" };
    set(&gauge!(CAMPAIGNS, "status" => status.to_owned(), "by" => by), count);
}

/// So many sequences are in this status.
pub fn sequences(status: &str, count: i64) {
    set(&gauge!(SEQUENCES, "status" => status.to_owned()), count);
}

/// So many Telegram accounts are in this status.
pub fn accounts(status: &str, count: i64) {
    set(&gauge!(ACCOUNTS, "status" => status.to_owned()), count);
}

/// So many of this wait for a person.
pub fn needs_person(what: &'static str, count: i64) {
    set(&gauge!(NEEDS_PERSON, "what" => what), count);
}

/// Whether events of other processes come in.
pub fn events_up(is_up: bool) {
    set(&gauge!(EVENTS_UP), i64::from(is_up));
}

/// Whether everything is stopped.
pub fn stopped(is_stopped: bool) {
    set(&gauge!(STOPPED), i64::from(is_stopped));
}

/// The database's connections, and how long one was waited for; None if it is away.
pub fn database(connections: Connections, waited: Option<Duration>) {
    set(&gauge!(CONNECTIONS, "state" => "in_use"), i64::from(connections.open) - connections.idle);
    set(&gauge!(CONNECTIONS, "state" => "idle"), connections.idle);
    set(&gauge!(CONNECTIONS_MAX), i64::from(connections.most));
    set(&gauge!(DATABASE_UP), i64::from(waited.is_some()));
    if let Some(waited) = waited {
        gauge!(DATABASE_WAIT).set(waited);
    }
}

/// Connections to the database.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// Connections that are open.
    pub open: u32,
    /// Connections that nobody uses.
    pub idle: i64,
    /// So many there may be.
    pub most: u32,
}

/// An operation was answered. `field` must be one of the schema's, or there would be as many series as clients can name.
pub fn request(kind: &'static str, field: &str, took: Duration) {
    histogram!(REQUESTS, "kind" => kind, "field" => field.to_owned()).record(took);
}

/// An answer has an error with this code, which is one of a closed list.
pub fn error(code: &str) {
    counter!(ERRORS, "code" => code.to_owned()).increment(1);
}

/// Events were handed to Redis.
pub fn published(took: Duration) {
    histogram!(PUBLISH).record(took);
}

/// Events of others may have been lost.
pub fn resync() {
    counter!(RESYNCS).increment(1);
}

/// A loop that had panicked begins anew.
pub fn restarted(name: &'static str) {
    counter!(LOOP_RESTARTS, "loop" => name).increment(1);
}

/// A statement took the database long.
pub fn slow_statement() {
    counter!(SLOW_STATEMENTS).increment(1);
}

/// A login or a refresh was refused.
pub fn login_failure() {
    counter!(LOGIN_FAILURES).increment(1);
}

/// Something that is counted as long as it lives.
#[derive(Debug)]
pub struct Living(&'static str);

impl Living {
    /// An open WebSocket.
    pub fn socket() -> Self {
        Self::new(SOCKETS)
    }

    /// A running subscription.
    pub fn subscription() -> Self {
        Self::new(SUBSCRIPTIONS)
    }

    /// Counts it as long as `stream` is there.
    pub fn during<S: Stream>(self, stream: S) -> impl Stream<Item = S::Item> {
        stream.inspect(move |_| {
            // It belongs to the stream, and goes with it.
            let _counted = &self;
        })
    }

    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1);
        Self(name)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1);
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows floating numbers only")]
fn set(gauge: &metrics::Gauge, value: i64) {
    gauge.set(value as f64);
}

//! Progress to many: real WebSockets on loopback, all watching one campaign.
//!
//! `cargo bench --bench fanout`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file.
//! `SUBSCRIBERS`: 5,000 by default. `EVENTS_PER_S`: changes of the campaign, 50 by default, 100 at most. `DURATION_S`: 10 by
//! default. Prints one line of JSON. `p50_ms` and `p99_ms` are the times from before a change is written to the database to
//! when a subscriber has read it. The subscribers live in this process too: they share its cores and are in its memory. Who
//! is slow is told of fewer changes, each with all counters, so `messages_per_s` may be less than the product.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::id::BroadcastCampaignId;
use events::Event;
use futures_util::future::try_join_all;
use graphql::engine::id::GlobalId;
use rustix::process::{Resource, getrlimit, setrlimit};
use sea_orm::Statement;
use serde_json::json;
use service::broadcast::campaign;
use support::server::Server;
use support::socket::Socket;
use support::{Bench, number, peak_rss_mb};

/// Sockets that are opened at the same time.
const AT_ONCE: usize = 100;

const SUBSCRIPTION: &str = "subscription Progress($id: ID!) { broadcastCampaignProgress(id: $id) {
    campaignId version status total queued sending sent failed cancelled unknown ratePerMinute etaSeconds at } }";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let subscribers = usize::try_from(number("SUBSCRIBERS", 5_000))?;
    let events_per_s = number("EVENTS_PER_S", 50).clamp(1, 100);
    let duration = number("DURATION_S", 10).max(1);
    raise_files(u64::try_from(subscribers)? * 2 + 500)?;
    let bench = Bench::open().await?;
    let actor = bench.admin().await?;
    let changes = usize::try_from(events_per_s * duration)?;
    let campaign = bench.campaign(&actor, i32::try_from(changes)? + 1, 60).await?;
    campaign::start(&bench.on, &actor, campaign).await?;
    let sockets = format!("--limit-sockets-per-user={subscribers}");
    let server = Server::start(&bench, &["--progress-hz=100", &sockets]).await?;

    let board = Arc::new(Board::new(changes + 1_000));
    let payload = json!({ "query": SUBSCRIPTION, "variables": { "id": campaign.global() } });
    let mut reading = Vec::new();
    for begun in (0..subscribers).step_by(AT_ONCE) {
        let some = (begun..subscribers.min(begun + AT_ONCE)).map(|_| subscribed(&server, &payload));
        for socket in try_join_all(some).await? {
            reading.push(tokio::spawn(read(socket, board.clone())));
        }
    }
    // The snapshots are behind all.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    change(&server, &board, campaign, events_per_s, changes).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let took = began.elapsed().as_secs_f64() - 1.0;
    anyhow::ensure!(reading.iter().all(|task| !task.is_finished()), "a subscriber was cut off");
    let told = board.told();
    anyhow::ensure!(told > 0, "nobody was told anything");
    #[expect(clippy::cast_precision_loss, reason = "a benchmark's figure")]
    let messages_per_s = (told as f64 / took).round();
    println!(
        "{}",
        json!({
            "bench": "fanout",
            "database": bench.database(),
            "subscribers": subscribers,
            "events_per_s": events_per_s,
            "messages": told,
            "messages_per_s": messages_per_s,
            "p50_ms": board.percentile(50),
            "p99_ms": board.percentile(99),
            "saw_the_last": board.saw_the_last.load(Ordering::Relaxed),
            "peak_rss_mb": peak_rss_mb()?,
            "load_1m": support::load()?,
        })
    );
    reading.iter().for_each(tokio::task::JoinHandle::abort);
    server.stop().await;
    bench.close().await
}

async fn subscribed(server: &Server, payload: &serde_json::Value) -> anyhow::Result<Socket> {
    let mut socket = Socket::connect(server.address, &server.token).await?;
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string()).await?;
    Ok(socket)
}

/// Changes the campaign so many times, evenly, and tells of it as a worker does.
async fn change(
    server: &Server,
    board: &Board,
    campaign: BroadcastCampaignId,
    events_per_s: u64,
    changes: usize,
) -> anyhow::Result<()> {
    let on = server.services();
    let backend = on.db.backend();
    let sql = "UPDATE broadcast_campaign_progress SET queued = queued - 1, sent = sent + 1, version = version + 1
        WHERE campaign_id = $1 RETURNING version";
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(events_per_s)?);
    for _ in 0..changes {
        ticks.tick().await;
        let before = board.now();
        let rows = on.db.write_alone(Statement::from_sql_and_values(backend, sql, [campaign.into()])).await?;
        let version: i32 = rows.first().expect("the campaign is there").try_get("", "version")?;
        board.note(usize::try_from(version)?, before);
        on.tell(Event::Campaign(campaign));
    }
    Ok(())
}

/// Reads until the end, and notes how old each state is.
async fn read(mut socket: Socket, board: Arc<Board>) -> anyhow::Result<()> {
    loop {
        let text = socket.hear().await?;
        anyhow::ensure!(text.contains("\"type\":\"next\""), "{text}");
        let version = text.split("\"version\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
        board.seen(version.unwrap_or_default().trim().parse()?);
    }
}

/// When each version was made, and how old it was when subscribers read it, in tenths of a millisecond.
struct Board {
    began: Instant,
    made: Vec<AtomicU64>,
    ages: Vec<AtomicU32>,
    last: AtomicU64,
    saw_the_last: AtomicU32,
}

impl Board {
    fn new(versions: usize) -> Self {
        Self {
            began: Instant::now(),
            made: std::iter::repeat_with(AtomicU64::default).take(versions).collect(),
            ages: std::iter::repeat_with(AtomicU32::default).take(600_000).collect(),
            last: AtomicU64::default(),
            saw_the_last: AtomicU32::default(),
        }
    }

    /// Tenths of a millisecond since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros() / 100).unwrap_or(u64::MAX)
    }

    fn note(&self, version: usize, at: u64) {
        self.made[version].store(at, Ordering::Relaxed);
        self.last.store(version as u64, Ordering::Relaxed);
        self.saw_the_last.store(0, Ordering::Relaxed);
    }

    fn seen(&self, version: usize) {
        // The snapshots of the beginning are of no version that was noted, and who reads a row before its writer has noted it
        // is not counted.
        let made = self.made.get(version).map_or(0, |made| made.load(Ordering::Relaxed));
        if made > 0 {
            let age = usize::try_from(self.now() - made).unwrap_or(usize::MAX).min(self.ages.len() - 1);
            self.ages[age].fetch_add(1, Ordering::Relaxed);
        }
        if self.last.load(Ordering::Relaxed) == version as u64 {
            self.saw_the_last.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn told(&self) -> u64 {
        self.ages.iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
    }

    /// The age in milliseconds below which `percent` % lie.
    fn percentile(&self, percent: u64) -> f64 {
        let mut left = self.told() * percent / 100;
        for (age, count) in (0_u32..).zip(&self.ages) {
            let count = u64::from(count.load(Ordering::Relaxed));
            if count > left {
                return f64::from(age) / 10.0;
            }
            left -= count;
        }
        f64::INFINITY
    }
}

/// Lets this process have so many files open: each subscriber has two, the client's end and the server's.
fn raise_files(wanted: u64) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    anyhow::ensure!(wanted <= most, "{wanted} files are needed, and this process may have {most}: lower SUBSCRIBERS");
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}

//! Progress to many: real WebSockets on loopback, all watching one campaign, or a thousand of them.
//!
//! `cargo bench --bench fanout`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file.
//! `SUBSCRIBERS`: 5,000 by default. `EVENTS_PER_S`: changes of the one campaign, 50 by default, 100 at most. `DURATION_S`: 10
//! by default. Prints two lines of JSON. `kind`: `same`, all watch one campaign with one selection, so that what they read is
//! encoded once; `distinct`, they watch 1,000 campaigns, each with 50 jobs a minute, in ten selections. `p50_ms` and `p99_ms`
//! are the times from before a change is written to the database to when a subscriber has read it. The subscribers live in
//! this process too: they share its cores and are in its memory. Who is slow is told of fewer changes, each with all counters,
//! so `messages_per_s` may be less than the product.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::id::BroadcastCampaignId;
use events::Event;
use futures_util::future::try_join_all;
use graphql::engine::id::GlobalId;
use herald::app::Parts;
use rustix::process::{Resource, getrlimit, setrlimit};
use sea_orm::sea_query::{self, Expr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service::broadcast::campaign;
use storage::broadcast::progress;
use support::server::Server;
use support::socket::Socket;
use support::{Bench, number, peak_rss_mb};

/// Sockets that are opened at the same time.
const AT_ONCE: usize = 100;

/// What subscribers can select beside the version.
const FIELDS: [&str; 10] =
    ["status", "total", "queued", "sending", "sent", "failed", "cancelled", "unknown", "ratePerMinute", "etaSeconds"];

/// Who watches what.
struct Kind {
    name: &'static str,
    campaigns: usize,
    selections: usize,
    /// Changes of all campaigns together.
    events_per_s: u64,
    flags: &'static [&'static str],
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let subscribers = usize::try_from(number("SUBSCRIBERS", 5_000))?;
    let events_per_s = number("EVENTS_PER_S", 50).clamp(1, 100);
    raise_files(u64::try_from(subscribers)? * 2 + 500)?;
    let bench = Bench::open().await?;
    let same = Kind { name: "same", campaigns: 1, selections: 1, events_per_s, flags: &["--progress-hz=100"] };
    let distinct = Kind { name: "distinct", campaigns: 1_000, selections: 10, events_per_s: 833, flags: &[] };
    for kind in [same, distinct] {
        Box::pin(measure(&bench, &kind, subscribers)).await?;
    }
    bench.close().await
}

async fn measure(bench: &Bench, kind: &Kind, subscribers: usize) -> anyhow::Result<()> {
    let duration = number("DURATION_S", 10).max(1);
    let actor = bench.admin().await?;
    let changes = usize::try_from(kind.events_per_s * duration)?;
    let each = changes.div_ceil(kind.campaigns) + 1;
    let mut campaigns = Vec::new();
    for _ in 0..kind.campaigns {
        let campaign = bench.campaign(&actor, i32::try_from(each)?, 60).await?;
        campaign::start(&bench.on, &actor, campaign).await?;
        campaigns.push(campaign);
    }
    let sockets = format!("--limit-sockets-per-user={subscribers}");
    let flags = [kind.flags, &[sockets.as_str()]].concat();
    let server = Server::start(bench, Parts { api: true, worker: false }, &flags).await?;

    let board = Arc::new(Board::new(kind.campaigns, each + 1_000));
    let mut reading = Vec::new();
    for begun in (0..subscribers).step_by(AT_ONCE) {
        let one = async |nth: usize| {
            let campaign = nth % campaigns.len();
            // Those who watch the same campaign select differently, as far as there are so many selections.
            let payload = payload(campaigns[campaign], (nth + nth / campaigns.len()) % kind.selections);
            anyhow::Ok((campaign, subscribed(&server, &payload).await?))
        };
        for (campaign, socket) in try_join_all((begun..subscribers.min(begun + AT_ONCE)).map(one)).await? {
            reading.push(tokio::spawn(read(socket, campaign, board.clone())));
        }
    }
    // The snapshots are behind all.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    change(&server, &board, &campaigns, kind.events_per_s, changes).await?;
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
            "kind": kind.name,
            "database": bench.database(),
            "subscribers": subscribers,
            "campaigns": kind.campaigns,
            "selections": kind.selections,
            "events_per_s": kind.events_per_s,
            "messages": told,
            "messages_per_s": messages_per_s,
            "p50_ms": board.percentile(50),
            "p99_ms": board.percentile(99),
            "saw_the_last": board.saw_the_last(),
            "peak_rss_mb": peak_rss_mb()?,
            "load_1m": support::load()?,
        })
    );
    reading.iter().for_each(tokio::task::JoinHandle::abort);
    server.stop().await;
    Ok(())
}

/// A subscription to a campaign's progress: each selection leaves another field out.
fn payload(campaign: BroadcastCampaignId, selection: usize) -> serde_json::Value {
    let fields = FIELDS.iter().enumerate().filter(|(n, _)| *n != selection).map(|(_, name)| *name);
    let fields = fields.collect::<Vec<_>>().join(" ");
    let query = format!(
        "subscription Progress($id: ID!) {{ broadcastCampaignProgress(id: $id) {{ campaignId version at {fields} }} }}"
    );
    json!({ "query": query, "variables": { "id": campaign.global() } })
}

async fn subscribed(server: &Server, payload: &serde_json::Value) -> anyhow::Result<Socket> {
    let mut socket = Socket::connect(server.address, &server.token).await?;
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string()).await?;
    Ok(socket)
}

/// Changes the campaigns one after the other so many times, evenly, and tells of it as a worker does: what is due at the same
/// time is written in one statement.
async fn change(
    server: &Server,
    board: &Board,
    campaigns: &[BroadcastCampaignId],
    events_per_s: u64,
    changes: usize,
) -> anyhow::Result<()> {
    let on = server.services();
    let numbers: HashMap<_, _> = campaigns.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    let at_once = usize::try_from(events_per_s.div_ceil(50))?.min(campaigns.len());
    let rate = u32::try_from(events_per_s)?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) * u32::try_from(at_once)? / rate);
    let mut next = campaigns.iter().cycle().take(changes).peekable();
    while next.peek().is_some() {
        ticks.tick().await;
        let before = board.now();
        let due = next.by_ref().take(at_once).copied();
        let changed = [(progress::Column::Queued, -1), (progress::Column::Sent, 1), (progress::Column::Version, 1)];
        let mut update = progress::Entity::update_many().filter(progress::Column::CampaignId.is_in(due));
        for (column, by) in changed {
            update = update.col_expr(column, sea_query::ExprTrait::add(Expr::col(column), by));
        }
        for row in on
            .db
            .write(|tx| {
                let update = update.clone();
                async move { Ok(update.exec_with_returning(&*tx).await?) }
            })
            .await?
        {
            board.note(numbers[&row.campaign_id], usize::try_from(row.version)?, before);
            on.tell(Event::Campaign(row.campaign_id));
        }
    }
    Ok(())
}

/// Reads until the end, and notes how old each state is.
async fn read(mut socket: Socket, campaign: usize, board: Arc<Board>) -> anyhow::Result<()> {
    loop {
        let text = socket.hear().await?;
        anyhow::ensure!(text.contains("\"type\":\"next\""), "{text}");
        let version = text.split("\"version\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
        board.seen(campaign, version.unwrap_or_default().trim().parse()?);
    }
}

/// When each version of each campaign was made, and how old it was when subscribers read it, in tenths of a millisecond.
struct Board {
    began: Instant,
    campaigns: Vec<Versions>,
    ages: Vec<AtomicU32>,
}

/// The versions of a campaign.
struct Versions {
    made: Vec<AtomicU64>,
    last: AtomicU64,
    saw_the_last: AtomicU32,
}

impl Board {
    fn new(campaigns: usize, versions: usize) -> Self {
        let campaign = || Versions {
            made: std::iter::repeat_with(AtomicU64::default).take(versions).collect(),
            last: AtomicU64::default(),
            saw_the_last: AtomicU32::default(),
        };
        Self {
            began: Instant::now(),
            campaigns: std::iter::repeat_with(campaign).take(campaigns).collect(),
            ages: std::iter::repeat_with(AtomicU32::default).take(600_000).collect(),
        }
    }

    /// Tenths of a millisecond since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros() / 100).unwrap_or(u64::MAX)
    }

    fn note(&self, campaign: usize, version: usize, at: u64) {
        let versions = &self.campaigns[campaign];
        versions.made[version].store(at, Ordering::Relaxed);
        versions.last.store(version as u64, Ordering::Relaxed);
        versions.saw_the_last.store(0, Ordering::Relaxed);
    }

    fn seen(&self, campaign: usize, version: usize) {
        // The snapshots of the beginning are of no version that was noted, and who reads a row before its writer has noted it
        // is not counted.
        let versions = &self.campaigns[campaign];
        let made = versions.made.get(version).map_or(0, |made| made.load(Ordering::Relaxed));
        if made > 0 {
            let age = usize::try_from(self.now() - made).unwrap_or(usize::MAX).min(self.ages.len() - 1);
            self.ages[age].fetch_add(1, Ordering::Relaxed);
        }
        if versions.last.load(Ordering::Relaxed) == version as u64 {
            versions.saw_the_last.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn told(&self) -> u64 {
        self.ages.iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
    }

    fn saw_the_last(&self) -> u32 {
        self.campaigns.iter().map(|versions| versions.saw_the_last.load(Ordering::Relaxed)).sum()
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

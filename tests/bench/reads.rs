//! The three reads that frontends do most, by HTTP on loopback, signed in.
//!
//! `cargo bench --bench reads`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `DURATION_S`:
//! seconds for each read, 10 by default; `CONNECTIONS`: how many ask at the same time, 32 by default. Prints one line of JSON a
//! read. `kind`: `distinct`, each connection asks with variables of its own; `same`, all ask the same, so that many are
//! answered by what one of them found; `busy`, as `distinct` while the process runs 40 campaigns. The clients run in this
//! process too, so they and the database share the machine with the server.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::time::{Duration, Instant};

use domain::id::BroadcastCampaignId;
use futures_util::future::try_join_all;
use graphql::engine::id::GlobalId;
use herald::app::Parts;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use service::Actor;
use service::broadcast::campaign;
use support::client::Client;
use support::server::Server;
use support::{Bench, number, peak_rss_mb, percentile};

/// Channels in the catalog.
const CHANNELS: i32 = 100_000;
/// Campaigns, each with a batch, a template and jobs: as many pages of them as there are connections by default.
const CAMPAIGNS: usize = 52;
/// Campaigns that run beside the reads of the kind `busy`.
const RUNNING: usize = 40;
/// Jobs of each campaign.
const JOBS: i32 = 100;
/// Messages a minute of each campaign: none ends before it has been read.
const RATE: i32 = 30;
/// Categories of channels.
const CATEGORIES: [&str; 8] = ["новости", "tech", "crypto", "музыка", "спорт", "business", "news", "games"];

const READ_1: &str = "query Channels($category: String!, $members: Int!) {
    channels(first: 50, filter: { category: $category, memberCountMin: $members },
        orderBy: { field: MEMBER_COUNT, direction: DESC }) {
        nodes { id username title category memberCount isActive lastChecked } pageInfo { hasNextPage endCursor } } }";

const READ_2: &str = "query Campaigns($after: String) {
    broadcastCampaigns(first: 20, after: $after) { nodes { id name status mode deliveryRate createdAt progress totalJobs
        counters { total queued sending sent failed cancelled unknown }
        batch { id name channelCount } template { id name } createdBy { id username role } }
        pageInfo { hasNextPage endCursor } } }";

const READ_3: &str = "query Campaign($id: ID!) {
    broadcastCampaign(id: $id) { id name status progress totalJobs
        jobs(first: 100) { nodes { id status attempts sentAt errorMessage channel { id username title category } }
            pageInfo { hasNextPage endCursor } } } }";

/// A read, with the variables of each connection.
struct Read {
    name: &'static str,
    query: &'static str,
    variables: Vec<Json>,
    /// Where the rows are in the answer, and how many.
    rows: (&'static str, usize),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::open().await?;
    let (actor, campaigns) = seed(&bench).await?;
    let server = Server::start(&bench, Parts { api: true, worker: false }, &[]).await?;
    let reads = reads(&server, &campaigns).await?;
    for read in &reads {
        measure(&bench, &server, "distinct", read, usize::MAX).await?;
    }
    for read in &reads {
        measure(&bench, &server, "same", read, 1).await?;
    }
    server.stop().await;
    for campaign in campaigns.iter().skip(RUNNING) {
        campaign::pause(&bench.on, &actor, *campaign).await?;
    }
    let server = Server::start(&bench, Parts { api: true, worker: true }, &[]).await?;
    for read in &reads {
        measure(&bench, &server, "busy", read, usize::MAX).await?;
    }
    server.stop().await;
    bench.close().await
}

async fn reads(server: &Server, campaigns: &[BroadcastCampaignId]) -> anyhow::Result<Vec<Read>> {
    let members = (0..).step_by(100).zip(CATEGORIES.iter().cycle());
    let members = members.map(|(least, category)| json!({ "category": category, "members": 1_000 + least }));
    let pages = json!({ "query": "{ broadcastCampaigns(first: 100) { edges { cursor } } }" }).to_string();
    let pages: Json = ask(server, &pages).await?;
    let edges = pages["data"]["broadcastCampaigns"]["edges"].as_array().cloned().unwrap_or_default();
    let pages = edges.iter().take(campaigns.len() - 20).map(|edge| json!({ "after": edge["cursor"] }));
    Ok(vec![
        Read {
            name: "1: 50 of 100,000 channels",
            query: READ_1,
            variables: members.take(campaigns.len()).collect(),
            rows: ("/data/channels/nodes", 50),
        },
        Read {
            name: "2: 20 campaigns with what they are made of",
            query: READ_2,
            variables: pages.collect(),
            rows: ("/data/broadcastCampaigns/nodes", 20),
        },
        Read {
            name: "3: a campaign with 100 jobs and their channels",
            query: READ_3,
            variables: campaigns.iter().map(|campaign| json!({ "id": campaign.global() })).collect(),
            rows: ("/data/broadcastCampaign/jobs/nodes", 100),
        },
    ])
}

async fn ask(server: &Server, body: &str) -> anyhow::Result<Json> {
    Ok(serde_json::from_slice(Client::connect(server.address, &server.token).await?.post(body).await?)?)
}

/// Asks on all connections for as long as wanted, in `most` ways, and prints what came of it.
async fn measure(bench: &Bench, server: &Server, kind: &str, read: &Read, most: usize) -> anyhow::Result<()> {
    let mut bodies = Vec::new();
    for variables in read.variables.iter().take(most) {
        let body = json!({ "query": read.query, "variables": variables }).to_string();
        let answer = ask(server, &body).await?;
        let found = answer.pointer(read.rows.0).and_then(Json::as_array).map(Vec::len);
        anyhow::ensure!(found == Some(read.rows.1) && answer["errors"].is_null(), "not what was asked for: {answer}");
        bodies.push(body);
    }
    let duration = Duration::from_secs(number("DURATION_S", 10));
    let connections = usize::try_from(number("CONNECTIONS", 32))?;
    ask_for(server, &bodies, connections, Duration::from_secs(1)).await?;
    let began = Instant::now();
    let times = ask_for(server, &bodies, connections, duration).await?;
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a benchmark's figure")]
    let requests_per_s = (times.len() as f64 / took).round();
    println!(
        "{}",
        json!({
            "bench": "reads",
            "kind": kind,
            "read": read.name,
            "database": bench.database(),
            "connections": connections,
            "requests_per_s": requests_per_s,
            "p50_ms": percentile(&times, 50),
            "p99_ms": percentile(&times, 99),
            "peak_rss_mb": peak_rss_mb()?,
            "load_1m": support::load()?,
        })
    );
    Ok(())
}

/// Milliseconds of each request; each connection asks with one of the bodies.
async fn ask_for(
    server: &Server,
    bodies: &[String],
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Vec<f64>> {
    let until = Instant::now() + duration;
    let one = async |body: &str| {
        let mut client = Client::connect(server.address, &server.token).await?;
        let mut times = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let answer = client.post(body).await?;
            anyhow::ensure!(answer.starts_with(b"{\"data\":{"), "{}", String::from_utf8_lossy(answer));
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(times)
    };
    Ok(try_join_all(bodies.iter().cycle().take(connections).map(|body| one(body))).await?.concat())
}

/// A catalog, and campaigns that have started.
async fn seed(bench: &Bench) -> anyhow::Result<(Actor, Vec<BroadcastCampaignId>)> {
    let actor = bench.admin().await?;
    let in_campaigns = JOBS * i32::try_from(CAMPAIGNS)?;
    bench.batch(&actor, CHANNELS - in_campaigns).await?;
    let mut campaigns = Vec::new();
    for _ in 0..CAMPAIGNS {
        campaigns.push(started(bench, &actor).await?);
    }
    let backend = bench.on.db.backend();
    // Categories and members as lists of channels have them: few large ones.
    let (number, length) = if bench.on.db.is_postgres() {
        ("('x' || substr(md5(username), 1, 7))::bit(28)::int", "length(username)")
    } else {
        ("abs(random() % 268435456)", "length(username)")
    };
    #[expect(clippy::format_collect, reason = "a handful of words")]
    let category: String = (0..).zip(CATEGORIES).map(|(n, name)| format!(" WHEN {n} THEN '{name}'")).collect();
    let sql = format!(
        "UPDATE channels SET title = 'The channel ' || username, member_count = {number} % 1000000,
            category = CASE ({number} + {length}) % 8{category} END"
    );
    let sql = &sql;
    bench
        .on
        .db
        .write(|tx| async move {
            tx.execute_raw(Statement::from_string(backend, sql)).await?;
            Ok(())
        })
        .await?;
    bench.on.db.write_alone(Statement::from_string(backend, "ANALYZE")).await?;
    Ok((actor, campaigns))
}

async fn started(bench: &Bench, actor: &Actor) -> anyhow::Result<BroadcastCampaignId> {
    let id = bench.campaign(actor, JOBS, RATE).await?;
    campaign::start(&bench.on, actor, id).await?;
    Ok(id)
}

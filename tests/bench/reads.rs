//! The three reads that frontends do most, by HTTP on loopback, signed in.
//!
//! `cargo bench --bench reads`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `DURATION_S`:
//! seconds for each read, 10 by default; `CONNECTIONS`: how many ask at the same time, 16 by default. Prints one line of JSON a read. The clients run in this process too, so they and
//! the database share the machine with the server.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::time::{Duration, Instant};

use domain::id::BroadcastCampaignId;
use futures_util::future::try_join_all;
use graphql::engine::id::GlobalId;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use service::Actor;
use service::broadcast::campaign;
use support::client::Client;
use support::server::Server;
use support::{Bench, number, peak_rss_mb, percentile};

/// Channels in the catalog.
const CHANNELS: i32 = 100_000;
/// Campaigns, each with a batch, a template and jobs.
const CAMPAIGNS: i32 = 24;
/// Jobs of the campaign that is read with them.
const JOBS: i32 = 100;
const READ_1: &str = "query Channels($category: String!, $members: Int!) {
    channels(first: 50, filter: { category: $category, memberCountMin: $members },
        orderBy: { field: MEMBER_COUNT, direction: DESC }) {
        nodes { id username title category memberCount isActive lastChecked } pageInfo { hasNextPage endCursor } } }";

const READ_2: &str = "query Campaigns {
    broadcastCampaigns(first: 20) { nodes { id name status mode deliveryRate createdAt progress totalJobs
        counters { total queued sending sent failed cancelled unknown }
        batch { id name channelCount } template { id name } createdBy { id username role } }
        pageInfo { hasNextPage endCursor } } }";

const READ_3: &str = "query Campaign($id: ID!) {
    broadcastCampaign(id: $id) { id name status progress totalJobs
        jobs(first: 100) { nodes { id status attempts sentAt errorMessage channel { id username title category } }
            pageInfo { hasNextPage endCursor } } } }";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::open().await?;
    let campaign = seed(&bench).await?;
    let server = Server::start(&bench, &[]).await?;
    let members = json!({ "category": "новости", "members": 1_000 });
    let reads = [
        ("1: 50 of 100,000 channels", READ_1, members, "/data/channels/nodes", 50),
        ("2: 20 campaigns with what they are made of", READ_2, json!({}), "/data/broadcastCampaigns/nodes", 20),
        (
            "3: a campaign with 100 jobs and their channels",
            READ_3,
            json!({ "id": campaign.global() }),
            "/data/broadcastCampaign/jobs/nodes",
            100,
        ),
    ];
    for (name, query, variables, rows, expected) in reads {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer: Json =
            serde_json::from_slice(Client::connect(server.address, &server.token).await?.post(&body).await?)?;
        let found = answer.pointer(rows).and_then(Json::as_array).map(Vec::len);
        anyhow::ensure!(found == Some(expected) && answer["errors"].is_null(), "not what was asked for: {answer}");
        measure(&bench, &server, name, &body).await?;
    }
    server.stop().await;
    bench.close().await
}

/// Asks on all connections for as long as wanted, and prints what came of it.
async fn measure(bench: &Bench, server: &Server, name: &str, body: &str) -> anyhow::Result<()> {
    let duration = Duration::from_secs(number("DURATION_S", 10));
    let connections = number("CONNECTIONS", 16);
    ask_for(server, body, connections, Duration::from_secs(1)).await?;
    let began = Instant::now();
    let times = ask_for(server, body, connections, duration).await?;
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a benchmark's figure")]
    let requests_per_s = (times.len() as f64 / took).round();
    println!(
        "{}",
        json!({
            "bench": "reads",
            "read": name,
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

/// Milliseconds of each request.
async fn ask_for(server: &Server, body: &str, connections: u64, duration: Duration) -> anyhow::Result<Vec<f64>> {
    let until = Instant::now() + duration;
    let one = async || {
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
    Ok(try_join_all((0..connections).map(|_| one())).await?.concat())
}

/// A catalog, and campaigns that have started. Returns one with [`JOBS`] jobs.
async fn seed(bench: &Bench) -> anyhow::Result<BroadcastCampaignId> {
    let actor = bench.admin().await?;
    bench.batch(&actor, CHANNELS - CAMPAIGNS * JOBS).await?;
    let mut last = None;
    for _ in 0..CAMPAIGNS {
        last = Some(started(bench, &actor).await?);
    }
    let backend = bench.on.db.backend();
    // Categories and members as lists of channels have them: few large ones.
    let (number, length) = if bench.on.db.is_postgres() {
        ("('x' || substr(md5(username), 1, 7))::bit(28)::int", "length(username)")
    } else {
        ("abs(random() % 268435456)", "length(username)")
    };
    let sql = format!(
        "UPDATE channels SET title = 'The channel ' || username, member_count = {number} % 1000000,
            category = CASE ({number} + {length}) % 8 WHEN 0 THEN 'новости' WHEN 1 THEN 'tech' WHEN 2 THEN 'crypto'
                WHEN 3 THEN 'музыка' WHEN 4 THEN 'спорт' WHEN 5 THEN 'business' WHEN 6 THEN 'news' ELSE 'games' END"
    );
    let sql = &sql;
    bench
        .on
        .write(|tx| async move {
            tx.execute_raw(Statement::from_string(backend, sql)).await?;
            Ok(())
        })
        .await?;
    bench.on.db.write_alone(Statement::from_string(backend, "ANALYZE")).await?;
    Ok(last.expect("there are campaigns"))
}

async fn started(bench: &Bench, actor: &Actor) -> anyhow::Result<BroadcastCampaignId> {
    let id = bench.campaign(actor, JOBS, 60).await?;
    campaign::start(&bench.on, actor, id).await?;
    Ok(id)
}

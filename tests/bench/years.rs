//! Two years in: every question that the API can be asked, on a database with a million of each row.
//!
//! `cargo bench --bench years`. `DATABASE_URL`: an empty PostgreSQL database. `ROWS`: of each big table, 1,000,000 by default, which
//! take a quarter of an hour to be filled in by SQL. `ASKED`: how often each question is asked, 20 by default. Prints one line of JSON
//! a question that is refused or whose `p99_ms` is over `LIMIT_MS`, 100 by default, and at last one of all. The questions are made of
//! the schema: each field of Query, each list with each order and with each condition of its filter.

#[path = "years/fill.rs"]
mod fill;
#[path = "years/questions.rs"]
mod questions;
#[path = "../suite/retention/rows.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests': they need more of it, and fail where it does")]
mod rows;
#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::time::Instant;

use herald::app::Parts;
use serde_json::{Value as Json, json};
use support::client::Client;
use support::server::Server;
use support::{Bench, load, number, percentile};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::open().await?;
    anyhow::ensure!(bench.on.db.is_postgres(), "DATABASE_URL has to name an empty PostgreSQL database");
    let filling = Instant::now();
    fill::fill(&bench, number("ROWS", 1_000_000)).await?;
    let filled = filling.elapsed().as_secs();
    let server = Server::start(&bench, Parts { api: true, worker: false }, &[]).await?;
    let mut client = Client::connect(server.address, &server.token).await?;
    let asked = number("ASKED", 20);
    let limit = f64::from(u32::try_from(number("LIMIT_MS", 100))?);
    let (mut all, mut slow, mut refused) = (Vec::new(), 0, 0);
    for question in questions::all(&mut client).await? {
        let body = json!({ "query": question.document, "variables": question.variables }).to_string();
        let mut times = Vec::new();
        let mut errors = Json::Null;
        for _ in 0..asked {
            let began = Instant::now();
            let answer = client.post(&body).await?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
            if times.len() == 1 {
                errors = serde_json::from_slice::<Json>(answer)?["errors"][0]["message"].take();
            }
        }
        // The first one plans and reads from the disk.
        let (first, p99) = (times[0], percentile(&times[1..], 99));
        let is_slow = p99 > limit;
        if is_slow || !errors.is_null() {
            let told = json!({ "bench": "years", "question": question.name, "first_ms": first.round(), "p99_ms": p99,
                "refused": errors });
            println!("{told}");
        }
        slow += usize::from(is_slow);
        refused += usize::from(!errors.is_null());
        all.push(p99);
    }
    println!(
        "{}",
        json!({ "bench": "years", "questions": all.len(), "slow": slow, "refused": refused, "filled_s": filled,
            "p50_ms": percentile(&all, 50), "p99_ms": percentile(&all, 99), "load": load()? })
    );
    server.stop().await;
    bench.close().await
}

//! Two years in: every question that the API can be asked, on a database with a million of each row.
//!
//! `cargo bench --bench years`. `DATABASE_URL`: a PostgreSQL database, empty or filled by this. `ROWS`: of each big table, 1,000,000 by
//! default, which take a quarter of an hour to be filled in by SQL. `ASKED`: how often each question is asked, 20 by default. `ONLY`: the
//! questions whose names have this in them. Prints one line of JSON a question that is refused, whose `p99_ms` is over `LIMIT_MS`, 100 by
//! default, or that touches more pages of 8 KiB than `LIMIT_BUFFERS`, 2,000 by default; and at last one of all. The pages are told where
//! the server has `pg_stat_statements`, as those of tests/bench/run have. The questions are made of the schema: each field of Query, each
//! list with each order, each condition of its filter and each two of them, its end, its length, and the lists below its nodes.

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
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use support::client::Client;
use support::server::Server;
use support::{Bench, load, number, percentile};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::open().await?;
    anyhow::ensure!(bench.on.db.is_postgres(), "DATABASE_URL has to name an empty PostgreSQL database");
    let filling = Instant::now();
    if !fill::is_filled(&bench).await? {
        fill::fill(&bench, number("ROWS", 1_000_000)).await?;
    }
    let filled = filling.elapsed().as_secs();
    let pages = Pages::open(&bench).await;
    let server = Server::start(&bench, Parts { api: true, worker: false }, &[]).await?;
    let mut client = Client::connect(server.address, &server.token).await?;
    let asked = number("ASKED", 20).max(2);
    let only = std::env::var("ONLY").unwrap_or_default();
    let limit = f64::from(u32::try_from(number("LIMIT_MS", 100))?);
    let most = number("LIMIT_BUFFERS", 2_000);
    let (mut all, mut slow, mut refused) = (Vec::new(), 0, 0);
    let questions = questions::all(&mut client).await?;
    for question in questions.iter().filter(|question| question.name.contains(&only)) {
        let body = json!({ "query": question.document, "variables": question.variables }).to_string();
        let mut times = Vec::new();
        let mut errors = Json::Null;
        for _ in 0..asked {
            if times.len() == 1 {
                pages.forget(&bench).await?;
            }
            let began = Instant::now();
            let answer = client.post(&body).await?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
            if times.len() == 1 {
                let answer: Json = serde_json::from_slice(answer)?;
                errors = answer.pointer("/errors/0/message").cloned().unwrap_or_default();
            }
        }
        let buffers = pages.touched(&bench).await?.map(|pages| pages / (asked - 1));
        // The first one plans and reads from the disk.
        let (first, p50, p99) = (times[0], percentile(&times[1..], 50), percentile(&times[1..], 99));
        let is_slow = p99 > limit || buffers.is_some_and(|buffers| buffers > most);
        if is_slow || !errors.is_null() {
            let told = json!({ "bench": "years", "question": question.name, "first_ms": first.round(), "p50_ms": p50, "p99_ms": p99,
                "buffers": buffers, "refused": errors });
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

/// How many pages the database's statements touch, if it can tell.
struct Pages(bool);

impl Pages {
    async fn open(bench: &Bench) -> Self {
        let made = bench.on.db.reader().execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
        let reset = bench.on.db.reader().execute_unprepared("SELECT pg_stat_statements_reset()").await;
        Self(made.is_ok() && reset.is_ok())
    }

    async fn forget(&self, bench: &Bench) -> anyhow::Result<()> {
        if self.0 {
            bench.on.db.reader().execute_unprepared("SELECT pg_stat_statements_reset()").await?;
        }
        Ok(())
    }

    /// By reading statements since then; what Herald's loops write meanwhile is left out.
    async fn touched(&self, bench: &Bench) -> anyhow::Result<Option<u64>> {
        if !self.0 {
            return Ok(None);
        }
        let sql = "SELECT COALESCE(SUM(shared_blks_hit + shared_blks_read), 0)::bigint AS pages FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND ltrim(query) ~* '^(select|with)'
              AND query !~ 'FOR UPDATE|pg_stat_statements|time_notes'";
        let row = bench.on.db.reader().query_one_raw(Statement::from_string(bench.on.db.backend(), sql)).await?;
        Ok(row.map(|row| row.try_get::<i64>("", "pages")).transpose()?.map(i64::unsigned_abs))
    }
}

//! Importing channels: upload, read, COPY, count.
//!
//! `cargo bench --bench import`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `LINES`:
//! 1,000,000 by default. Prints one line of JSON. `p50_ms` and `p99_ms` are the times in which one batch of lines is written.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::io::Write;
use std::time::Instant;

use domain::broadcast::ImportStatus;
use futures_util::StreamExt;
use sea_orm::EntityTrait;
use service::imports::{channels, run_pending, upload};
use storage::broadcast::channel_import::Entity;
use support::{Bench, number, peak_rss_mb, percentile};
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let lines = i64::try_from(number("LINES", 1_000_000))?;
    let bench = Bench::open().await?;
    let actor = bench.admin().await?;
    let list = tempfile::NamedTempFile::new()?;
    write_list(list.as_file(), lines)?;

    let uploading = Instant::now();
    let body = ReaderStream::with_capacity(tokio::fs::File::open(list.path()).await?, 64 * 1024).boxed();
    let upload = upload::store(&bench.on, &actor, body).await?;
    let uploaded = uploading.elapsed();
    let import = channels::create(&bench.on, &actor, upload.id, None).await?;
    let mut batches = Vec::new();
    let began = Instant::now();
    run_pending::<Entity>(&bench.on, &CancellationToken::new(), |progress| {
        batches.push(progress.took.as_secs_f64() * 1_000.0);
    })
    .await?;
    let took = began.elapsed().as_secs_f64();

    let done = Entity::find_by_id(import.id).one(bench.on.db.reader()).await?.expect("it was created");
    anyhow::ensure!(
        done.status == ImportStatus::Completed && done.inserted == lines,
        "not everything went in: {done:?}"
    );
    #[expect(clippy::cast_precision_loss, reason = "a benchmark's figure")]
    let lines_per_s = (lines as f64 / took).round();
    println!(
        "{}",
        serde_json::json!({
            "bench": "import",
            "database": bench.database(),
            "lines": lines,
            "lines_per_s": lines_per_s,
            "p50_ms": percentile(&batches, 50),
            "p99_ms": percentile(&batches, 99),
            "peak_rss_mb": peak_rss_mb()?,
            "bytes": upload.bytes,
            "upload_s": uploaded.as_secs_f64(),
            "load_1m": support::load()?,
        })
    );
    bench.close().await
}

/// Lines as the specification shows them, in no order: names of a shuffled number.
fn write_list(file: &std::fs::File, lines: i64) -> anyhow::Result<()> {
    const CATEGORIES: [&str; 8] =
        ["новости", "tech", "entertainment", "crypto", "музыка", "спорт", "образование", "business"];
    let mut file = std::io::BufWriter::new(file);
    for n in 0..lines {
        let shuffled = (n.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 24;
        let name = format!("c{shuffled:010x}_{n}");
        let category = CATEGORIES[usize::try_from(n % 8)?];
        writeln!(
            file,
            "{{\"category\": \"{category}\", \"tgstat_url\": \"https://tgstat.ru/channel/@{name}\", \"username\": \"{name}\", \
             \"collected_at\": \"2025-09-29T11:{:02}:45.782893\"}}",
            n % 60
        )?;
    }
    file.flush()?;
    Ok(())
}

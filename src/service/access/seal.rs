//! The sealer: gives each audit line its place in the chain and the hash that holds it there, just after commit.
//!
//! Lines are written by many transactions at once, so none of them can know what came before it. One sealer at a time, by
//! the lock of the head's row, takes what has been committed and chains it.

use std::fmt::Write;
use std::time::Duration;

use sea_orm::{ActiveModelTrait, ActiveValue, ConnectionTrait, IntoActiveModel, QuerySelect};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::domain::error::Result;
use crate::domain::id::AuditLogId;
use crate::domain::json::canonical;
use crate::events::Event;
use crate::service::Services;
use crate::storage::access::{audit_head, audit_log};
use crate::storage::sql::{self, Dialect};
use crate::storage::{Db, Tx};

/// Lines that are sealed in one transaction at most.
const LINES: u64 = 500;
/// How often to look for lines that nobody told of.
const LOOK: Duration = Duration::from_secs(1);

/// Seals until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    loop {
        match seal(&on).await {
            Ok(0) => {}
            Ok(_) => on.tell(Event::Audit),
            Err(error) => tracing::warn!(%error, "audit lines can't be sealed now"),
        }
        let woken = async {
            while let Ok(event) = events.recv().await {
                if matches!(event, Event::Audit | Event::Resync) {
                    return;
                }
            }
            // Told of too much at once, or of nothing any more: the clock wakes.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Seals all lines that are there, and returns how many these were.
pub async fn seal(on: &Services) -> Result<u64> {
    let mut sealed = 0;
    while audit_log::Entity::unsealed().limit(1).one(on.db.reader()).await?.is_some() {
        match on.write(|tx| async move { seal_some(&tx).await }).await? {
            0 => break,
            some => sealed += some,
        }
    }
    Ok(sealed)
}

#[derive(Serialize)]
struct Seal {
    id: AuditLogId,
    seq: i64,
    hash: String,
}

async fn seal_some(tx: &Tx) -> Result<u64> {
    let head = audit_head::Entity::lock(tx).await?;
    let lines = audit_log::Entity::unsealed().limit(LINES).all(tx).await?;
    let (mut seq, mut hash) = (head.seq, head.hash.clone());
    let mut seals = Vec::with_capacity(lines.len());
    for line in &lines {
        seq += 1;
        hash = link(&hash, seq, line);
        seals.push(Seal { id: line.id, seq, hash: hash.clone() });
    }
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$1", &[("id", "uuid"), ("seq", "bigint"), ("hash", "text")]);
    let sql = format!("UPDATE audit_logs SET seq = r.seq, hash = r.hash FROM {table} WHERE audit_logs.id = r.id");
    tx.execute_raw(dialect.statement(&sql, [sql::rows(&seals)])).await?;
    let mut head = head.into_active_model();
    head.seq = ActiveValue::Set(seq);
    head.hash = ActiveValue::Set(hash);
    head.update(tx).await?;
    Ok(lines.len() as u64)
}

/// What an examination of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Sealed lines that are as they were written.
    pub sound: u64,
    /// Lines that the sealer has not reached.
    pub unsealed: u64,
    /// The first line that is not as it was written, or is gone.
    pub broken: Option<Broken>,
}

/// Where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The place of the first line that is wrong or gone.
    pub seq: i64,
    /// What is wrong.
    pub reason: &'static str,
}

/// Examines the whole chain, line by line.
pub async fn verify(db: &Db) -> Result<Report> {
    use sea_orm::PaginatorTrait;
    let unsealed = audit_log::Entity::unsealed().count(db.reader()).await?;
    let (mut sound, mut seq, mut hash) = (0, 0, String::new());
    loop {
        let lines = audit_log::Entity::sealed_after(seq).limit(LINES).all(db.reader()).await?;
        if lines.is_empty() {
            break;
        }
        for line in &lines {
            let reason = match (line.seq, &line.hash) {
                (at, _) if at != Some(seq + 1) => Some("the line is gone"),
                (_, Some(sealed)) if *sealed == link(&hash, seq + 1, line) => None,
                _ => Some("the line is not as it was written"),
            };
            if let Some(reason) = reason {
                return Ok(Report { sound, unsealed, broken: Some(Broken { seq: seq + 1, reason }) });
            }
            (seq, sound, hash) = (seq + 1, sound + 1, line.hash.clone().unwrap_or_default());
        }
    }
    // Read last: whatever was sealed meanwhile lies behind it.
    let head = audit_head::Entity::read(db.reader()).await?;
    let is_cut = head.seq > seq && audit_log::Entity::sealed_after(seq).one(db.reader()).await?.is_none();
    let broken = is_cut.then_some(Broken { seq: seq + 1, reason: "the line is gone" });
    Ok(Report { sound, unsealed, broken })
}

/// The hash that chains `line` to the one before it.
fn link(before: &str, seq: i64, line: &audit_log::Model) -> String {
    let written = json!([
        seq,
        line.id,
        line.timestamp.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        line.user_id,
        line.action,
        line.severity,
        line.resource_type,
        line.resource_id,
        line.ip_address,
        line.metadata.as_ref().map(canonical),
    ]);
    let digest = Sha256::new().chain_update(before).chain_update("\n").chain_update(written.to_string()).finalize();
    digest.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all");
        digits
    })
}

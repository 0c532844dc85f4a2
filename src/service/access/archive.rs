//! Old audit lines move to the archive: written, read back and compared, and only then deleted.
//!
//! A part is recorded in the transaction that deletes its lines, so there is no instant at which a line is nowhere, or at which
//! it is not known where it is. A crash before that leaves a file that nothing refers to; the next run writes it anew.

pub(super) mod part;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::chain::{self, Walk};
use super::seal;
use crate::Services;
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use storage::access::{audit_archive, audit_log};
use storage::archive::Archive;
use storage::violation::OnUnique;

/// Lines of a part at most.
const LINES: u64 = 10_000;

/// The lines that were moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Files.
    pub parts: u64,
    /// Lines.
    pub lines: u64,
}

/// Moves the lines that are older than `days` to `archive`.
///
/// # Errors
/// The chain is broken: then nothing behind the break is moved, so that it can be looked into.
pub async fn run(on: &Services, archive: &Archive, days: i64) -> Result<Moved> {
    let until = on.now() - TimeDelta::days(days);
    seal::seal(on).await?;
    let mut moved = Moved::default();
    while let Some(lines) = move_some(on, archive, until).await? {
        moved = Moved { parts: moved.parts + 1, lines: moved.lines + lines };
    }
    // This was noted, too.
    seal::seal(on).await?;
    Ok(moved)
}

/// Moves one part, and returns how many lines it has.
async fn move_some(on: &Services, archive: &Archive, until: DateTime<Utc>) -> Result<Option<u64>> {
    let last = audit_archive::Entity::newest().limit(1).one(on.db.reader()).await?;
    let mut walk = last.map(|part| Walk { seq: part.last_seq, hash: part.last_hash }).unwrap_or_default();
    let first_seq = walk.seq + 1;
    let mut lines = audit_log::Entity::sealed_after(walk.seq).limit(LINES).all(on.db.reader()).await?;
    let Some(end) = lines.last().and_then(|line| line.seq) else { return Ok(None) };
    // A clock that once was wrong has left lines that seem young in front of old ones: they go along, or the chain would stay for ever.
    let is_older = audit_log::Entity::sealed_after(end).filter(audit_log::Column::Timestamp.lt(until)).limit(1);
    if is_older.one(on.db.reader()).await?.is_none() {
        lines.truncate(lines.iter().rposition(|line| line.timestamp < until).map_or(0, |last| last + 1));
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let young = lines.iter().filter(|line| line.timestamp >= until).count();
    if young > 0 {
        tracing::warn!(
            young,
            "audit lines that seem too young were archived, as older ones come after them: a clock was wrong"
        );
    }
    for line in &lines {
        walk.step(line).map_err(|broken| {
            Error::Precondition(format!("the audit log is broken at line {}: {}", broken.seq, broken.reason))
        })?;
    }
    let name = format!("audit-{first_seq:012}-{:012}.jsonl.gz", walk.seq);
    let sha256 = write(archive, &name, &lines).await?;
    let part = audit_archive::Model {
        first_seq,
        last_seq: walk.seq,
        lines: walk.seq - first_seq + 1,
        name,
        sha256,
        last_hash: walk.hash,
        archived_at: on.now(),
    };
    settle(on, &part).await?;
    Ok(Some(lines.len() as u64))
}

/// Writes a part, and reads it back: what comes is what was written, down to the last line. Returns its SHA-256.
async fn write(archive: &Archive, name: &str, lines: &[audit_log::Model]) -> Result<String> {
    let file = part::encode(lines.to_vec()).await?;
    let sha256 = chain::digits(&Sha256::digest(&file));
    archive.put(name, file).await?;
    let differs = || Error::internal(anyhow::anyhow!("the archive does not give back {name} as it was written"));
    let back = archive.get(name).await?.ok_or_else(differs)?;
    if chain::digits(&Sha256::digest(&back)) != sha256 || part::decode(back).await? != lines {
        return Err(differs());
    }
    Ok(sha256)
}

/// Records a part and deletes its lines: both or neither.
async fn settle(on: &Services, part: &audit_archive::Model) -> Result<()> {
    on.system_write(|w| async move {
        let taken = || Error::Conflict("another process archives the audit log at this moment".into());
        let row = part.clone().into_active_model().insert(&w).await;
        row.on_unique("audit_archives", "first_seq", taken)?;
        let deleted = audit_log::Entity::forget(part.first_seq, part.last_seq).exec(&w).await?.rows_affected;
        if i64::try_from(deleted).ok() != Some(part.lines) {
            return Err(Error::internal(anyhow::anyhow!(
                "{deleted} lines are there of the {} of {}",
                part.lines,
                part.name
            )));
        }
        let metadata =
            json!({ "name": part.name, "firstSeq": part.first_seq, "lastSeq": part.last_seq, "sha256": part.sha256 });
        w.note(Action::AuditArchived, Subject::NONE, metadata).await
    })
    .await
}

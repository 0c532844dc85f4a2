//! The chain of the audit log: each line's hash covers the line and the hash before it, in the database and in the archive.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{PaginatorTrait, QuerySelect};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::archive::part;
use domain::error::{Error, Result};
use domain::json::canonical;
use storage::Db;
use storage::access::{audit_archive, audit_head, audit_log};
use storage::archive::Archive;

/// Lines that are read at once.
const LINES: u64 = 500;

/// The result of an examination of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Sealed lines that are as they were written, up to the first that is not.
    pub sound: u64,
    /// How many of these lie in the archive.
    pub archived: u64,
    /// Lines that the sealer has not reached: the tail.
    pub unsealed: u64,
    /// When the first line of the tail was written.
    pub unsealed_since: Option<DateTime<Utc>>,
    /// The first line that is not as it was written, or is gone.
    pub broken: Option<Broken>,
}

/// Where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The place of the first line that is wrong or gone.
    pub seq: i64,
    /// The fault that was found.
    pub reason: String,
}

/// How far the chain has been walked.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The place of the last line.
    pub seq: i64,
    /// The line's hash.
    pub hash: String,
}

impl Walk {
    /// Goes on to the next line, unless it is not the next one or not as it was written.
    pub fn step(&mut self, line: &audit_log::Model) -> Result<(), Broken> {
        let seq = self.seq + 1;
        if line.seq != Some(seq) {
            return Err(self.broken("the line is gone"));
        }
        let hash = link(&self.hash, seq, line);
        if line.hash.as_ref() != Some(&hash) {
            return Err(self.broken("the line is not as it was written"));
        }
        (self.seq, self.hash) = (seq, hash);
        Ok(())
    }

    fn broken(&self, reason: impl Into<String>) -> Broken {
        Broken { seq: self.seq + 1, reason: reason.into() }
    }

    fn lines(&self) -> u64 {
        u64::try_from(self.seq).unwrap_or_default()
    }
}

/// Examines the whole chain, line by line: the archived parts, then the database.
///
/// # Errors
/// There are archived parts, but no `archive` to read them from.
pub async fn verify(db: &Db, archive: Option<&Archive>) -> Result<Report> {
    let unsealed = audit_log::Entity::unsealed().count(db.reader()).await?;
    let first = audit_log::Entity::unsealed().limit(1).one(db.reader()).await?;
    let mut walk = Walk::default();
    let mut broken = walk_archive(db, archive, &mut walk).await?;
    let archived = walk.lines();
    if broken.is_none() {
        broken = walk_database(db, &mut walk).await?;
    }
    let unsealed_since = first.map(|line| line.timestamp);
    Ok(Report { sound: walk.lines(), archived, unsealed, unsealed_since, broken })
}

async fn walk_archive(db: &Db, archive: Option<&Archive>, walk: &mut Walk) -> Result<Option<Broken>> {
    let parts = audit_archive::Entity::in_order().all(db.reader()).await?;
    if parts.is_empty() {
        return Ok(None);
    }
    let missing = || Error::Precondition("HERALD_AUDIT_ARCHIVE must say where the archived lines are".into());
    let archive = archive.ok_or_else(missing)?;
    for part in parts {
        let Some(file) = archive.get(&part.name).await? else {
            return Ok(Some(walk.broken(format!("the archived part {} is gone", part.name))));
        };
        let Ok(lines) = part::decode(file).await else {
            return Ok(Some(walk.broken(format!("the archived part {} can't be read", part.name))));
        };
        if let Some(broken) = lines.iter().find_map(|line| walk.step(line).err()) {
            return Ok(Some(broken));
        }
        if (walk.seq, &walk.hash) != (part.last_seq, &part.last_hash) {
            return Ok(Some(walk.broken("the line is gone")));
        }
    }
    Ok(None)
}

async fn walk_database(db: &Db, walk: &mut Walk) -> Result<Option<Broken>> {
    loop {
        let lines = audit_log::Entity::sealed_after(walk.seq).limit(LINES).all(db.reader()).await?;
        if let Some(broken) = lines.iter().find_map(|line| walk.step(line).err()) {
            return Ok(Some(broken));
        }
        if lines.is_empty() {
            break;
        }
    }
    // Read last: whatever was sealed meanwhile lies behind it.
    let head = audit_head::Entity::read(db.reader()).await?;
    let is_cut = head.seq > walk.seq && audit_log::Entity::sealed_after(walk.seq).one(db.reader()).await?.is_none();
    Ok(is_cut.then(|| walk.broken("the line is gone")))
}

/// The hash that chains `line` to the one before it.
pub fn link(before: &str, seq: i64, line: &audit_log::Model) -> String {
    let written = json!([
        seq,
        line.id,
        line.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
        line.user_id,
        line.action,
        line.severity,
        line.resource_type,
        line.resource_id,
        line.ip_address,
        line.metadata.as_ref().map(canonical),
    ]);
    digits(&Sha256::new().chain_update(before).chain_update("\n").chain_update(written.to_string()).finalize())
}

/// Bytes as hexadecimal digits.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all");
        digits
    })
}

//! A part of the archive: lines of JSON, one a line of the audit log, compressed by gzip.

use std::io::{BufRead, BufReader, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use domain::audit::{Action, Severity};
use domain::error::{Error, Result};
use domain::id::{AuditLogId, UserId};
use storage::access::audit_log;

/// The most that a part may hold when it is unpacked, in bytes: what is larger was not written by Herald.
const MOST: u64 = 1 << 30;

/// A line as it is archived: everything that its hash covers, and the hash.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    seq: i64,
    id: AuditLogId,
    timestamp: DateTime<Utc>,
    user_id: Option<UserId>,
    action: Action,
    severity: Severity,
    resource_type: Option<String>,
    resource_id: Option<Uuid>,
    ip_address: Option<String>,
    metadata: Option<Json>,
    hash: String,
}

/// The file of these lines, which are sealed. The same lines give the same file.
pub(super) async fn encode(lines: Vec<audit_log::Model>) -> Result<Vec<u8>> {
    off_thread(move || {
        let mut file = GzEncoder::new(Vec::new(), Compression::default());
        for line in lines {
            let line = Line::try_from(line)?;
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
        Ok(file.finish()?)
    })
    .await
}

/// The lines of a file.
pub(in crate::access) async fn decode(file: Vec<u8>) -> Result<Vec<audit_log::Model>> {
    off_thread(move || {
        let text = BufReader::new(std::io::Read::take(GzDecoder::new(file.as_slice()), MOST));
        text.lines().map(|line| Ok(serde_json::from_str::<Line>(&line?)?.into())).collect()
    })
    .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::internal)
}

impl TryFrom<audit_log::Model> for Line {
    type Error = anyhow::Error;

    fn try_from(row: audit_log::Model) -> anyhow::Result<Self> {
        let audit_log::Model {
            id,
            user_id,
            action,
            resource_type,
            resource_id,
            metadata,
            severity,
            timestamp,
            ip_address,
            seq,
            hash,
        } = row;
        let (Some(seq), Some(hash)) = (seq, hash) else { anyhow::bail!("the line {id} is not sealed") };
        Ok(Self {
            seq,
            id,
            timestamp,
            user_id,
            action,
            severity,
            resource_type,
            resource_id,
            ip_address,
            metadata,
            hash,
        })
    }
}

impl From<Line> for audit_log::Model {
    fn from(line: Line) -> Self {
        let Line {
            seq,
            id,
            timestamp,
            user_id,
            action,
            severity,
            resource_type,
            resource_id,
            ip_address,
            metadata,
            hash,
        } = line;
        Self {
            id,
            user_id,
            action,
            resource_type,
            resource_id,
            metadata,
            severity,
            timestamp,
            ip_address,
            seq: Some(seq),
            hash: Some(hash),
        }
    }
}

//! What nobody needs any more: uploads that were never used or whose use is over, and files that a crash left behind.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::receive::{PART, disk};
use crate::Services;
use domain::error::{Error, Result};
use domain::id::UploadId;
use storage::broadcast::upload;

/// How long an upload is kept without being used, and its file after the last use.
pub(super) const UNUSED: TimeDelta = TimeDelta::days(1);
/// Since when nothing was written to a file that has not come whole: longer than any idle timeout.
const ABANDONED: TimeDelta = TimeDelta::hours(1);
/// Files that are looked up in one statement.
const CHUNK: usize = 500;

/// Removes the uploads of this node that nobody needs. To be called every now and then.
pub async fn sweep(on: &Services) -> Result<()> {
    let before = on.now() - UNUSED;
    on.system_write(|w| async move { Ok(upload::Entity::forget(on.node, before).exec(&w).await?) }).await?;
    let old = old_files(super::folder(&on.rules.data_dir), on.now()).await?;
    for path in old.abandoned {
        remove(&path).await?;
    }
    for files in old.whole.chunks(CHUNK) {
        let needed = upload::Entity::needed(files.iter().map(|(id, _)| *id), before).all(on.db.reader()).await?;
        let needed: HashSet<UploadId> = needed.into_iter().map(|row| row.id).collect();
        for (_, path) in files.iter().filter(|(id, _)| !needed.contains(id)) {
            remove(path).await?;
        }
    }
    Ok(())
}

async fn remove(path: &Path) -> Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(disk),
    }
}

#[derive(Default)]
struct Old {
    whole: Vec<(UploadId, PathBuf)>,
    abandoned: Vec<PathBuf>,
}

/// Files that were written long enough ago to be looked at.
async fn old_files(folder: PathBuf, now: DateTime<Utc>) -> Result<Old> {
    let old = tokio::task::spawn_blocking(move || list(&folder, now)).await.map_err(Error::internal)?;
    old.map_err(disk)
}

fn list(folder: &Path, now: DateTime<Utc>) -> io::Result<Old> {
    let mut old = Old::default();
    let entries = match std::fs::read_dir(folder) {
        // Nothing was ever uploaded.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(old),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let Some(id) = path.file_stem().and_then(|name| name.to_str()?.parse().ok()).map(UploadId) else { continue };
        let age = match entry.metadata() {
            // It vanished meanwhile: an upload came whole, or broke off.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => now - DateTime::<Utc>::from(metadata?.modified()?),
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(PART) if age > ABANDONED => old.abandoned.push(path),
            None if age > UNUSED => old.whole.push((id, path)),
            _ => {}
        }
    }
    Ok(old)
}

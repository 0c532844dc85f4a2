//! What nobody needs any more: uploads that were never used or whose use is over, and files that a crash left behind.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::receive::{PART, disk};
use crate::Services;
use domain::error::{Error, Result};
use domain::id::UploadId;
use storage::Noun;
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
    let old = old_files(super::folder(&on.rules.data_dir), on.now(), UNUSED).await?;
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

/// Files and uploads that belong to nothing.
#[derive(Debug, Default)]
pub struct Astray {
    /// Files of this data folder that came whole and that no upload names.
    pub files: Vec<PathBuf>,
    /// Uploads of this node whose files are needed and not there, and that nothing names.
    pub unused: Vec<UploadId>,
    /// Such uploads that something names.
    pub named: Vec<UploadId>,
}

/// Looks for what is astray. A file is there before the upload that names it, so young ones are passed over.
///
/// # Errors
/// The database or the folder can't be read.
pub async fn astray(on: &Services) -> Result<Astray> {
    let mut astray = Astray::default();
    let old = old_files(super::folder(&on.rules.data_dir), on.now(), ABANDONED).await?;
    for files in old.whole.chunks(CHUNK) {
        let named: Vec<UploadId> = files.iter().map(|(id, _)| *id).collect();
        let known = upload::Entity::by_ids(&named).all(on.db.reader()).await?;
        let known: HashSet<UploadId> = known.into_iter().map(|row| row.id).collect();
        astray.files.extend(files.iter().filter(|(id, _)| !known.contains(id)).map(|(_, path)| path.clone()));
    }
    let mut without = Vec::new();
    for row in upload::Entity::needed_on(on.node, on.now() - UNUSED).all(on.db.reader()).await? {
        if !tokio::fs::try_exists(super::path(on, row.id)).await.map_err(disk)? {
            without.push(row.id);
        }
    }
    for ids in without.chunks(CHUNK) {
        let named = upload::Entity::named(ids).all(on.db.reader()).await?;
        let named: HashSet<UploadId> = named.into_iter().map(|row| row.id).collect();
        astray.unused.extend(ids.iter().filter(|id| !named.contains(id)));
        astray.named.extend(named);
    }
    Ok(astray)
}

/// Removes files that no upload names.
///
/// # Errors
/// The folder can't be written to.
pub async fn remove_files(files: &[PathBuf]) -> Result<()> {
    for path in files {
        remove(path).await?;
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
async fn old_files(folder: PathBuf, now: DateTime<Utc>, whole: TimeDelta) -> Result<Old> {
    let old = tokio::task::spawn_blocking(move || list(&folder, now, whole)).await.map_err(Error::internal)?;
    old.map_err(disk)
}

/// Those that came whole are listed if they are older than `whole`.
fn list(folder: &Path, now: DateTime<Utc>, whole: TimeDelta) -> io::Result<Old> {
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
            None if age > whole => old.whole.push((id, path)),
            _ => {}
        }
    }
    Ok(old)
}

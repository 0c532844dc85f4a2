//! What nobody needs any more: uploads that were never used or whose use is over, and files that a crash left behind.

use std::collections::HashSet;

use chrono::TimeDelta;

use crate::Services;
use domain::error::Result;
use domain::id::UploadId;
use storage::Noun;
use storage::broadcast::upload;
use storage::files::{OWNER, Owner};
use storage::life;

/// How long an upload is kept without being used, and its file after the last use.
pub(super) const UNUSED: TimeDelta = TimeDelta::days(1);
/// Since when nothing was written to a file that has not come whole: longer than any idle timeout.
const ABANDONED: TimeDelta = TimeDelta::hours(1);
/// Files that are looked up in one statement.
const CHUNK: usize = 500;

/// Removes the uploads of this node that nobody needs, or of all nodes where they share a place. To be called every now and then.
pub async fn sweep(on: &Services) -> Result<()> {
    let before = on.now() - UNUSED;
    on.system_write(|w| async move { Ok(upload::Entity::forget(super::of(on), before).exec(&w).await?) }).await?;
    on.files.clear(on.now() - ABANDONED).await?;
    if !is_ours(on).await? {
        return Ok(());
    }
    for files in on.files.older_than(before).await?.chunks(CHUNK) {
        let needed = upload::Entity::needed(files.iter().copied(), before).all(on.db.reader()).await?;
        let needed: HashSet<UploadId> = needed.into_iter().map(|row| row.id).collect();
        for id in files.iter().filter(|id| !needed.contains(id)) {
            on.files.remove(*id).await?;
        }
    }
    Ok(())
}

/// Whether files that no row names are left over: at a place that another database has too, they may be that one's.
async fn is_ours(on: &Services) -> Result<bool> {
    let Some(place) = on.files.shared() else { return Ok(true) };
    let Some(life) = life::Entity::everything(on.db.reader()).await?.pop() else { return Ok(false) };
    match place.owner(life.id).await? {
        Owner::Ours => return Ok(true),
        // Another process may write there at the same instant: the next sweep reads who was last.
        Owner::Nobody => place.own(life.id).await?,
        Owner::Another(other) => tracing::warn!(
            "HERALD_FILES: the files there are another database's (life {other}; this one's is {}): none is deleted. Give this \
             installation a place of its own; or, if it has taken the other one's place, delete {} there",
            life.id,
            OWNER
        ),
    }
    Ok(false)
}

/// Files and uploads that belong to nothing.
#[derive(Debug, Default)]
pub struct Astray {
    /// Files that came whole and that no upload names.
    pub files: Vec<UploadId>,
    /// Uploads whose files are needed and not there, and that nothing names.
    pub unused: Vec<UploadId>,
    /// Such uploads that something names.
    pub named: Vec<UploadId>,
}

/// Looks for what is astray, of this node, or of all where they share a place. A file is there before the upload that names it, so
/// young ones are passed over.
///
/// # Errors
/// The database or the place can't be read.
pub async fn astray(on: &Services) -> Result<Astray> {
    let mut astray = Astray::default();
    if is_ours(on).await? {
        for files in on.files.older_than(on.now() - ABANDONED).await?.chunks(CHUNK) {
            let known = upload::Entity::by_ids(files).all(on.db.reader()).await?;
            let known: HashSet<UploadId> = known.into_iter().map(|row| row.id).collect();
            astray.files.extend(files.iter().filter(|id| !known.contains(id)));
        }
    }
    let (mut without, mut last) = (Vec::new(), UploadId(uuid::Uuid::nil()));
    loop {
        let page = upload::Entity::needed_after(super::of(on), last, on.now() - UNUSED, CHUNK as u64);
        let page = page.all(on.db.reader()).await?;
        let Some(end) = page.last() else { break };
        last = end.id;
        for row in page {
            if !on.files.has(row.id).await? {
                without.push(row.id);
            }
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
/// The place can't be written to.
pub async fn remove_files(on: &Services, files: &[UploadId]) -> Result<()> {
    for id in files {
        on.files.remove(*id).await?;
    }
    Ok(())
}

//! The place of the files: whether it takes, gives and deletes, whose it is, and whether all that the database names is there.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::time::timeout;

use super::{Findings, Grade, PATIENCE};
use crate::app::{self, present_node};
use crate::config::Config;
use domain::error::{Error, Result};
use domain::id::{NodeId, UploadId};
use storage::Db;
use storage::broadcast::upload;
use storage::files::{Files, OWNER, Owner};
use storage::life;
use storage::place::Opened;

/// Rows that are read at once.
const CHUNK: u64 = 500;
/// Missing files that are looked for a second time, and counted.
const MOST: usize = 1_000;
/// Missing files that are named.
const NAMED: usize = 3;

/// Tries the place out. None: it can't be used, and nothing more is to be said of it.
pub(super) async fn place(config: &Config, found: &mut Findings) -> Option<Files> {
    let files = match app::files(config) {
        Ok(files) => files,
        Err(error) => {
            found.note(Grade::Wrong, "files", format_args!("{error:#}"));
            return None;
        }
    };
    let Some(place) = files.shared() else { return Some(files) };
    // A server that refuses is asked again for a while, and then what it said is told.
    match timeout(PATIENCE + Duration::from_secs(5), place.try_out()).await {
        Ok(Ok(())) => found.note(Grade::Well, "files", format_args!("{}: it writes, reads and deletes", place.named())),
        Ok(Err(error)) => {
            found.note(Grade::Wrong, "files", &error);
            return None;
        }
        Err(_) => {
            let why = "it does not answer; AWS_ENDPOINT_URL and AWS_REGION say which server is meant, AWS_ACCESS_KEY_ID who asks";
            found.note(Grade::Wrong, "files", format_args!("{}: {why}", place.named()));
            return None;
        }
    }
    Some(files)
}

/// Whether the files that the database names are there, and the place is this database's.
pub(super) async fn missing(db: &Db, config: &Config, files: Option<Files>, found: &mut Findings) -> Result<()> {
    let Some(files) = files else { return Ok(()) };
    let node = if let Some(place) = files.shared() {
        owner(db, place, found).await?;
        None
    } else {
        match present_node(&config.rules.data_dir).map_err(Error::internal)? {
            Some(node) => Some(node),
            None => return Ok(()),
        }
    };
    let (rows, gone) = compare(db, &files, node).await?;
    if gone.is_empty() {
        found.note(Grade::Well, "files", format_args!("of {rows} uploads that are needed none is missing"));
        return Ok(());
    }
    let named = gone.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let finding = format!(
        "the files of {} uploads are missing ({named}{}): bring them back from a copy, or upload them again and give the templates \
         the new ones; campaigns that send them pause",
        gone.len(),
        if gone.len() > NAMED { ", ..." } else { "" }
    );
    found.note(Grade::Wrong, "files", finding);
    Ok(())
}

/// Says so if the files are another database's.
async fn owner(db: &Db, place: &Opened, found: &mut Findings) -> Result<()> {
    let Some(life) = life::Entity::everything(db.reader()).await?.pop() else { return Ok(()) };
    if let Owner::Another(other) = place.owner(life.id).await? {
        let finding = format!(
            "{}: the files are another database's (life {other}, this one's is {}), and none is deleted there: give this installation \
             a place of its own; if it has taken the other one's place, delete {OWNER} there",
            place.named(),
            life.id
        );
        found.note(Grade::Doubtful, "files", finding);
    }
    Ok(())
}

/// How many uploads of `node`, or of all, are needed, and the names of those whose files are not there.
async fn compare(db: &Db, files: &Files, node: Option<NodeId>) -> Result<(usize, Vec<String>)> {
    #[expect(clippy::disallowed_methods, reason = "the machine's clock is what is looked at")]
    let now = Utc::now();
    let there: HashSet<UploadId> = files.older_than(now + TimeDelta::days(1)).await?.into_iter().collect();
    let (mut gone, mut rows, mut last) = (Vec::new(), 0, UploadId(uuid::Uuid::nil()));
    while gone.len() < MOST {
        let page = upload::Entity::needed_after(node, last, now - TimeDelta::days(1), CHUNK).all(db.reader()).await?;
        let Some(end) = page.last() else { break };
        last = end.id;
        rows += page.len();
        for row in page {
            // What came after the list was made is in no list.
            if !there.contains(&row.id) && !files.has(row.id).await? {
                gone.push(row.name.unwrap_or_else(|| row.id.to_string()));
            }
        }
    }
    Ok((rows, gone))
}

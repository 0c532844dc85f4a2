//! What is kept of the database's life outside of it, and the loop that keeps it: a file in the data folder, and Redis if there is one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::Utc;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cause;
use super::folder::write_whole;
use crate::config::Config;
use domain::life::{Life, Mark, Outside};
use events::redis::Shelf;
use service::Services;
use service::life::{self, Look, Present};

/// The file of the mark. It is no part of a backup.
pub const MARK: &str = "herald.life";
/// What stands in it, before the instant, if `herald restore` has filled the folder and no process has started since.
const RESTORED: &str = "restored at";
/// How often the database gets older, if anything was written.
const LOOK: Duration = Duration::from_secs(1);

/// The database's life, and where it is kept.
pub struct Kept {
    present: Present,
    outside: Places,
    /// Nobody else on this machine works with the same life of an SQLite database: a copy would.
    alone: Mutex<Option<Alone>>,
}

/// Where marks are kept.
struct Places {
    file: PathBuf,
    redis: Option<Shelf>,
}

/// Notes in a data folder that `herald restore` has filled it.
///
/// # Errors
/// It can't be written.
pub fn mark_restored(folder: &Path) -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the command has no clock but the machine's")]
    let now = Utc::now().to_rfc3339();
    write_whole(folder, MARK, &format!("{RESTORED} {now}"))
}

/// Whether the data folder has the mark of a database that was used in it.
pub fn has_mark(folder: &Path) -> bool {
    std::fs::read(folder.join(MARK)).is_ok_and(|text| String::from_utf8_lossy(&text).parse::<Mark>().is_ok())
}

/// Finds out whether the database is the one it was; if not, all that could be sent twice is paused before this returns.
///
/// # Errors
/// A sentence: the database is away, or a process on this machine works with the original of it.
pub async fn begin(on: &Services, config: &Config) -> Result<Kept> {
    let redis = config.redis_url.as_ref().map(|url| Shelf::at(url.expose_secret())).transpose();
    let redis = redis.context("REDIS_URL")?;
    let outside = Places { file: config.rules.data_dir.join(MARK), redis };
    let is_told = config.after_restore == Some(true);
    let lives = life::lives(on).await.map_err(cause)?;
    let original = lives.last().map(|life| Alone::with(on, life.id));
    if matches!(original, Some(Err(Taken))) && !is_told {
        bail!(
            "HERALD_DATA_DIR: another herald on this machine works with the database of which this is a copy, and both would send the \
             same; stop that one, or start this one with --after-restore, which pauses all that could be sent twice"
        );
    }
    let found = outside.read(on, &lives).await?;
    let found = Outside { is_told: found.is_told || is_told, ..found };
    let present = life::begin(on, &found, config.after_restore == Some(false)).await.map_err(cause)?;
    match config.after_restore {
        Some(true) => tracing::warn!("HERALD_AFTER_RESTORE=yes: take it away again, or each start pauses everything"),
        Some(false) => {
            tracing::warn!("HERALD_AFTER_RESTORE=no: take it away again, or the next restore is not noticed");
        }
        None => {}
    }
    drop(original);
    let alone = Alone::with(on, present.mark().life).ok();
    let kept = Kept { present, outside, alone: Mutex::new(alone) };
    // Before anything is sent there is a mark of it.
    kept.look(on).await?;
    Ok(kept)
}

/// Lets the database get older while anything is written, and keeps its mark, until `stop`.
pub async fn run(on: Services, kept: Arc<Kept>, stop: CancellationToken) {
    let mut seen = None;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let writes = Some(on.db.writes());
        if writes != seen {
            match kept.look(&on).await {
                Ok(()) => seen = writes,
                Err(error) => tracing::debug!(?error, "the age of the database can't be noted now"),
            }
        }
    }
}

impl Kept {
    /// Lets the database get a little older, and keeps its mark.
    ///
    /// # Errors
    /// The database is away, or the mark can't be written.
    pub async fn look(&self, on: &Services) -> Result<()> {
        let mark = match self.present.look(on).await.map_err(cause)? {
            Look::Older(mark) => mark,
            Look::Back(mark) => self.recognise(on, mark).await?,
        };
        self.outside.keep(mark).await
    }

    /// The database went back under this process. All that could be sent twice is paused; the mark of the life that began is returned.
    async fn recognise(&self, on: &Services, mark: Mark) -> Result<Mark> {
        tracing::error!("the database is older than a moment ago: it was restored while Herald runs");
        let home = on.db.home().await.map_err(cause)?;
        let marks = vec![Mark { age: mark.age + 1, ..mark }];
        let outside = Outside { marks, home, ..Outside::default() };
        let present = life::begin(on, &outside, false).await.map_err(cause)?;
        let mark = present.mark();
        self.present.becomes(&present);
        *self.alone.lock().await = Alone::with(on, mark.life).ok();
        Ok(mark)
    }
}

impl Places {
    async fn read(&self, on: &Services, lives: &[Life]) -> Result<Outside> {
        let home = on.db.home().await.map_err(cause)?;
        let mut outside = Outside { is_beside: !on.db.is_postgres(), home, ..Outside::default() };
        let read = std::fs::read(&self.file).map(|text| String::from_utf8_lossy(&text).into_owned());
        match read {
            // What nobody can read any more is no mark of this database.
            Ok(text) => match (text.parse(), text.trim().strip_prefix(RESTORED)) {
                (Ok(mark), _) => outside.marks.push(mark),
                (Err(_), Some(at)) => outside.restored_at = Some(at.trim().parse().unwrap_or(on.now())),
                (Err(_), None) => outside.is_told = true,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{} can't be read", self.file.display())),
        }
        if let (Some(redis), Some(present)) = (&self.redis, lives.last()) {
            match redis.get(&key(present.id)).await {
                Ok(text) => outside.marks.extend(text.and_then(|text| text.parse::<Mark>().ok())),
                Err(error) => tracing::warn!(
                    %error,
                    "Redis can't be asked whether the database was restored; if it was, start with --after-restore"
                ),
            }
        }
        Ok(outside)
    }

    async fn keep(&self, mark: Mark) -> Result<()> {
        let (file, text) = (self.file.clone(), mark.to_string());
        let written = tokio::task::spawn_blocking(move || {
            let folder = file.parent().unwrap_or_else(|| Path::new("."));
            write_whole(folder, MARK, &text)
        });
        written.await?.with_context(|| format!("{} can't be written", self.file.display()))?;
        if let Some(redis) = &self.redis
            && let Err(error) = redis.put(&key(mark.life), &mark.to_string()).await
        {
            tracing::debug!(%error, "Redis does not keep the age of the database now");
        }
        Ok(())
    }
}

fn key(life: Uuid) -> String {
    format!("herald:life:{life}")
}

/// Another process has it.
#[derive(Debug)]
struct Taken;

/// A name that one process of this machine has at a time: the operating system lets go of it when the process ends. Containers have
/// their own.
#[derive(Debug, Default)]
struct Alone {
    #[cfg(target_os = "linux")]
    _name: Option<std::os::unix::net::UnixListener>,
}

impl Alone {
    /// Takes the name of a life of an SQLite database; processes that share a PostgreSQL share its life. Where there are no such names,
    /// it is as if nobody else had it.
    #[cfg(target_os = "linux")]
    fn with(on: &Services, life: Uuid) -> Result<Self, Taken> {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixListener};
        if on.db.is_postgres() {
            return Ok(Self::default());
        }
        let name = SocketAddr::from_abstract_name(format!("herald-life-{life}"));
        match name.and_then(|name| UnixListener::bind_addr(&name)) {
            Ok(name) => Ok(Self { _name: Some(name) }),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(Taken),
            Err(error) => {
                tracing::debug!(%error, "whether a copy of the database is in use can't be known");
                Ok(Self::default())
            }
        }
    }

    /// Takes nothing: there are no such names here.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unnecessary_wraps, reason = "it is refused on Linux")]
    fn with(_: &Services, _: Uuid) -> Result<Self, Taken> {
        Ok(Self::default())
    }
}

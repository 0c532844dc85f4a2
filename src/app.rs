//! The composition root: what is built from the settings, what runs, and how it ends.

mod below;
mod folder;
mod life;
mod running;

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio_util::sync::CancellationToken;

pub(crate) use self::folder::{DATABASE, Folder, LOCK, is_in_use, present_key, present_node};
pub(crate) use self::life::{MARK, mark_restored};
pub use self::running::{Parts, Running};
use crate::config::Config;
use domain::audit::{Action, Subject};
use domain::clock::SystemClock;
use domain::id::NodeId;
use domain::sealed::Vault;
use domain::secret_key::{Keys, Lasting, SecretKey, ShortLived};
use events::Events;
use events::local::LocalEvents;
use events::redis::RedisEvents;
use service::Services;
use service::access::denial::Denials;
use service::access::known::Known;
use service::access::user;
use service::coalesce::Coalesce;
use service::imports::upload::Tallies;
use service::lasting_key::{self, Given};
use service::once::Repeats;
use service::retention::refusal;
use storage::Db;
use storage::files::Files;

/// What is said where tokens are believed that were made for others.
pub(crate) const CREDULOUS: &str =
    "HERALD_SSO_AUDIENCE is not set: tokens that were made for other services sign in here too";

/// Everything that runs is built from this. As long as it lives, no other process uses its data folder.
pub struct App {
    config: Config,
    services: Services,
    clock: Arc<SystemClock>,
    applied: usize,
    /// Ends the connection to Redis.
    offline: CancellationToken,
    /// Locked while it is here.
    folder: Option<Folder>,
}

impl App {
    /// Builds everything: locks the data folder, opens the database and applies the migrations that are missing.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn open(config: Config) -> Result<Self> {
        let folder = Folder::open(&config.rules.data_dir)?;
        Self::open_in(config, folder).await
    }

    /// Like [`App::open`], with a new key in the data folder; the one before still opens what it has sealed.
    ///
    /// # Errors
    /// As of [`App::open`].
    pub async fn open_with_new_key(config: Config) -> Result<Self> {
        let folder = Folder::open(&config.rules.data_dir)?;
        folder.renew_key()?;
        Self::open_in(config, folder).await
    }

    /// Everything has been sealed under the new key.
    ///
    /// # Errors
    /// The file can't be deleted.
    pub fn forget_key_before(&self) -> Result<()> {
        self.folder.as_ref().map_or(Ok(()), Folder::forget_key_before)
    }

    /// Like [`App::open`], for a command that takes files beside running processes: on PostgreSQL it has a folder of its own within
    /// the data folder, and leaves that to whoever uses it.
    ///
    /// # Errors
    /// As of [`App::open`].
    pub async fn open_for_files(mut config: Config) -> Result<Self> {
        if config.database_url.is_some() {
            config.rules.data_dir.push("import");
        }
        Box::pin(Self::open(config)).await
    }

    async fn open_in(config: Config, folder: Folder) -> Result<Self> {
        require_not_lost(&config)?;
        let mut before = config.secret_key_before.clone();
        let key = if let Some(key) = &config.secret_key {
            key.clone()
        } else {
            before = folder.secret_key_before()?;
            require_key(&config)?;
            folder.secret_key()?
        };
        let node = folder.node()?;
        Self::build(config, Some(Given { key, before }), node, Some(folder)).await
    }

    /// Like [`App::open`], for a command that works beside running processes. On PostgreSQL it leaves the data folder alone.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn open_beside(config: Config) -> Result<Self> {
        if config.database_url.is_none() {
            return Box::pin(Self::open(config)).await;
        }
        let before = config.secret_key_before.clone();
        let given = config.secret_key.clone().map(|key| Given { key, before });
        Self::build(config, given, NodeId::generate(), None).await
    }

    /// Like [`App::open_beside`], but it works beside running processes on SQLite too: for what must not wait until they have
    /// ended, and needs nothing of the data folder but its database.
    ///
    /// # Errors
    /// A sentence that says what is in the way: there is no database yet, or it can't be opened.
    pub async fn open_aside(config: Config) -> Result<Self> {
        require_database(&config)?;
        Self::build(config, None, NodeId::generate(), None).await
    }

    async fn build(config: Config, given: Option<Given>, node: NodeId, folder: Option<Folder>) -> Result<Self> {
        let db = database(&config).await?;
        let applied = db.migrate().await.map_err(cause).context("the database can't be migrated")?;
        let offline = CancellationToken::new();
        let events = events(&config, &db, &offline).await?;
        let clock = Arc::new(SystemClock::new());
        let db = if db.is_postgres() {
            steer(&db, &clock).await?;
            db.clocked()
        } else {
            db
        };
        if config.rules.sso.as_ref().is_some_and(|issuer| issuer.is_credulous()) {
            tracing::warn!("{CREDULOUS}");
        }
        if let Some(wide) = config.trusted_proxies.too_wide() {
            tracing::warn!("{wide}");
        }
        let rules = Arc::new(config.rules.clone());
        let knows_keys = given.is_some();
        let (vault, keys) = keys(&db, given, &clock).await?;
        let known = Known::by(&*events);
        let services = Services {
            db,
            clock: clock.clone(),
            events,
            keys,
            vault,
            rules,
            node,
            files: files(&config)?,
            sessions: Coalesce::default(),
            known,
            denials: Denials::default(),
            repeats: Repeats::default(),
            uploads: Tallies::default(),
            health: Arc::default(),
        };
        if knows_keys {
            let carried = refusal::carry_over(&services).await.map_err(cause)?;
            if carried > 0 {
                tracing::info!(leads = carried, "what leads refused is kept by their addresses now");
            }
        }
        if applied > 0 {
            note_migrations(&services, applied).await?;
        }
        Ok(Self { config, services, clock, applied, offline, folder })
    }

    /// Creates the user `admin`, if there is no user yet. Returns the password if it had to be made up: it is told once.
    ///
    /// # Errors
    /// The database is away.
    pub async fn ensure_admin(&self) -> Result<Option<String>> {
        user::ensure_first(&self.services, self.config.admin_password.clone()).await.map_err(cause)
    }

    /// How many migrations were missing and have been applied.
    pub fn applied(&self) -> usize {
        self.applied
    }

    /// The use cases.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Ends what [`App::open`] began, if nothing was started.
    pub async fn close(self) {
        self.offline.cancel();
        if let Err(error) = self.services.db.close().await {
            tracing::debug!(%error, "the database was gone already");
        }
    }
}

/// Refuses what has nothing to work with: a command that is given a wrong folder must not make an installation there and report on it.
///
/// # Errors
/// There is no database in the data folder, and no other one is set.
pub(crate) fn require_database(config: &Config) -> Result<()> {
    let file = config.rules.data_dir.join(DATABASE);
    if config.database_url.is_some() || file.exists() {
        return Ok(());
    }
    bail!(
        "HERALD_DATA_DIR: there is no database at {}; give the folder that herald serve uses, or DATABASE_URL",
        file.display()
    )
}

/// A database whose key is gone gets no new one: that would open nothing, and the next backup would take it along.
fn require_key(config: &Config) -> Result<()> {
    let folder = &config.rules.data_dir;
    let has_database = std::fs::metadata(folder.join(DATABASE)).is_ok_and(|file| file.len() > 0);
    if has_database && present_key(folder)?.is_none() {
        bail!(
            "HERALD_DATA_DIR: {} has a database but not its key, the file secret.key: bring it back from a backup, or give the key as \
             HERALD_SECRET_KEY",
            folder.display()
        );
    }
    Ok(())
}

/// A folder that had a database and has none any more is not begun anew: nobody would notice, and what was refused would be forgotten.
fn require_not_lost(config: &Config) -> Result<()> {
    let folder = &config.rules.data_dir;
    let is_gone = std::fs::metadata(folder.join(DATABASE)).map_or(true, |file| file.len() == 0);
    if config.database_url.is_none() && is_gone && life::has_mark(folder) {
        bail!(
            "HERALD_DATA_DIR: {0} had a database, and {1} is gone or empty: bring it back by herald restore into an empty folder; to begin \
             anew, give another folder",
            folder.display(),
            DATABASE
        );
    }
    Ok(())
}

/// TLS is ring's: reqwest and `object_store` bring none of their own and panic without. To be called before anything that
/// connects; once more does no harm.
pub fn install_tls() {
    // Whoever was first has installed the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The first connection to `config`'s database.
///
/// # Errors
/// It can't be reached, or it may forget what it has committed.
pub async fn database(config: &Config) -> Result<Db> {
    let Some(url) = &config.database_url else {
        let file = config.rules.data_dir.join(DATABASE);
        return match Db::sqlite(&file).await {
            Ok(db) => Ok(db),
            Err(error) => Err(below::sqlite(&file, &cause(error))),
        };
    };
    match Db::postgres(url.expose_secret(), config.database_connections).await {
        Ok(db) => Ok(db),
        Err(error) => Err(below::postgres(url.expose_secret(), &cause(error)).await),
    }
}

/// What the installation's key opens and makes. A command that is not given it opens and makes nothing that lasts.
async fn keys(db: &Db, given: Option<Given>, clock: &SystemClock) -> Result<(Vault, Keys)> {
    use domain::clock::Clock;
    let Some(given) = given else {
        let (key, lasting) = (SecretKey::made_up(), Lasting::new(SecretKey::made_up(), Vec::new()));
        return Ok((Vault::new(&key), Keys { short_lived: ShortLived::of(&key), lasting }));
    };
    let vault = match &given.before {
        Some(before) => Vault::new(&given.key).after(before),
        None => Vault::new(&given.key),
    };
    let lasting = lasting_key::open(db, &vault, &given, clock.now()).await.map_err(cause)?;
    Ok((vault, Keys { short_lived: ShortLived::of(&given.key), lasting }))
}

/// Where the files of uploads lie.
///
/// # Errors
/// The place can't be opened.
pub(crate) fn files(config: &Config) -> Result<Files> {
    let folder = &config.rules.data_dir;
    config.files.as_ref().map_or_else(|| Ok(Files::within(folder)), |place| Files::at(place, folder))
}

async fn events(config: &Config, db: &Db, offline: &CancellationToken) -> Result<Arc<dyn Events>> {
    let Some(url) = &config.redis_url else {
        return Ok(Arc::new(LocalEvents::new()));
    };
    // Installations that share one Redis don't wake each other.
    let installation = db.name().await.map_err(cause)?;
    let events = RedisEvents::start(url.expose_secret(), &format!("{installation}:"), offline);
    Ok(Arc::new(events.map_err(|error| anyhow!("REDIS_URL: {error}"))?))
}

/// R19: before anything is stamped, by the time that all processes of the fleet share.
async fn steer(db: &Db, clock: &SystemClock) -> Result<()> {
    use domain::clock::Clock;
    clock.steer(db.compare(|| clock.nanos()).await.map_err(cause)?);
    Ok(())
}

async fn note_migrations(on: &Services, applied: usize) -> Result<()> {
    let noted = on.system_write(|w| async move {
        let metadata = json!({ "applied": applied, "version": env!("CARGO_PKG_VERSION") });
        w.note(Action::DatabaseMigration, Subject::NONE, metadata).await
    });
    noted.await.map_err(cause)
}

/// The error of a use case with its cause: here it is told to who started the process, not to a client.
pub(crate) fn cause(error: domain::error::Error) -> anyhow::Error {
    use domain::error::Error;
    match error {
        Error::Unavailable(cause) | Error::Internal(cause) => below::in_plain_words(cause),
        told => told.into(),
    }
}

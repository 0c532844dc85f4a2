//! `herald doctor`: what stands between this installation and its work. It changes nothing, and works beside running processes.

mod files;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use clap::Args;
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::{Failure, Result, block_on, configured, one_line};
use crate::app::{CREDULOUS, DATABASE, cause, database, is_in_use, present_key};
use crate::config::{Config, Settings};
use domain::broadcast::AccountStatus;
use domain::retention::endpoints::AT_HOME;
use domain::sealed::Vault;
use events::redis::Shelf;
use service::lasting_key;
use storage::Db;
use storage::broadcast::telegram_account;
use storage::db::Readiness;
use storage::retention::integration_config;
use storage::stop;

/// Bytes of free room in the data folder below which writes will soon be refused.
const SCARCE: u64 = 64 << 20;
/// Bytes of free room below which a large import does not fit.
const LITTLE: u64 = 1 << 30;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A statement that takes longer slows campaigns down: see the manual's page about distance.
const FAR: Duration = Duration::from_millis(30);
/// By how much this machine's clock may differ from the database's before schedules are wrong for people, in nanoseconds.
const APART: i64 = 2_000_000_000;

/// Say what is wrong with the installation, from settings to accounts, and what to do
#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    settings: Settings,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    /// As it should be.
    Well,
    /// It works, but not for everything.
    Doubtful,
    /// It does not work.
    Wrong,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Well => "ok",
            Self::Doubtful => "warning",
            Self::Wrong => "wrong",
        })
    }
}

/// What was found so far. Each finding is printed when it is made, so that a server that does not answer hides none of the others.
#[derive(Default)]
struct Findings {
    wrong: usize,
    doubtful: usize,
}

impl Findings {
    fn note(&mut self, grade: Grade, what: &str, finding: impl fmt::Display) {
        match grade {
            Grade::Well => {}
            Grade::Doubtful => self.doubtful += 1,
            Grade::Wrong => self.wrong += 1,
        }
        println!("{grade:<8} {what:<12} {}", one_line(&finding.to_string()));
    }

    fn end(self) -> Result<()> {
        match self {
            Self { wrong: 0, doubtful: 0 } => println!("Nothing is wrong"),
            Self { wrong: 0, doubtful } => println!("Nothing is wrong; warnings: {doubtful}"),
            Self { wrong, .. } => return Err(Failure::Other(anyhow!("wrong: {wrong}"))),
        }
        Ok(())
    }
}

impl Doctor {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        block_on(async {
            let mut found = Findings::default();
            addresses(&config, &mut found);
            if let Some(wide) = config.trusted_proxies.too_wide() {
                found.note(Grade::Doubtful, "proxies", wide);
            }
            folder(&config.rules.data_dir, &mut found);
            let kept = files::place(&config, &mut found).await;
            redis(&config, &mut found).await;
            sign_on(&config, &mut found).await;
            if let Some(db) = reached(&config, &mut found).await {
                let looked = async {
                    inside(&db, &config, &mut found).await?;
                    files::missing(&db, &config, kept, &mut found).await
                };
                if let Err(error) = looked.await {
                    found.note(Grade::Wrong, "database", format_args!("it can't be read: {:#}", cause(error)));
                }
                db.close().await.map_err(cause)?;
            }
            found.end()
        })
    }
}

fn addresses(config: &Config, found: &mut Findings) {
    let rules = &config.rules;
    if !rules.endpoints.is_simulated && rules.endpoints.is_at_home() {
        found.note(Grade::Doubtful, "public URL", AT_HOME);
    } else {
        found.note(Grade::Well, "public URL", &rules.endpoints.public);
    }
    let mode = |is_simulated: bool| if is_simulated { "simulated: nothing leaves" } else { "live" };
    let modes = format!("messages {}; contacts {}", mode(rules.is_simulated), mode(rules.endpoints.is_simulated));
    found.note(Grade::Well, "sending", modes);
}

fn folder(path: &Path, found: &mut Findings) {
    let shown = path.display();
    if !path.is_dir() {
        found.note(Grade::Well, "data folder", format_args!("{shown} is not there yet; herald serve makes it"));
        return;
    }
    let user = if is_in_use(path) { "a herald uses it" } else { "no process uses it" };
    let room = match rustix::fs::statvfs(path) {
        Ok(disk) => disk.f_bavail * disk.f_frsize,
        Err(error) => {
            return found.note(Grade::Wrong, "data folder", format_args!("{shown} can't be looked at: {error}"));
        }
    };
    let (grade, advice) = match room {
        ..SCARCE => (Grade::Wrong, "; make room, or nothing can be written"),
        SCARCE..LITTLE => (Grade::Doubtful, "; a large import or a month of work may not fit"),
        LITTLE.. => (Grade::Well, ""),
    };
    found.note(grade, "data folder", format_args!("{shown}: {user}, {} MiB are free{advice}", room >> 20));
}

async fn redis(config: &Config, found: &mut Findings) {
    let Some(url) = &config.redis_url else {
        if config.database_url.is_some() {
            let why = "REDIS_URL is not set: live views of one process do not see at once what another one does";
            found.note(Grade::Doubtful, "Redis", why);
        }
        return;
    };
    let asked = async { Shelf::at(url.expose_secret())?.get("herald doctor").await };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => found.note(Grade::Well, "Redis", "it answers"),
        Ok(Err(error)) => found.note(Grade::Wrong, "Redis", format_args!("REDIS_URL: {error:#}")),
        Err(_) => found.note(Grade::Wrong, "Redis", "REDIS_URL: it does not answer within 5 s"),
    }
}

/// Whether there are keys of who vouches for users.
async fn sign_on(config: &Config, found: &mut Findings) {
    let Some(issuer) = &config.rules.sso else { return };
    #[expect(clippy::disallowed_methods, reason = "the machine's clock is what is looked at")]
    let now = Utc::now();
    match issuer.ask(now).await {
        Ok((setting, keys)) => {
            found.note(Grade::Well, "sign-on", format_args!("{setting} has {keys} keys that can check tokens"));
        }
        Err(why) => found.note(Grade::Wrong, "sign-on", why),
    }
    if issuer.is_credulous() {
        found.note(Grade::Doubtful, "sign-on", CREDULOUS);
    }
}

/// The database, if it is there and fits this version.
async fn reached(config: &Config, found: &mut Findings) -> Option<Db> {
    let file = config.rules.data_dir.join(DATABASE);
    if config.database_url.is_none() && !file.exists() {
        let finding = format!("there is none yet at {}; herald serve makes it", file.display());
        found.note(Grade::Well, "database", finding);
        return None;
    }
    let db = match database(config).await {
        Ok(db) => db,
        Err(error) => {
            found.note(Grade::Wrong, "database", format_args!("{error:#}"));
            return None;
        }
    };
    let wrong = match db.readiness().await {
        Ok(Readiness::Ready) => return Some(db),
        Ok(Readiness::Older) => {
            "migrations are missing: herald migrate status names them, herald serve applies them".into()
        }
        Ok(Readiness::Newer(last)) => {
            format!("a newer Herald has used it: this version does not know its migration {last}; start that version")
        }
        Err(error) => format!("{:#}", cause(error)),
    };
    found.note(Grade::Wrong, "database", wrong);
    None
}

async fn inside(db: &Db, config: &Config, found: &mut Findings) -> domain::error::Result<()> {
    whole(db, found).await?;
    #[expect(clippy::disallowed_methods, reason = "the machine's clock is what is looked at")]
    let now = Utc::now();
    if db.is_postgres() {
        clock(db, found).await?;
    }
    key(db, config, found).await?;
    if let Some(stop) = stop::Entity::present(db.reader()).await? {
        let finding = format!("everything is stopped ({}); herald resume lets it go on", stop.reason);
        found.note(Grade::Doubtful, "stop", finding);
    }
    accounts(db, config, now, found).await?;
    let active = integration_config::Entity::active().all(db.reader()).await?;
    if active.is_empty() {
        let finding = "none is set up: sequences can't send; see the manual's page about providers";
        found.note(Grade::Well, "integrations", finding);
    } else {
        let names: Vec<_> = active.into_iter().map(|row| row.provider).collect();
        let finding = format!("{}; testIntegration tries each out", names.join(", "));
        found.note(Grade::Well, "integrations", finding);
    }
    Ok(())
}

/// Whether the database is whole, takes writes, and how far away it is.
async fn whole(db: &Db, found: &mut Findings) -> domain::error::Result<()> {
    if let Some(damage) = db.damage().await? {
        let finding = format!("it is damaged ({damage}): restore a backup, see the manual's page about backups");
        found.note(Grade::Wrong, "database", finding);
        return Ok(());
    }
    let mut trip = Duration::MAX;
    for _ in 0..3 {
        let asked = Instant::now();
        db.readiness().await?;
        trip = trip.min(asked.elapsed());
    }
    let kind = if db.is_postgres() { "PostgreSQL" } else { "SQLite" };
    let state = format!("{kind}, migrated; a question takes {:.1} ms", trip.as_secs_f64() * 1_000.0);
    if let Err(error) = db.try_write().await {
        let finding = format!("{state}; it takes no writes: {:#}", cause(error));
        found.note(Grade::Wrong, "database", finding);
    } else if trip > FAR {
        let finding = format!("{state}: campaigns go as fast as the manual's page about distance says");
        found.note(Grade::Doubtful, "database", finding);
    } else {
        found.note(Grade::Well, "database", state);
    }
    Ok(())
}

async fn clock(db: &Db, found: &mut Findings) -> domain::error::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the machine's clock is what is looked at")]
    let sample = db.compare(|| Utc::now().timestamp_nanos_opt().unwrap_or_default()).await?;
    let apart = sample.ahead.saturating_abs();
    let shown = Duration::from_nanos(apart.unsigned_abs()).as_secs_f64();
    if apart > APART {
        let finding = format!(
            "this machine's and the database's are {shown:.1} s apart; Herald follows the database's: set both by NTP"
        );
        found.note(Grade::Doubtful, "clock", finding);
    } else {
        found.note(Grade::Well, "clock", format_args!("{shown:.3} s from the database's"));
    }
    Ok(())
}

async fn key(db: &Db, config: &Config, found: &mut Findings) -> domain::error::Result<()> {
    let given = match config.secret_key.clone().map_or_else(|| present_key(&config.rules.data_dir), |key| Ok(Some(key)))
    {
        Ok(given) => given,
        Err(error) => {
            found.note(Grade::Wrong, "key", format_args!("{error:#}"));
            return Ok(());
        }
    };
    let Some(key) = given else {
        found.note(Grade::Wrong, "key", "HERALD_SECRET_KEY is not set, and the data folder has none");
        return Ok(());
    };
    match lasting_key::examine(db, &Vault::new(&key)).await {
        Ok(()) => found.note(Grade::Well, "key", "it is the database's"),
        Err(domain::error::Error::Precondition(why)) => found.note(Grade::Wrong, "key", why),
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn accounts(db: &Db, config: &Config, now: DateTime<Utc>, found: &mut Findings) -> domain::error::Result<()> {
    let accounts = telegram_account::Entity::all_by_age().all(db.reader()).await?;
    if accounts.is_empty() {
        let finding = if config.rules.is_simulated {
            "none is needed: nothing is sent"
        } else {
            "there is none: no message goes to a channel; herald telegram login LABEL adds one"
        };
        found.note(Grade::Well, "accounts", finding);
    }
    for account in accounts {
        let status = account.status_at(now);
        let error = account.last_error.as_deref().unwrap_or("herald telegram check says more");
        match status {
            AccountStatus::Active => found.note(Grade::Well, "accounts", format_args!("{}: {status}", account.label)),
            _ => found.note(Grade::Doubtful, "accounts", format_args!("{}: {status}; {error}", account.label)),
        }
    }
    Ok(())
}

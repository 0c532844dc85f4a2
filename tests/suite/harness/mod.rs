//! What tests stand on: a whole Herald, and people who use it.

mod browser;
mod cable;
mod client;
mod counted;
mod database;
mod needs;
pub mod npm;
mod pooler;
mod process;
pub mod python;
mod raw_socket;
mod redis;
mod s3;
mod subscription;
pub mod telegram;
mod terminal;
mod within;

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use clap::Parser;
use domain::secret_key::SecretKey;
use herald::app::{App, Parts, Running};
use herald::config::{Config, Settings};
use serde_json::json;
use service::Services;
use tempfile::TempDir;

pub use browser::{Browser, Tab};
pub use cable::Cable;
pub use client::{Client, Reply};
pub use counted::Counted;
pub use database::Database;
pub use needs::Kind::{Postgres, Sqlite};
pub use needs::{missing, only_on};
pub use pooler::Pooler;
pub use process::{Process, herald};
pub use raw_socket::RawSocket;
pub use redis::Redis;
pub use s3::S3;
pub use subscription::Subscription;
pub use terminal::Terminal;
pub use within::within;

/// The password of everybody in tests.
pub const PASSWORD: &str = "a password of some length";
/// The key of every installation in tests: processes of one fleet share it.
pub const KEY: &str = "dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=";

/// The key that is written like this.
pub fn secret_key(base64: &str) -> SecretKey {
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    SecretKey::new(bytes.try_into().unwrap())
}

/// A Herald in this process, with an empty database of its own and the simulated messenger.
pub struct TestApp {
    running: Option<Running>,
    flags: Vec<String>,
    folder: TempDir,
    database: Database,
}

impl TestApp {
    /// Everything runs: the API and a worker.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Everything runs, with these settings, such as `["--progress-hz", "50"]`.
    pub async fn with(flags: &[&str]) -> Self {
        Self::on(started().await, flags, Parts { api: true, worker: true }).await
    }

    /// It speaks to this Telegram.
    pub async fn live(telegram: &telegram::TelegramServer, flags: &[&str], parts: Parts) -> Self {
        let server = format!("--telegram-server={}", telegram.address());
        let flags = [&["--telegram=live", "--telegram-api-id=1", &server], flags].concat();
        Self::on(started().await, &flags, parts).await
    }

    /// Only the API runs: nothing is sent.
    pub async fn api_only() -> Self {
        Self::on(started().await, &[], Parts { api: true, worker: false }).await
    }

    /// With a way to PostgreSQL that can be made long.
    pub async fn behind_a_cable(parts: Parts) -> (Self, Cable) {
        let database = started().await;
        let cable = Cable::to(&database.server()).await;
        (Self::on(database.by(cable.port), &[], parts).await, cable)
    }

    /// Another process of the same fleet: on the same PostgreSQL and Redis, with a data folder of its own.
    pub async fn join(&self, flags: &[&str], parts: Parts) -> Self {
        assert!(self.database.is_postgres(), "a fleet needs PostgreSQL");
        Self::on(self.database.shared(), flags, parts).await
    }

    async fn on(database: Database, flags: &[&str], parts: Parts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flags = flags.iter().map(ToString::to_string).collect();
        let mut app = Self { running: None, flags, folder, database };
        app.database.fill(&app.data_dir());
        // Boxed: a whole application lies in it.
        app.running = Some(Box::pin(app.run(parts)).await);
        app
    }

    async fn run(&self, parts: Parts) -> Running {
        let app = App::open(self.config()).await.unwrap();
        app.ensure_admin().await.unwrap();
        app.start(parts).await.unwrap()
    }

    /// The settings that it runs with.
    pub fn config(&self) -> Config {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            settings: Settings,
        }
        let mut line = vec!["herald".to_owned(), "--listen=127.0.0.1:0".into()];
        if !self.flags.iter().any(|flag| flag.starts_with("--telegram=")) {
            line.push("--telegram=simulated".into());
        }
        if !self.flags.iter().any(|flag| flag.starts_with("--providers=")) {
            line.push("--providers=live".into());
        }
        line.push(format!("--data-dir={}", self.folder.path().join("data").display()));
        line.extend(self.database.flags());
        line.extend(self.flags.clone());
        let secret = |name: &str| match name {
            "HERALD_SECRET_KEY" => Some(KEY.to_owned()),
            "HERALD_ADMIN_PASSWORD" => Some(PASSWORD.to_owned()),
            _ => None,
        };
        Line::parse_from(line).settings.check(secret).unwrap()
    }

    /// Ends as after SIGTERM, and starts again on the same data, at another address.
    pub async fn restart(&mut self, parts: Parts) {
        self.stop().await;
        self.running = Some(Box::pin(self.run(parts)).await);
    }

    /// Ends as after SIGTERM.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Starts again after [`Self::stop`], with these settings instead of the ones until now.
    pub async fn start_with(&mut self, flags: &[&str], parts: Parts) {
        self.flags = flags.iter().map(ToString::to_string).collect();
        self.running = Some(Box::pin(self.run(parts)).await);
    }

    /// The use cases, past the API.
    pub fn services(&self) -> &Services {
        self.running.as_ref().expect("it runs").services()
    }

    /// Its database, for other processes.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The address of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.running.as_ref().expect("it runs").address())
    }

    /// Somebody who has not signed in.
    pub fn nobody(&self) -> Client {
        Client::new(self.url())
    }

    /// Somebody with all rights.
    pub async fn admin(&self) -> Client {
        self.nobody().sign_in("admin", PASSWORD).await
    }

    /// Somebody who runs campaigns.
    pub async fn operator(&self) -> Client {
        self.user("operator", "OPERATOR").await
    }

    /// Somebody who reads.
    pub async fn auditor(&self) -> Client {
        self.user("auditor", "AUDITOR").await
    }

    /// A user of this role, who is created unless he is there.
    pub async fn user(&self, username: &str, role: &str) -> Client {
        let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
        let input = json!({ "input": { "username": username, "password": PASSWORD, "role": role } });
        let reply = self.admin().await.query(create, input).await;
        assert!(reply.errors().is_empty() || reply.code() == "CONFLICT", "{reply:?}");
        self.nobody().sign_in(username, PASSWORD).await
    }
}

/// A database on which Herald was started once.
async fn started() -> Database {
    let make = async |database: &Database, folder: &Path| {
        let first = TestApp {
            running: None,
            flags: Vec::new(),
            folder: tempfile::tempdir_in(folder).unwrap(),
            database: database.clone(),
        };
        let app = App::open(first.config()).await.unwrap();
        app.ensure_admin().await.unwrap();
        app.close().await;
        if !database.is_postgres() {
            let file = first.data_dir().join("herald.db");
            assert!(!file.with_extension("db-wal").exists(), "all is in the file");
            std::fs::rename(file, folder.join("herald.db")).unwrap();
        }
    };
    // Boxed: a whole application lies in it.
    Box::pin(Database::like("started", make)).await
}

/// Waits until `holds`, at most a minute: a machine that is busy takes longer, and is not wrong.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    within(Duration::from_mins(1), what, async || if holds().await { Ok(()) } else { Err(()) }).await;
}

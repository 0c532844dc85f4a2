//! A database for one test: a file, or one of its own in the given PostgreSQL.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use uuid::Uuid;

use super::needs;

/// A database that is gone after the test.
#[derive(Clone)]
pub struct Database {
    /// None is SQLite.
    postgres: Option<Arc<Postgres>>,
    /// The file that is copied into the data folder; without it, or with PostgreSQL, none is.
    template: Option<PathBuf>,
    /// The port on this machine by which PostgreSQL is reached instead of its own.
    by: Option<u16>,
    /// The Redis that goes with it instead of everybody's.
    redis: Option<String>,
}

struct Postgres {
    server: String,
    name: String,
}

impl Database {
    /// A new, empty one: SQLite in the data folder, or a database in the PostgreSQL of `HERALD_TEST_DATABASE_URL`.
    pub async fn create() -> Self {
        Self::named(format!("herald_test_{}", Uuid::new_v4().simple()), "template1").await
    }

    /// A new one that is as `make` leaves it in an empty one; with SQLite it puts the file into the given folder. It is
    /// called once for each `template`, and its outcome copied for each test: that takes a tenth of the time of all
    /// migrations. `HERALD_TEST_TEMPLATES` names the folder in which templates lie, which `tests/run` throws away at its
    /// end; without it this database is empty, and the test fills it by itself.
    pub async fn like(template: &str, make: impl AsyncFnOnce(&Self, &Path)) -> Self {
        let Some(templates) = std::env::var_os("HERALD_TEST_TEMPLATES") else { return Self::create().await };
        let folder = PathBuf::from(templates).join(format!("{template}-{:?}", needs::database()));
        let name = format!("herald_template_{template}");
        std::fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        if !folder.join("done").exists() {
            let database = Self::named(name.clone(), "template1").await;
            make(&database, &folder).await;
            File::create(folder.join("done")).unwrap();
            // It stays until the server ends.
            std::mem::forget(database);
        }
        drop(lock);
        let copy = Self::named(format!("herald_test_{}", Uuid::new_v4().simple()), &name).await;
        Self { template: Some(folder.join("herald.db")), ..copy }
    }

    async fn named(name: String, template: &str) -> Self {
        let Ok(server) = std::env::var("HERALD_TEST_DATABASE_URL") else {
            return Self { postgres: None, template: None, by: None, redis: None };
        };
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        connect(&server).await.execute_unprepared(&sql).await.unwrap();
        Self { postgres: Some(Arc::new(Postgres { server, name })), template: None, by: None, redis: None }
    }

    /// Puts the template's file into a new data folder. PostgreSQL needs none.
    pub fn fill(&self, data_dir: &Path) {
        if let (None, Some(template)) = (&self.postgres, &self.template) {
            DirBuilder::new().recursive(true).mode(0o700).create(data_dir).unwrap();
            std::fs::copy(template, data_dir.join("herald.db")).unwrap();
        }
    }

    /// The same database, for another process.
    pub fn shared(&self) -> Self {
        self.clone()
    }

    /// The same database, reached by another port of this machine.
    pub fn by(&self, port: u16) -> Self {
        Self { by: Some(port), ..self.clone() }
    }

    /// The same database with a Redis of its own.
    pub fn with_redis(&self, url: String) -> Self {
        Self { redis: Some(url), ..self.clone() }
    }

    /// A copy of it as it is, while nobody uses it: the file in `data_dir`, or the database. It is gone with what is returned.
    pub async fn dump(&self, data_dir: &Path) -> Self {
        let Some(postgres) = &self.postgres else {
            let copy = data_dir.join("dump");
            std::fs::copy(data_dir.join("herald.db"), &copy).unwrap();
            return Self { template: Some(copy), ..self.clone() };
        };
        let name = format!("{}_dump", postgres.name);
        copy(&postgres.server, &postgres.name, &name).await;
        Self { postgres: Some(Arc::new(Postgres { server: postgres.server.clone(), name })), ..self.clone() }
    }

    /// Puts a dump in its place, while nobody uses it.
    pub async fn restore(&self, dump: &Self, data_dir: &Path) {
        let (Some(postgres), Some(dumped)) = (&self.postgres, &dump.postgres) else {
            std::fs::copy(dump.template.as_ref().unwrap(), data_dir.join("herald.db")).unwrap();
            return;
        };
        let gone = format!("DROP DATABASE {} WITH (FORCE)", postgres.name);
        connect(&postgres.server).await.execute_unprepared(&gone).await.unwrap();
        copy(&postgres.server, &dumped.name, &postgres.name).await;
    }

    /// The address of its server.
    pub fn server(&self) -> String {
        let postgres = self.postgres.as_ref().expect("a PostgreSQL");
        let (head, _) = postgres.server.rsplit_once('/').expect("the URL names a database");
        head.rsplit_once('@').expect("the URL names a user").1.to_owned()
    }

    pub fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// Opened without the rest of Herald; a file lies in `folder`.
    pub async fn open(&self, folder: &Path) -> storage::Db {
        let opened = match &self.postgres {
            Some(postgres) => storage::Db::postgres(&postgres.url(self.by), 10).await,
            None => storage::Db::sqlite(&folder.join("herald.db")).await,
        };
        opened.unwrap()
    }

    /// PostgreSQL only: from now on connections that are opened go by a time of day that [`Self::step`] sets, as if the server's
    /// machine had another one.
    pub async fn has_own_time(&self) {
        let name = &self.postgres.as_ref().expect("a PostgreSQL").name;
        let function = |name: &str| {
            format!(
                "CREATE FUNCTION public.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE
                 AS 'SELECT pg_catalog.{name}() + by FROM public.time_of_test';"
            )
        };
        self.ask(&format!(
            "CREATE TABLE public.time_of_test (by interval NOT NULL);
             INSERT INTO public.time_of_test VALUES ('0 s');
             {} {} ALTER DATABASE {name} SET search_path = public, pg_catalog",
            function("clock_timestamp"),
            function("statement_timestamp"),
        ))
        .await;
    }

    /// Sets that time to so many seconds beside the machine's.
    pub async fn step(&self, seconds: i64) {
        self.ask(&format!("UPDATE public.time_of_test SET by = '{seconds} s'")).await;
    }

    async fn ask(&self, sql: &str) {
        let url = self.postgres.as_ref().expect("a PostgreSQL").url(None);
        connect(&url).await.execute_unprepared(sql).await.unwrap();
    }

    /// The settings that lead to it, and to Redis.
    pub fn flags(&self) -> Vec<String> {
        let Some(postgres) = &self.postgres else { return Vec::new() };
        let mut flags = vec![format!("--database-url={}", postgres.url(self.by))];
        // Installations are told apart by the names of their databases.
        let redis = self.redis.clone().or_else(|| std::env::var("HERALD_TEST_REDIS_URL").ok());
        flags.extend(redis.map(|url| format!("--redis-url={url}")));
        flags
    }
}

impl Postgres {
    fn url(&self, by: Option<u16>) -> String {
        let (head, _) = self.server.rsplit_once('/').expect("the URL names a database");
        let Some(port) = by else { return format!("{head}/{}", self.name) };
        let (user, _) = head.rsplit_once('@').expect("the URL names a user");
        format!("{user}@127.0.0.1:{port}/{}", self.name)
    }
}

/// Makes a database that is a copy of another one, as soon as the server knows that nobody uses that.
async fn copy(server: &str, from: &str, to: &str) {
    let sql = format!("CREATE DATABASE {to} TEMPLATE {from}");
    let server = connect(server).await;
    super::eventually("a database is copied", async || server.execute_unprepared(&sql).await.is_ok()).await;
}

async fn connect(server: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's runtime may be ending, so this needs one of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                connect(&server).await.execute_unprepared(&sql).await.unwrap();
            });
        });
        dropping.join().expect("the database can be dropped");
    }
}

//! A database for one test: a file, or one of its own in the given PostgreSQL.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use uuid::Uuid;

/// An empty database, that is gone after the test.
#[derive(Clone)]
pub struct Database(Option<Arc<Postgres>>);

struct Postgres {
    server: String,
    name: String,
}

impl Database {
    /// A new one: SQLite in the data folder, or a database in the PostgreSQL of `HERALD_TEST_DATABASE_URL`.
    pub async fn create() -> Self {
        let Ok(server) = std::env::var("HERALD_TEST_DATABASE_URL") else { return Self(None) };
        let name = format!("herald_test_{}", Uuid::new_v4().simple());
        connect(&server).await.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self(Some(Arc::new(Postgres { server, name })))
    }

    /// The same database, for another process.
    pub fn shared(&self) -> Self {
        self.clone()
    }

    pub fn is_postgres(&self) -> bool {
        self.0.is_some()
    }

    /// Opened without the rest of Herald; a file lies in `folder`.
    pub async fn open(&self, folder: &std::path::Path) -> storage::Db {
        let opened = match &self.0 {
            Some(postgres) => storage::Db::postgres(&postgres.url(), 10).await,
            None => storage::Db::sqlite(&folder.join("herald.db")).await,
        };
        opened.unwrap()
    }

    /// The settings that lead to it, and to Redis.
    pub fn flags(&self) -> Vec<String> {
        let Some(postgres) = &self.0 else { return Vec::new() };
        let mut flags = vec![format!("--database-url={}", postgres.url())];
        // Installations are told apart by the names of their databases.
        flags.extend(std::env::var("HERALD_TEST_REDIS_URL").map(|url| format!("--redis-url={url}")));
        flags
    }
}

impl Postgres {
    fn url(&self) -> String {
        let (head, _) = self.server.rsplit_once('/').expect("the URL names a database");
        format!("{head}/{}", self.name)
    }
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

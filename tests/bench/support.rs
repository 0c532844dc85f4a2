//! What the benchmarks share: a migrated database, seeds, and figures of the process.

pub mod client;
pub mod server;
pub mod socket;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use domain::broadcast::CampaignMode;
use domain::clock::SystemClock;
use domain::id::{BatchId, BroadcastCampaignId, TemplateId};
use domain::role::Role;
use events::redis::RedisEvents;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use service::broadcast::campaign;
use service::testing;
use service::{Actor, Rules, Services};
use storage::Db;
use storage::access::user;
use tokio_util::sync::CancellationToken;

/// A benchmark's database and services.
pub struct Bench {
    pub on: Services,
    folder: PathBuf,
}

impl Bench {
    /// Opens `DATABASE_URL`, or a fresh SQLite file, and migrates it.
    pub async fn open() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("herald-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let db = match std::env::var("DATABASE_URL") {
            Ok(url) => Db::postgres(&url, 16).await?,
            Err(_) => Db::sqlite(&folder.join("herald.db")).await?,
        };
        db.migrate().await?;
        let mut on = Services::testing(db, Arc::new(SystemClock::new()), &folder);
        on.rules = Arc::new(Rules { upload_max_bytes: 8 << 30, ..(*on.rules).clone() });
        if let Ok(url) = std::env::var("REDIS_URL") {
            on.events = Arc::new(RedisEvents::start(&url, "bench:", &CancellationToken::new())?);
        }
        Ok(Self { on, folder })
    }

    /// The kind of database.
    pub fn database(&self) -> &'static str {
        if self.on.db.is_postgres() { "postgres" } else { "sqlite" }
    }

    /// A user in whose name the benchmark works.
    pub async fn admin(&self) -> anyhow::Result<Actor> {
        let row = testing::user(self.on.now());
        let id = row.id;
        self.on
            .db
            .write(|tx| {
                let row = row.clone();
                async move {
                    Ok(user::Entity::insert(row.into_active_model()).exec_without_returning(&*tx).await.map(drop)?)
                }
            })
            .await?;
        Ok(Actor::user(id, Role::Admin, None))
    }

    /// A batch of so many new channels.
    pub async fn batch(&self, actor: &Actor, channels: i32) -> anyhow::Result<BatchId> {
        let now = self.on.now();
        let row = testing::batch(actor.who.user().expect("the actor is a user"), usize::try_from(channels)?, now);
        let id = row.id;
        let postgres = self.on.db.is_postgres();
        // Ids that rise with n, and differ between batches.
        let number = if postgres { "lpad(to_hex(n), 12, '0')" } else { "printf('%012x', n)" };
        let prefix = &id.0.simple().to_string()[12..32];
        let hex = format!("'{prefix}' || {number}");
        let uuid = if postgres { format!("({hex})::uuid") } else { format!("unhex({hex})") };
        let numbers = if postgres {
            format!("generate_series(1, {channels}) AS n")
        } else {
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {channels}) SELECT n FROM s)"
            )
        };
        let name = &prefix[..12];
        let insert_channels = format!(
            "INSERT INTO channels (id, username, category, category_fold, collected_at, created_at, updated_at)
             SELECT {uuid}, 'c{name}_' || n, 'bench', 'bench', $1, $1, $1 FROM {numbers}"
        );
        let insert_members =
            format!("INSERT INTO batch_channels (batch_id, channel_id) SELECT $1, {uuid} FROM {numbers}");
        let backend = self.on.db.backend();
        let (row, insert_channels, insert_members) = (&row, &insert_channels, &insert_members);
        self.on
            .db
            .write(|tx| async move {
                row.clone().into_active_model().insert(&*tx).await?;
                tx.execute_raw(Statement::from_sql_and_values(backend, insert_channels, [now.into()])).await?;
                tx.execute_raw(Statement::from_sql_and_values(backend, insert_members, [id.into()])).await?;
                Ok(())
            })
            .await?;
        if postgres {
            self.on.db.write_alone(Statement::from_string(backend, "ANALYZE channels, batch_channels")).await?;
        }
        Ok(id)
    }

    /// A campaign over a batch of so many new channels, not started, at so many messages a minute.
    pub async fn campaign(&self, actor: &Actor, channels: i32, rate: i32) -> anyhow::Result<BroadcastCampaignId> {
        let new = campaign::New {
            name: "bench".into(),
            description: None,
            batch: self.batch(actor, channels).await?,
            template: self.template("Hello {{ channel_name }}").await?,
            params: BTreeMap::new(),
            mode: CampaignMode::Live,
            delivery_rate: rate,
            retry_limit: 3,
            test_limit: 20,
            scheduled_at: None,
            accounts: vec![],
            account_failover: false,
        };
        Ok(campaign::create(&self.on, actor, new).await?.id)
    }

    /// A template of this content.
    pub async fn template(&self, content: &str) -> anyhow::Result<TemplateId> {
        let row = testing::template(content, self.on.now());
        let id = row.id;
        let row = &row;
        self.on.db.write(|tx| async move { Ok(row.clone().into_active_model().insert(&*tx).await.map(drop)?) }).await?;
        Ok(id)
    }

    /// Closes the database and removes what the benchmark left in files.
    pub async fn close(self) -> anyhow::Result<()> {
        self.on.db.close().await?;
        std::fs::remove_dir_all(self.folder)?;
        Ok(())
    }
}

/// A number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The value below which `percent` % of the figures lie, to a hundredth; 0 of none.
pub fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, |figure| (figure * 100.0).round() / 100.0)
}

/// The most memory that this process has held, in MiB.
pub fn peak_rss_mb() -> anyhow::Result<u64> {
    peak_rss_mb_of("self")
}

/// The most memory that a process has held, in MiB.
pub fn peak_rss_mb_of(process: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}

/// The machine's load in the last minute.
pub fn load() -> anyhow::Result<f64> {
    Ok(std::fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default().parse()?)
}

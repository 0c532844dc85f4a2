//! What the benchmarks share: a migrated database, seeds, and figures of the process.

pub mod client;
pub mod server;
pub mod socket;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::broadcast::{CampaignMode, ParseMode};
use domain::clock::{Clock, SystemClock};
use domain::id::{BatchId, BroadcastCampaignId, NodeId, TemplateId, UserId};
use domain::limits::Limits;
use domain::retention::attribution::Rule;
use domain::retention::endpoints::Endpoints;
use domain::role::Role;
use domain::sealed::Vault;
use domain::secret_key::SecretKey;
use events::Events;
use events::local::LocalEvents;
use events::redis::RedisEvents;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use service::broadcast::campaign;
use service::broadcast::telegram_account::Application;
use service::coalesce::Coalesce;
use service::{Actor, Rules, Services};
use storage::Db;
use storage::access::user;
use storage::broadcast::{batch, template};
use tokio_util::sync::CancellationToken;

/// The secret key of all benchmarks.
const KEY: [u8; 32] = [7; 32];

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
        let rules = Rules {
            is_simulated: true,
            data_dir: folder.clone(),
            upload_max_bytes: 8 << 30,
            late_limit: Duration::from_hours(1),
            pause_after_failures: 20,
            channel_errors: 3,
            dedupe_window: Duration::from_mins(5),
            progress_hz: 4,
            sso: None,
            endpoints: Endpoints::default(),
            attribution: Rule::default(),
            limits: Limits::default(),
            telegram: Application::default(),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let events: Arc<dyn Events> = match std::env::var("REDIS_URL") {
            Ok(url) => Arc::new(RedisEvents::start(&url, "bench:", &CancellationToken::new())?),
            Err(_) => Arc::new(LocalEvents::new()),
        };
        let key = SecretKey::new(KEY);
        let node = NodeId::generate();
        Ok(Self {
            on: Services {
                db,
                clock,
                events,
                vault: Vault::new(&key),
                key,
                rules: Arc::new(rules),
                node,
                sessions: Coalesce::default(),
            },
            folder,
        })
    }

    /// The kind of database.
    pub fn database(&self) -> &'static str {
        if self.on.db.is_postgres() { "postgres" } else { "sqlite" }
    }

    /// A user in whose name the benchmark works.
    pub async fn admin(&self) -> anyhow::Result<Actor> {
        let now = self.on.now();
        let id = UserId::generate();
        let row = user::Model {
            id,
            username: format!("bench-{id}"),
            password_hash: String::new(),
            role: Role::Admin,
            created_at: now,
            updated_at: now,
            last_login_at: None,
            deleted_at: None,
            version: 1,
            sso_subject: None,
            sso_issued_at: None,
        };
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
        let id = BatchId::generate();
        let now = self.on.now();
        let row = batch::Model {
            id,
            name: "bench".into(),
            description: None,
            created_at: now,
            updated_at: now,
            created_by_id: actor.who.user().expect("the actor is a user"),
            channel_count: channels,
            version: 1,
        };
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
            "INSERT INTO channels (id, username, category, collected_at, created_at, updated_at)
             SELECT {uuid}, 'c{name}_' || n, 'bench', $1, $1, $1 FROM {numbers}"
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
        let id = TemplateId::generate();
        let now = self.on.now();
        let row = template::Model {
            id,
            name: "bench".into(),
            content: content.into(),
            description: None,
            parse_mode: ParseMode::Plain,
            media_type: None,
            media_url: None,
            media_upload_id: None,
            usage_count: 0,
            created_at: now,
            updated_at: now,
            version: 1,
        };
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

//! A database, services, and workers on them: what a delivery test plays with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::broadcast::{CampaignMode, CampaignStatus, JobStatus};
use domain::clock::{Clock, SystemClock};
use domain::id::{BatchId, BroadcastCampaignId, TemplateId};
use domain::role::Role;
use events::local::LocalEvents;
use providers;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::Deserialize;
use service::broadcast::campaign::{self, New};
use service::{Actor, Rules, Services, tasks, testing};
use storage::access::{audit_log, user};
use storage::broadcast::{batch, batch_channel, channel, job, progress, template};
use telegram::Messenger;
use telegram::simulated::{LEDGER, Simulated};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use worker::{Tools, Worker};

use crate::harness::{Database, within};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// One installation: SQLite, or PostgreSQL where the suite has one.
pub struct Office {
    pub on: Services,
    pub actor: Actor,
    pub folder: Arc<TempDir>,
    database: Database,
}

/// A line of the simulated messenger's ledger.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    pub at: DateTime<Utc>,
    pub username: String,
    pub text: String,
}

impl Office {
    pub async fn open() -> Self {
        Self::with_clock(Arc::new(SystemClock::new())).await
    }

    pub async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let make = async |database: &Database, folder: &Path| {
            let db = database.open(folder).await;
            db.migrate().await.expect("migrates");
            db.close().await.expect("closes");
        };
        let database = Database::like("migrated", make).await;
        database.fill(folder.path());
        let db = database.open(folder.path()).await;
        db.migrate().await.expect("migrates");
        let on = Services::testing(db, clock, folder.path());
        let actor = admin(&on).await;
        Self { on, actor, folder: Arc::new(folder), database }
    }

    /// Its database, for other processes.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Other rules, from now on.
    pub fn rule(&mut self, change: impl FnOnce(&mut Rules)) {
        let mut rules = (*self.on.rules).clone();
        change(&mut rules);
        self.on.rules = Arc::new(rules);
    }

    /// Another process on the same database: its own connections, events, clock and data folder.
    pub async fn another(&self) -> Self {
        let folder =
            if self.on.db.is_postgres() { Arc::new(TempDir::new().expect("a folder")) } else { self.folder.clone() };
        let mut on = self.on.clone();
        on.db = self.database.open(self.folder.path()).await;
        on.events = Arc::new(LocalEvents::new());
        let mut rules = (*on.rules).clone();
        folder.path().clone_into(&mut rules.data_dir);
        on.rules = Arc::new(rules);
        Self { on, actor: self.actor.clone(), folder, database: self.database.clone() }
    }

    /// The address of its PostgreSQL; None for SQLite.
    pub fn database_url(&self) -> Option<String> {
        self.database.flags().iter().find_map(|flag| flag.strip_prefix("--database-url=").map(ToOwned::to_owned))
    }

    pub fn ledger_path(&self) -> PathBuf {
        self.folder.path().join(LEDGER)
    }

    /// What the simulated messenger of this process accepted.
    pub fn ledger(&self) -> Vec<Accepted> {
        let text = std::fs::read_to_string(self.ledger_path()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// A worker with the simulated messenger.
    pub fn worker(&self) -> Worker {
        let simulated = Simulated::open(&self.ledger_path(), self.on.clock.clone()).expect("the ledger opens");
        let simulated = Arc::new(simulated);
        let neighbour = simulated.clone();
        self.worker_with(simulated, Arc::new(move |folder| neighbour.also_read(folder.join(LEDGER))))
    }

    pub fn worker_with(&self, messenger: Arc<dyn Messenger>, neighbour: Arc<dyn Fn(&Path) + Send + Sync>) -> Worker {
        let (on, beats, contacts) = (self.on.clone(), self.on.db.clone(), self.contacts());
        let tools = Tools { on, beats, messenger, contacts, neighbour };
        Worker::start(tools)
    }

    /// A worker with the simulated messenger, whose clock is held to the database's, by connections of its own; it is held to it
    /// until the guard is dropped.
    pub async fn steered_worker(&self, clock: Arc<SystemClock>) -> (Worker, DropGuard) {
        let messenger = Arc::new(Simulated::open(&self.ledger_path(), clock.clone()).expect("the ledger opens"));
        let db = self.database.open(self.folder.path()).await.clocked();
        let on = Services { db: db.clone(), clock: clock.clone(), ..self.on.clone() };
        let stop = CancellationToken::new();
        tokio::spawn(service::steering::run(on.clone(), clock, stop.clone()));
        let (neighbour, contacts) = (Arc::new(|_: &Path| ()), self.contacts());
        (Worker::start(Tools { on, beats: db, messenger, contacts, neighbour }), stop.drop_guard())
    }

    /// The pretend provider of this process.
    pub fn contacts(&self) -> Arc<dyn providers::Sender> {
        let path = self.folder.path().join(providers::simulated::LEDGER);
        Arc::new(providers::simulated::Simulated::open(&path, self.on.clock.clone()).expect("the ledger opens"))
    }

    /// A batch of channels with these usernames.
    pub async fn batch(&self, usernames: &[String]) -> BatchId {
        let now = self.on.now();
        let channels: Vec<channel::Model> = usernames.iter().map(|name| testing::channel(name, now)).collect();
        let row = testing::batch(self.actor.who.user().expect("a user"), usernames.len(), now);
        let id = row.id;
        let (row, channels) = (&row, &channels);
        self.on
            .db
            .write(|tx| async move {
                batch::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await?;
                for part in channels.chunks(500) {
                    let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
                    channel::Entity::insert_many(rows).exec_without_returning(&*tx).await?;
                    let members = part.iter().map(|channel| {
                        batch_channel::Model { batch_id: id, channel_id: channel.id }.into_active_model()
                    });
                    batch_channel::Entity::insert_many(members).exec_without_returning(&*tx).await?;
                }
                Ok(())
            })
            .await
            .expect("a batch");
        id
    }

    pub async fn template(&self, content: &str) -> TemplateId {
        let row = testing::template(content, self.on.now());
        let id = row.id;
        let row = &row;
        let write = self.on.db.write(|tx| async move {
            Ok(template::Entity::insert(row.clone().into_active_model())
                .exec_without_returning(&*tx)
                .await
                .map(drop)?)
        });
        write.await.expect("a template");
        id
    }

    /// A campaign to channels with these usernames, at `rate` messages a minute.
    pub async fn campaign(&self, usernames: &[String], rate: i32) -> BroadcastCampaignId {
        self.campaign_with(usernames, rate, |_| ()).await
    }

    pub async fn campaign_with(
        &self,
        usernames: &[String],
        rate: i32,
        change: impl FnOnce(&mut New),
    ) -> BroadcastCampaignId {
        let mut new = New {
            name: "campaign".into(),
            description: None,
            batch: self.batch(usernames).await,
            template: self.template("Hello {{ channel_name }}").await,
            params: BTreeMap::new(),
            mode: CampaignMode::Live,
            delivery_rate: rate,
            retry_limit: 3,
            test_limit: 20,
            scheduled_at: None,
            accounts: vec![],
            account_failover: false,
        };
        change(&mut new);
        campaign::create(&self.on, &self.actor, new).await.expect("a campaign").id
    }

    /// The batch of a campaign.
    pub async fn batch_of(&self, id: BroadcastCampaignId) -> BatchId {
        let row = storage::broadcast::campaign::Entity::find_by_id(id).one(self.on.db.reader()).await;
        row.expect("reads").expect("a campaign").batch_id
    }

    /// Another campaign to the same channels.
    pub async fn campaign_of(&self, batch: BatchId, rate: i32) -> BroadcastCampaignId {
        self.campaign_with(&[], rate, |new| new.batch = batch).await
    }

    pub async fn start(&self, id: BroadcastCampaignId) {
        campaign::start(&self.on, &self.actor, id).await.expect("it starts");
        self.do_tasks().await;
    }

    /// Does the tasks that have not ended, to their end.
    pub async fn do_tasks(&self) {
        tasks::run_pending(&self.on, &CancellationToken::new()).await.expect("tasks get on");
    }

    /// The campaign's hot row; its counters are checked against the jobs each time.
    pub async fn progress(&self, id: BroadcastCampaignId) -> progress::Model {
        let row = progress::Entity::find_by_id(id).one(self.on.db.reader()).await.expect("reads");
        row.expect("the campaign is there")
    }

    pub async fn jobs(&self, id: BroadcastCampaignId) -> Vec<job::Model> {
        let jobs = job::Entity::of(id).order_by_asc(job::Column::Position);
        jobs.all(self.on.db.reader()).await.expect("reads")
    }

    /// The job of the channel `username`.
    pub async fn job(&self, id: BroadcastCampaignId, username: &str) -> job::Model {
        let channel = self.channel(username).await.id;
        let job = job::Entity::of(id).filter(job::Column::ChannelId.eq(channel)).one(self.on.db.reader()).await;
        job.expect("reads").expect("a job")
    }

    pub async fn channel(&self, username: &str) -> channel::Model {
        channel::Entity::named(username).one(self.on.db.reader()).await.expect("reads").expect("a channel")
    }

    /// Waits until the campaign has this status.
    pub async fn until(&self, id: BroadcastCampaignId, status: CampaignStatus) -> progress::Model {
        self.until_row(id, &format!("{status}"), |row| row.status == status.into()).await
    }

    pub async fn until_row(
        &self,
        id: BroadcastCampaignId,
        what: &str,
        holds: impl Fn(&progress::Model) -> bool,
    ) -> progress::Model {
        within(PATIENCE, what, async || {
            let row = self.progress(id).await;
            if holds(&row) { Ok(row) } else { Err(row) }
        })
        .await
    }

    /// The counters are what the jobs say.
    pub async fn assert_counters(&self, id: BroadcastCampaignId) {
        let (row, jobs) = (self.progress(id).await, self.jobs(id).await);
        let count = |status| i32::try_from(jobs.iter().filter(|job| job.status == status).count()).expect("few");
        assert_eq!(
            [row.queued, row.sending, row.sent, row.failed, row.cancelled, row.unknown],
            [
                count(JobStatus::Queued),
                count(JobStatus::Sending),
                count(JobStatus::Sent),
                count(JobStatus::Failed),
                count(JobStatus::Cancelled),
                count(JobStatus::Unknown),
            ]
        );
    }

    /// How often an action stands in the audit log.
    pub async fn audited(&self, action: domain::audit::Action) -> usize {
        let lines = audit_log::Entity::find().filter(audit_log::Column::Action.eq(action));
        lines.all(self.on.db.reader()).await.expect("reads").len()
    }
}

/// `prefix_0001`, `prefix_0002`, …
pub fn names(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{prefix}_{n:04}")).collect()
}

async fn admin(on: &Services) -> Actor {
    let row = testing::user(on.now());
    let id = row.id;
    let row = &row;
    let write = on.db.write(|tx| async move {
        Ok(user::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await.map(drop)?)
    });
    write.await.expect("a user");
    Actor::user(id, Role::Admin, None)
}

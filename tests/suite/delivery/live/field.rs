//! An installation that sends for real, and the Telegram that it sends to.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::Action;
use domain::clock::{Clock, SystemClock};
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use domain::pacing::GRACE;
use domain::sealed::Vault;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Statement};
use service::testing;
use storage::Db;
use storage::Noun;
use storage::access::audit_log;
use storage::broadcast::{account_lease, campaign_account, job, telegram_account};
use telegram::Nobody;
use uuid::Uuid;
use worker::{Tools, Worker};

use super::super::fixture::Office;
use crate::harness::telegram::{Call, TelegramServer};

/// An office whose accounts send for real.
pub struct Field {
    pub office: Office,
    pub telegram: TelegramServer,
    pub accounts: Vec<TelegramAccountId>,
}

impl Field {
    /// With so many accounts that no limit of Herald's slows down.
    pub async fn open(accounts: usize) -> Self {
        Self::with(accounts, |_, _| ()).await
    }

    /// With so many accounts, changed before they are there.
    pub async fn with(accounts: usize, change: impl Fn(usize, &mut telegram_account::Model)) -> Self {
        let (mut office, telegram) = (Office::open().await, TelegramServer::start(accounts).await);
        office.rule(|rules| {
            rules.is_simulated = false;
            rules.telegram.server = Some(telegram.address().into());
        });
        let mut field = Self { office, telegram, accounts: Vec::new() };
        for number in 0..accounts {
            let on = &field.office.on;
            let id = add(&on.db, &on.vault, &field.telegram, number, |row| change(number, row)).await;
            field.accounts.push(id);
        }
        field
    }

    pub fn worker(&self) -> Worker {
        Self::worker_of(&self.office)
    }

    /// A worker of another process on the same database.
    pub fn worker_of(office: &Office) -> Worker {
        Self::start(office, office.on.db.clone())
    }

    /// A worker that gives its signs of life by a connection of its own.
    pub fn worker_with(&self, beats: Db) -> Worker {
        Self::start(&self.office, beats)
    }

    fn start(office: &Office, beats: Db) -> Worker {
        let (on, contacts) = (office.on.clone(), office.contacts());
        let (messenger, neighbour) = (Arc::new(Nobody), Arc::new(|_: &std::path::Path| ()));
        Worker::start(Tools { on, beats, messenger, contacts, neighbour })
    }

    /// Lets a campaign go by these accounts only.
    pub async fn choose(&self, campaign: BroadcastCampaignId, accounts: &[usize]) {
        let rows = accounts.iter().zip(0..).map(|(account, position)| {
            campaign_account::Model { campaign_id: campaign, account_id: self.accounts[*account], position }
                .into_active_model()
        });
        let rows: Vec<_> = rows.collect();
        let rows = &rows;
        let write = self.office.on.db.write(|tx| async move {
            let rows = campaign_account::Entity::insert_many(rows.clone());
            Ok(rows.exec_without_returning(&*tx).await.map(drop)?)
        });
        write.await.expect("chosen");
    }

    pub async fn account(&self, number: usize) -> telegram_account::Model {
        let row = telegram_account::Entity::find_by_id(self.accounts[number]).one(self.office.on.db.reader()).await;
        row.expect("reads").expect("an account")
    }

    /// Changes rows past all services.
    pub async fn sql(&self, sql: &str) {
        let db = &self.office.on.db;
        db.write_alone(Statement::from_string(db.backend(), sql)).await.expect("it is changed");
    }

    pub async fn lease(&self, number: usize) -> account_lease::Model {
        let row = account_lease::Entity::find_by_id(self.accounts[number]).one(self.office.on.db.reader()).await;
        row.expect("reads").expect("a lease")
    }

    /// Waits until it holds.
    pub async fn until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        self.telegram.until(what, holds).await;
    }

    pub async fn job(&self, id: BroadcastCampaignId, username: &str) -> job::Model {
        let channel = self.office.channel(username).await.id;
        let job = job::Entity::of(id).filter(job::Column::ChannelId.eq(channel));
        job.one(self.office.on.db.reader()).await.expect("reads").expect("a job")
    }

    /// How often each channel was written to.
    pub fn received(&self) -> HashMap<String, usize> {
        let mut received = HashMap::new();
        for message in self.telegram.accepted() {
            *received.entry(message.username).or_default() += 1;
        }
        received
    }

    /// The sends that came in, in order.
    pub fn sends(&self) -> Vec<Call> {
        self.telegram.calls().into_iter().filter(|call| call.method == "messages.sendMessage").collect()
    }

    /// The look-ups of usernames that came in, in order.
    pub fn resolves(&self) -> Vec<Call> {
        self.telegram.calls().into_iter().filter(|call| call.method == "contacts.resolveUsername").collect()
    }

    /// Nobody got anything twice, and no account had two connections.
    pub fn assert_once(&self) {
        let twice: Vec<_> = self.received().into_iter().filter(|(_, times)| *times > 1).collect();
        assert_eq!((twice, self.telegram.doubled_connections()), (Vec::new(), 0));
    }
}

/// A wait that an account was told, from the instant at which that was read to its end.
#[derive(Debug)]
pub struct Told {
    pub account: Uuid,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// All waits that stop sends, as the audit log has them.
pub async fn told(db: &Db) -> Vec<Told> {
    let lines = audit_log::Entity::find().filter(audit_log::Column::Action.eq(Action::FloodWaitTriggered));
    let lines = lines.all(db.reader()).await.expect("reads");
    let told = lines.into_iter().filter_map(|line| {
        let wait = line.metadata.filter(|wait| wait["method"] == "SEND")?;
        let until: DateTime<Utc> = wait["until"].as_str()?.parse().expect("an instant");
        let length = TimeDelta::seconds(wait["waitSeconds"].as_i64()? + 1);
        Some(Told { account: line.resource_id?, from: until - length, until })
    });
    told.collect()
}

/// Jobs whose last send by an account began while that account was to wait (R18). A send that has passed its last check when the
/// answer comes may still begin: for that it has the grace of any start.
pub async fn early(db: &Db) -> Vec<job::Model> {
    let (told, jobs) = (told(db).await, job::Entity::all().all(db.reader()).await.expect("reads"));
    assert!(!told.is_empty(), "nobody was told to wait");
    let grace = TimeDelta::from_std(GRACE).expect("short");
    let is_early = |job: &job::Model| {
        let (Some(account), Some(started)) = (job.account_id, job.started_at) else { return false };
        told.iter().any(|wait| wait.account == account.0 && started > wait.from + grace && started < wait.until)
    };
    jobs.into_iter().filter(is_early).collect()
}

/// Stores an account of the server's that no limit of Herald's slows down, changed before it is there.
pub async fn add(
    db: &Db,
    vault: &Vault,
    telegram: &TelegramServer,
    number: usize,
    change: impl FnOnce(&mut telegram_account::Model),
) -> TelegramAccountId {
    let (key, now) = (telegram.credentials(number).key, SystemClock::new().now());
    let mut row = testing::account(&format!("account {number}"), telegram.user_id(number), &key[..], vault, now);
    change(&mut row);
    let row = &row;
    let write = db.write(|tx| async move {
        let row = telegram_account::Entity::insert(row.clone().into_active_model());
        Ok(row.exec_without_returning(&*tx).await.map(drop)?)
    });
    write.await.expect("an account");
    row.id
}

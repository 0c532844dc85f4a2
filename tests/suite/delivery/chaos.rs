//! A minute of chaos: three processes on PostgreSQL and Redis are killed, frozen, cut off, refused, moved away and left without
//! events, and the database's clock is set, in an order that a seed decides. The sums hold at each look, sends are counted where they arrive, and work moves again by itself.
//!
//! `HERALD_TEST_CHAOS_SECONDS` is how long it lasts, a minute by default; `HERALD_TEST_CHAOS_SEED` repeats an order.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rustix::process::Signal;
use sea_orm::ConnectionTrait;
use telegram::simulated::LEDGER;
use tempfile::TempDir;
use tokio::task::block_in_place;

use super::fixture::{Accepted, Office, names};
use crate::harness::{Cable, Database, Postgres, Process, Redis, only_on, within};
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::id::BroadcastCampaignId;

/// Within this after the end of a fault work moves again.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is left at last may wait for what a process held that was frozen or killed.
const FEW: usize = 100;
/// Messages a minute.
const RATE: i32 = 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// `kill -9`; it is started again.
    Kill,
    /// SIGSTOP until after the others have taken its leases over.
    Freeze,
    /// All connections of one process to the database are lost without a word.
    Forget,
    /// Those of all processes.
    ForgetAll,
    /// The database takes no writes.
    ReadOnly,
    /// Redis is away.
    Redis,
    /// The database is 20 ms away.
    Line,
    /// The database's time of day jumps.
    Clock,
}

const ALL: [Fault; 8] = [
    Fault::Kill,
    Fault::Forget,
    Fault::ReadOnly,
    Fault::ForgetAll,
    Fault::Redis,
    Fault::Freeze,
    Fault::Line,
    Fault::Clock,
];

struct Member {
    process: Process,
    folder: TempDir,
    cable: Cable,
    database: Database,
}

impl Member {
    async fn start(office: &Office, redis: &Redis) -> Self {
        let cable = Cable::to(&office.database().server()).await;
        let database = office.database().by(cable.port).with_redis(redis.url());
        let folder = TempDir::new().expect("a folder");
        let process = block_in_place(|| Process::serve(&database, folder.path(), &[]));
        Self { process, folder, cable, database }
    }
}

struct Fleet {
    office: Office,
    redis: Redis,
    members: Vec<Member>,
    id: BroadcastCampaignId,
    jobs: usize,
    random: StdRng,
    /// How far the database's time of day is from the right one, in seconds.
    ahead: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn heavy_a_minute_of_chaos_loses_and_doubles_nothing() {
    if !only_on(Postgres, "a folder with SQLite has one process") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("HERALD_TEST_CHAOS_SECONDS").unwrap_or(60);
    let seed = number("HERALD_TEST_CHAOS_SEED").unwrap_or_else(rand::random);
    println!("HERALD_TEST_CHAOS_SEED={seed} HERALD_TEST_CHAOS_SECONDS={seconds}");
    let Some(redis) = Redis::start() else { return };
    let office = Office::open().await;
    office.database().has_own_time().await;
    let jobs = usize::try_from(seconds).expect("not for ever") * usize::try_from(RATE / 60).expect("positive");
    let id = office.campaign(&names("chaos", jobs), RATE).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(Member::start(&office, &redis).await);
    }
    office.start(id).await;
    let mut fleet = Fleet { office, redis, members, id, jobs, random: StdRng::seed_from_u64(seed), ahead: 0 };
    fleet.look_until(Duration::from_secs(2)).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let mut faults = ALL;
        faults.shuffle(&mut fleet.random);
        for fault in faults {
            if fleet.has_work() {
                fleet.suffers(fault).await;
            }
        }
        if !fleet.has_work() {
            break;
        }
    }
    fleet.ends_well().await;
}

impl Fleet {
    async fn suffers(&mut self, fault: Fault) {
        let which = self.random.random_range(0..self.members.len());
        println!("{fault:?} {which}, {} of {} sent", self.sent(), self.jobs);
        match fault {
            Fault::Kill => {
                let member = &mut self.members[which];
                member.process.kill();
                member.process = block_in_place(|| Process::serve(&member.database, member.folder.path(), &[]));
            }
            Fault::Freeze => {
                self.members[which].process.signal(Signal::STOP);
                self.look_until(Duration::from_secs(27)).await;
                self.members[which].process.signal(Signal::CONT);
            }
            Fault::Forget => self.members[which].cable.forget(),
            Fault::ForgetAll => self.members.iter().for_each(|member| member.cable.forget()),
            Fault::ReadOnly => {
                self.refuse_writes(true).await;
                self.look_until(Duration::from_secs(5)).await;
                self.refuse_writes(false).await;
            }
            Fault::Redis => {
                self.redis.end();
                self.look_until(Duration::from_secs(5)).await;
                self.redis.begin();
            }
            Fault::Line => {
                self.lie_at(Duration::from_millis(20));
                self.look_until(Duration::from_secs(3)).await;
                self.moves_again(fault).await;
                self.lie_at(Duration::ZERO);
            }
            Fault::Clock => {
                // What waits to be repeated waits as much longer as the time is set back.
                self.ahead += self.random.random_range(-45..600);
                self.office.database().step(self.ahead).await;
            }
        }
        self.moves_again(fault).await;
    }

    /// A round trip to the database takes so much longer.
    fn lie_at(&self, round_trip: Duration) {
        self.members.iter().for_each(|member| member.cable.lengthen(round_trip));
    }

    /// As a database that has become read-only: for those of this campaign alone, since the server has others' tests too.
    async fn refuse_writes(&self, are_refused: bool) {
        let statements = if are_refused {
            [
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END $$",
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON senders FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
            ]
            .as_slice()
        } else {
            &["DROP TRIGGER refuse ON jobs", "DROP TRIGGER refuse ON senders"]
        };
        // Each by itself: held together, the locks of two tables and those of a claim would wait for each other.
        for sql in statements {
            self.office.on.db.reader().execute_unprepared(sql).await.expect("can be set up");
        }
    }

    /// Whether so much is left that it can be seen to move. That the rest comes to its end is looked at when all is over.
    fn has_work(&self) -> bool {
        self.sent() + FEW <= self.jobs
    }

    async fn moves_again(&self, after: Fault) {
        let before = self.sent();
        within(PATIENCE, &format!("work moves again after {after:?}"), async || {
            self.sums_hold().await;
            let sent = self.sent();
            if sent > before + 20 || before + FEW > self.jobs { Ok(()) } else { Err(sent) }
        })
        .await;
    }

    async fn look_until(&self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            self.sums_hold().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn sums_hold(&self) {
        let row = self.office.progress(self.id).await;
        if row.status != ProgressStatus::Queued {
            let sum = row.queued + row.sending + row.sent + row.failed + row.cancelled + row.unknown;
            assert_eq!(sum, row.total, "{row:?}");
        }
    }

    /// How many messages have arrived.
    fn sent(&self) -> usize {
        self.ledgers().iter().map(|path| std::fs::read_to_string(path).unwrap_or_default().lines().count()).sum()
    }

    fn ledgers(&self) -> Vec<PathBuf> {
        self.members.iter().map(|member| member.folder.path().join(LEDGER)).collect()
    }

    async fn ends_well(mut self) {
        let row = self.office.until(self.id, CampaignStatus::Completed).await;
        assert_eq!((usize::try_from(row.sent), row.failed, row.unknown), (Ok(self.jobs), 0, 0), "{row:?}");
        self.office.assert_counters(self.id).await;
        for member in &mut self.members {
            assert!(block_in_place(|| member.process.terminate()), "it ends well");
        }
        let mut arrived: HashMap<String, usize> = HashMap::new();
        for path in self.ledgers() {
            for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
                let line: Accepted = serde_json::from_str(line).expect("a line of JSON");
                *arrived.entry(line.username).or_default() += 1;
            }
        }
        let twice: Vec<_> = arrived.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "sent twice: {twice:?}");
        assert_eq!(arrived.len(), self.jobs, "nobody is missed");
    }
}

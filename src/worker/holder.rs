//! The lease of this process (R15, R16): its identity, its signs of life, and the leases on jobs that it holds.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::leads::Leads;
use super::punctuality::Punctuality;
use super::rounds::Rounds;
use super::tools::Tools;
use ::service::Services;
use ::service::broadcast::delivery::sender as service;
use ::service::retention::delivery::give_back::give_back;
use domain::error::{Error, Result};
use domain::id::{SenderId, TelegramAccountId};
use events::Event;
use storage::broadcast::queue::new_key;
use storage::broadcast::queue::senders::{self, Beat, Fate};
use storage::broadcast::sender;

/// How often a sign of life is given.
pub const BEAT: Duration = Duration::from_secs(4);
/// How long after the start of the last confirmed sign of life sends may start. Others take over after 24 s.
const VALID: Duration = Duration::from_secs(18);

/// How many signs of life long leases are looked for after a claim that came to nothing.
const LOOKS: u32 = 3;
/// At every how many signs of life leases are looked for without a reason.
const SELDOM: u32 = 8;

/// This process as the holder of leases.
#[derive(Debug)]
pub struct Holder {
    /// The process's row.
    pub row: sender::Model,
    /// What is under way in the session, and has to come round.
    pub rounds: Rounds,
    /// The leads of its claims.
    leads: Leads,
    /// Whether what it claims comes to be sent.
    pub punctuality: Punctuality,
    /// Until when it may start sends, in milliseconds of the monotonic clock.
    valid_until: AtomicU64,
    /// Jobs that are not settled, by the key of their lease.
    open: Mutex<HashMap<i64, usize>>,
    /// Keys of leases with jobs of which not even the loss could be stored: what is left of them goes back as lost.
    lost: Mutex<HashSet<i64>>,
    /// The accounts that it holds: their leases on jobs are its own.
    accounts: Mutex<BTreeSet<TelegramAccountId>>,
    /// How often leases are still to be looked for that this process may have without knowing.
    doubts: AtomicU32,
    /// Whether it was told to claim nothing.
    drained: watch::Sender<bool>,
}

impl Holder {
    /// Registers this process; since `drained_at` it claims nothing, if that is so.
    pub async fn register(tools: &Tools, drained_at: Option<DateTime<Utc>>) -> Result<Self> {
        let began = tools.on.clock.monotonic();
        let row = sender::Model { drained_at, ..identity(&tools.on).map_err(Error::Internal)? };
        service::register(&tools.on, &row).await?;
        Ok(Self::new(row, began))
    }

    fn new(row: sender::Model, began: Duration) -> Self {
        let holder = Self {
            row,
            rounds: Rounds::default(),
            leads: Leads::default(),
            punctuality: Punctuality::default(),
            valid_until: AtomicU64::new(0),
            open: Mutex::default(),
            lost: Mutex::default(),
            accounts: Mutex::default(),
            doubts: AtomicU32::new(0),
            drained: watch::Sender::new(false),
        };
        holder.drained.send_replace(holder.row.drained_at.is_some());
        holder.renewed(began);
        holder
    }

    /// Whether sends may start at `now` of the monotonic clock.
    pub fn is_valid(&self, now: Duration) -> bool {
        millis(now) < self.valid_until.load(Ordering::SeqCst)
    }

    fn renewed(&self, began: Duration) {
        self.valid_until.fetch_max(millis(began + VALID), Ordering::SeqCst);
    }

    /// The lead that a claim may have that wants `wanted`, for others know of it now.
    pub async fn lead(&self, on: &Services, wanted: Duration) -> Duration {
        self.leads.of_claim(on, &self.row, wanted).await
    }

    /// A lease that is about to be asked for. It is noted before, so that nobody takes it for a forgotten one.
    pub fn claim(&self) -> Claim<'_> {
        let key = new_key();
        self.lock().insert(key, usize::MAX);
        Claim { holder: self, key }
    }

    /// How many jobs of a lease are not settled.
    pub fn remaining(&self, key: i64) -> usize {
        self.lock().get(&key).copied().unwrap_or(0)
    }

    /// Notes that `jobs` of a lease were settled.
    pub fn settled(&self, key: i64, jobs: usize) {
        let mut open = self.lock();
        if let Some(remaining) = open.get_mut(&key) {
            *remaining = remaining.saturating_sub(jobs);
            if *remaining == 0 {
                open.remove(&key);
            }
        }
    }

    /// Notes that a job of a lease was handed over and can't be settled: once the others of its lease are, it goes back, to be
    /// repeated under the same number (R11).
    pub fn abandoned(&self, key: i64) {
        self.lost.lock().insert(key);
        self.settled(key, 1);
    }

    /// Whether a job of a lease was given up.
    pub fn is_lost(&self, key: i64) -> bool {
        self.lost.lock().contains(&key)
    }

    /// Notes that it holds an account.
    pub fn took(&self, account: TelegramAccountId) {
        self.accounts.lock().insert(account);
    }

    /// Notes that it is about to give an account back.
    pub fn gives(&self, account: TelegramAccountId) {
        self.accounts.lock().remove(&account);
    }

    /// The accounts that it holds.
    pub fn accounts(&self) -> Vec<TelegramAccountId> {
        self.accounts.lock().iter().copied().collect()
    }

    /// Whether leases are to be looked for at the sign of life `number`: after a claim that came to nothing, a few times, for its commit
    /// may be late; and every now and then, for nobody is sure of everything.
    fn has_doubts(&self, number: u32) -> bool {
        let was_in_doubt =
            self.doubts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        was_in_doubt || !self.lost.lock().is_empty() || number.is_multiple_of(SELDOM)
    }

    /// Whether it was told to claim nothing, now and from now on.
    pub fn drained(&self) -> watch::Receiver<bool> {
        self.drained.subscribe()
    }

    fn is_open(&self, key: i64) -> bool {
        self.lock().contains_key(&key)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.open.lock()
    }

    /// R10: a lease whose commit was not answered may be there all the same. Its jobs were surely never handed over. What could
    /// not be settled was, perhaps.
    pub async fn reconcile(&self, tools: &Tools) -> Result<()> {
        // What an account's earlier holder left was given back before this one leased anything by it.
        let mut holders = vec![self.row.id];
        holders.extend(self.accounts().into_iter().map(|account| SenderId(account.0)));
        let over: Vec<i64> = self.lost.lock().iter().copied().filter(|key| !self.is_open(*key)).collect();
        let mut jobs = 0;
        for holder in holders {
            let is_kept = |key| self.is_open(key) || self.is_lost(key);
            jobs += service::give_back(&tools.on, holder, is_kept, Fate::Untouched).await?;
            if !over.is_empty() {
                jobs += service::give_back(&tools.on, holder, |key| !over.contains(&key), Fate::Lost).await?;
            }
        }
        self.lost.lock().retain(|key| !over.contains(key));
        let steps = give_back(&tools.on, self.row.id, |key| self.is_open(key), false).await?;
        if jobs + steps > 0 {
            tracing::info!(jobs, steps, "gave back jobs whose lease or whose answer could not be stored");
        }
        Ok(())
    }

    /// Gives everything back. What is still open may have been handed over: it stays leased, and is taken over when this
    /// process has gone.
    pub async fn retire(&self, tools: &Tools) -> Result<()> {
        self.reconcile(tools).await?;
        if self.lock().is_empty() { service::retire(&tools.on, &self.row).await } else { Ok(()) }
    }
}

/// A lease that is being asked for. If nothing comes of it, it is forgotten: should it have been committed all the same, its jobs
/// go back untouched (R10).
#[derive(Debug)]
pub struct Claim<'a> {
    holder: &'a Holder,
    /// The key of the lease.
    pub key: i64,
}

impl Claim<'_> {
    /// So many jobs were leased under it, which are open until they are settled.
    pub fn granted(&self, jobs: usize) {
        self.holder.lock().insert(self.key, jobs);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut open = self.holder.lock();
        if let Some(jobs @ &(0 | usize::MAX)) = open.get(&self.key) {
            if *jobs > 0 {
                self.holder.doubts.store(LOOKS, Ordering::SeqCst);
            }
            open.remove(&self.key);
        }
    }
}

/// Gives signs of life until the session ends; ends the session when another process took this one's leases over.
pub async fn keep(tools: Tools, holder: std::sync::Arc<Holder>, session: CancellationToken) {
    let mut events = tools.on.events.subscribe();
    for number in 0.. {
        if session.is_cancelled() {
            return;
        }
        let began = tools.on.clock.monotonic();
        let late_at = holder.punctuality.take_told().then(|| tools.on.now());
        match senders::beat(&tools.beats, holder.row.id, holder.row.epoch, late_at).await {
            Ok(Some(Beat { number, is_drained })) => {
                holder.drained.send_if_modified(|drained| std::mem::replace(drained, is_drained) != is_drained);
                holder.renewed(began);
                holder.punctuality.trip(tools.on.clock.monotonic().saturating_sub(began));
                holder.leads.forget(&tools.beats, &holder.row, number).await;
            }
            Ok(None) => {
                tracing::error!("another process took this one for dead and took its leases over");
                session.cancel();
                return;
            }
            Err(error) => tracing::warn!(error = ?error, "a sign of life could not be given"),
        }
        if holder.has_doubts(number)
            && let Err(error) = holder.reconcile(&tools).await
        {
            holder.doubts.store(LOOKS, Ordering::SeqCst);
            tracing::warn!(error = ?error, "forgotten leases could not be looked for");
        }
        tokio::select! {
            () = tools.on.clock.sleep(BEAT) => {}
            () = events.woken(|event| event == Event::Worker) => {}
            () = session.cancelled() => {}
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// This process, as others know it.
///
/// # Errors
/// `/proc` can't be read.
pub fn identity(on: &Services) -> anyhow::Result<sender::Model> {
    let pid = i32::try_from(std::process::id())?;
    Ok(sender::Model {
        id: SenderId::generate(),
        epoch: 1,
        beat: 0,
        host: host()?,
        boot: boot()?,
        pid,
        pid_started: started(pid)?.context("this process has no entry in /proc")?,
        data_dir: on.rules.data_dir.display().to_string(),
        started_at: on.now(),
        lead_ms: 0,
        late_at: None,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        drained_at: None,
        ended_at: None,
    })
}

/// The name of this host, and of the space in which its process numbers are unique: containers share a kernel.
pub fn host() -> anyhow::Result<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
    let space = std::fs::read_link("/proc/self/ns/pid")?;
    Ok(format!("{} {}", name.trim(), space.display()))
}

/// The boot of this host's kernel.
pub fn boot() -> anyhow::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// When a process started, in clock ticks since the boot; None if there is no such process, or only its remains.
pub fn started(pid: i32) -> anyhow::Result<Option<i64>> {
    let text = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // The second field is the command in brackets and may hold anything: the fields after it are counted from its end.
    let (_, rest) = text.rsplit_once(')').context("an unknown format of /proc/*/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let state = fields.first().context("no state in /proc/*/stat")?;
    let started = fields.get(19).context("no start time in /proc/*/stat")?.parse()?;
    Ok((!matches!(*state, "Z" | "X")).then_some(started))
}

#[cfg(test)]
impl Holder {
    /// A holder whose lease was confirmed when its clock stood at zero.
    pub fn testing() -> Self {
        let (host, boot, data_dir) = (String::new(), String::new(), String::new());
        let (id, started_at) = (SenderId::generate(), DateTime::UNIX_EPOCH);
        let (pid, pid_started, lead_ms, ended_at) = (1, 0, 0, None);
        let row = sender::Model {
            id,
            epoch: 1,
            beat: 0,
            host,
            boot,
            pid,
            pid_started,
            data_dir,
            started_at,
            lead_ms,
            late_at: None,
            program: String::new(),
            drained_at: None,
            ended_at,
        };
        Self::new(row, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_known_from_before_it_is_asked_for_until_all_of_it_is_settled() {
        let holder = Holder::testing();
        let claim = holder.claim();
        let key = claim.key;
        assert!(holder.is_open(key));
        drop(claim);
        assert!(!holder.is_open(key), "nothing came of it");
        let claim = holder.claim();
        let key = claim.key;
        claim.granted(2);
        drop(claim);
        assert_eq!(holder.remaining(key), 2);
        holder.settled(key, 1);
        assert!(holder.is_open(key));
        holder.settled(key, 1);
        assert!(!holder.is_open(key));
        let claim = holder.claim();
        let key = claim.key;
        claim.granted(0);
        drop(claim);
        assert!(!holder.is_open(key), "it had no jobs");
    }

    #[test]
    fn a_job_that_can_t_be_settled_goes_back_as_lost_when_the_rest_of_its_lease_is_settled() {
        let holder = Holder::testing();
        let claim = holder.claim();
        let key = claim.key;
        claim.granted(2);
        drop(claim);
        holder.abandoned(key);
        assert!(holder.is_lost(key) && holder.is_open(key));
        holder.settled(key, 1);
        assert!(holder.is_lost(key) && !holder.is_open(key));
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        assert!(started(pid).expect("readable").is_some());
        assert_eq!(started(i32::MAX).expect("readable"), None);
    }
}

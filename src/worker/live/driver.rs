//! The driver of one account: pairs the account's slots with campaigns' slots (R3), and sends what has been prefetched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::executor::Executor;
use super::letter_queue::{self, LetterQueue};
use super::letters::Letters;
use super::pipelines::Pipelines;
use super::prefetcher::Prefetcher;
use super::state::{State, is_ready, opens, recipient};
use super::watchdog::Watchdog;
use super::{pulse, refresher, sent_changes};
use crate::claims::Claims;
use crate::flight::Slot;
use crate::gate::Gate;
use crate::holder::Holder;
use crate::pipeline::Pipeline;
use crate::tools::{DRAIN, LOOK, PAUSE, Tools, held, is_work};
use domain::broadcast::{AccountStatus, CampaignMode};
use domain::clock::duration_nanos;
use domain::delivery::table::{Ruling, rule};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::next_slot;
use service::broadcast::delivery::account::{self, Held};
use service::broadcast::delivery::engage::engage;
use service::broadcast::delivery::settle::{Carrier, Lease};
use service::broadcast::telegram_account::credentials;
use storage::broadcast::queue::accounts;
use storage::broadcast::queue::engage::{Claim, Engaged};
use storage::broadcast::queue::prefetch::{self, Item, Owner};
use storage::broadcast::queue::slots::{self, Taken};
use storage::broadcast::telegram_account;
use telegram::live::Connection;

/// Messages on their way at most: what a lost connection leaves ambiguous.
const IN_FLIGHT: usize = 8;
/// Prefetched jobs of one campaign that are read at once.
const READ: i64 = 200;
/// How long before a slot its job is leased, beside the time that this takes: it must be ready when the slot comes, and a slot of the
/// campaign is taken for it.
const EARLY: Duration = Duration::from_millis(100);
/// Ways to the database and back of a claim, and those to find out before what there is to claim.
const TRIPS: u32 = 2;
const TRIPS_BEFORE: u32 = 3;

/// Drives one account, from its lease to its release.
pub struct Driver {
    state: Arc<State>,
    pipelines: Arc<Pipelines>,
    letters: Arc<Letters>,
    watchdog: Arc<Watchdog>,
    account: telegram_account::Model,
    last_slot: i64,
    /// When the account and its campaigns were last read, on the monotonic clock.
    looked: Option<Duration>,
    work: Vec<BroadcastCampaignId>,
    /// Where the next round begins, so that campaigns take turns.
    next: usize,
    in_flight: Arc<AtomicUsize>,
    claims: Claims,
    /// The way to the database and back.
    trip: Duration,
}

impl Driver {
    pub fn new(
        tools: Tools,
        holder: Arc<Holder>,
        pipelines: Arc<Pipelines>,
        letters: Arc<Letters>,
        watchdog: Arc<Watchdog>,
        held: Held,
        stop: CancellationToken,
    ) -> Result<Self> {
        let id = held.account.id;
        if !held.quiet.is_zero() {
            tracing::warn!(account = %id, wait = ?held.quiet, "its last holder fell silent: Telegram may keep its connection so long");
        }
        let connection = Arc::new(Connection::open_after(credentials(&tools.on, &held.account)?, held.quiet));
        watchdog.guard(id, &connection);
        let state = State {
            tools,
            holder,
            id,
            epoch: held.epoch,
            connection,
            gate: Arc::default(),
            resolving: Gate::default(),
            reading: Gate::default(),
            stop,
            looked_back: Mutex::default(),
            media: Mutex::default(),
            letters: LetterQueue::default(),
            room: Notify::new(),
            ready: Notify::new(),
        };
        Ok(Self {
            state: Arc::new(state),
            pipelines,
            letters,
            watchdog,
            account: held.account,
            last_slot: held.last_slot,
            looked: None,
            work: Vec::new(),
            next: 0,
            in_flight: Arc::default(),
            claims: Claims::default(),
            trip: Duration::ZERO,
        })
    }

    /// Sends until it is stopped, then closes the connection, and only then gives the account back (R16).
    pub async fn run(mut self) {
        let tasks = [
            tokio::spawn(Prefetcher::new(self.state.clone(), self.pipelines.clone()).run()),
            tokio::spawn(pulse::run(self.state.clone())),
            tokio::spawn(sent_changes::run(self.state.clone())),
            tokio::spawn(refresher::run(self.state.clone())),
            tokio::spawn(letter_queue::run(self.state.clone(), self.letters.open(self.state.id))),
        ];
        let mut events = self.state.tools.on.events.subscribe();
        while !self.state.stop.is_cancelled() && self.state.is_held() {
            let state = self.state.clone();
            let round = state.holder.rounds.begin("the turn of an account");
            let turn = self.turn().await;
            drop(round);
            let pause = match turn {
                Ok(Some(pause)) => pause.min(LOOK),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(account = %self.state.id, ?error, "an account cannot be looked at");
                    PAUSE
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                () = self.state.tools.on.clock.sleep(pause) => {}
                () = self.state.ready.notified() => {}
                () = self.state.connection.changed() => {}
                () = events.woken(is_work) => self.looked = None,
                () = self.state.stop.cancelled() => {}
            }
        }
        self.letters.close(self.state.id);
        self.state.gate.close();
        self.state.stop.cancel();
        self.end().await;
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(account = %self.state.id, %error, "a task of an account ended badly");
            }
        }
    }

    async fn end(&self) {
        let State { tools, holder, id, epoch, connection, .. } = &*self.state;
        let began = tools.on.clock.monotonic();
        while self.in_flight.load(Ordering::SeqCst) > 0
            && holder.is_valid(tools.on.clock.monotonic())
            && tools.on.clock.monotonic().saturating_sub(began) < DRAIN
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connection.close().await;
        self.watchdog.dismiss(*id);
        holder.gives(*id);
        if let Err(error) = account::release(&tools.on, holder.row.id, *id, *epoch).await {
            tracing::warn!(account = %id, ?error, "the account could not be given back: it will be taken over");
        }
    }

    /// Starts one message if one may start; returns how long there is nothing to do, or None at the end.
    async fn turn(&mut self) -> Result<Option<Duration>> {
        if let Some(fault) = self.state.connection.refusal() {
            // What was wrong with an earlier session says nothing of the present one.
            self.looked = None;
            if !self.look().await? {
                return Ok(None);
            }
            let status = match rule(&fault) {
                Ruling::Account(status) => status,
                _ => AccountStatus::NeedsLogin,
            };
            account::park(&self.state.tools.on, self.state.id, status, &fault.to_string()).await?;
            return Ok(None);
        }
        if !self.look().await? {
            return Ok(None);
        }
        if !self.state.connection.is_ready() || self.in_flight.load(Ordering::SeqCst) >= IN_FLIGHT {
            return Ok(Some(LOOK));
        }
        let early = self.early().saturating_sub(self.trip * TRIPS_BEFORE);
        if !early.is_zero() {
            return Ok(Some(early));
        }
        let mut pause = LOOK;
        // Letters take turns with the campaigns.
        let turns = self.work.len() + 1;
        for turn in 0..turns {
            let at = (self.next + turn) % turns;
            let campaign = self.work.get(at).copied();
            let served = match campaign {
                Some(id) => self.serve(id).await,
                None => self.write().await,
            };
            // What goes wrong with one campaign keeps no other waiting.
            let wait = match served {
                Ok(None) => {
                    self.next = at + 1;
                    return Ok(Some(Duration::ZERO));
                }
                Ok(Some(wait)) => wait,
                // Paused, taken over, or a budget was spent meanwhile: look again.
                Err(Error::Precondition(_) | Error::NotFound(_)) => {
                    self.looked = None;
                    EARLY
                }
                Err(error) => {
                    tracing::warn!(account = %self.state.id, ?campaign, ?error, "a claim failed");
                    PAUSE
                }
            };
            pause = pause.min(wait);
        }
        Ok(Some(pause))
    }

    /// Reads the account and its campaigns from time to time; false if it can't send any more.
    async fn look(&mut self) -> Result<bool> {
        let State { tools, id, gate, .. } = &*self.state;
        let now = tools.on.clock.monotonic();
        if self.looked.is_some_and(|looked| now.saturating_sub(looked) < LOOK) {
            return Ok(true);
        }
        let Some(account) = account::reload(&tools.on, *id).await? else { return Ok(false) };
        // Another session: this one is given back, and whoever leases the account next connects by the new one.
        if account.auth_key_hash != self.account.auth_key_hash {
            return Ok(false);
        }
        self.account = account;
        if let Some(until) = self.account.send_not_before {
            gate.hold(domain::clock::nanos(until));
        }
        self.work = accounts::work(tools.on.db.reader(), *id).await?;
        self.looked = Some(now);
        self.state.room.notify_one();
        Ok(matches!(self.account.status, AccountStatus::Active | AccountStatus::FloodWait))
    }

    /// The next slot of the account's own pace, after its waits, for what will be ready at `ready`.
    fn slot(&self, ready: i64) -> i64 {
        let rate = i64::from(self.account.messages_per_minute.max(1));
        next_slot(ready, self.last_slot, self.state.gate.held_until(), rate)
    }

    /// How long it is too early for the claim of the account's next slot.
    fn early(&self) -> Duration {
        let (now, lead) = (self.state.tools.on.clock.nanos(), self.claims.lead());
        nanos(self.slot(now + duration_nanos(lead)) - now - duration_nanos(lead + EARLY))
    }

    /// Starts a message of one campaign; None if one was started, else how long there is none.
    async fn serve(&mut self, id: BroadcastCampaignId) -> Result<Option<Duration>> {
        let tools = self.state.tools.clone();
        let owner = Owner { campaign: id, account: self.state.id };
        let pipeline = self.pipelines.of(&tools, id).await?;
        let asked = tools.on.clock.monotonic();
        let items = prefetch::items(tools.on.db.reader(), owner, READ).await?;
        let trip = tools.on.clock.monotonic().saturating_sub(asked);
        self.trip = if self.trip.is_zero() { trip } else { trip.min(self.trip * 2) };
        self.claims.expect(trip * TRIPS);
        let now = tools.on.now();
        let mission = pipeline.mission();
        let media = self.state.media().get(&id).cloned();
        if mission.attachment.is_some() && media.is_none() {
            self.state.room.notify_one();
            return Ok(Some(LOOK));
        }
        let may = |item: &&Item| {
            is_ready(item, &mission, now, &self.account) && !self.state.is_to_look_back(&mission, item, now)
        };
        let Some(item) = items.iter().find(may) else {
            self.state.room.notify_one();
            let next = items.iter().filter_map(|item| (opens(item) - now).to_std().ok()).min();
            return Ok(Some(next.unwrap_or(LOOK).max(Duration::from_millis(20))));
        };
        let early = self.early();
        if early > self.trip * TRIPS_BEFORE {
            // It was asked to wait meanwhile.
            return Ok(Some(early));
        }
        tools.on.clock.sleep(early).await;
        let begun = self.claims.begin(&tools.on, &self.state.holder).await;
        let Some(taken) = slots::take_ahead(&tools.on.db, id, (begun.now, begun.ready), 1, None).await? else {
            return self.until_slot(id).await.map(Some);
        };
        if taken.run != pipeline.mission().run {
            pipeline.refresh(&tools).await?;
        }
        // The later of both: the account's pace goes on from where it really started.
        let at = self.slot(begun.ready).max(taken.slots.last);
        self.start(owner, &pipeline, item, &taken, Slot { at, claimed: begun.claimed }).await?;
        self.claims.over(&tools.on, begun);
        self.state.room.notify_one();
        Ok(None)
    }

    /// Starts a letter to a lead; None if one was started, else how long there is none.
    async fn write(&mut self) -> Result<Option<Duration>> {
        let Some(letter) = self.state.letters.next() else { return Ok(Some(LOOK)) };
        let state = self.state.clone();
        let begun = self.claims.begin(&state.tools.on, &state.holder).await;
        let at = self.slot(begun.ready);
        let Some(letter) = letter.begin(&state, at).await? else { return Ok(Some(Duration::ZERO)) };
        self.claims.over(&state.tools.on, begun);
        self.last_slot = at;
        self.launch(async move { letter.send(&state, Slot { at, claimed: begun.claimed }).await });
        Ok(None)
    }

    async fn start(&mut self, owner: Owner, pipeline: &Pipeline, item: &Item, taken: &Taken, slot: Slot) -> Result<()> {
        let state = self.state.clone();
        let is_live = pipeline.mission().mode == CampaignMode::Live;
        let open = state.holder.claim();
        let claim = Claim {
            owner,
            holder: state.holder.row.id,
            epoch: state.epoch,
            key: open.key,
            run: taken.run,
            position: item.position,
            peer_id: item.peer_id.filter(|_| is_live),
            is_new_peer: is_live && item.written_at.is_none(),
            slot: slot.at,
            now: state.tools.on.now(),
        };
        match engage(&state.tools.on, &pipeline.mission(), &claim, &item.known()).await? {
            Some(Engaged { job: Some(job), seq, .. }) => {
                open.granted(1);
                self.last_slot = slot.at;
                let executor = Executor {
                    exit: pipeline.exit(1, Some(&state.gate)),
                    media: state.media().get(&owner.campaign).cloned(),
                    to: recipient(item),
                    carrier: Carrier {
                        account: state.id,
                        is_peer_fresh: item.refreshes.unwrap_or(0) > 0,
                        slow_seconds: item.slow_seconds,
                    },
                    job,
                    lease: Lease { key: claim.key, seq, run: claim.run },
                    state: state.clone(),
                };
                self.launch(executor.run(slot, taken.slots.last));
            }
            // Should somebody want it looked for again, it will be.
            _ => drop(state.looked_back().remove(&(owner.campaign, item.position))),
        }
        Ok(())
    }

    /// Starts something that the account sends, and looks for more when it has ended.
    fn launch(&self, sending: impl Future<Output = ()> + Send + 'static) {
        let (in_flight, state) = (self.in_flight.clone(), self.state.clone());
        in_flight.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            sending.await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            state.ready.notify_one();
        });
    }

    /// How long until the campaign's next slot.
    async fn until_slot(&self, id: BroadcastCampaignId) -> Result<Duration> {
        use sea_orm::EntityTrait;
        use storage::broadcast::progress;
        let on = &self.state.tools.on;
        let Some(row) = progress::Entity::find_by_id(id).one(on.db.reader()).await? else { return Ok(LOOK) };
        let (now, lead) = (on.clock.nanos(), self.claims.lead());
        let slot = next_slot(now + duration_nanos(lead), row.last_slot, row.not_before, row.delivery_rate);
        held(on, nanos(slot - now - duration_nanos(lead + EARLY)).max(Duration::from_millis(1))).await
    }
}

fn nanos(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

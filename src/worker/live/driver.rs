//! The driver of one account: pairs the account's slots with campaigns' slots (R3), and sends what lies ready on its trays.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Desks};
use super::letters::Letters;
use super::post::{self, Post};
use super::preparer::Preparer;
use super::seat::{Seat, is_ready, opens, recipient};
use super::send::{Send, Slot};
use super::watchdog::Watchdog;
use super::{errands, refresher};
use crate::holder::Holder;
use crate::{DRAIN, PAUSE, Tools, next_work};
use domain::broadcast::{AccountStatus, CampaignMode};
use domain::clock::duration_nanos;
use domain::delivery::table::{Ruling, rule};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::next_slot;
use service::broadcast::delivery::account::{self, Held};
use service::broadcast::delivery::engage::engage;
use service::broadcast::delivery::settle::Carrier;
use service::broadcast::telegram_account::credentials;
use storage::broadcast::queue::accounts;
use storage::broadcast::queue::engage::{Claim, Engaged};
use storage::broadcast::queue::new_key;
use storage::broadcast::queue::slots::{self, Taken};
use storage::broadcast::queue::tray::{self, Item, Owner};
use storage::broadcast::telegram_account;
use telegram::live::Connection;

/// The account and its campaigns are looked at so often without any event.
const LOOK: Duration = Duration::from_secs(1);
/// Messages on their way at most: what a lost connection leaves ambiguous.
const IN_FLIGHT: usize = 8;
/// Jobs of one tray that are read at once.
const TRAY: i64 = 200;
/// So long before a slot its job is leased: it must be ready when the slot comes, and a slot of the campaign is taken for it.
const LEAD: Duration = Duration::from_millis(100);

/// Drives one account, from its lease to its release.
pub struct Driver {
    seat: Arc<Seat>,
    desks: Arc<Desks>,
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
}

impl Driver {
    pub fn new(
        tools: Tools,
        holder: Arc<Holder>,
        desks: Arc<Desks>,
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
        let seat = Seat {
            tools,
            holder,
            id,
            epoch: held.epoch,
            connection,
            gate: Arc::default(),
            resolve_until: AtomicI64::new(0),
            read_until: AtomicI64::new(0),
            stop,
            looked_back: Mutex::default(),
            media: Mutex::default(),
            post: Post::default(),
            room: Notify::new(),
            ready: Notify::new(),
        };
        Ok(Self {
            seat: Arc::new(seat),
            desks,
            letters,
            watchdog,
            account: held.account,
            last_slot: held.last_slot,
            looked: None,
            work: Vec::new(),
            next: 0,
            in_flight: Arc::default(),
        })
    }

    /// Sends until it is stopped, then closes the connection, and only then gives the account back (R16).
    pub async fn run(mut self) {
        let preparing = tokio::spawn(Preparer::new(self.seat.clone(), self.desks.clone()).run());
        let pulse = tokio::spawn(pulse(self.seat.clone()));
        let errands = tokio::spawn(errands::run(self.seat.clone()));
        let refreshing = tokio::spawn(refresher::run(self.seat.clone()));
        let posting = tokio::spawn(post::run(self.seat.clone(), self.letters.open(self.seat.id)));
        let mut events = self.seat.tools.on.events.subscribe();
        while !self.seat.stop.is_cancelled() && self.seat.is_held() {
            let pause = match self.turn().await {
                Ok(Some(pause)) => pause.min(LOOK),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(account = %self.seat.id, ?error, "an account cannot be looked at");
                    PAUSE
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                () = self.seat.tools.on.clock.sleep(pause) => {}
                () = self.seat.ready.notified() => {}
                () = self.seat.connection.changed() => {}
                () = next_work(&mut events) => self.looked = None,
                () = self.seat.stop.cancelled() => {}
            }
        }
        self.letters.close(self.seat.id);
        self.seat.gate.close();
        self.seat.stop.cancel();
        self.end().await;
        for task in [preparing, pulse, errands, refreshing, posting] {
            if let Err(error) = task.await {
                tracing::error!(account = %self.seat.id, %error, "a task of an account ended badly");
            }
        }
    }

    async fn end(&self) {
        let Seat { tools, holder, id, epoch, connection, .. } = &*self.seat;
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
        if let Some(fault) = self.seat.connection.refusal() {
            // What was wrong with an earlier session says nothing of the present one.
            self.looked = None;
            if !self.look().await? {
                return Ok(None);
            }
            let status = match rule(&fault) {
                Ruling::Account(status) => status,
                _ => AccountStatus::NeedsLogin,
            };
            account::park(&self.seat.tools.on, self.seat.id, status, &fault.to_string()).await?;
            return Ok(None);
        }
        if !self.look().await? {
            return Ok(None);
        }
        if !self.seat.connection.is_ready() || self.in_flight.load(Ordering::SeqCst) >= IN_FLIGHT {
            return Ok(Some(LOOK));
        }
        let now = self.seat.tools.on.clock.nanos();
        let slot = self.slot(now);
        let early = slot - now - duration_nanos(LEAD);
        if early > 0 {
            return Ok(Some(nanos(early)));
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
                    LEAD
                }
                Err(error) => {
                    tracing::warn!(account = %self.seat.id, ?campaign, ?error, "a claim failed");
                    PAUSE
                }
            };
            pause = pause.min(wait);
        }
        Ok(Some(pause))
    }

    /// Reads the account and its campaigns from time to time; false if it can't send any more.
    async fn look(&mut self) -> Result<bool> {
        let Seat { tools, id, gate, .. } = &*self.seat;
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
        self.seat.room.notify_one();
        Ok(matches!(self.account.status, AccountStatus::Active | AccountStatus::FloodWait))
    }

    /// The next slot of the account's own pace, after its waits.
    fn slot(&self, now: i64) -> i64 {
        let rate = i64::from(self.account.messages_per_minute.max(1));
        next_slot(now, self.last_slot, self.seat.gate.held_until(), rate)
    }

    /// Starts a message of one campaign; None if one was started, else how long there is none.
    async fn serve(&mut self, id: BroadcastCampaignId) -> Result<Option<Duration>> {
        let tools = self.seat.tools.clone();
        let owner = Owner { campaign: id, account: self.seat.id };
        let desk = self.desks.of(&tools, id).await?;
        let items = tray::items(tools.on.db.reader(), owner, TRAY).await?;
        let now = tools.on.now();
        let mission = desk.mission();
        let media = self.seat.media().get(&id).cloned();
        if mission.attachment.is_some() && media.is_none() {
            self.seat.room.notify_one();
            return Ok(Some(LOOK));
        }
        let may = |item: &&Item| {
            is_ready(item, &mission, now, &self.account) && !self.seat.is_to_look_back(&mission, item, now)
        };
        let Some(item) = items.iter().find(may) else {
            self.seat.room.notify_one();
            let next = items.iter().filter_map(|item| (opens(item) - now).to_std().ok()).min();
            return Ok(Some(next.unwrap_or(LOOK).max(Duration::from_millis(20))));
        };
        let claimed = tools.on.clock.monotonic();
        let Some(taken) = slots::take(&tools.on.db, id, tools.on.clock.nanos(), 1).await? else {
            return self.until_slot(id).await.map(Some);
        };
        if taken.run != desk.mission().run {
            desk.refresh(&tools).await?;
        }
        // The later of both: the account's pace goes on from where it really started.
        let at = self.slot(tools.on.clock.nanos()).max(taken.slots.last);
        let slot = Slot { at, campaign: taken.slots.last, claimed };
        self.start(owner, &desk, item, &taken, slot).await?;
        self.seat.room.notify_one();
        Ok(None)
    }

    /// Starts a letter to a lead; None if one was started, else how long there is none.
    async fn write(&mut self) -> Result<Option<Duration>> {
        let clock = self.seat.tools.on.clock.clone();
        let Some(letter) = self.seat.post.next() else { return Ok(Some(LOOK)) };
        let (at, claimed) = (self.slot(clock.nanos()), clock.monotonic());
        let Some(letter) = letter.begin(&self.seat, at).await? else { return Ok(Some(Duration::ZERO)) };
        self.last_slot = at;
        let (in_flight, seat) = (self.in_flight.clone(), self.seat.clone());
        in_flight.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            letter.send(&seat, at, claimed).await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            seat.ready.notify_one();
        });
        Ok(None)
    }

    async fn start(&mut self, owner: Owner, desk: &Arc<Desk>, item: &Item, taken: &Taken, slot: Slot) -> Result<()> {
        let Seat { tools, holder, epoch, .. } = &*self.seat;
        let is_live = desk.mission().mode == CampaignMode::Live;
        let claim = Claim {
            owner,
            holder: holder.row.id,
            epoch: *epoch,
            key: new_key(),
            run: taken.run,
            position: item.position,
            peer_id: item.peer_id.filter(|_| is_live),
            is_new_peer: is_live && item.written_at.is_none(),
            slot: slot.at,
            now: tools.on.now(),
        };
        holder.open(claim.key, usize::MAX);
        match engage(&tools.on, &desk.mission(), &claim).await {
            Ok(Some(engaged)) if engaged.job.is_some() => {
                holder.open(claim.key, 1);
                self.last_slot = slot.at;
                self.launch(desk, item, &claim, engaged, slot);
                Ok(())
            }
            Ok(_) => {
                holder.forget(claim.key);
                // Should somebody want it looked for again, it will be.
                self.seat.looked_back().remove(&(owner.campaign, item.position));
                Ok(())
            }
            Err(error) => {
                holder.forget(claim.key);
                Err(error)
            }
        }
    }

    fn launch(&self, desk: &Arc<Desk>, item: &Item, claim: &Claim, engaged: Engaged, slot: Slot) {
        let Some(job) = engaged.job else { return };
        let seat = &self.seat;
        let send = Send {
            mission: desk.mission(),
            campaign: desk.gate(),
            media: seat.media().get(&claim.owner.campaign).cloned(),
            seat: seat.clone(),
            answers: desk.await_answer(),
            to: recipient(item),
            carrier: Carrier {
                account: seat.id,
                is_peer_fresh: item.refreshes.unwrap_or(0) > 0,
                slow_seconds: item.slow_seconds,
            },
            job,
            lease: (claim.key, engaged.seq),
            run: claim.run,
        };
        let (in_flight, this) = (self.in_flight.clone(), seat.clone());
        in_flight.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            send.run(slot).await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            this.ready.notify_one();
        });
    }

    /// How long until the campaign's next slot.
    async fn until_slot(&self, id: BroadcastCampaignId) -> Result<Duration> {
        use sea_orm::EntityTrait;
        use storage::broadcast::progress;
        let on = &self.seat.tools.on;
        let Some(row) = progress::Entity::find_by_id(id).one(on.db.reader()).await? else { return Ok(LOOK) };
        let now = on.clock.nanos();
        let slot = next_slot(now, row.last_slot, row.not_before, row.delivery_rate);
        Ok(nanos(slot - now - duration_nanos(LEAD)).max(Duration::from_millis(1)))
    }
}

/// R16: as long as this process lives the server keeps the connection; one that stands still is cut off before another process
/// may connect the account.
async fn pulse(seat: Arc<Seat>) {
    while !seat.stop.is_cancelled() {
        if seat.connection.is_ready() && seat.is_held() {
            // Its failure is the connection's, which is seen elsewhere.
            drop(seat.connection.keep_alive().await);
        }
        tokio::select! { () = seat.tools.on.clock.sleep(crate::holder::BEAT) => {}, () = seat.stop.cancelled() => {} }
    }
}

fn nanos(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

//! Making ready ahead (R4): jobs go on the account's trays, and their channels are looked up, inside the day's budgets.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::desk::Desks;
use super::history;
use super::seat::Seat;
use domain::broadcast::CampaignMode;
use domain::clock;
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, wait_until};
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use service::broadcast::campaign::Reason;
use service::broadcast::channel_refresh;
use service::broadcast::delivery::engage::assign;
use service::broadcast::delivery::refuse::{refuse, refuse_content};
use service::broadcast::delivery::{Mission, account};
use storage::broadcast::queue::tray::{self, Item, Owner, Want};
use storage::broadcast::queue::{accounts, budget, peers};
use storage::broadcast::telegram_account;
use telegram::live::{Recipient, ResolvedPeer};

/// Trays are looked at so often without being asked to.
const LOOK: Duration = Duration::from_secs(1);
/// A tray holds what its account can send in this time: what lies on it waits for this account.
const AHEAD: Duration = Duration::from_secs(10);
/// Jobs on one tray, whatever the pace.
const TRAY: std::ops::RangeInclusive<i64> = 2..=20;

/// Prepares the jobs of one account.
pub struct Preparer {
    seat: Arc<Seat>,
    desks: Arc<Desks>,
    /// Where the last search for jobs of a campaign ended.
    cursors: HashMap<BroadcastCampaignId, i32>,
}

/// What a day still allows.
#[derive(Debug, Clone, Copy)]
struct Left {
    new_peers: i64,
    resolves: i64,
}

impl Preparer {
    pub fn new(seat: Arc<Seat>, desks: Arc<Desks>) -> Self {
        Self { seat, desks, cursors: HashMap::new() }
    }

    /// Prepares until the driver ends.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.seat.room.notified() => {}
                () = self.seat.tools.on.clock.sleep(LOOK) => {}
                () = self.seat.stop.cancelled() => return,
            }
            if !self.seat.connection.is_ready() || !self.seat.is_held() {
                continue;
            }
            if let Err(error) = self.round().await {
                tracing::warn!(account = %self.seat.id, ?error, "jobs cannot be made ready");
            }
        }
    }

    async fn round(&mut self) -> Result<()> {
        let on = self.seat.tools.on.clone();
        let Some(account) = account::reload(&on, self.seat.id).await? else { return Ok(()) };
        let mut trays = Vec::new();
        for campaign in accounts::work(on.db.reader(), self.seat.id).await? {
            let owner = Owner { campaign, account: self.seat.id };
            let mission = match self.desks.of(&self.seat.tools, campaign).await {
                Ok(desk) => desk.mission(),
                Err(error) => {
                    tracing::warn!(%campaign, ?error, "a running campaign cannot be sent");
                    continue;
                }
            };
            let items = tray::items(on.db.reader(), owner, *TRAY.end()).await?;
            trays.push((owner, mission, items));
        }
        let today = account.today(on.now());
        let kept = channel_refresh::reserve(&on, &account).await?;
        let mut left = Left {
            new_peers: i64::from(account.new_peers_per_day - today.new_peers),
            resolves: i64::from(account.resolves_per_day - today.resolves - kept),
        };
        for item in trays.iter().filter(|(_, mission, _)| mission.mode == CampaignMode::Live).flat_map(|tray| &tray.2) {
            left.note(item);
        }
        // A waiting account takes no jobs that another one could send.
        let waits = self.seat.gate.held_until() > on.clock.nanos();
        for (owner, mission, items) in &mut trays {
            if !waits && self.fill(*owner, mission, items, &account, &mut left).await? {
                *items = tray::items(on.db.reader(), *owner, *TRAY.end()).await?;
                self.seat.ready.notify_one();
            }
        }
        for (_, mission, _) in &trays {
            self.attach(mission).await?;
        }
        for (_, mission, items) in &trays {
            if on.clock.nanos() < self.seat.read_until.load(Ordering::SeqCst) {
                break;
            }
            for item in items.iter().filter(|item| self.seat.is_to_look_back(mission, item, on.now())) {
                history::look_back(&self.seat, mission, item).await?;
            }
        }
        // Look-ups take their time, and floods of them stop nothing else: they come last.
        for (owner, mission, items) in &trays {
            if mission.mode == CampaignMode::Live && !self.look_up(*owner, mission, items, &account, kept).await? {
                break;
            }
        }
        Ok(())
    }

    /// Puts what is attached to a campaign's messages at Telegram, once.
    async fn attach(&self, mission: &Mission) -> Result<()> {
        let Seat { tools, connection, id, ready, .. } = &*self.seat;
        let Some(attachment) = &mission.attachment else { return Ok(()) };
        if self.seat.media().contains_key(&mission.id) {
            return Ok(());
        }
        let stored = match attachment.stored(&tools.on, *id).await? {
            Some(stored) => Ok(stored),
            None => attachment.store(&tools.on, *id, connection).await?,
        };
        match stored {
            Ok(stored) => {
                self.seat.media().insert(mission.id, stored);
                ready.notify_one();
            }
            Err(Fault::Unreadable) => {
                let at = &self.seat.holder.row;
                let reason = Reason::Upload(format!("{}, process {}", at.host, at.pid));
                refuse_content(&tools.on, mission, reason).await?;
            }
            Err(fault) => match rule(&fault) {
                Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent => {
                    tracing::debug!(campaign = %mission.id, %fault, "an attachment could not be stored yet");
                }
                Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
                    let until = wait_until(tools.on.now(), seconds);
                    self.seat.gate.hold(clock::nanos(until));
                    account::wait(&tools.on, *id, Method::Send, (seconds, until)).await?;
                }
                Ruling::Account(status) => {
                    self.seat.gate.close();
                    account::park(&tools.on, *id, status, &fault.to_string()).await?;
                }
                _ => refuse_content(&tools.on, mission, Reason::Content(fault.to_string())).await?,
            },
        }
        Ok(())
    }

    /// Puts jobs on a tray that has room; whether there were any.
    async fn fill(
        &mut self,
        owner: Owner,
        mission: &Mission,
        items: &[Item],
        account: &telegram_account::Model,
        left: &mut Left,
    ) -> Result<bool> {
        let seconds = i64::try_from(AHEAD.as_secs()).unwrap_or(i64::MAX);
        let window = (i64::from(account.messages_per_minute) * seconds / 60).clamp(*TRAY.start(), *TRAY.end());
        let room = window - i64::try_from(items.len()).unwrap_or(i64::MAX);
        if room <= 0 {
            return Ok(false);
        }
        let is_test = mission.mode == CampaignMode::Test;
        let (new, unknown) = (is_test || left.new_peers > 0, is_test || left.resolves > 0);
        let limit = match (new, unknown) {
            _ if is_test => room,
            (true, true) => room.min(left.new_peers).min(left.resolves),
            (true, false) => room.min(left.new_peers),
            (false, _) => room,
        };
        let cursor = self.cursors.entry(owner.campaign).or_default();
        let want = Want { limit, cursor: *cursor, unknown, new, now: self.seat.tools.on.now() };
        let given = assign(&self.seat.tools.on, owner, &want).await?;
        // SKIP LOCKED may have passed something over, or something came back behind the cursor (R25).
        let is_full = i64::try_from(given.len()).is_ok_and(|given| given == limit);
        *cursor = if is_full && new && unknown { given.last().copied().unwrap_or(0).max(*cursor) } else { 0 };
        if !is_test {
            left.new_peers -= i64::try_from(given.len()).unwrap_or(0);
            left.resolves -= i64::try_from(given.len()).unwrap_or(0);
        }
        Ok(!given.is_empty())
    }

    /// Looks up the channels that the account does not know; false if no more may be looked up now.
    async fn look_up(
        &self,
        owner: Owner,
        mission: &Mission,
        items: &[Item],
        account: &telegram_account::Model,
        kept: i32,
    ) -> Result<bool> {
        let Seat { tools, connection, id, stop, ready, resolve_until, .. } = &*self.seat;
        for item in items.iter().filter(|item| item.is_active && item.access_hash.is_none()) {
            let may = !stop.is_cancelled()
                && connection.is_ready()
                && self.seat.is_held()
                && tools.on.clock.nanos() >= resolve_until.load(Ordering::SeqCst);
            if !may || !budget::resolve(&tools.on.db, *id, tools.on.now(), kept).await? {
                return Ok(false);
            }
            match connection.resolve(&item.username).await {
                Ok(found) => {
                    peers::know(&tools.on.db, (*id, item.channel_id), as_found(&found), tools.on.now()).await?;
                    ready.notify_one();
                }
                Err(fault) => {
                    if !self.refused(owner, mission, item, &fault).await? {
                        return Ok(false);
                    }
                }
            }
            // Evenly, and at most twice as fast as it sends: hundreds in seconds have cost accounts most of a day.
            let rate = u32::try_from(account.messages_per_minute.max(1)).unwrap_or(1);
            tools.on.clock.sleep(Duration::from_secs(30) / rate).await;
        }
        Ok(true)
    }

    /// What follows from a look-up that failed; false if no more may be looked up now.
    async fn refused(&self, owner: Owner, mission: &Mission, item: &Item, fault: &Fault) -> Result<bool> {
        let Seat { tools, id, gate, resolve_until, .. } = &*self.seat;
        match rule(fault) {
            Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
                let until = wait_until(tools.on.now(), seconds);
                // Before anything else: it alone uses the account (R18).
                resolve_until.fetch_max(clock::nanos(until), Ordering::SeqCst);
                account::wait(&tools.on, *id, Method::Resolve, (seconds, until)).await?;
                Ok(false)
            }
            Ruling::Account(status) => {
                gate.close();
                account::park(&tools.on, *id, status, &fault.to_string()).await?;
                Ok(false)
            }
            Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent | Ruling::Defer | Ruling::Media | Ruling::Sent => {
                Ok(false)
            }
            Ruling::Gone | Ruling::Channel | Ruling::Suspect | Ruling::Peer | Ruling::Content | Ruling::Job => {
                refuse(&tools.on, mission, owner, item, fault).await?;
                Ok(true)
            }
        }
    }
}

pub(super) fn as_found(found: &ResolvedPeer) -> peers::Found {
    let (access_hash, is_user) = match found.recipient {
        Recipient::Channel { access_hash, .. } => (access_hash, false),
        Recipient::User { access_hash, .. } => (access_hash, true),
        Recipient::SavedMessages => (0, true),
    };
    peers::Found { peer_id: found.peer_id, access_hash, is_user }
}

impl Left {
    /// A job on a tray will need what is left.
    fn note(&mut self, item: &Item) {
        self.new_peers -= i64::from(item.written_at.is_none());
        self.resolves -= i64::from(item.access_hash.is_none());
    }
}

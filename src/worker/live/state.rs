//! The state that the tasks of one account share, and what is known of the jobs that it has prefetched.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::letter_queue::LetterQueue;
use crate::gate::Gate;
use crate::holder::Holder;
use crate::tools::Tools;
use domain::broadcast::{AccountStatus, CampaignMode};
use domain::clock;
use domain::delivery::table::Method;
use domain::delivery::{Fault, repeatable, wait_until};
use domain::error::Result;
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use service::broadcast::delivery::{Mission, account};
use storage::broadcast::queue::prefetch::Item;
use storage::broadcast::telegram_account;
use telegram::live::{Connection, Recipient, StoredMedia};

/// The state that the tasks of one account share.
pub struct State {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub id: TelegramAccountId,
    /// The epoch of the account's lease.
    pub epoch: i64,
    pub connection: Arc<Connection>,
    /// Closed by floods and by the end: nothing starts by this account.
    pub gate: Arc<Gate>,
    /// Held by floods of look-ups.
    pub resolving: Gate,
    /// Held by floods of reads.
    pub reading: Gate,
    pub stop: CancellationToken,
    pub looked_back: Mutex<HashSet<(BroadcastCampaignId, i32)>>,
    /// The attachments of campaigns, as this account has put it at Telegram.
    pub media: Mutex<HashMap<BroadcastCampaignId, StoredMedia>>,
    /// Letters to leads that can be written.
    pub letters: LetterQueue,
    /// Wakes the prefetcher: there is room for jobs.
    pub room: Notify,
    /// Wakes the driver: a job has been made ready.
    pub ready: Notify,
}

impl State {
    /// What Telegram asks of the account in one class of methods: its gate is held before anything else happens, for this process
    /// alone uses the account (R18). Returns until when.
    pub async fn wait(&self, method: Method, seconds: u32) -> Result<DateTime<Utc>> {
        let on = &self.tools.on;
        let until = wait_until(on.now(), seconds);
        let gate = match method {
            Method::Send => &self.gate,
            Method::Resolve => &self.resolving,
            Method::Read => &self.reading,
        };
        gate.hold(clock::nanos(until));
        account::wait(on, self.id, method, (seconds, until)).await?;
        Ok(until)
    }

    /// Telegram refuses the account: it starts nothing any more, and waits for somebody to mend it.
    pub async fn park(&self, status: AccountStatus, fault: &Fault) -> Result<()> {
        self.gate.close();
        account::park(&self.tools.on, self.id, status, &fault.to_string()).await
    }

    /// Whether the account may look something up, or change what it has sent, as far as its connection and leases go.
    pub fn is_usable(&self) -> bool {
        !self.stop.is_cancelled() && self.connection.is_ready() && self.is_held()
    }

    /// R11: whether the channel's history is to be read before anything else happens to a job: it may have been sent, and so
    /// long ago that it may not be repeated; or somebody who looked wants it sent again; or the database was restored, and does not
    /// know whether it was.
    pub fn is_to_look_back(&self, mission: &Mission, item: &Item, now: DateTime<Utc>) -> bool {
        let can = mission.mode == CampaignMode::Live && item.access_hash.is_some();
        (is_forgotten(mission, item, now) && item.random_id.is_some() || item.sought_since.is_some())
            && can
            && item.not_before <= now
            && !self.looked_back().contains(&(mission.id, item.position))
    }

    /// Ambiguous jobs for which nothing can be learned from a history any more.
    pub fn looked_back(&self) -> MutexGuard<'_, HashSet<(BroadcastCampaignId, i32)>> {
        self.looked_back.lock()
    }

    /// The media that the account has put at Telegram.
    pub fn media(&self) -> MutexGuard<'_, HashMap<BroadcastCampaignId, StoredMedia>> {
        self.media.lock()
    }

    /// Whether this process' lease lets it use the account.
    pub fn is_held(&self) -> bool {
        self.holder.is_valid(self.tools.on.clock.monotonic())
    }
}

/// Whether nobody can say any more that a repetition would not be a second message (R11).
fn is_forgotten(mission: &Mission, item: &Item, now: DateTime<Utc>) -> bool {
    item.ambiguous_since.is_some_and(|since| !repeatable(since, now, mission.policy))
}

/// Whether a job that was prefetched could be leased now.
pub fn is_ready(item: &Item, mission: &Mission, now: DateTime<Utc>, by: &telegram_account::Model) -> bool {
    if item.not_before > now {
        return false;
    }
    // What is not to be sent any more needs nothing.
    let is_private = item.is_private() && !mission.allow_private;
    let ends = is_forgotten(mission, item, now) || is_private || (!item.is_active && item.ambiguous_since.is_none());
    if mission.mode == CampaignMode::Test || ends {
        return true;
    }
    let may_write = item.written_at.is_some() || by.today(now).new_peers < by.new_peers_per_day;
    item.access_hash.is_some() && item.slow_until.is_none_or(|until| until <= now) && may_write
}

/// The earliest instant at which it could be, as far as is known.
pub fn opens(item: &Item) -> DateTime<Utc> {
    item.slow_until.map_or(item.not_before, |until| until.max(item.not_before))
}

/// Whom to write to, if the account knows.
pub fn recipient(item: &Item) -> Option<Recipient> {
    let (id, access_hash) = (item.peer_id?, item.access_hash?);
    Some(if item.is_user == Some(true) {
        Recipient::User { id, access_hash }
    } else {
        Recipient::Channel { id, access_hash }
    })
}

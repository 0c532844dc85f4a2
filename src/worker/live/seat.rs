//! What the tasks of one account share, and what lies ready on its trays.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::post::Post;
use crate::Tools;
use crate::gate::Gate;
use crate::holder::Holder;
use domain::broadcast::CampaignMode;
use domain::delivery::repeatable;
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use service::broadcast::delivery::Mission;
use storage::broadcast::queue::tray::Item;
use storage::broadcast::telegram_account;
use telegram::live::{Connection, Recipient, StoredMedia};

/// What the tasks of one account share.
pub struct Seat {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub id: TelegramAccountId,
    /// The epoch of the account's lease.
    pub epoch: i64,
    pub connection: Arc<Connection>,
    /// Closed by floods and by the end: nothing starts by this account.
    pub gate: Arc<Gate>,
    /// The end of a flood of look-ups, in nanoseconds since 1970: set before anything else (R18).
    pub resolve_until: AtomicI64,
    /// The end of a flood of reads.
    pub read_until: AtomicI64,
    pub stop: CancellationToken,
    pub looked_back: Mutex<HashSet<(BroadcastCampaignId, i32)>>,
    /// What is attached to the messages of campaigns, as this account has put it at Telegram.
    pub media: Mutex<HashMap<BroadcastCampaignId, StoredMedia>>,
    /// Letters to leads that can be written.
    pub post: Post,
    /// Wakes the preparer: a tray has room.
    pub room: Notify,
    /// Wakes the driver: a job has been made ready.
    pub ready: Notify,
}

impl Seat {
    /// R11: whether the channel's history is to be read before anything else happens to a job: it may have been sent, and so
    /// long ago that it may not be repeated.
    pub fn is_to_look_back(&self, mission: &Mission, item: &Item, now: DateTime<Utc>) -> bool {
        let can = mission.mode == CampaignMode::Live && item.access_hash.is_some();
        is_forgotten(mission, item, now)
            && can
            && item.not_before <= now
            && !self.looked_back().contains(&(mission.id, item.position))
    }

    /// Ambiguous jobs for which nothing can be learned from a history any more.
    pub fn looked_back(&self) -> MutexGuard<'_, HashSet<(BroadcastCampaignId, i32)>> {
        self.looked_back.lock().expect("no panic happens under this lock")
    }

    /// What the account has put at Telegram.
    pub fn media(&self) -> MutexGuard<'_, HashMap<BroadcastCampaignId, StoredMedia>> {
        self.media.lock().expect("no panic happens under this lock")
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

/// Whether a job on a tray could be leased now.
pub fn is_ready(item: &Item, mission: &Mission, now: DateTime<Utc>, by: &telegram_account::Model) -> bool {
    if item.not_before > now {
        return false;
    }
    // What is not to be sent any more needs nothing.
    let ends = is_forgotten(mission, item, now) || (!item.is_active && item.ambiguous_since.is_none());
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

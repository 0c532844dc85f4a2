//! Prefetching (R4): jobs are reserved ahead for the account, and their channels looked up, inside the day's budgets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::history;
use super::pipelines::Pipelines;
use super::state::State;
use crate::tools::LOOK;
use domain::broadcast::CampaignMode;
use domain::delivery::Fault;
use domain::delivery::table::{Method, Ruling, rule};
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use service::broadcast::campaign::Reason;
use service::broadcast::channel_refresh;
use service::broadcast::delivery::engage::assign;
use service::broadcast::delivery::refuse::{refuse, refuse_content};
use service::broadcast::delivery::{Mission, account};
use storage::broadcast::queue::prefetch::{self, Item, Owner, Want};
use storage::broadcast::queue::{accounts, budget, peers};
use storage::broadcast::telegram_account;
use telegram::live::{Recipient, ResolvedPeer};

/// How far ahead is prefetched: what the account can send in this time waits for it.
const AHEAD: Duration = Duration::from_secs(10);
/// Jobs of one campaign that are prefetched, whatever the pace.
const WINDOW: std::ops::RangeInclusive<i64> = 2..=20;

/// Prefetches jobs for one account.
pub struct Prefetcher {
    state: Arc<State>,
    pipelines: Arc<Pipelines>,
    /// Where the last search for jobs of a campaign ended.
    cursors: HashMap<BroadcastCampaignId, i32>,
}

/// The new peers that a day still allows.
#[derive(Debug, Clone, Copy)]
struct Left {
    new_peers: i64,
    resolves: i64,
}

impl Prefetcher {
    pub fn new(state: Arc<State>, pipelines: Arc<Pipelines>) -> Self {
        Self { state, pipelines, cursors: HashMap::new() }
    }

    /// Prefetches until the driver ends.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.state.room.notified() => {}
                () = self.state.tools.on.clock.sleep(LOOK) => {}
                () = self.state.stop.cancelled() => return,
            }
            if !self.state.connection.is_ready() || !self.state.is_held() {
                continue;
            }
            if let Err(error) = self.round().await {
                tracing::warn!(account = %self.state.id, ?error, "jobs cannot be made ready");
            }
        }
    }

    async fn round(&mut self) -> Result<()> {
        let on = self.state.tools.on.clone();
        let Some(account) = account::reload(&on, self.state.id).await? else { return Ok(()) };
        let mut campaigns = Vec::new();
        for campaign in accounts::work(on.db.reader(), self.state.id).await? {
            let owner = Owner { campaign, account: self.state.id };
            let mission = match self.pipelines.of(&self.state.tools, campaign).await {
                Ok(pipeline) => pipeline.mission(),
                Err(error) => {
                    tracing::warn!(%campaign, ?error, "a running campaign cannot be sent");
                    continue;
                }
            };
            let items = prefetch::items(on.db.reader(), owner, *WINDOW.end()).await?;
            campaigns.push((owner, mission, items));
        }
        let today = account.today(on.now());
        let kept = channel_refresh::reserve(&on, &account).await?;
        let mut left = Left {
            new_peers: i64::from(account.new_peers_per_day - today.new_peers),
            resolves: i64::from(account.resolves_per_day - today.resolves - kept),
        };
        for item in campaigns
            .iter()
            .filter(|(_, mission, _)| mission.mode == CampaignMode::Live)
            .flat_map(|campaign| &campaign.2)
        {
            left.note(item);
        }
        // A waiting account takes no jobs that another one could send.
        let waits = self.state.gate.held_until() > on.clock.nanos();
        for (owner, mission, items) in &mut campaigns {
            if !waits && self.fill(*owner, mission, items, &account, &mut left).await? {
                *items = prefetch::items(on.db.reader(), *owner, *WINDOW.end()).await?;
                self.state.ready.notify_one();
            }
        }
        for (_, mission, _) in &campaigns {
            self.attach(mission).await?;
        }
        for (_, mission, items) in &campaigns {
            if !self.state.reading.is_open(on.clock.nanos()) {
                break;
            }
            for item in items.iter().filter(|item| self.state.is_to_look_back(mission, item, on.now())) {
                history::look_back(&self.state, mission, item).await?;
            }
        }
        // Look-ups take their time, and floods of them stop nothing else: they come last.
        for (owner, mission, items) in &campaigns {
            if mission.mode == CampaignMode::Live && !self.look_up(*owner, mission, items, &account, kept).await? {
                break;
            }
        }
        Ok(())
    }

    /// Puts what is attached to a campaign's messages at Telegram, once.
    async fn attach(&self, mission: &Mission) -> Result<()> {
        let State { tools, connection, id, ready, .. } = &*self.state;
        let Some(attachment) = &mission.attachment else { return Ok(()) };
        if self.state.media().contains_key(&mission.id) {
            return Ok(());
        }
        let stored = match attachment.stored(&tools.on, *id).await? {
            Some(stored) => Ok(stored),
            None => attachment.store(&tools.on, *id, connection).await?,
        };
        match stored {
            Ok(stored) => {
                self.state.media().insert(mission.id, stored);
                ready.notify_one();
            }
            Err(Fault::Unreadable) => {
                let at = &self.state.holder.row;
                let reason = Reason::Upload(format!("{}, process {}", at.host, at.pid));
                refuse_content(&tools.on, mission, reason).await?;
            }
            Err(fault) => match rule(&fault) {
                Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent => {
                    tracing::debug!(campaign = %mission.id, %fault, "an attachment could not be stored yet");
                }
                Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
                    self.state.wait(Method::Send, seconds).await?;
                }
                Ruling::Account(status) => self.state.park(status, &fault).await?,
                _ => refuse_content(&tools.on, mission, Reason::Content(fault.to_string())).await?,
            },
        }
        Ok(())
    }

    /// Prefetches jobs where there is room; whether there were any.
    async fn fill(
        &mut self,
        owner: Owner,
        mission: &Mission,
        items: &[Item],
        account: &telegram_account::Model,
        left: &mut Left,
    ) -> Result<bool> {
        let seconds = i64::try_from(AHEAD.as_secs()).unwrap_or(i64::MAX);
        let window = (i64::from(account.messages_per_minute) * seconds / 60).clamp(*WINDOW.start(), *WINDOW.end());
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
        let want = Want { limit, cursor: *cursor, unknown, new, now: self.state.tools.on.now() };
        let given = assign(&self.state.tools.on, owner, &want).await?;
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
        let State { tools, connection, id, ready, resolving, .. } = &*self.state;
        // What is not to be written to is not looked up either.
        let may = |item: &&Item| item.is_active && (mission.allow_private || !item.is_private());
        for item in items.iter().filter(|item| item.access_hash.is_none()).filter(may) {
            let may = self.state.is_usable() && resolving.is_open(tools.on.clock.nanos());
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

    /// Draws the consequences of a look-up that failed; false if no more may be looked up now.
    async fn refused(&self, owner: Owner, mission: &Mission, item: &Item, fault: &Fault) -> Result<bool> {
        match rule(fault) {
            Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
                self.state.wait(Method::Resolve, seconds).await?;
                Ok(false)
            }
            Ruling::Account(status) => {
                self.state.park(status, fault).await?;
                Ok(false)
            }
            Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent | Ruling::Defer | Ruling::Media | Ruling::Sent => {
                Ok(false)
            }
            Ruling::Gone | Ruling::Channel | Ruling::Suspect | Ruling::Peer | Ruling::Content | Ruling::Job => {
                refuse(&self.state.tools.on, mission, owner, item, fault).await?;
                Ok(true)
            }
        }
    }
}

pub(super) fn as_found(found: &ResolvedPeer) -> peers::Found {
    let access_hash = match found.recipient {
        Recipient::Channel { access_hash, .. } | Recipient::User { access_hash, .. } => access_hash,
        Recipient::SavedMessages => 0,
    };
    peers::Found { peer_id: found.peer_id, access_hash, kind: found.kind }
}

impl Left {
    /// A job that was prefetched will need what is left.
    fn note(&mut self, item: &Item) {
        self.new_peers -= i64::from(item.written_at.is_none());
        self.resolves -= i64::from(item.access_hash.is_none());
    }
}

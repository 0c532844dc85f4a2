//! What a batch of answers says of the accounts that sent: waits, doubts, the end; and of what they know of channels.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Mission;
use super::account;
use super::settle::{Answer, Carrier};
use crate::Write;
use domain::broadcast::{AccountStatus, CampaignMode};
use domain::delivery::table::Method;
use domain::delivery::{Effect, Verdict};
use domain::error::Result;
use domain::id::TelegramAccountId;
use storage::broadcast::queue::standing::{self as rows, PeerNews};

/// So many channels in a row that refuse an account are no accident: Telegram restricts it.
const SUSPECT: i32 = 3;

/// The changes of accounts that are to be written, in the order of their ids (R7).
#[derive(Debug, Default)]
pub(super) struct Standing {
    accounts: BTreeMap<TelegramAccountId, Account>,
    peers: BTreeMap<(TelegramAccountId, domain::id::ChannelId), PeerNews>,
}

#[derive(Debug, Default)]
struct Account {
    wait: Option<(u32, DateTime<Utc>)>,
    parked: Option<(AccountStatus, String)>,
    /// Channels that refused it.
    refusals: i32,
    /// Whether a channel took a message of it.
    delivered: bool,
}

impl Standing {
    /// Whether nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.peers.is_empty()
    }

    /// Notes what one answer says.
    pub(super) fn note(&mut self, carrier: &Carrier, answer: &Answer, verdict: &Verdict) {
        let account = self.accounts.entry(carrier.account).or_default();
        match &verdict.effect {
            Effect::Wait { seconds, until } if account.wait.is_none_or(|(_, longest)| *until > longest) => {
                account.wait = Some((*seconds, *until));
            }
            Effect::AccountRefused(status) => {
                account.parked = Some((*status, verdict.error.clone().unwrap_or_default()));
            }
            Effect::ChannelRefusedAccount => account.refusals += 1,
            Effect::Delivered => account.delivered = true,
            _ => {}
        }
        let mut news = PeerNews {
            account: carrier.account,
            channel: answer.channel,
            is_stale: false,
            slow_seconds: None,
            not_before: None,
        };
        match &verdict.effect {
            Effect::PeerStale => news.is_stale = true,
            Effect::SlowMode { seconds, until } => {
                news.slow_seconds = i32::try_from(*seconds).ok();
                news.not_before = Some(*until);
            }
            Effect::Delivered => match carrier.slow_seconds {
                Some(slow) => news.not_before = Some(answer.ended_at + TimeDelta::seconds(i64::from(slow) + 1)),
                None if carrier.is_peer_fresh => {}
                None => return,
            },
            _ => return,
        }
        self.peers.insert((carrier.account, answer.channel), news);
    }

    /// Writes it: after the jobs and the channels, before the campaign.
    pub(super) async fn write(&self, w: &Write, mission: &Mission) -> Result<()> {
        // In TEST mode nobody but the account itself was written to.
        if mission.mode == CampaignMode::Live {
            let news: Vec<PeerNews> = self.peers.values().copied().collect();
            rows::peers(w, &news).await?;
        }
        for (id, learned) in &self.accounts {
            // The lease before the account, as a lease of a job locks them (R7).
            let in_a_row = if learned.refusals > 0 || learned.delivered {
                rows::refusals(w, *id, learned.refusals, learned.delivered).await?
            } else {
                0
            };
            if let Some((seconds, until)) = learned.wait {
                account::note_wait(w, *id, Method::Send, (seconds, until)).await?;
            }
            if let Some((status, error)) = &learned.parked {
                account::park_in(w, *id, *status, error).await?;
            }
            if in_a_row >= SUSPECT {
                let why = format!("{in_a_row} channels in a row refused it");
                account::park_in(w, *id, AccountStatus::Restricted, &why).await?;
            }
        }
        Ok(())
    }
}

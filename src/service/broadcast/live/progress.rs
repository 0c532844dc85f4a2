//! How far a campaign is: one row, and what its last seconds say about the next.

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;

use super::eta::Pace;
use crate::Services;
use crate::hub::{Reader, Seen};
use domain::broadcast::CampaignStatus;
use domain::clock::instant;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::broadcast::{batch_channel, campaign, progress};

/// A full set of a campaign's counters: to lose one harms nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the counters are those of the row")]
pub struct Progress {
    pub campaign_id: BroadcastCampaignId,
    /// Rises with every change.
    pub version: i32,
    pub status: CampaignStatus,
    pub total: i32,
    /// As the campaign tells it: before the start what is expected.
    pub total_jobs: i32,
    pub queued: i32,
    pub sending: i32,
    pub sent: i32,
    pub failed: i32,
    pub cancelled: i32,
    pub unknown: i32,
    /// Messages accepted a minute, over the last seconds.
    pub rate_per_minute: i32,
    /// None while it does not run.
    pub eta_seconds: Option<i32>,
    /// When it was read.
    pub at: DateTime<Utc>,
}

pub(super) struct ProgressReader {
    campaign: BroadcastCampaignId,
    pace: Pace,
}

impl Reader for ProgressReader {
    const KIND: &'static str = "broadcast campaign";
    type Id = BroadcastCampaignId;
    type State = Progress;

    fn of(campaign: BroadcastCampaignId) -> Self {
        Self { campaign, pace: Pace::default() }
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<Progress>>> {
        let Some(row) = progress::Entity::find_by_id(self.campaign).one(on.db.reader()).await? else { return Ok(None) };
        let total_jobs = match row.total_jobs() {
            Some(total) => total,
            None => expected(on, self.campaign).await?,
        };
        let now = on.clock.nanos();
        self.pace.note(now, &row);
        let state = shown(&row, total_jobs, &self.pace, now);
        Ok(Some(Seen { state, version: row.version, is_last: row.has_ended() }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::Campaign(self.campaign)
    }
}

/// How many jobs a campaign would have if it were started now.
async fn expected(on: &Services, campaign: BroadcastCampaignId) -> Result<i32> {
    let Some(row) = campaign::Entity::find_by_id(campaign).one(on.db.reader()).await? else { return Ok(0) };
    let active = batch_channel::active(on.db.reader(), &[row.batch_id]).await?;
    Ok(row.jobs_of(active.get(&row.batch_id).copied().unwrap_or_default()))
}

fn shown(row: &progress::Model, total_jobs: i32, pace: &Pace, now: i64) -> Progress {
    Progress {
        campaign_id: row.campaign_id,
        version: row.version,
        status: row.status.shown(),
        total: row.total,
        total_jobs,
        queued: row.queued,
        sending: row.sending,
        sent: row.sent,
        failed: row.failed,
        cancelled: row.cancelled,
        unknown: row.unknown,
        rate_per_minute: pace.sent_per_minute(),
        eta_seconds: pace.seconds_left(row, now),
        at: instant(now),
    }
}

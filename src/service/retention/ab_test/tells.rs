//! Whether anybody tells of what an A/B test hopes for: what can't be measured can't be its goal.

use sea_orm::ConnectionTrait;

use domain::error::Result;
use domain::id::{RetentionCampaignId, SequenceStepId};
use domain::retention::ab_test::AbTestGoal;
use domain::retention::words::ContactChannel;
use storage::Noun;
use storage::retention::{campaign, sequence, sequence_step};

/// What is said of a goal that nobody tells of.
pub(super) const NOBODY: &str = "nobody tells of clicks there, so that there would never be a winner: emails by a mail server and text \
    messages do where their campaign has trackClicks, emails by Instantly always; CONVERSION and REPLY can be measured everywhere";

/// Whether the goal can be measured in this place.
pub(super) async fn of(
    on: &impl ConnectionTrait,
    campaign: Option<RetentionCampaignId>,
    step: Option<SequenceStepId>,
    channel: ContactChannel,
    goal: AbTestGoal,
) -> Result<bool> {
    if goal != AbTestGoal::Click {
        return Ok(true);
    }
    let campaign = match (campaign, step) {
        (None, Some(step)) => of_step(on, step).await?,
        (campaign, _) => campaign,
    };
    let Some(campaign) = campaign else { return Ok(false) };
    let Some(row) = campaign::Entity::by_ids(&[campaign]).one(on).await? else { return Ok(false) };
    Ok(match channel {
        ContactChannel::Email => row.track_clicks || row.instantly_sync,
        ContactChannel::Sms => row.track_clicks,
        ContactChannel::Call | ContactChannel::Webhook | ContactChannel::Telegram => false,
    })
}

/// The campaign that governs the sequence of a step.
async fn of_step(on: &impl ConnectionTrait, step: SequenceStepId) -> Result<Option<RetentionCampaignId>> {
    let Some(step) = sequence_step::Entity::by_ids(&[step]).one(on).await? else { return Ok(None) };
    let sequence = sequence::Entity::by_ids(&[step.sequence_id]).one(on).await?;
    Ok(sequence.and_then(|sequence| sequence.campaign_id))
}

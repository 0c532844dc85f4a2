//! Whether each step of a sequence can go: asked before it is activated, and told in one go, as the start of a campaign does.

use sea_orm::{ColumnTrait, QueryFilter};

use super::steps;
use crate::Services;
use domain::error::{Error, Result};
use domain::retention::credentials::Provider;
use domain::retention::words::{ContactChannel, RetentionSequenceStatus};
use storage::Noun;
use storage::Tx;
use storage::retention::{campaign, integration_config, script, sequence};

/// Refuses a sequence of which an active step can't go: nothing is set up for its channel, or it has nothing to say.
///
/// Accounts of Telegram are not asked for: they come, wait and go, and a step waits for them.
///
/// # Errors
/// [`Error::Precondition`] with all that is missing, by the places of the steps.
pub async fn require(on: &Services, tx: &Tx, sequence: &sequence::Model) -> Result<()> {
    let all = steps::of(sequence.id, sequence.steps_version);
    let active: Vec<_> = all.all(tx).await?.into_iter().filter(|step| step.is_active).collect();
    if active.is_empty() {
        return Err(Error::Precondition("a sequence needs an active step to be activated".into()));
    }
    let campaign = match sequence.campaign_id {
        Some(id) => campaign::Entity::by_ids(&[id]).one(tx).await?,
        None => None,
    };
    let providers = integration_config::Entity::active().all(tx).await?;
    let providers: Vec<&str> = providers.iter().map(|row| row.provider.as_str()).collect();
    let defaults = script::Entity::all().filter(script::Column::IsDefault.eq(true)).all(tx).await?;
    let mut missing = Vec::new();
    for step in &active {
        let place = format!("step {} ({})", step.step_order, step.channel);
        if !on.rules.endpoints.is_simulated && !is_set_up(step.channel, campaign.as_ref(), &providers) {
            missing.push(format!("{place}: nothing is set up for {}: see saveIntegrationConfig", step.channel));
        }
        if let Some(row) = campaign.as_ref().filter(|row| !row.goes_by(step.channel)) {
            missing.push(format!("{place}: the campaign \"{}\" does not contact leads by {}", row.name, step.channel));
        }
        let is_default = |row: &script::Model| {
            row.channel == step.channel && (row.campaign_id.is_none() || row.campaign_id == sequence.campaign_id)
        };
        if step.script_id.is_none() && !defaults.iter().any(is_default) {
            missing.push(format!("{place}: it has no script, and there is no default script for {}", step.channel));
        }
    }
    missing.extend(campaign.as_ref().and_then(|row| by_instantly(row, active.iter().map(|step| step.channel))));
    if missing.is_empty() { Ok(()) } else { Err(Error::Precondition(missing.join("; "))) }
}

/// Refuses what a campaign would be, if emails of one of its ACTIVE sequences would not go out by Instantly then.
///
/// # Errors
/// [`Error::Precondition`] with the first such sequence.
pub async fn require_instantly(tx: &Tx, campaign: &campaign::Model) -> Result<()> {
    let is_active = sequence::Column::Status.eq(RetentionSequenceStatus::Active);
    for sequence in sequence::Entity::of(campaign.id.0).filter(is_active).all(tx).await? {
        let steps = steps::of(sequence.id, sequence.steps_version).all(tx).await?;
        let channels = steps.iter().filter(|step| step.is_active).map(|step| step.channel);
        if let Some(why) = by_instantly(campaign, channels) {
            return Err(Error::Precondition(format!("the sequence \"{}\" is ACTIVE: {why}", sequence.name)));
        }
    }
    Ok(())
}

/// What of the emails of a campaign by Instantly would never go out as its steps say: Instantly writes to each lead of a campaign by
/// itself, with the campaign's own texts, or with the one text that the lead came with.
fn by_instantly(campaign: &campaign::Model, channels: impl Iterator<Item = ContactChannel>) -> Option<String> {
    let emails = channels.filter(|channel| *channel == ContactChannel::Email).count();
    let name = &campaign.name;
    match (campaign.instantly_sync, emails) {
        (true, 1..) if !campaign.email_sequence.0.is_empty() => Some(format!(
            "the campaign \"{name}\" has an emailSequence, which Instantly sends to its leads in place of the texts of steps: empty \
             emailSequence, or leave the steps by EMAIL out"
        )),
        (true, 2..) => Some(format!(
            "the campaign \"{name}\" goes by Instantly, which sends each of its leads one email of a step, and {emails} steps are by \
             EMAIL: keep one of them, put the texts into the campaign's emailSequence, or set its instantlySync to false"
        )),
        _ => None,
    }
}

fn is_set_up(channel: ContactChannel, campaign: Option<&campaign::Model>, active: &[&str]) -> bool {
    let has = |provider: Provider| active.contains(&provider.name());
    match channel {
        ContactChannel::Email => {
            has(Provider::Smtp) || has(Provider::Instantly) && campaign.is_some_and(|row| row.instantly_sync)
        }
        ContactChannel::Sms => has(Provider::Twilio),
        ContactChannel::Call => has(Provider::Vapi),
        ContactChannel::Webhook => has(Provider::Webhook),
        ContactChannel::Telegram => true,
    }
}

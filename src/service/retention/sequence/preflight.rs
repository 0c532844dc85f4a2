//! Whether each step of a sequence can go: asked before it is activated, and told in one go, as the start of a campaign does.

use sea_orm::{ColumnTrait, QueryFilter};

use super::steps;
use crate::Services;
use domain::error::{Error, Result};
use domain::retention::credentials::Provider;
use domain::retention::words::ContactChannel;
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
    if missing.is_empty() { Ok(()) } else { Err(Error::Precondition(missing.join("; "))) }
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

//! Whether each step of a sequence can go: asked before it is activated, and told in one go, as the
//! start of a campaign does; and asked later, when nothing goes.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};

use super::steps;
use crate::Services;
use domain::error::{Error, Result};
use domain::retention::credentials::Provider;
use domain::retention::words::{ContactChannel, RetentionCampaignStatus, RetentionSequenceStatus};
use storage::Noun;
use storage::Tx;
use storage::retention::{campaign, integration_config, script, sequence, sequence_step};

/// Refuses a sequence of which an active step can't go: nothing is set up for its channel, or it has nothing to say.
///
/// # Errors
/// [`Error::Precondition`] with all that is missing, by the places of the steps.
pub async fn require(on: &Services, tx: &Tx, sequence: &sequence::Model) -> Result<()> {
    let active = active_steps(tx, sequence).await?;
    if active.is_empty() {
        return Err(Error::Precondition("a sequence needs an active step to be activated".into()));
    }
    let missing = missing(on, tx, sequence, &active).await?;
    if missing.is_empty() { Ok(()) } else { Err(Error::Precondition(missing.join("; "))) }
}

/// What keeps the steps of a sequence from going as things are, in a sentence each: what it lacks, and what holds it.
pub async fn obstacles(on: &Services, sequence: &sequence::Model) -> Result<Vec<String>> {
    let db = on.db.reader();
    let campaign = campaign_of(db, sequence).await?;
    let held = campaign.as_ref().and_then(|row| held(row, on.now()));
    let missing = missing(on, db, sequence, &active_steps(db, sequence).await?).await?;
    Ok(held.into_iter().chain(missing).collect())
}

/// Why a campaign holds its sequences, if it does.
fn held(campaign: &campaign::Model, now: DateTime<Utc>) -> Option<String> {
    let name = &campaign.name;
    match (campaign.status, campaign.start_date) {
        (RetentionCampaignStatus::Active, Some(begin)) if begin > now => {
            Some(format!("the campaign \"{name}\" has not begun: its startDate is to come"))
        }
        (RetentionCampaignStatus::Active, _) => None,
        (status, _) => Some(format!("the campaign \"{name}\" is {status}, and nobody is contacted for it")),
    }
}

async fn active_steps(db: &impl ConnectionTrait, sequence: &sequence::Model) -> Result<Vec<sequence_step::Model>> {
    let all = steps::of(sequence.id, sequence.steps_version).all(db).await?;
    Ok(all.into_iter().filter(|step| step.is_active).collect())
}

async fn campaign_of(db: &impl ConnectionTrait, sequence: &sequence::Model) -> Result<Option<campaign::Model>> {
    Ok(match sequence.campaign_id {
        Some(id) => campaign::Entity::by_ids(&[id]).one(db).await?,
        None => None,
    })
}

/// What steps of a sequence lack, by their places.
///
/// Accounts of Telegram are not asked for: they come, wait and go, and a step waits for them.
async fn missing(
    on: &Services,
    db: &impl ConnectionTrait,
    sequence: &sequence::Model,
    active: &[sequence_step::Model],
) -> Result<Vec<String>> {
    let campaign = campaign_of(db, sequence).await?;
    let providers = integration_config::Entity::active().all(db).await?;
    let providers: Vec<&str> = providers.iter().map(|row| row.provider.as_str()).collect();
    let defaults = script::Entity::all().filter(script::Column::IsDefault.eq(true)).all(db).await?;
    let mut missing = Vec::new();
    for step in active {
        let place = format!("step {} ({})", step.step_order, step.channel);
        let lacks = way(step.channel, campaign.as_ref(), &providers).filter(|_| !on.rules.endpoints.is_simulated);
        missing.extend(lacks.map(|what| format!("{place}: {what}")));
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
    Ok(missing)
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

/// What a step of a channel can't go by now; None: it can. Emails of a campaign that Instantly knows go by Instantly and by nobody else.
fn way(channel: ContactChannel, campaign: Option<&campaign::Model>, active: &[&str]) -> Option<String> {
    let has = |provider: Provider| active.contains(&provider.name());
    let of_instantly = campaign.filter(|row| row.instantly_sync);
    let is_set_up = match channel {
        ContactChannel::Email if of_instantly.is_some_and(|row| row.instantly_campaign_id.is_some()) => {
            let name = of_instantly.map(|row| row.name.as_str()).unwrap_or_default();
            let why = || {
                format!(
                    "emails of the campaign \"{name}\" go by Instantly, which is not set up: see saveIntegrationConfig"
                )
            };
            return (!has(Provider::Instantly)).then(why);
        }
        ContactChannel::Email => has(Provider::Smtp) || has(Provider::Instantly) && of_instantly.is_some(),
        ContactChannel::Sms => has(Provider::Twilio),
        ContactChannel::Call => has(Provider::Vapi),
        ContactChannel::Webhook => has(Provider::Webhook),
        ContactChannel::Telegram => true,
    };
    (!is_set_up).then(|| format!("nothing is set up for {channel}: see saveIntegrationConfig"))
}

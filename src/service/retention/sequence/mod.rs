//! Retention sequences: made, changed, deleted.

mod identity;
pub(super) mod preflight;
mod run;
pub mod steps;

use async_graphql::MaybeUndefined;
use sea_orm::{EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::json;

pub use self::identity::lost_tests;
pub use self::preflight::obstacles;
pub use self::run::{activate, archive, caution, doubts, pause, pause_all, pause_other_world, sweep_archived};
use self::steps::NewStep;
use super::{changed_to, removal, schedule};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{RetentionCampaignId, RetentionSequenceId};
use domain::retention::trigger::TriggerConfig;
use domain::retention::words::{
    ContactChannel, LeadStatus, RetentionCampaignStatus, RetentionSequenceStatus, SequenceAudience, TriggerType,
};
use domain::text::{self, Bounds};
use events::Event;
use storage::retention::lists::Channels;
use storage::retention::queue::again::{self, Whose};
use storage::retention::ties::Gone;
use storage::retention::{campaign, sequence, sequence_progress};
use storage::{Folded, Noun, Tx, noun, task};

/// The longest overlap of a trigger, in minutes: a week.
const LOOKBACK: std::ops::RangeInclusive<i32> = 0..=7 * 24 * 60;
/// How old leads may have to be, in hours: up to a year.
const MIN_AGE: std::ops::RangeInclusive<i32> = 0..=366 * 24;
/// The longest source, in characters.
const SOURCE: usize = 100;

/// A sequence to be.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// Channels of its steps; empty: those that the steps name.
    pub channels: Vec<ContactChannel>,
    /// The trigger that enrolls leads.
    pub trigger: TriggerType,
    /// How it does.
    pub config: TriggerConfig,
    /// The campaign whose contact hours and limits govern it.
    pub campaign: Option<RetentionCampaignId>,
    /// For whom it is.
    pub audience: SequenceAudience,
    /// The sequence's first steps.
    pub steps: Vec<NewStep>,
}

/// The changes of a sequence; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// Channels of its steps.
    pub channels: Option<Vec<ContactChannel>>,
    /// The trigger that enrolls leads.
    pub trigger: Option<TriggerType>,
    /// How it does, as a whole.
    pub config: Option<TriggerConfig>,
    /// The campaign whose contact hours and limits govern it.
    pub campaign: MaybeUndefined<RetentionCampaignId>,
    /// For whom it is; who is in it stays.
    pub audience: Option<SequenceAudience>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Creates a sequence, with its steps if there are any. It is a DRAFT.
///
/// # Errors
/// [`Error::Invalid`] with all that is wrong, of the steps too; `NOT_FOUND` if there is no such campaign.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<sequence::Model> {
    let New { name, description, channels, trigger, config, campaign, audience, steps } = new;
    let now = on.now();
    let mut wrong = Violations::default();
    let name = wrong.take("name", text::line(&name, Bounds::NAME));
    let description = wrong.take_text("description", description, |text| text::prose(text, Bounds::DESCRIPTION));
    let config = checked(config, audience, &mut wrong);
    let row = &sequence::Model {
        id: RetentionSequenceId::generate(),
        name,
        description,
        status: RetentionSequenceStatus::Draft,
        channels: Channels(distinct(channels)),
        trigger_type: trigger,
        trigger_config: json!(config),
        campaign_id: campaign,
        steps_version: 0,
        audience,
        watermark: None,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::default(),
        description_fold: Folded::default(),
        pause_reason: None,
        is_simulated: None,
        deleted_at: None,
    };
    // What is wrong with the steps is told with the rest.
    steps::require_early(on, Some(row), &steps, wrong).await?;
    let steps = &steps;
    on.write(actor, |w| async move {
        steps::require(&w, row, steps).await?;
        require_campaign(&w, row.campaign_id).await?;
        sequence::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await?;
        let progress = sequence_progress::Model::new(row.id).into_active_model();
        sequence_progress::Entity::insert(progress).exec_without_returning(&w).await?;
        let created = if steps.is_empty() { row.clone() } else { steps::write(&w, row.clone(), steps).await? };
        w.keep(&created);
        w.note(Action::RetentionSequenceCreated, row.id, json!({ "name": row.name })).await?;
        Ok(created)
    })
    .await
}

/// Changes a sequence. Contact hours and limits of another campaign hold from the next step on, and for what those of the old one put off.
pub async fn update(on: &Services, actor: &Actor, id: RetentionSequenceId, change: Change) -> Result<sequence::Model> {
    let change = &change;
    if actor.is_mistaken() {
        check_alone(change)?;
    }
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("retention sequence", old.version, change.expected_version)?;
        let new = changed(old.clone(), change.clone())?;
        if new.campaign_id != old.campaign_id {
            require_campaign(&w, new.campaign_id).await?;
            require_not_held(&w, &old).await?;
        }
        let row = w.replace(&old, new).await?;
        if row.status == RetentionSequenceStatus::Active && row.campaign_id != old.campaign_id {
            preflight::require(on, &w, &row).await?;
        }
        if row.campaign_id != old.campaign_id {
            again::decide(&w, Whose::Sequence(id), schedule::now_in(on, &w).await?).await?;
        }
        w.tell(Event::Sequence(id));
        w.note(Action::RetentionSequenceUpdated, id, json!({ "name": row.name })).await?;
        Ok(row)
    })
    .await
}

/// What is wrong with this change, whatever the sequence has.
fn check_alone(change: &Change) -> Result<()> {
    let mut wrong = Violations::default();
    if let Some(name) = &change.name {
        wrong.take("name", text::line(name, Bounds::NAME));
    }
    let prose = |text: &str| text::prose(text, Bounds::DESCRIPTION);
    wrong.take_change("description", change.description.clone(), prose);
    if let Some(config) = &change.config {
        // Whom it may enroll depends on the audience, which may be another one.
        let status = config.status.filter(|_| change.audience.is_some());
        checked(
            TriggerConfig { status, ..config.clone() },
            change.audience.unwrap_or(SequenceAudience::Open),
            &mut wrong,
        );
    }
    wrong.into_result()
}

/// The sequence `old` with what `change` says; or all that is wrong with it.
fn changed(old: sequence::Model, change: Change) -> Result<sequence::Model> {
    let Change { name, description, channels, trigger, config, campaign, audience, expected_version: _ } = change;
    let audience = audience.unwrap_or(old.audience);
    let mut wrong = Violations::default();
    let prose = |text: &str| text::prose(text, Bounds::DESCRIPTION);
    let row = sequence::Model {
        name: name.map_or(old.name, |name| wrong.take("name", text::line(&name, Bounds::NAME))),
        description: changed_to(old.description, wrong.take_change("description", description, prose)),
        channels: channels.map_or(old.channels, |channels| Channels(distinct(channels))),
        trigger_type: trigger.unwrap_or(old.trigger_type),
        trigger_config: config.map_or(old.trigger_config, |config| json!(checked(config, audience, &mut wrong))),
        audience,
        campaign_id: changed_to(old.campaign_id, campaign),
        ..old
    };
    wrong.into_result()?;
    Ok(row)
}

/// Deletes a sequence with its steps, enrollments and their history; contact attempts stay. It is gone at once; of a large one a task,
/// which is returned with it, takes away what is left.
///
/// # Errors
/// [`Error::Precondition`] while it is ACTIVE or PAUSED.
pub async fn delete(
    on: &Services,
    actor: &Actor,
    id: RetentionSequenceId,
) -> Result<(sequence::Model, Option<task::Model>)> {
    let deleted = on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if matches!(row.status, RetentionSequenceStatus::Active | RetentionSequenceStatus::Paused) {
            return Err(Error::Precondition(format!("a sequence that is {} is not deleted: archive it", row.status)));
        }
        let begun = removal::begin(on, &w, Gone::Sequence(id)).await?;
        w.tell(Event::Sequence(id));
        w.note(Action::RetentionSequenceDeleted, id, json!({ "name": row.name })).await?;
        Ok((row, begun))
    });
    let (row, begun) = deleted.await?;
    Ok((row, removal::soon(on, begun).await?))
}

/// What a campaign holds back must not go out because the sequence is taken away from it.
async fn require_not_held(tx: &Tx, sequence: &sequence::Model) -> Result<()> {
    let Some(id) = sequence.campaign_id.filter(|_| sequence.status == RetentionSequenceStatus::Active) else {
        return Ok(());
    };
    let holding = campaign::Entity::by_ids(&[id]).one(tx).await?;
    match holding.filter(|campaign| campaign.status != RetentionCampaignStatus::Active) {
        Some(campaign) => Err(Error::Precondition(format!(
            "the campaign \"{}\" is {} and holds back what this sequence has to send: pause the sequence before you take it away, and \
             activate it if that is to go out",
            campaign.name, campaign.status
        ))),
        None => Ok(()),
    }
}

async fn require_campaign(tx: &Tx, campaign: Option<RetentionCampaignId>) -> Result<()> {
    match campaign {
        Some(id) => {
            let found = campaign::Entity::by_ids(&[id]).lock_shared().one(tx).await?;
            found.map(drop).ok_or(Error::NotFound("retention campaign"))
        }
        None => Ok(()),
    }
}

/// The configuration of a trigger, or what is wrong with it.
fn checked(config: TriggerConfig, audience: SequenceAudience, wrong: &mut Violations) -> TriggerConfig {
    let is_in =
        |range: std::ops::RangeInclusive<i32>, value: Option<i32>| value.is_none_or(|value| range.contains(&value));
    wrong.require(is_in(LOOKBACK, config.lookback_minutes), "triggerConfig", "lookbackMinutes must be from 0 to 10080");
    wrong.require(is_in(MIN_AGE, config.min_age_hours), "triggerConfig", "minAgeHours must be from 0 to 8784");
    let is_for = |status| match audience {
        SequenceAudience::Open => !matches!(status, LeadStatus::DoNotContact | LeadStatus::Converted),
        SequenceAudience::Converted => status == LeadStatus::Converted,
    };
    if let Some(status) = config.status.filter(|status| !is_for(*status)) {
        let why = format!("status {status} never comes into a sequence whose audience is {audience}");
        wrong.require(false, "triggerConfig", why);
    }
    let source = config.source.map(|source| source.trim().to_uppercase());
    let is_blank = source.as_ref().is_some_and(String::is_empty);
    wrong.require(!is_blank, "triggerConfig", "source is blank, which is not every source: leave it out for that");
    let is_short = source.as_ref().is_none_or(|source| source.chars().count() <= SOURCE);
    wrong.require(is_short, "triggerConfig", "source must have at most 100 characters");
    TriggerConfig { source, ..config }
}

fn distinct(channels: Vec<ContactChannel>) -> Vec<ContactChannel> {
    let mut found = Vec::new();
    for channel in channels {
        if !found.contains(&channel) {
            found.push(channel);
        }
    }
    found
}

//! The steps of a sequence: replaced as a whole, under a new version. Who is on the way keeps the old ones.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::identity::Present;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violation, Violations, require_version};
use domain::id::{RetentionSequenceId, ScriptId, SequenceStepId};
use domain::retention::conditions::{Conditions, Field};
use domain::retention::delay::{LONGEST, delay};
use domain::retention::words::{ContactChannel, DelayUnit, RetentionSequenceStatus};
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::lists::Channels;
use storage::retention::{script, sequence, sequence_step};

/// Steps of one sequence at most.
pub const MOST: usize = 50;
/// Values in one list of conditions at most.
const MOST_CONDITIONS: usize = 20;

/// A step to be.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// The step that it is, of those that are replaced.
    pub id: Option<SequenceStepId>,
    /// By which channel.
    pub channel: ContactChannel,
    /// The script that goes out; None: the default script of the channel.
    pub script: Option<ScriptId>,
    /// How long after the step before, in units; of the first one, after the enrollment.
    pub delay_value: i32,
    /// The unit.
    pub delay_unit: DelayUnit,
    /// When it is left out.
    pub conditions: Conditions,
    /// Whether it is done at all.
    pub is_active: bool,
}

/// Replaces the steps of a sequence.
///
/// # Errors
/// [`Error::Invalid`] with all that is wrong; [`Error::Precondition`] if the sequence is archived, or ACTIVE and would be left
/// without an active step.
pub async fn replace(
    on: &Services,
    actor: &Actor,
    id: RetentionSequenceId,
    steps: Vec<NewStep>,
    expected_version: Option<i32>,
) -> Result<sequence::Model> {
    let mut wrong = Violations::default();
    check(&steps, &mut wrong);
    if !wrong.is_empty() {
        let known = sequence::Entity::by_ids(&[id]).one(on.db.reader()).await?;
        require_early(on, known.as_ref(), &steps, Violations::default()).await?;
    }
    let steps = &steps;
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("retention sequence", old.version, expected_version)?;
        if old.status == RetentionSequenceStatus::Archived {
            return Err(Error::Precondition("an archived sequence keeps its steps".into()));
        }
        if old.status == RetentionSequenceStatus::Active && !steps.iter().any(|step| step.is_active) {
            return Err(Error::Precondition("an active sequence needs an active step".into()));
        }
        require(&w, &old, steps).await?;
        let row = write(&w, old, steps).await?;
        if row.status == RetentionSequenceStatus::Active {
            super::preflight::require(on, &w, &row).await?;
        }
        w.tell(Event::Sequence(id));
        let metadata = json!({ "name": row.name, "steps": steps.len(), "stepsVersion": row.steps_version });
        w.note(Action::SequenceStepsReplaced, id, metadata).await?;
        Ok(row)
    })
    .await
}

/// The steps of a sequence under one version, in order.
pub fn of(sequence: RetentionSequenceId, version: i32) -> sea_orm::Select<sequence_step::Entity> {
    sequence_step::Entity::of(sequence)
        .filter(sequence_step::Column::StepsVersion.eq(version))
        .order_by_asc(sequence_step::Column::StepOrder)
}

/// The mistake in a field of the step at `index`.
pub(super) fn mistake(index: usize, field: &str, message: impl Into<String>) -> Violation {
    Violation::of(&format!("steps.{index}.{field}"), message)
}

/// Notes all that is wrong with steps by themselves.
fn check(steps: &[NewStep], wrong: &mut Violations) {
    wrong.require(steps.len() <= MOST, "steps", format!("a sequence has at most {MOST} steps"));
    for (index, step) in steps.iter().enumerate() {
        let mut require = |holds: bool, field: &str, message: &str| {
            if !holds {
                wrong.push(mistake(index, field, message));
            }
        };
        require(step.delay_value >= 0, "delayValue", "must not be negative");
        let fits =
            i64::from(step.delay_value) <= LONGEST && delay(step.delay_value, step.delay_unit).num_hours() < LONGEST;
        require(fits, "delayValue", "must be less than a year");
        let Conditions { lead_statuses, lead_sources, languages, previous_statuses, meta } = &step.conditions;
        let lengths = [lead_statuses.len(), lead_sources.len(), languages.len(), previous_statuses.len(), meta.len()];
        let is_short = lengths.iter().all(|length| *length <= MOST_CONDITIONS);
        let texts =
            lead_sources.iter().chain(languages).chain(meta.iter().flat_map(|field| [&field.name, &field.value]));
        let are_short = texts.into_iter().all(|text| text.chars().count() <= 200 && !text.contains('\0'));
        require(is_short && are_short, "conditions", "has at most 20 values a list, of at most 200 characters");
        let is_asked_otherwise =
            |field: &Field| meta.iter().any(|other| other.name == field.name && other.value != field.value);
        if let Some(field) = meta.iter().find(|field| is_asked_otherwise(field)) {
            let why = format!("asks for two values of \"{}\" at once, and no lead has both", field.name);
            wrong.push(mistake(index, "conditions", why));
        }
    }
}

/// Refuses steps that are wrong by themselves before anything is written, and tells with them all else that is: `wrong` of the rest of the
/// input, and what does not fit the sequence. Ids that can't be read are told beside it.
///
/// # Errors
/// [`Error::Invalid`] with all that is wrong.
pub(super) async fn require_early(
    on: &Services,
    sequence: Option<&sequence::Model>,
    steps: &[NewStep],
    mut wrong: Violations,
) -> Result<()> {
    check(steps, &mut wrong);
    if wrong.is_empty() {
        return Ok(());
    }
    if let Some(sequence) = sequence {
        check_channels(sequence, steps, &mut wrong);
    }
    check_scripts(on.db.reader(), steps, &mut wrong).await?;
    wrong.into_result()
}

/// Refuses steps that can't be those of `sequence`.
///
/// # Errors
/// [`Error::Invalid`] with all that is wrong; `NOT_FOUND` if that is nothing and a script is not there.
pub(super) async fn require(tx: &Tx, sequence: &sequence::Model, steps: &[NewStep]) -> Result<()> {
    let mut wrong = Violations::default();
    check(steps, &mut wrong);
    check_channels(sequence, steps, &mut wrong);
    let are_there = check_scripts(tx, steps, &mut wrong).await?;
    wrong.into_result()?;
    if are_there { Ok(()) } else { Err(Error::NotFound("script")) }
}

/// Writes steps that are right as the next version of `sequence`, whose row the caller has locked.
pub(super) async fn write(w: &Write, sequence: sequence::Model, steps: &[NewStep]) -> Result<sequence::Model> {
    let version = sequence.steps_version + 1;
    let origins = Present::read(&**w, &sequence).await?.origins(steps)?;
    let row = |(index, step): (usize, &NewStep)| {
        sequence_step::Model {
            id: SequenceStepId::generate(),
            sequence_id: sequence.id,
            steps_version: version,
            step_order: i32::try_from(index).unwrap_or(i32::MAX).saturating_add(1),
            channel: step.channel,
            script_id: step.script,
            delay_value: step.delay_value,
            delay_unit: step.delay_unit,
            conditions: json!(step.conditions),
            is_active: step.is_active,
            origin_id: origins.get(index).copied().flatten(),
            created_at: w.now,
            updated_at: w.now,
        }
        .into_active_model()
    };
    if !steps.is_empty() {
        let rows = steps.iter().enumerate().map(row);
        sequence_step::Entity::insert_many(rows).exec_without_returning(w).await?;
    }
    let mut channels = sequence.channels.0.clone();
    if channels.is_empty() {
        for step in steps {
            if !channels.contains(&step.channel) {
                channels.push(step.channel);
            }
        }
    }
    let new = sequence::Model { steps_version: version, channels: Channels(channels), ..sequence.clone() };
    w.replace(&sequence, new).await
}

/// Notes scripts that are written for another channel than their step's. Returns whether all of them are there.
async fn check_scripts(db: &impl ConnectionTrait, steps: &[NewStep], wrong: &mut Violations) -> Result<bool> {
    let ids: Vec<ScriptId> = steps.iter().filter_map(|step| step.script).collect();
    // Whoever deletes one waits until the steps are written.
    let found = script::Entity::by_ids(&ids).order_by_asc(script::Column::Id).lock_shared().all(db).await?;
    let mut are_there = true;
    for (index, step) in steps.iter().enumerate() {
        let Some(id) = step.script else { continue };
        match found.iter().find(|script| script.id == id) {
            Some(script) if script.channel != step.channel => {
                let message = format!("this script is for {}, the step goes by {}", script.channel, step.channel);
                wrong.push(mistake(index, "scriptId", message));
            }
            Some(_) => {}
            None => are_there = false,
        }
    }
    Ok(are_there)
}

/// Notes steps that go by other channels than the sequence names, if it names some.
fn check_channels(sequence: &sequence::Model, steps: &[NewStep], wrong: &mut Violations) {
    let allowed = &sequence.channels.0;
    for (index, step) in steps.iter().enumerate() {
        if !allowed.is_empty() && !allowed.contains(&step.channel) {
            wrong.push(mistake(index, "channel", format!("the sequence has no channel {}", step.channel)));
        }
    }
}

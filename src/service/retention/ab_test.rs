//! A/B tests: two scripts in one place, leads divided between them, a winner only by the rule that was stated before.

mod choice;
mod draft;
mod tells;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder, QuerySelect};
use serde_json::json;

pub use self::choice::{Choice, Choices, Contact, choices};
pub use self::draft::{Change, delete, update};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{AbTestId, RetentionCampaignId, ScriptId, SequenceStepId};
use domain::retention::ab_test::{Rule, Snapshot};
use domain::retention::states::State;
use domain::retention::words::{AbTestStatus, AbVariant, ContactChannel};
use domain::text::{self, Bounds};
use storage::Noun;
use storage::retention::ab_counts::{self, Leads};
use storage::retention::{ab_test, campaign, script, sequence, sequence_step};
use storage::violation::OnUnique;

/// The parts of a new test.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// Where contacts are divided.
    pub place: TestScope,
    /// The first script.
    pub variant_a: ScriptId,
    /// The second script.
    pub variant_b: ScriptId,
    /// How they are divided, and when there is a winner.
    pub rule: Rule,
}

/// Where contacts are divided.
#[derive(Debug, Clone, Copy)]
pub enum TestScope {
    /// In a step of a sequence.
    Step(SequenceStepId),
    /// In a campaign's contacts on a channel that would use one of the two scripts, or none.
    Campaign(RetentionCampaignId, ContactChannel),
}

/// Makes a test. It divides nothing before its start.
///
/// # Errors
/// `NOT_FOUND`, or [`Error::Invalid`] if a script is of another channel or the rule is none.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<ab_test::Model> {
    let name = check(&new)?;
    let (new, name) = (&new, &name);
    on.write(actor, |w| async move {
        let (campaign, step, channel) = find_place(&w, new.place).await?;
        check_pair(&w, [new.variant_a, new.variant_b], channel).await?;
        if !tells::of(&w, campaign, step, channel, new.rule.goal).await? {
            return Err(Error::invalid("goal", tells::NOBODY));
        }
        let row = ab_test::Model {
            id: AbTestId::generate(),
            name: name.clone(),
            campaign_id: campaign,
            step_id: step,
            channel,
            variant_a: new.variant_a,
            variant_b: new.variant_b,
            status: AbTestStatus::Draft,
            rule: json!(new.rule),
            winner: None,
            winner_id: None,
            stats_a: None,
            stats_b: None,
            verdict: None,
            started_at: None,
            ended_at: None,
            created_at: w.now,
            updated_at: w.now,
            version: 1,
            deleted_at: None,
        };
        let row = row.into_active_model().insert(&w).await?;
        w.keep(&row);
        note(&w, Action::AbTestCreated, &row).await?;
        Ok(row)
    })
    .await
}

fn check(new: &New) -> Result<String> {
    let mut wrong = Violations::default();
    let name = wrong.take("name", text::line(&new.name, Bounds::NAME));
    wrong.require(new.variant_a != new.variant_b, "variantBId", "must be another script than variantAId");
    new.rule.check(&mut wrong);
    wrong.into_result()?;
    Ok(name)
}

async fn find_place(
    tx: &impl ConnectionTrait,
    place: TestScope,
) -> Result<(Option<RetentionCampaignId>, Option<SequenceStepId>, ContactChannel)> {
    match place {
        TestScope::Step(id) => {
            let missing = || Error::NotFound("sequence step");
            let step = sequence_step::Entity::find_by_id(id).one(tx).await?.ok_or_else(missing)?;
            // It is not being deleted, and won't be until this is written.
            let sequence = sequence::Entity::by_ids(&[step.sequence_id]).lock_shared();
            sequence.one(tx).await?.ok_or_else(missing)?;
            // It goes on when the steps are replaced.
            Ok((None, Some(step.origin()), step.channel))
        }
        TestScope::Campaign(id, channel) => {
            let row = campaign::Entity::require(tx, id).await?;
            if !row.channels.0.contains(&channel) {
                return Err(Error::invalid("channel", format!("the campaign does not use {channel}")));
            }
            Ok((Some(id), None, channel))
        }
    }
}

async fn check_pair(tx: &impl ConnectionTrait, pair: [ScriptId; 2], channel: ContactChannel) -> Result<()> {
    let scripts = script::Entity::by_ids(&pair).order_by_asc(script::Column::Id).lock_shared().all(tx).await?;
    if scripts.len() < 2 {
        return Err(Error::NotFound("script"));
    }
    let mut wrong = Violations::default();
    for (field, id) in ["variantAId", "variantBId"].into_iter().zip(pair) {
        let is_fit = scripts.iter().any(|script| script.id == id && script.channel == channel);
        wrong.require(is_fit, field, format!("must be a script for {channel}"));
    }
    wrong.into_result()
}

/// Begins to divide contacts.
///
/// # Errors
/// [`Error::Precondition`] if it is not a DRAFT, or another test runs in the same place.
pub async fn start(on: &Services, actor: &Actor, id: AbTestId, expected: Option<i32>) -> Result<ab_test::Model> {
    on.write(actor, |w| async move {
        let old = require(&w, id, expected, AbTestStatus::Running).await?;
        if !tells::of(&w, old.campaign_id, old.step_id, old.channel, rule(&old)?.goal).await? {
            return Err(Error::Precondition(tells::NOBODY.into()));
        }
        let new = ab_test::Model { status: AbTestStatus::Running, started_at: Some(w.now), ..old.clone() };
        let row = w.replace(&old, new).await.on_any_unique(|| {
            Error::Precondition("another A/B test is RUNNING in the same place; stop it first".into())
        })?;
        note(&w, Action::AbTestStarted, &row).await?;
        Ok(row)
    })
    .await
}

/// Ends a test without a winner: what is still to be sent uses the scripts of the steps again. Its numbers are kept.
///
/// # Errors
/// [`Error::Precondition`] if it does not run.
pub async fn stop(on: &Services, actor: &Actor, id: AbTestId, expected: Option<i32>) -> Result<ab_test::Model> {
    end(on, actor, id, expected, |_| Ok(None), Action::AbTestStopped).await
}

/// Ends a test with the winner that its rule finds: what is still to be sent in its place uses that script.
///
/// # Errors
/// [`Error::Precondition`] with the numbers if the rule finds none.
pub async fn declare_winner(
    on: &Services,
    actor: &Actor,
    id: AbTestId,
    expected: Option<i32>,
) -> Result<ab_test::Model> {
    let decide = |numbers: &Snapshot| numbers.winner().map(Some).ok_or_else(|| Error::Precondition(numbers.refusal()));
    end(on, actor, id, expected, decide, Action::AbTestWinnerDeclared).await
}

async fn end(
    on: &Services,
    actor: &Actor,
    id: AbTestId,
    expected: Option<i32>,
    decide: impl Fn(&Snapshot) -> Result<Option<AbVariant>> + Copy + Send + Sync,
    action: Action,
) -> Result<ab_test::Model> {
    on.write(actor, |w| async move {
        let old = require(&w, id, expected, AbTestStatus::Completed).await?;
        let counts = ab_counts::count(&w, &[id]).await?.remove(&id).unwrap_or_default();
        let numbers = snapshot(&old, &counts, w.now)?;
        let winner = decide(&numbers)?;
        let new = ab_test::Model {
            status: AbTestStatus::Completed,
            ended_at: Some(w.now),
            winner,
            winner_id: winner.map(|variant| match variant {
                AbVariant::A => old.variant_a,
                AbVariant::B => old.variant_b,
            }),
            stats_a: Some(json!(numbers.a)),
            stats_b: Some(json!(numbers.b)),
            verdict: Some(json!(numbers)),
            ..old.clone()
        };
        let row = w.replace(&old, new).await?;
        note(&w, action, &row).await?;
        Ok(row)
    })
    .await
}

async fn require(w: &Write, id: AbTestId, expected: Option<i32>, to: AbTestStatus) -> Result<ab_test::Model> {
    let row = w.require(id).await?;
    require_version("A/B test", row.version, expected)?;
    row.status.require(to)?;
    Ok(row)
}

async fn note(w: &Write, action: Action, row: &ab_test::Model) -> Result<()> {
    w.note(action, row.id, json!({ "name": row.name, "winner": row.winner, "numbers": row.verdict })).await
}

/// The rule that a test was made with.
///
/// # Errors
/// The row has none: a defect.
pub fn rule(row: &ab_test::Model) -> Result<Rule> {
    serde_json::from_value(row.rule.clone()).map_err(Error::internal)
}

/// The numbers of a test: as they were kept when it ended, or else as `counts` and `now` make them.
///
/// # Errors
/// The row holds what it can't: a defect.
pub fn snapshot(row: &ab_test::Model, counts: &Leads, now: DateTime<Utc>) -> Result<Snapshot> {
    if let Some(kept) = &row.verdict {
        return serde_json::from_value(kept.clone()).map_err(Error::internal);
    }
    let rule = rule(row)?;
    let run = row.started_at.and_then(|at| (now - at).to_std().ok()).unwrap_or(Duration::ZERO);
    let [a, b] = [AbVariant::A, AbVariant::B].map(|variant| counts.of(variant, rule.goal));
    Ok(Snapshot::of(&rule, a, b, run, now))
}

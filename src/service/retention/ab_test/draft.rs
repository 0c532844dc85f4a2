//! A/B tests that have not begun: they can be changed, and taken back.

use sea_orm::ModelTrait;
use serde_json::json;

use super::{check_pair, note, rule, tells};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{AbTestId, ScriptId};
use domain::retention::ab_test::Rule;
use domain::retention::words::AbTestStatus;
use domain::text::{self, Bounds};
use storage::retention::ab_test;

/// The most days that a test may run.
const MOST_DAYS: u32 = 730;

/// What is to change of a test; what is None stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// The first script.
    pub variant_a: Option<ScriptId>,
    /// The second script.
    pub variant_b: Option<ScriptId>,
    /// The version that it is meant for.
    pub expected_version: Option<i32>,
}

/// Changes a test that is a DRAFT: `rule` makes of the rule that it has the one that it shall have.
///
/// # Errors
/// What `create` refuses; [`Error::Precondition`] once it has been started.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: AbTestId,
    change: Change,
    to_rule: impl Fn(Rule) -> Rule + Send + Sync,
) -> Result<ab_test::Model> {
    let mut wrong = Violations::default();
    let name = change.name.map(|name| wrong.take("name", text::line(&name, Bounds::NAME)));
    // What is left out of it is right.
    to_rule(Rule { min_days: 0, max_days: MOST_DAYS, ..Rule::default() }).check(&mut wrong);
    wrong.into_result()?;
    let (change, to_rule) = (&Change { name, ..change }, &to_rule);
    on.write(actor, |w| async move {
        let old = require_draft(&w, id, change.expected_version, "changed").await?;
        let rule = to_rule(rule(&old)?);
        let variant_a = change.variant_a.unwrap_or(old.variant_a);
        let variant_b = change.variant_b.unwrap_or(old.variant_b);
        let mut wrong = Violations::default();
        wrong.require(variant_a != variant_b, "variantBId", "must be another script than variantAId");
        rule.check(&mut wrong);
        wrong.into_result()?;
        check_pair(&w, [variant_a, variant_b], old.channel).await?;
        if !tells::of(&w, old.campaign_id, old.step_id, old.channel, rule.goal).await? {
            return Err(Error::invalid("goal", tells::NOBODY));
        }
        let name = change.name.clone().unwrap_or_else(|| old.name.clone());
        let new = ab_test::Model { name, variant_a, variant_b, rule: json!(rule), ..old.clone() };
        let row = w.replace(&old, new).await?;
        note(&w, Action::AbTestUpdated, &row).await?;
        Ok(row)
    })
    .await
}

/// Takes a test back that is a DRAFT: nothing was divided by it.
///
/// # Errors
/// [`Error::Precondition`] once it has been started: its numbers are kept.
pub async fn delete(on: &Services, actor: &Actor, id: AbTestId, expected: Option<i32>) -> Result<ab_test::Model> {
    on.write(actor, |w| async move {
        let row = require_draft(&w, id, expected, "deleted").await?;
        row.clone().delete(&w).await?;
        note(&w, Action::AbTestDeleted, &row).await?;
        Ok(row)
    })
    .await
}

async fn require_draft(w: &Write, id: AbTestId, expected: Option<i32>, what: &str) -> Result<ab_test::Model> {
    let row = w.require(id).await?;
    require_version("A/B test", row.version, expected)?;
    if row.status != AbTestStatus::Draft {
        let why = format!("the A/B test is {}; only a DRAFT can be {what}: its numbers go by what it was", row.status);
        return Err(Error::Precondition(why));
    }
    Ok(row)
}

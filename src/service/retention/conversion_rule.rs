//! Conversion rules: which channels do worse than they should, and how sure one must be.

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Result, Violations, require_version};
use domain::id::ConversionRuleId;
use domain::money::Micros;
use domain::retention::words::{ContactChannel, ConversionMetric};
use storage::retention::conversion_rule;

/// One, in millionths.
const ONE: i64 = 1_000_000;

/// A rule to be.
#[derive(Debug, Clone)]
pub struct New {
    /// Whose steps it skips.
    pub channel: ContactChannel,
    /// What is measured.
    pub metric: ConversionMetric,
    /// The threshold, not negative; of a rate at most 1.
    pub value: Micros,
    /// 0 to 1.
    pub conversion_rate: f64,
    /// At least 1.
    pub sample_size: i32,
    /// Between 0 and 1.
    pub confidence: f64,
    /// Whether it is in force.
    pub is_active: bool,
}

/// The changes of a rule; None leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The threshold.
    pub value: Option<Micros>,
    /// 0 to 1.
    pub conversion_rate: Option<f64>,
    /// At least 1.
    pub sample_size: Option<i32>,
    /// Between 0 and 1.
    pub confidence: Option<f64>,
    /// Whether it is in force.
    pub is_active: Option<bool>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Makes a rule.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<conversion_rule::Model> {
    let now = on.now();
    let row = &conversion_rule::Model {
        id: ConversionRuleId::generate(),
        channel: new.channel,
        metric: new.metric,
        value_micros: new.value.0,
        conversion_rate: new.conversion_rate,
        sample_size: new.sample_size,
        confidence: new.confidence,
        is_active: new.is_active,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    check(row)?;
    on.write(actor, |w| async move {
        conversion_rule::Entity::insert(row.clone().into_active_model()).exec_without_returning(&w).await?;
        w.keep(row);
        w.note(Action::ConversionRuleCreated, row.id, noted(row)).await
    })
    .await?;
    Ok(row.clone())
}

fn noted(row: &conversion_rule::Model) -> serde_json::Value {
    json!({ "channel": row.channel, "metric": row.metric, "isActive": row.is_active })
}

fn check(row: &conversion_rule::Model) -> Result<()> {
    use ConversionMetric::{Cpc, Roas};
    let mut wrong = Violations::default();
    let is_rate = !matches!(row.metric, Cpc | Roas);
    wrong.require(row.value_micros >= 0, "value", "must not be negative");
    wrong.require(!is_rate || row.value_micros <= ONE, "value", "a rate is at most 1");
    wrong.require((0.0..=1.0).contains(&row.conversion_rate), "conversionRate", "must be from 0 to 1");
    wrong.require(row.sample_size >= 1, "sampleSize", "must be at least 1");
    let is_confidence = row.confidence > 0.0 && row.confidence < 1.0;
    wrong.require(is_confidence, "confidence", "must lie between 0 and 1");
    wrong.into_result()
}

/// What is wrong with this change, whatever the rule has.
fn check_alone(change: &Change, now: DateTime<Utc>) -> Result<()> {
    check(&conversion_rule::Model {
        id: ConversionRuleId::generate(),
        channel: ContactChannel::Email,
        // Its value is bounded below only.
        metric: ConversionMetric::Roas,
        value_micros: change.value.map_or(0, |value| value.0),
        conversion_rate: change.conversion_rate.unwrap_or(0.5),
        sample_size: change.sample_size.unwrap_or(1),
        confidence: change.confidence.unwrap_or(0.5),
        is_active: true,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

/// Changes a rule.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: ConversionRuleId,
    change: Change,
) -> Result<conversion_rule::Model> {
    let change = &change;
    if actor.is_mistaken() {
        check_alone(change, on.now())?;
    }
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("conversion rule", old.version, change.expected_version)?;
        let new = conversion_rule::Model {
            value_micros: change.value.map_or(old.value_micros, |value| value.0),
            conversion_rate: change.conversion_rate.unwrap_or(old.conversion_rate),
            sample_size: change.sample_size.unwrap_or(old.sample_size),
            confidence: change.confidence.unwrap_or(old.confidence),
            is_active: change.is_active.unwrap_or(old.is_active),
            ..old.clone()
        };
        check(&new)?;
        let changed = w.replace(&old, new).await?;
        w.note(Action::ConversionRuleUpdated, id, noted(&changed)).await?;
        Ok(changed)
    })
    .await
}

/// Deletes a rule.
pub async fn delete(on: &Services, actor: &Actor, id: ConversionRuleId) -> Result<conversion_rule::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        conversion_rule::Entity::delete_by_id(id).exec(&w).await?;
        w.note(Action::ConversionRuleDeleted, id, noted(&row)).await?;
        Ok(row)
    })
    .await
}

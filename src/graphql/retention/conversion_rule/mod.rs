//! A conversion rule, as it is shown.

use crate::prelude::*;
use domain::id::ConversionRuleId;
use domain::money::Micros;
use domain::retention::words::{ContactChannel, ConversionMetric};
use storage::retention::{conversion_rule, conversion_rule_check};

pub mod list;
pub mod mutations;

/// A rule that skips steps on a channel which does worse than it should: before a step is sent, the channel's metric of the
/// last 30 days is compared with the value.
#[derive(Description)]
pub struct ConversionRule(conversion_rule::Model);

node!(ConversionRule: ConversionRuleId, conversion_rule::Model);

/// What a conversion rule found when it was looked at.
#[derive(SimpleObject)]
pub struct ConversionRuleFinding {
    /// When it was looked at; what it found is good for a minute.
    checked_at: DateTime,
    /// The attempts of the 30 days before that it looked at: those by providers that report what is measured. 0: nobody reports it, as
    /// mail servers do with deliveries and clicks, or there were none; then the rule leaves out nothing.
    attempts: i32,
    /// The metric; null: there is nothing by which it could be known.
    measured: Option<f64>,
    /// Whether the channel surely does worse than the rule wants: then its steps are SKIPPED with the reason RULE.
    is_worse: bool,
}

#[Object(use_type_description)]
impl ConversionRule {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Whose steps it skips.
    async fn channel(&self) -> ContactChannel {
        self.0.channel
    }

    /// What is measured.
    async fn metric(&self) -> ConversionMetric {
        self.0.metric
    }

    /// What the metric must reach; a cost must not exceed it.
    async fn value(&self) -> Decimal {
        Decimal(Micros(self.0.value_micros))
    }

    /// The share of contacts that is expected to convert, 0 to 1: for people, the rule does not use it.
    async fn conversion_rate(&self) -> f64 {
        self.0.conversion_rate
    }

    /// Attempts that there must be before it says anything. Those by providers that don't report what is measured don't count.
    async fn sample_size(&self) -> i32 {
        self.0.sample_size
    }

    /// How sure it must be that the channel does worse, 0 to 1.
    async fn confidence(&self) -> f64 {
        self.0.confidence
    }

    /// Whether it is in force.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// What it found when it was looked at last, before a step that was due; null: it was not looked at yet.
    async fn finding(&self, ctx: &Context<'_>) -> Result<Option<ConversionRuleFinding>> {
        let found = ctx.loaders().one(FindingOf(self.0.id)).await?;
        // What it found before it was changed, it found by another measure.
        let found = found.filter(|found| self.0.is_active && found.checked_at >= self.0.updated_at);
        Ok(found.map(|found| ConversionRuleFinding {
            checked_at: found.checked_at.into(),
            attempts: i32::try_from(found.attempts).unwrap_or(i32::MAX),
            measured: found.measured,
            is_worse: found.is_worse,
        }))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

question! {
    /// What a rule found when it was looked at last.
    FindingOf(ConversionRuleId) -> conversion_rule_check::Model = |db, rules| {
        let found = conversion_rule_check::Entity::of(&rules).all(db).await?;
        found.into_iter().map(|found| (found.rule_id, found)).collect()
    }
}

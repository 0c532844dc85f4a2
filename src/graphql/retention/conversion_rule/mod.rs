//! A conversion rule, as it is shown.

use crate::prelude::*;
use domain::id::ConversionRuleId;
use domain::money::Micros;
use domain::retention::words::{ContactChannel, ConversionMetric};
use storage::retention::conversion_rule;

pub mod list;
pub mod mutations;

/// A rule that skips steps on a channel which does worse than it should: before a step is sent, the channel's metric of the
/// last 30 days is compared with the value.
#[derive(Description)]
pub struct ConversionRule(conversion_rule::Model);

node!(ConversionRule: ConversionRuleId, conversion_rule::Model);

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

    /// Attempts that there must be before it says anything.
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

//! Rules that skip a channel which does worse than it should.

use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::error::Result;
use domain::id::ConversionRuleId;
use domain::retention::words::{ContactChannel, ConversionMetric};

/// A conversion rule.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "conversion_rules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConversionRuleId,
    pub channel: ContactChannel,
    pub metric: ConversionMetric,
    /// The threshold, in millionths.
    pub value_micros: i64,
    /// The rate that was measured or is expected, 0 to 1.
    pub conversion_rate: f64,
    /// Attempts below which it says nothing.
    pub sample_size: i32,
    /// How sure one has to be, 0 to 1.
    pub confidence: f64,
    pub is_active: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
}

joins_nothing!();

noun!(ConversionRuleId);

crate::filter::filter! {
    /// Which conversion rules are wanted.
    ConversionRuleFilter of Entity {
        channels: Vec<ContactChannel> => |channels| Column::Channel.is_in(channels),
        metrics: Vec<ConversionMetric> => |metrics| Column::Metric.is_in(metrics),
        is_active: bool => |is_active| Column::IsActive.eq(is_active),
    }
}

//! The settings of to whom conversions are credited as they come.

use clap::Args;

use super::choices::Model;
use super::{Named, Wrong, values};
use domain::retention::attribution::{AttributionModel, Rule};

/// To whom conversions are credited.
#[derive(Args, Clone)]
pub(super) struct AttributionSettings {
    /// The contacts to which a conversion is credited: the last-touch before it, the first-touch, or all of them (linear)
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_ATTRIBUTION",
        value_name = "MODEL",
        default_value = "last-touch"
    )]
    attribution: String,
    /// How many days before a conversion these contacts may lie, 1 to 365
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_ATTRIBUTION_DAYS",
        value_name = "DAYS",
        default_value = "30"
    )]
    attribution_days: String,
}

impl AttributionSettings {
    pub(super) fn check(self) -> Result<Rule, Wrong> {
        let model = match values::choice::<Model>(&self.attribution).of("HERALD_ATTRIBUTION")? {
            Model::LastTouch => AttributionModel::LastTouch,
            Model::FirstTouch => AttributionModel::FirstTouch,
            Model::Linear => AttributionModel::Linear,
        };
        let days = values::number(&self.attribution_days, 1..=365).of("HERALD_ATTRIBUTION_DAYS")?;
        Ok(Rule { model, window: chrono::TimeDelta::days(days) })
    }
}

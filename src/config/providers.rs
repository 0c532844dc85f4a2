//! The settings of what leads are reached by: where the providers are, and whether anything is sent to them.

use clap::Args;

use super::choices::Mode;
use super::{Named, Wrong, values};
use domain::retention::endpoints::{Endpoints, INSTANTLY, TWILIO, VAPI};

/// Where providers are.
#[derive(Args, Clone)]
pub(super) struct ProviderSettings {
    /// Where emails, text messages, calls and webhooks to leads go: live, or simulated: nowhere
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_PROVIDERS",
        value_name = "MODE",
        default_value = "live"
    )]
    providers: String,
    /// Twilio's API, or a gateway that stands in for it
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_TWILIO_URL",
        value_name = "URL",
        default_value = TWILIO
    )]
    twilio_url: String,
    /// VAPI's API, or a gateway that stands in for it
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_VAPI_URL",
        value_name = "URL",
        default_value = VAPI
    )]
    vapi_url: String,
    /// Instantly's API, or a gateway that stands in for it
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_INSTANTLY_URL",
        value_name = "URL",
        default_value = INSTANTLY
    )]
    instantly_url: String,
    /// Whether webhooks to leads' systems may go to private addresses: no, or yes, for closed networks
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_WEBHOOK_PRIVATE",
        value_name = "ANSWER",
        default_value = "no"
    )]
    webhook_private: String,
}

impl ProviderSettings {
    /// Where everything is; callbacks come to `public_url`.
    pub(super) fn check(self, public_url: String) -> Result<Endpoints, Wrong> {
        Ok(Endpoints {
            is_simulated: values::choice::<Mode>(&self.providers).of("HERALD_PROVIDERS")? == Mode::Simulated,
            twilio: values::public_url(&self.twilio_url).of("HERALD_TWILIO_URL")?,
            vapi: values::public_url(&self.vapi_url).of("HERALD_VAPI_URL")?,
            instantly: values::public_url(&self.instantly_url).of("HERALD_INSTANTLY_URL")?,
            is_private_allowed: values::yes(&self.webhook_private).of("HERALD_WEBHOOK_PRIVATE")?,
            public: public_url,
        })
    }
}

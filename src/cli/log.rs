//! The log: to the standard error, for people or for machines. Traces go elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::traces;
use crate::config::{Config, LogFormat};

/// Starts to log as the settings say.
pub fn start(config: &Config) {
    // sea-orm and sqlx tell each statement twice at info.
    let filter = EnvFilter::new(format!("sqlx=warn,sea_orm=warn,sea_orm_migration=warn,{}", config.log));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (traces, refusal) = match config.otlp_endpoint.as_ref().map(traces::layer).transpose() {
        Ok(traces) => (traces, None),
        Err(refusal) => (None, Some(refusal)),
    };
    if let Err(error) = tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces).try_init() {
        tracing::debug!(%error, "there is a log already");
    }
    if let Some(refusal) = refusal {
        tracing::error!(error = %refusal, "OTEL_EXPORTER_OTLP_ENDPOINT: no traces are sent");
    }
}

/// Sends the last traces; to be called outside of any runtime.
pub fn end() {
    traces::end();
}

//! The log: to the standard error, for people or for machines. Traces go elsewhere.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::traces;
use crate::config::{Config, LogFormat};

/// Herald's crates: what each logs carries its name.
const CRATES: [&str; 9] =
    ["domain", "events", "graphql", "http", "providers", "service", "storage", "telegram", "worker"];

/// Crates that log what passes through them, passwords and tokens too, and how much of each is logged whatever the settings
/// say.
const TALKATIVE: [(&str, Level); 6] = [
    ("tungstenite", Level::INFO),
    ("tokio_tungstenite", Level::INFO),
    ("h2", Level::INFO),
    ("grammers_client", Level::INFO),
    ("grammers_mtsender", Level::DEBUG),
    ("grammers_session", Level::INFO),
];

/// Starts to log as the settings say.
pub fn start(config: &Config) {
    // sea-orm and sqlx tell each statement twice at info.
    let filter =
        EnvFilter::new(format!("sqlx=warn,sea_orm=warn,sea_orm_migration=warn,{}", of_all_crates(&config.log)));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (traces, refusal) = match config.otlp_endpoint.as_ref().map(traces::layer).transpose() {
        Ok(traces) => (traces, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let filter = filter.and(filter_fn(|of| is_discreet(of.target(), *of.level())));
    if let Err(error) = tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces).try_init() {
        tracing::debug!(%error, "there is a log already");
    }
    if let Some(refusal) = refusal {
        tracing::error!(error = %refusal, "OTEL_EXPORTER_OTLP_ENDPOINT: no traces are sent");
    }
}

/// The filter in which `herald` means all of Herald's crates, and `herald::http` that one.
fn of_all_crates(filter: &str) -> String {
    let directive = |directive: &str| match directive.strip_prefix("herald") {
        Some(rest) if rest.starts_with("::") => rest.trim_start_matches(':').to_owned(),
        Some(rest) if rest.is_empty() || rest.starts_with(['=', '[']) => {
            CRATES.iter().fold(directive.to_owned(), |all, name| format!("{all},{name}{rest}"))
        }
        _ => directive.to_owned(),
    };
    filter.split(',').map(|part| directive(part.trim())).collect::<Vec<_>>().join(",")
}

/// Whether what is logged under `target` has nothing in it that nobody should read.
fn is_discreet(target: &str, level: Level) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    TALKATIVE.iter().all(|(talkative, most)| *talkative != name || level <= *most)
}

/// Whether what is logged under `target` comes from one of Herald's crates.
pub(super) fn is_ours(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    name == "herald" || CRATES.contains(&name)
}

/// Sends the last traces; to be called outside of any runtime.
pub fn end() {
    traces::end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heralds_name_means_all_its_crates() {
        assert_eq!(of_all_crates("info,herald::http=debug"), "info,http=debug");
        assert_eq!(of_all_crates("heraldic=debug, sqlx=info"), "heraldic=debug,sqlx=info");
        let all = of_all_crates("warn,herald=debug");
        assert!(all.starts_with("warn,herald=debug,domain=debug,") && all.ends_with(",worker=debug"), "{all}");
        EnvFilter::try_new(all).expect("it is a filter");
    }

    #[test]
    fn what_passes_through_others_is_logged_at_no_level() {
        assert!(!is_discreet("tungstenite::protocol", Level::TRACE) && !is_discreet("tungstenite", Level::DEBUG));
        assert!(is_discreet("tungstenite::protocol", Level::INFO) && is_discreet("http::socket", Level::TRACE));
    }

    #[test]
    fn each_crate_of_the_house_is_named() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("there are sources");
        let folders = folders.map(|entry| entry.expect("the entry can be read").path());
        let mut crates: Vec<String> = folders
            .filter(|folder| folder.join("Cargo.toml").exists())
            .map(|folder| folder.file_name().expect("a folder has a name").to_string_lossy().into_owned())
            .collect();
        crates.sort_unstable();
        assert_eq!(crates, CRATES);
    }
}

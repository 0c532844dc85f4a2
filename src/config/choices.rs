//! Settings that are one of a few words.

use clap::ValueEnum;

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Telegram {
    /// To Telegram.
    Live,
    /// Nowhere.
    Simulated,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// Objects for machines.
    Json,
}

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

/// Whether anything is handed to providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// To those that are set up.
    Live,
    /// To none.
    Simulated,
}

/// To which of the contacts before it a conversion is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// To the last one.
    LastTouch,
    /// To the first one.
    FirstTouch,
    /// To all, in equal parts.
    Linear,
}

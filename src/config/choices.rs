//! Settings that are one of a few words.

use clap::ValueEnum;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// Objects for machines.
    Json,
}

/// Where messages, or what providers are handed, go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// To Telegram, or to the providers that are set up.
    Live,
    /// Nowhere.
    Simulated,
}

/// What becomes of somebody to whom single sign-on gives no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NoRole {
    /// He is an AUDITOR.
    Auditor,
    /// He is not let in.
    Refuse,
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

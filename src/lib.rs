//! Herald runs outreach: exactly once, at the promised rate, live. See `src/README.md` for the map of the house.

// The root of the API is a chain of one link a noun, and its futures are as deep.
#![recursion_limit = "256"]

pub mod app;
pub mod cli;
pub mod config;

//! Herald runs outreach: exactly once, at the promised rate, live. See the README for the map of the house.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod events;
pub mod graphql;
pub mod http;
pub mod providers;
pub mod service;
pub mod storage;
pub mod telegram;
pub mod worker;

//! Herald runs outreach: exactly once, at the promised rate, live. See the README for the map of the house.

pub mod domain;
pub mod events;
pub mod graphql;
pub mod service;
pub mod storage;
pub mod telegram;
pub mod worker;

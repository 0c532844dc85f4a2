//! Use cases of retention: who is reached, by whom, with what success.

pub mod ab_test;
pub mod callback;
pub mod conversion;
pub mod conversion_rule_check;
pub mod effects;
pub mod instantly_sync;
pub mod integration;
pub mod lead_erase;
pub mod lead_export;
pub mod lead_import;
pub mod lead_merge;
pub mod live;
pub mod report;
pub mod switch;
pub mod unsubscribe;

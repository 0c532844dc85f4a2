//! The use cases of retention: who is reached, by whom, with what success.

pub mod ab_test;
pub mod callback;
pub mod campaign;
pub mod consent;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_rule;
pub mod conversion_rule_check;
pub mod effects;
pub mod instantly_sync;
pub mod integration;
pub mod lead;
pub mod lead_erase;
pub mod lead_export;
pub mod lead_import;
pub mod lead_merge;
pub mod live;
pub mod members;
pub mod meta;
pub mod report;
pub mod script;
pub mod switch;
pub mod unsubscribe;

//! The API of leads, retention campaigns, and what is done for them.

pub mod ab_test;
pub mod campaign;
pub mod campaign_lead;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_rule;
pub mod enrollment;
pub mod integration;
pub mod lead;
pub mod lead_import;
mod lists_below;
pub mod report;
pub mod script;
pub mod sequence;
pub mod step;
pub mod step_execution;

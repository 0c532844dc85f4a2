//! The API of leads, retention campaigns, and what is done for them.

pub mod ab_test;
pub mod ab_test_list;
pub mod ab_test_mutations;
pub mod campaign;
pub mod campaign_lead;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_list;
pub mod conversion_rule;
pub mod instantly_sync;
pub mod integration;
mod integration_input;
pub mod lead;
pub mod lead_import;
pub mod lead_person;
pub mod report;
pub mod script;

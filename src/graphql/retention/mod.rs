//! The API of leads, retention campaigns, and what is done for them.

pub mod ab_test;
pub mod ab_test_list;
pub mod ab_test_mutations;
pub mod campaign;
pub mod campaign_lead;
pub mod campaign_list;
pub mod campaign_mutations;
pub mod contact_attempt;
pub mod contact_attempt_list;
pub mod conversion;
pub mod conversion_list;
pub mod conversion_rule;
pub mod conversion_rule_mutations;
pub mod instantly_sync;
pub mod integration;
mod integration_input;
pub mod lead;
pub mod lead_import;
pub mod lead_list;
pub mod lead_mutations;
pub mod lead_person;
pub mod report;
pub mod script;
pub mod script_mutations;

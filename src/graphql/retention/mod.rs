//! The API of leads, retention campaigns, and what is done for them.

pub mod campaign;
pub mod campaign_lead;
pub mod contact_attempt;
pub mod conversion_rule;
pub mod integration;
mod integration_input;
pub mod lead;
pub mod script;

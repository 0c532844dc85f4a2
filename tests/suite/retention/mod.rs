//! Leads, retention campaigns, and what is done for them.

mod ab_tests;
mod conversion_rules;
mod lead_imports;
mod persons;
mod reports;
pub mod rows;
mod tables;

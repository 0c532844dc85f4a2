//! Leads, retention campaigns, sequences, and the queue of their steps.

#![expect(missing_docs, reason = "the names of columns say what they hold; the API describes each that it shows")]

pub mod ab_counts;
pub mod ab_test;
pub mod attempt_stats;
pub mod campaign;
pub mod campaign_lead;
pub mod consent;
pub mod contact_attempt;
pub mod conversion;
pub mod conversion_credit;
pub mod conversion_rule;
pub mod conversion_rule_check;
pub mod counts;
pub mod enrollment;
pub mod execution;
pub mod gone_lead;
pub mod instantly_block;
pub mod instantly_campaign;
pub mod instantly_lead;
pub mod integration_config;
pub mod lead;
pub mod lead_erasure;
pub mod lead_filter;
pub mod lead_import;
pub mod lead_moves;
pub mod lead_peer;
pub mod lead_staging;
pub mod lists;
pub mod mailbox;
pub mod members;
pub mod queue;
pub mod refusal;
pub mod refusal_to_carry;
pub mod report;
pub mod script;
pub mod sequence;
pub mod sequence_progress;
pub mod sequence_step;
pub mod ties;
pub mod tracked_links;
pub mod webhook_event;
pub mod webhook_event_key;

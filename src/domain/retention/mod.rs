//! The rules of retention: its words, the transitions that there are, and what providers ask for.

pub mod ab_test;
pub mod address;
pub mod attribution;
pub mod callback;
pub mod credentials;
pub mod endpoints;
pub mod figures;
pub mod hours;
pub mod instantly_zone;
pub mod keitaro;
pub mod lead_columns;
pub mod lead_line;
pub mod performance;
pub mod placeholders;
pub mod states;
pub mod twilio_signature;
pub mod words;

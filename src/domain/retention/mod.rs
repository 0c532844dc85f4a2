//! The rules of retention: its words, the transitions that there are, and what providers ask for.

pub mod address;
pub mod attribution;
pub mod callback;
pub mod credentials;
pub mod endpoints;
pub mod hours;
pub mod instantly_zone;
pub mod keitaro;
pub mod placeholders;
pub mod states;
pub mod twilio_signature;
pub mod words;

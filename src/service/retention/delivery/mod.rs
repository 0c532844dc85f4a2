//! What workers do to the queue of steps, each as the story of one transaction: lease, settle, give back.

pub mod give_back;
pub mod hooks;
pub mod lease;
pub mod ledger;
pub mod letter;
mod look;
pub mod message;
pub mod report;
pub mod settle;

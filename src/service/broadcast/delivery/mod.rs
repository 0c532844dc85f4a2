//! What workers do to the queue, each as the story of one transaction: lease, settle, give back, take over.

pub mod account;
pub mod attachment;
pub mod engage;
pub mod lease;
pub mod mission;
pub mod refuse;
pub mod sender;
pub mod settle;
mod standing;
pub mod stranded;

pub use mission::Mission;

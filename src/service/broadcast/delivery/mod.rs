//! What workers do to the queue, each as the story of one transaction: lease, settle, give back, take over.

pub mod attachment;
pub mod lease;
pub mod mission;
pub mod sender;
pub mod settle;

pub use mission::Mission;

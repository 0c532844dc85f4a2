//! Floor 1: publish and subscribe, in this process or over Redis.
//!
//! An event says only that something changed: those who care read the database. So losing one harms nobody, and a
//! subscriber who may have lost some is told to look again (R22).

pub mod local;
pub mod redis;
mod subscription;

use domain::id::{
    BroadcastCampaignId, ChannelImportId, LeadImportId, RetentionSequenceId, TaskId, TelegramAccountId, UserId,
};
use serde::{Deserialize, Serialize};

pub use subscription::Subscription;

/// A change that others are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// A campaign's state, counters or jobs.
    Campaign(BroadcastCampaignId),
    /// A campaign was started, resumed, paused or cancelled: workers look for it at once.
    Work(BroadcastCampaignId),
    /// A Telegram account was added, changed or removed: whoever holds it looks at it at once.
    Account(TelegramAccountId),
    /// An import's counts or state.
    Import(ChannelImportId),
    /// An import of leads: its counts or state.
    LeadImport(LeadImportId),
    /// A task was asked for, or is further than it was.
    Task(TaskId),
    /// Something that reports add up, by the doing of a person: who did it sees it in the next one.
    Report,
    /// A sequence's state, counters or enrollments.
    Sequence(RetentionSequenceId),
    /// Lines were added to the audit log.
    Audit,
    /// Everything was stopped, or goes on.
    Stop,
    /// A process that sends was drained, or goes on.
    Worker,
    /// A user's role, password or sessions.
    User(UserId),
    /// Events may have been lost: look at everything again.
    Resync,
}

/// The seam between in-process events and Redis.
pub trait Events: Send + Sync + 'static {
    /// Tells all subscribers, of this process at once, of others soon. It never waits and never fails: see [`Event`].
    fn publish(&self, event: Event);

    /// The events that are published from now on.
    fn subscribe(&self) -> Subscription;

    /// Whether what other processes say comes in; true where there are none to say anything.
    fn is_up(&self) -> bool {
        true
    }
}

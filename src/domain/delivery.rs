//! What became of one send, and what it means for the job, the channel and the campaign.
//!
//! Telegram's errors have owners: job, channel, account or campaign. The rules are the error table of the broadcast
//! promises; `R`-numbers in this crate name the delivery rules that `src/manual/promises.md` explains.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use self::table::Ruling;
use super::broadcast::{AccountStatus, JobStatus};

pub mod failure;
pub mod table;

/// What Telegram (or the connection to it) said to one send.
pub type Reply = Result<Receipt, Fault>;

/// A message that surely went out, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Accepted now.
    Accepted {
        /// Telegram's number of the message, where it was told.
        message_id: Option<i64>,
    },
    /// The message's `random_id` had been accepted before: an earlier, ambiguous send had succeeded.
    Duplicate,
}

/// Why a send did not end in a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error that Telegram answered.
    Rpc {
        /// 303, 400, 401, 403, 406, 420, 500 or -503.
        code: i32,
        /// The name without its number, such as `FLOOD_WAIT`.
        name: String,
        /// The number in the name: seconds, for waits.
        value: Option<u32>,
    },
    /// The connection was lost while the answer was awaited: it may have been sent.
    ConnectionLost,
    /// No answer in time: it may have been sent.
    TimedOut,
    /// There was no connection: the message was surely not sent.
    NotConnected,
    /// The file that is to be attached can't be read here.
    Unreadable,
}

impl Fault {
    /// An error as Telegram spells it: `FLOOD_WAIT_30` has the name `FLOOD_WAIT` and the value 30.
    pub fn rpc(code: i32, spelled: &str) -> Self {
        match spelled.rsplit_once('_').map(|(name, digits)| (name, digits.parse())) {
            Some((name, Ok(value))) => Self::Rpc { code, name: name.into(), value: Some(value) },
            _ => Self::Rpc { code, name: spelled.into(), value: None },
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rpc { name, value: Some(value), .. } => write!(f, "{name}_{value}"),
            Self::Rpc { name, .. } => f.write_str(name),
            Self::ConnectionLost => f.write_str("CONNECTION_LOST"),
            Self::TimedOut => f.write_str("TIMED_OUT"),
            Self::NotConnected => f.write_str("NOT_CONNECTED"),
            Self::Unreadable => f.write_str("MEDIA_FILE_UNREADABLE"),
        }
    }
}

/// The state of a job when the answer to one of its sends arrives.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Sends that ended in an answer before this one.
    pub attempts: i32,
    /// Since when it is unknown whether an earlier send went out (R11).
    pub ambiguous_since: Option<DateTime<Utc>>,
    /// When the answer came, or was given up.
    pub ended: DateTime<Utc>,
    /// Whether the peer has just been looked up again, or can't be.
    pub is_peer_fresh: bool,
    /// Whether the channel's history can tell what nobody remembers any more (R11).
    pub has_history: bool,
}

/// How often and how long a campaign tries.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Retries after the first attempt that ended in an answer.
    pub retry_limit: i32,
    /// How long an ambiguous send is repeated under its `random_id`.
    pub dedupe_window: Duration,
}

/// What becomes of a job after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Sent, failed, unknown, or queued again.
    pub status: JobStatus,
    /// Whether the send ended in an answer that counts.
    pub counts: bool,
    /// Queued again: not before this instant.
    pub not_before: Option<DateTime<Utc>>,
    /// Since when its fate is uncertain, if it is.
    pub ambiguous_since: Option<DateTime<Utc>>,
    /// The error as the operator reads it.
    pub error: Option<String>,
    /// The consequence for others than this job.
    pub effect: Effect,
}

/// What an answer means beyond its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// The channel took the message.
    Delivered,
    /// The channel takes no messages of this sort: that is noted, and no error of it.
    ChannelNoted,
    /// The channel refused it: one more error.
    ChannelRefused,
    /// The channel refused this account: one more error of the channel, and a doubt about the account.
    ChannelRefusedAccount,
    /// There is no such channel: it is never written to again.
    ChannelGone,
    /// The account must wait until this instant: nothing is sent from it before (R18).
    Wait {
        /// As told by the server.
        seconds: u32,
        /// The end of the wait.
        until: DateTime<Utc>,
    },
    /// The channel is slow: this account writes nothing to it before this instant, and to others as ever.
    SlowMode {
        /// As told by the server.
        seconds: u32,
        /// The end of the wait.
        until: DateTime<Utc>,
    },
    /// What the account knows of the peer is out of date.
    PeerStale,
    /// What the account has uploaded is out of date.
    MediaStale,
    /// Every message of the campaign would fail like this one: pause it.
    ContentRefused,
    /// The account can't send any more: this is what it has become.
    AccountRefused(AccountStatus),
}

/// How long a deferred job waits.
const DEFERRED: TimeDelta = TimeDelta::hours(1);

/// The table of errors and their owners, applied to one answer.
pub fn judge(reply: &Reply, attempt: Attempt, policy: Policy) -> Verdict {
    let Err(fault) = reply else { return Verdict::sent() };
    let verdict = match table::rule(fault) {
        Ruling::Sent => return Verdict::sent(),
        Ruling::Wait(seconds) => attempt.waits(fault, seconds, |until| Effect::Wait { seconds, until }),
        Ruling::SlowMode(seconds) => attempt.waits(fault, seconds, |until| Effect::SlowMode { seconds, until }),
        Ruling::Account(status) => attempt.again(fault, Effect::AccountRefused(status)),
        Ruling::Content => attempt.again(fault, Effect::ContentRefused),
        Ruling::Peer if !attempt.is_peer_fresh => attempt.again(fault, Effect::PeerStale),
        Ruling::Job if table::is_about_the_sort(&fault.to_string()) => attempt.failed(fault, Effect::ChannelNoted),
        Ruling::Peer | Ruling::Job => attempt.failed(fault, Effect::None),
        Ruling::Suspect => attempt.failed(fault, Effect::ChannelRefusedAccount),
        Ruling::Channel => attempt.failed(fault, Effect::ChannelRefused),
        Ruling::Gone => attempt.failed(fault, Effect::ChannelGone),
        Ruling::Media => Verdict { effect: Effect::MediaStale, ..attempt.retried(fault, policy) },
        Ruling::Defer => attempt.deferred(fault, policy),
        Ruling::Retry => attempt.retried(fault, policy),
        Ruling::Unsent => attempt.unsent(fault),
        Ruling::Ambiguous => attempt.ambiguous(fault, matches!(fault, Fault::Rpc { .. }), policy),
    };
    verdict.with_sticky_ambiguity(policy, attempt.has_history)
}

impl Verdict {
    fn sent() -> Self {
        Self {
            status: JobStatus::Sent,
            counts: true,
            not_before: None,
            ambiguous_since: None,
            error: None,
            effect: Effect::Delivered,
        }
    }

    /// R11: while an earlier send may have gone out, nothing but a receipt tells the truth.
    fn with_sticky_ambiguity(mut self, policy: Policy, has_history: bool) -> Self {
        let Some(since) = self.ambiguous_since else { return self };
        let forgotten = self.not_before.is_some_and(|until| !repeatable(since, until, policy));
        if self.status == JobStatus::Failed || (forgotten && !has_history) {
            self.status = JobStatus::Unknown;
            self.not_before = None;
        }
        self
    }
}

impl Attempt {
    /// Back to the queue as if it had not been tried; what follows is the campaign's matter.
    fn again(self, fault: &Fault, effect: Effect) -> Verdict {
        Verdict {
            status: JobStatus::Queued,
            counts: false,
            not_before: Some(self.ended),
            ambiguous_since: self.ambiguous_since,
            error: Some(fault.to_string()),
            effect,
        }
    }

    /// Surely not handed over: a second later it may be different.
    fn unsent(self, fault: &Fault) -> Verdict {
        Verdict { not_before: Some(self.ended + TimeDelta::seconds(1)), ..self.again(fault, Effect::None) }
    }

    /// A wait that the server asked for: to the second, no attempt spent.
    fn waits(self, fault: &Fault, seconds: u32, effect: impl FnOnce(DateTime<Utc>) -> Effect) -> Verdict {
        let until = wait_until(self.ended, seconds);
        Verdict { not_before: Some(until), ..self.again(fault, effect(until)) }
    }

    fn failed(self, fault: &Fault, effect: Effect) -> Verdict {
        Verdict { status: JobStatus::Failed, counts: true, not_before: None, ..self.again(fault, effect) }
    }

    /// A definite error that may pass.
    fn retried(self, fault: &Fault, policy: Policy) -> Verdict {
        if self.attempts >= policy.retry_limit {
            return self.failed(fault, Effect::None);
        }
        let exponent = u32::try_from(self.attempts.clamp(0, 6)).unwrap_or(0);
        let until = self.ended + TimeDelta::seconds(1 << exponent);
        Verdict { counts: true, not_before: Some(until), ..self.again(fault, Effect::None) }
    }

    /// A definite error that passes when somebody does something about it.
    fn deferred(self, fault: &Fault, policy: Policy) -> Verdict {
        let verdict = self.retried(fault, policy);
        Verdict { not_before: verdict.not_before.map(|_| self.ended + DEFERRED), ..verdict }
    }

    /// What may have gone out is repeated under the same `random_id`, at doubling distances, for as long as Telegram
    /// surely remembers that.
    fn ambiguous(self, fault: &Fault, answered: bool, policy: Policy) -> Verdict {
        let since = self.ambiguous_since.unwrap_or(self.ended);
        let distance = (self.ended - since).clamp(TimeDelta::seconds(1), TimeDelta::seconds(60));
        let spent = answered && self.attempts >= policy.retry_limit;
        Verdict {
            status: if spent { JobStatus::Unknown } else { JobStatus::Queued },
            counts: answered,
            not_before: (!spent).then(|| self.ended + distance),
            ambiguous_since: Some(since),
            error: Some(fault.to_string()),
            effect: Effect::None,
        }
    }
}

/// The end of a wait of so many seconds that began at `told`: a second later than the server says, whose clock is another one.
pub fn wait_until(told: DateTime<Utc>, seconds: u32) -> DateTime<Utc> {
    told + TimeDelta::seconds(i64::from(seconds) + 1)
}

/// Whether a send that has been ambiguous `since` may be repeated at `at`.
pub fn repeatable(since: DateTime<Utc>, at: DateTime<Utc>, policy: Policy) -> bool {
    (at - since).to_std().is_ok_and(|age| age < policy.dedupe_window)
}

#[cfg(test)]
mod tests;

//! Twilio's error codes, as data: whose fault each is. Twilio splits codes now and then, so unknown ones count as the message's.

use std::time::Duration;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The message's: no repetition helps it.
    Message,
    /// The recipient replied STOP.
    OptOut,
    /// The sender's: all its messages wait so long.
    Sender(Duration),
    /// The account's: all wait until somebody mends it.
    Account,
}

use Meaning::{Account, Message, OptOut, Sender};

const TABLE: &[(u32, Meaning)] = &[
    // Wrong credentials, no such account, account suspended, no permission, no such service, trial account.
    (20_003, Account),
    (20_404, Account),
    (20_005, Account),
    (20_008, Account),
    (21_701, Account),
    (21_703, Account),
    (63_038, Account),
    // Too many requests at once: they were not processed.
    (20_429, Sender(Duration::from_secs(5))),
    // More than ten hours of messages are queued.
    (21_611, Sender(Duration::from_mins(10))),
    (30_001, Sender(Duration::from_mins(10))),
    // STOP.
    (21_610, OptOut),
    // Not a number, region not permitted, sender can't reach it, not a mobile, too long, unregistered, landline, filtered.
    (21_211, Message),
    (21_408, Message),
    (21_606, Message),
    (21_614, Message),
    (21_617, Message),
    (21_659, Message),
    (30_003, Message),
    (30_005, Message),
    (30_006, Message),
    (30_007, Message),
    (30_034, Message),
];

/// Whose fault the error `code` is.
pub(super) fn meaning(code: u32) -> Meaning {
    TABLE.iter().find(|(known, _)| *known == code).map_or(Message, |(_, meaning)| *meaning)
}

//! Twilio's error codes, as data: whose fault each is. Twilio splits codes now and then, so unknown ones count as the message's.

use std::time::Duration;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The message's: no repetition helps it.
    Message,
    /// The recipient replied STOP.
    OptOut,
    /// The recipient's: no text ever reaches this number.
    Dead,
    /// The sender's: all its messages wait so long.
    Sender(Duration),
    /// The account's: all wait until somebody mends it.
    Account,
}

use Meaning::{Account, Dead, Message, OptOut, Sender};

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
    // No such number, no mobile, unknown handset, landline.
    (21_211, Dead),
    (21_614, Dead),
    (30_005, Dead),
    (30_006, Dead),
    // Region not permitted, sender that can't be used or is not ours, not verified, not registered: of what is set up.
    (21_212, Account),
    (21_408, Account),
    (21_601, Account),
    (21_603, Account),
    (21_606, Account),
    (21_607, Account),
    (21_608, Account),
    (21_609, Account),
    (21_635, Account),
    (21_656, Account),
    (21_659, Account),
    (21_660, Account),
    (21_661, Account),
    (21_705, Account),
    (21_712, Account),
    (30_002, Account),
    (30_034, Account),
    // Too long, not reachable now, filtered.
    (21_617, Message),
    (30_003, Message),
    (30_007, Message),
];

/// Whose fault the error `code` is.
pub(super) fn meaning(code: u32) -> Meaning {
    TABLE.iter().find(|(known, _)| *known == code).map_or(Message, |(_, meaning)| *meaning)
}

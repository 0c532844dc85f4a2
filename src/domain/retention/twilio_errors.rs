//! Twilio's error codes, as data: whose fault each is, in an answer to a request and in what is told of a text message later. The
//! codes are those of Twilio's own list that a text message can meet.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
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

/// Too many requests at once.
const SOON: Duration = Duration::from_secs(5);
/// A limit of messages a minute, or a fault that passes.
const MINUTE: Duration = Duration::from_mins(1);
/// Hours of messages are queued, or a destination is closed for a quarter of an hour.
const LATER: Duration = Duration::from_mins(10);
/// A limit of messages a day.
const DAILY: Duration = Duration::from_hours(1);

/// What waits, and for how long.
const WAITS: &[(u32, Duration)] = &[
    (20_429, SOON),
    // Texts sent too fast, over the rate of a channel or of a registered campaign; a carrier that has no room.
    (14_107, SOON),
    (63_018, SOON),
    (30_022, MINUTE),
    (30_017, MINUTE),
    // Faults at Twilio that pass.
    (20_500, MINUTE),
    (20_503, MINUTE),
    (30_020, MINUTE),
    (30_021, MINUTE),
    (30_410, MINUTE),
    (30_500, MINUTE),
    (21_730, LATER),
    // The queue is full, or messages waited in it for too long.
    (21_611, LATER),
    (30_001, LATER),
    (30_036, LATER),
    // So many a day: of the brand, the account or the channel.
    (30_023, DAILY),
    (30_027, DAILY),
    (30_454, DAILY),
    (63_038, DAILY),
];

/// What somebody must mend: nothing that is sent meanwhile would arrive.
const ACCOUNTS: &[u32] = &[
    // No such account, not active, not allowed, the credentials of a test, only for tries, closed.
    403, 10_001, 10_002, 20_003, 20_004, 20_005, 20_006, 20_007, 20_008, 20_010, 20_011, 20_107, 20_403, 20_404, 90_010,
    // What was bought or allowed: regions, numbers of others on a trial, senders that can't text.
    14_108, 14_111, 21_212, 21_267, 21_408, 21_601, 21_603, 21_606, 21_607, 21_608, 21_609, 21_657, 21_659, 21_660,
    21_661, 21_663, 21_668,
    // The messaging service: not there, without numbers, not ours; its registration.
    21_701, 21_702, 21_703, 21_704, 21_705, 21_708, 21_709, 21_711, 21_712, 21_713, 21_715, 21_717, 21_719, 21_720,
    21_729, 21_731, // Suspended, not registered, not verified, not provisioned, switched off.
    30_002, 30_018, 30_024, 30_032, 30_033, 30_034, 30_035, 30_037, 30_040, 30_041, 30_042, 30_125,
    // Channels: not authenticated, not there, not set up.
    63_001, 63_007, 63_008, 63_020,
];

/// Numbers that no text reaches: none at all, no mobile, short, premium, unknown, a landline.
const DEADS: &[u32] = &[21_211, 21_265, 21_268, 21_614, 21_635, 30_005, 30_006];

/// Known, and nobody's but the message's: its text, its recipient for now, what was filtered, a price.
const MESSAGES: &[u32] =
    &[21_602, 21_605, 21_612, 21_617, 30_003, 30_004, 30_007, 30_008, 30_010, 30_019, 30_038, 30_044, 30_450, 30_453];

/// Whose fault the error `code` is; None if it is not known: Twilio splits codes now and then.
pub fn meaning(code: u32) -> Option<Meaning> {
    if code == 21_610 {
        return Some(OptOut);
    }
    if let Some((_, after)) = WAITS.iter().find(|(known, _)| *known == code) {
        return Some(Sender(*after));
    }
    let tables = [(ACCOUNTS, Account), (DEADS, Dead), (MESSAGES, Message)];
    tables.into_iter().find(|(codes, _)| codes.contains(&code)).map(|(_, meaning)| meaning)
}

/// What was told of a text that Twilio had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Its error.
    pub code: u32,
    /// When it was sent.
    pub sent: DateTime<Utc>,
    /// When that was told.
    pub told: DateTime<Utc>,
}

/// For how long an account's fault holds what comes after it.
const HELD: TimeDelta = TimeDelta::minutes(10);
/// And if nothing else is told any more.
const HELD_LONG: TimeDelta = TimeDelta::hours(1);

/// For how long nothing is sent, and why, after the newest `failures`, that of the text that was sent last first: a carrier refuses after
/// Twilio has taken a text, and each that follows would fail as well. One that was sent later and arrived ends it.
pub fn hold(failures: &[Failure], arrived: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<(Duration, String)> {
    let of_all = |failure: &Failure| matches!(meaning(failure.code), Some(Account | Sender(_)));
    let last = failures.iter().filter(|failure| of_all(failure)).max_by_key(|failure| failure.told)?;
    if arrived.is_some_and(|arrived| arrived > last.sent) {
        return None;
    }
    let is_all = failures.len() >= 5 && failures.iter().all(of_all);
    let pause = match meaning(last.code) {
        Some(Sender(after)) => TimeDelta::from_std(after).unwrap_or(HELD),
        _ if is_all => HELD_LONG,
        _ => HELD,
    };
    let left = (last.told + pause - now).to_std().ok().filter(|left| !left.is_zero())?;
    let why = format!(
        "texts that Twilio had taken fail with {}, which is no recipient's fault: mend it (see the code in Twilio's list); texts wait for \
         a while, or until the integration is saved anew",
        last.code
    );
    Some((left, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_after_it_was_taken_holds_what_would_follow() {
        let now: DateTime<Utc> = "2026-03-10T12:00:00Z".parse().unwrap();
        let failure = |code, minutes: i64| {
            let told = now - TimeDelta::minutes(minutes);
            Failure { code, sent: told - TimeDelta::minutes(1), told }
        };
        let left = |failures: &[Failure], arrived: Option<i64>| {
            let arrived = arrived.map(|minutes| now - TimeDelta::minutes(minutes));
            hold(failures, arrived, now).map(|(left, _)| left.as_secs() / 60)
        };
        for (line, failures, arrived, expected) in [
            (line!(), vec![failure(30_034, 2)], None, Some(8)),
            (line!(), vec![failure(30_034, 11)], None, None),
            (line!(), vec![failure(30_003, 1)], None, None),
            (line!(), vec![failure(99_999, 1)], None, None),
            (line!(), vec![failure(30_023, 2)], None, Some(58)),
            (line!(), vec![failure(30_003, 1), failure(30_032, 2)], None, Some(8)),
            (line!(), vec![failure(30_034, 2)], Some(1), None),
            (line!(), vec![failure(30_034, 2)], Some(60), Some(8)),
            (line!(), vec![failure(30_034, 2); 5], None, Some(58)),
            (line!(), vec![], None, None),
        ] {
            assert_eq!(left(&failures, arrived), expected, "line {line}");
        }
        assert!(hold(&[failure(30_034, 2)], None, now).unwrap().1.contains("30034"));
    }

    #[test]
    fn each_code_has_one_owner() {
        let mut all: Vec<u32> = WAITS.iter().map(|(code, _)| *code).collect();
        all.extend(ACCOUNTS.iter().chain(DEADS).chain(MESSAGES));
        all.push(21_610);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a code stands in two tables");
    }

    #[test]
    fn what_is_the_accounts_is_no_leads() {
        for code in [
            10_001, 10_002, 20_006, 20_004, 20_007, 90_010, 21_704, 63_007, 30_032, 30_024, 30_035, 20_003, 20_403,
            21_701, 21_709, 30_033, 30_037, 30_018, 30_034, 21_606,
        ] {
            assert_eq!(meaning(code), Some(Account), "{code}");
        }
        for code in [14_107, 63_018, 30_022, 20_429, 21_611, 30_001, 30_023, 30_027, 63_038, 30_454] {
            assert!(matches!(meaning(code), Some(Sender(_))), "{code}");
        }
        for code in [21_211, 21_614, 21_635, 30_005, 30_006] {
            assert_eq!(meaning(code), Some(Dead), "{code}");
        }
        for code in [30_003, 30_007, 21_617] {
            assert_eq!(meaning(code), Some(Message), "{code}");
        }
        assert_eq!((meaning(21_610), meaning(12_345)), (Some(OptOut), None));
    }
}

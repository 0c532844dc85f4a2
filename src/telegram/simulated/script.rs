//! The markers at the end of a username, which tell the pretend Telegram how to behave.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::delivery::Fault;

/// How the pretend Telegram treats a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts at once.
    Accept,
    /// Before it accepts, it demands a wait of so many seconds.
    Wait(Demand, u32),
    /// The channel forbids writing.
    Forbidden,
    /// There is no such channel.
    Nobody,
    /// A defect of Telegram's, each time.
    Error500,
    /// The connection is lost before the first send arrives.
    DropBefore,
    /// The connection is lost after the message was accepted.
    DropAfter,
    /// Accepts at once, answers late.
    SlowReply,
}

/// Which wait is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// The account sends too much.
    Flood,
    /// The channel has slow mode.
    SlowMode,
}

/// Reads the marker at the end of `username`, in upper or lower case; most usernames have none.
pub fn behaviour_of(username: &str) -> Behaviour {
    const FIXED: [(&str, Behaviour); 6] = [
        ("_forbidden", Behaviour::Forbidden),
        ("_nobody", Behaviour::Nobody),
        ("_error500", Behaviour::Error500),
        ("_dropbefore", Behaviour::DropBefore),
        ("_dropafter", Behaviour::DropAfter),
        ("_slow_reply", Behaviour::SlowReply),
    ];
    let username = username.to_ascii_lowercase();
    if let Some((_, behaviour)) = FIXED.iter().find(|(marker, _)| username.ends_with(marker)) {
        return *behaviour;
    }
    let name = username.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &username[name.len()..];
    let demand = match name {
        _ if digits.is_empty() => return Behaviour::Accept,
        _ if name.ends_with("_flood") => Demand::Flood,
        _ if name.ends_with("_slow") => Demand::SlowMode,
        _ => return Behaviour::Accept,
    };
    // Only overflow can fail here, and more than a century is for ever.
    Behaviour::Wait(demand, digits.parse().unwrap_or(u32::MAX))
}

impl Behaviour {
    /// What every send gets from a recipient that never accepts anything.
    pub fn refusal(self) -> Option<Fault> {
        match self {
            Self::Forbidden => Some(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN")),
            Self::Nobody => Some(Fault::rpc(400, "USERNAME_NOT_OCCUPIED")),
            Self::Error500 => Some(Fault::rpc(500, "RPC_CALL_FAIL")),
            Self::Accept | Self::Wait(..) | Self::DropBefore | Self::DropAfter | Self::SlowReply => None,
        }
    }
}

impl Demand {
    fn fault(self, seconds: u64) -> Fault {
        let name = match self {
            Self::Flood => "FLOOD_WAIT",
            Self::SlowMode => "SLOWMODE_WAIT",
        };
        Fault::rpc(420, &format!("{name}_{seconds}"))
    }
}

/// The answers that the pretend Telegram has given to those who were told to come again. It does not outlive the process.
#[derive(Debug, Default)]
pub struct Script {
    /// Until when a username accepts nothing, on the monotonic clock; in lower case.
    waits: HashMap<String, Duration>,
    /// The random ids that have had their objection.
    objected: HashSet<i64>,
}

impl Script {
    /// The fault that stands in the way of this send at the instant `now` of the monotonic clock, if anything does.
    pub fn objection(&mut self, username: &str, behaviour: Behaviour, random_id: i64, now: Duration) -> Option<Fault> {
        match behaviour {
            Behaviour::DropBefore => self.objected.insert(random_id).then_some(Fault::ConnectionLost),
            Behaviour::Wait(demand, seconds) => self.wait(username, seconds, random_id, now).map(|s| demand.fault(s)),
            _ => None,
        }
    }

    /// Forgets the objection to a message that has been accepted.
    pub fn forget(&mut self, random_id: i64) {
        self.objected.remove(&random_id);
    }

    /// The seconds that this send has to wait.
    ///
    /// Whoever comes while another's wait lasts waits for the rest of it, and then has waited: else two messages to one
    /// channel could keep each other waiting for ever.
    fn wait(&mut self, username: &str, seconds: u32, random_id: i64, now: Duration) -> Option<u64> {
        let first = self.objected.insert(random_id);
        let username = username.to_ascii_lowercase();
        if let Some(left) = self.waits.get(&username).and_then(|until| until.checked_sub(now)).filter(|d| !d.is_zero())
        {
            return Some(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        }
        self.waits.remove(&username);
        if first {
            self.waits.insert(username, now + Duration::from_secs(seconds.into()));
        }
        first.then_some(seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_read_at_the_end_only_and_in_any_case() {
        use Behaviour::{Accept, DropAfter, DropBefore, Error500, Forbidden, Nobody, SlowReply, Wait};
        use Demand::{Flood, SlowMode};
        let table = [
            ("news", Accept),
            ("", Accept),
            ("news_flood30", Wait(Flood, 30)),
            ("news_flood0", Wait(Flood, 0)),
            ("news_flood007", Wait(Flood, 7)),
            ("news_flood99999999999", Wait(Flood, u32::MAX)),
            ("NEWS_FLOOD30", Wait(Flood, 30)),
            ("a1_flood2_flood3", Wait(Flood, 3)),
            ("news_flood", Accept),
            ("newsflood30", Accept),
            ("news_flood30_", Accept),
            ("news_flood30x", Accept),
            ("news_flood_30", Accept),
            ("news_slow10", Wait(SlowMode, 10)),
            ("news_Slow1", Wait(SlowMode, 1)),
            ("news_slow", Accept),
            ("news_slow_reply", SlowReply),
            ("news_Slow_Reply", SlowReply),
            ("news_slow_reply2", Accept),
            ("news_forbidden", Forbidden),
            ("news_Forbidden", Forbidden),
            ("forbidden", Accept),
            ("forbidden_news", Accept),
            ("news_nobody", Nobody),
            ("news_error500", Error500),
            ("news_error400", Accept),
            ("news_error0500", Accept),
            ("news_dropbefore", DropBefore),
            ("news_dropafter", DropAfter),
            ("новости_flood5", Wait(Flood, 5)),
            ("news_flood٣", Accept),
            ("12345", Accept),
        ];
        for (username, behaviour) in table {
            assert_eq!(behaviour_of(username), behaviour, "{username}");
        }
    }
}

//! How often a lead may be contacted: so many times a day, and not on two channels at once. All sequences and campaigns count.

use chrono::{DateTime, TimeDelta, Utc};

use super::window::Window;
use super::words::ContactChannel;

/// A contact that was made, or may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// By which channel.
    pub channel: ContactChannel,
    /// When.
    pub at: DateTime<Utc>,
}

/// The limits that govern the contacts of one lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Hours and days.
    pub window: Window,
    /// Contacts on one day of the lead's calendar.
    pub per_day: Option<u32>,
    /// Between contacts on two different channels.
    pub between_channels: TimeDelta,
}

/// How often the limits are gone through: each time one of them moves the instant on, and the day of the next contact is at
/// most a few days after the last.
const ROUNDS: usize = 64;

impl Limits {
    /// When a contact on `channel` is allowed, at `now` or later, after those in `touches`.
    pub fn allowed_at(&self, now: DateTime<Utc>, channel: ContactChannel, touches: &[Touch]) -> DateTime<Utc> {
        let mut at = now;
        for _ in 0..ROUNDS {
            let next = self.after_day(self.window.next_open(self.after_gap(at, channel, touches)), touches);
            if next == at {
                break;
            }
            at = next;
        }
        at
    }

    fn after_gap(&self, at: DateTime<Utc>, channel: ContactChannel, touches: &[Touch]) -> DateTime<Utc> {
        let others = touches.iter().filter(|touch| touch.channel != channel);
        others.map(|touch| touch.at + self.between_channels).fold(at, DateTime::max)
    }

    fn after_day(&self, at: DateTime<Utc>, touches: &[Touch]) -> DateTime<Utc> {
        let today = self.window.date(at);
        let count = touches.iter().filter(|touch| self.window.date(touch.at) == today).count();
        let is_full = self.per_day.is_some_and(|most| count >= most as usize);
        if is_full { self.window.next_day(at) } else { at }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::ContactChannel::{Email, Sms};
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn limits(per_day: u32, minutes: i64) -> Limits {
        let window = Window::new(9 * 60, 18 * 60, &[], Tz::Europe__Berlin);
        Limits { window, per_day: Some(per_day), between_channels: TimeDelta::minutes(minutes) }
    }

    fn touch(channel: ContactChannel, text: &str) -> Touch {
        Touch { channel, at: at(text) }
    }

    #[test]
    fn a_full_day_waits_for_the_next_morning_on_the_leads_calendar() {
        let touches = [touch(Email, "2026-10-24T08:00:00Z"), touch(Sms, "2026-10-24T09:00:00Z")];
        let now = at("2026-10-24T12:00:00Z");
        assert_eq!(limits(3, 0).allowed_at(now, Email, &touches), now);
        // The night in between has 25 hours.
        assert_eq!(limits(2, 0).allowed_at(now, Email, &touches), at("2026-10-25T08:00:00Z"));
        assert!(limits(0, 0).allowed_at(now, Email, &[]) > now + TimeDelta::days(7), "none at all: for ever");
    }

    #[test]
    fn the_same_channel_need_not_wait_for_another() {
        let touches = [touch(Email, "2026-10-24T15:30:00Z")];
        let now = at("2026-10-24T15:45:00Z");
        assert_eq!(limits(9, 30).allowed_at(now, Email, &touches), now);
        assert_eq!(limits(9, 10).allowed_at(now, Sms, &touches), now);
        assert_eq!(limits(9, 30).allowed_at(now, Sms, &touches), at("2026-10-25T08:00:00Z"), "18:00 is too late");
    }
}

//! When a lead may be contacted: hours and days by the clock on the lead's wall, also when that clock is changed.
//!
//! What comes outside is deferred, never dropped. A window that a change of the clock swallows whole (02:00 to 03:00 on the
//! night when the clocks go forward) is not there on that day.

use chrono::{DateTime, Days, NaiveDate, Offset, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// Days that are looked through for an opening: two weeks, and a day on either side. A window that is open on one day of the
/// week can lose that day to one change of the clock, not to two.
const HORIZON: i64 = 16;

/// Hours and days in which contacts are allowed, by one place's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: u32,
    end: u32,
    /// Bit 0 is Monday.
    days: u8,
    zone: Tz,
}

impl Window {
    /// From `start` to `end` (not included), in minutes of the day, on `days`. With `start` after `end` it lasts over midnight
    /// and belongs to the day on which it opens; with both the same it lasts the whole day. No days means all of them.
    pub fn new(start: u32, end: u32, days: &[Weekday], zone: Tz) -> Self {
        let bits = days.iter().fold(0, |bits, day| bits | bit(*day));
        let days = if bits == 0 { 0b111_1111 } else { bits };
        let (start, end) = if start == end { (0, DAY) } else { (start.min(DAY), end.min(DAY)) };
        Self { start, end, days, zone }
    }

    /// Always open; days are those of `zone`.
    pub fn always(zone: Tz) -> Self {
        Self::new(0, DAY, &[], zone)
    }

    /// Whether contacts are allowed at `at`.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone).naive_local();
        let minute = local.hour() * 60 + local.minute();
        let today = self.has(local.date());
        if self.start < self.end {
            return today && (self.start..self.end).contains(&minute);
        }
        let yesterday = local.date().pred_opt().is_some_and(|day| self.has(day));
        (minute >= self.start && today) || (minute < self.end && yesterday)
    }

    /// The first instant from `at` on at which contacts are allowed.
    pub fn next_open(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if self.is_open(at) {
            return at;
        }
        let first = at.with_timezone(&self.zone).date_naive();
        let dates = (-1..HORIZON).filter_map(|day| first.checked_add_signed(TimeDelta::days(day)));
        // It opens where the clock shows its start, on the day's midnight after a closed day, or where the clock is changed.
        let opens =
            dates.flat_map(|date| [self.start, 0].into_iter().flat_map(move |minute| self.instants(date, minute)));
        let changes = (-1..HORIZON).filter_map(|day| self.change(at + TimeDelta::days(day)));
        let found = opens.chain(changes).filter(|instant| *instant >= at && self.is_open(*instant)).min();
        // Never needed, see HORIZON; a day's rest harms nobody.
        found.unwrap_or(at + TimeDelta::days(1))
    }

    /// The date on the lead's calendar.
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// When the day after `at`'s begins on the lead's calendar.
    pub fn next_day(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.date(at);
        let midnight = today.checked_add_days(Days::new(1)).into_iter().flat_map(|date| self.instants(date, 0));
        // Where midnight is skipped, the day begins with the change; where a day is (Apia, 2011), so does the one after it.
        let changes = (0..2).filter_map(|day| self.change(at + TimeDelta::days(day)));
        midnight.chain(changes).filter(|instant| self.date(*instant) > today).min().unwrap_or(at + TimeDelta::days(1))
    }

    fn has(&self, date: NaiveDate) -> bool {
        use chrono::Datelike;
        self.days & bit(date.weekday()) != 0
    }

    /// When the clock shows that minute of that day: once, twice, or never.
    fn instants(&self, date: NaiveDate, minute: u32) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let zone = self.zone;
        let local = date.and_hms_opt(minute / 60 % 24, minute % 60, 0).map(|local| zone.from_local_datetime(&local));
        let both = local.map(|found| [found.earliest(), found.latest()]);
        both.into_iter().flatten().flatten().map(|instant| instant.to_utc())
    }

    /// The first instant after a change of the clock within a day from `from`, to the second.
    fn change(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = |at: DateTime<Utc>| self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let from = from.timestamp();
        let (mut before, mut after) = (from, from + 24 * 3600);
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let old = offset(at(before));
        if old == offset(at(after)) {
            return None;
        }
        while after - before > 1 {
            let middle = i64::midpoint(before, after);
            if offset(at(middle)) == old { before = middle } else { after = middle }
        }
        Some(at(after))
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;

//! The points of a series: quarters of an hour, hours or days of a time zone, one after the other.

use chrono::{DateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::retention::window::Window;
use crate::words::words;

/// Points that one series has at most: a year of days, a month of hours, ten days of quarters of an hour.
pub const MOST: usize = 1_000;

words! {
    /// How long each point of a series is.
    SeriesInterval {
        /// Points of 15 minutes, which begin at the full hour and each quarter after it.
        QuarterHour => "QUARTER_HOUR",
        /// An hour that begins on the hour of the time zone's clock.
        Hour => "HOUR",
        /// A day of the time zone's calendar: of 23 or 25 hours where its clock is changed.
        Day => "DAY",
    }
}

/// A point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    /// The first instant of it.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
}

/// The points that hold every instant from `from` to `to`, whole: the first begins at `from` or before it. None if these are more
/// than [`MOST`].
pub fn points(from: DateTime<Utc>, to: DateTime<Utc>, interval: SeriesInterval, zone: Tz) -> Option<Vec<Point>> {
    let mut points = Vec::new();
    let mut begin = begin(from, interval, zone);
    while begin < to {
        let end = next(begin, interval, zone);
        points.push(Point { from: begin, to: end });
        if points.len() > MOST {
            return None;
        }
        begin = end;
    }
    Some(points)
}

/// When the point of `at` begins.
fn begin(at: DateTime<Utc>, interval: SeriesInterval, zone: Tz) -> DateTime<Utc> {
    if let Some(length) = length(interval) {
        return aligned(at, length, zone);
    }
    let days = Window::always(zone);
    // Far enough before it, however long days are.
    let mut begin = days.next_day(at - TimeDelta::days(3));
    loop {
        let next = days.next_day(begin);
        if next > at {
            return begin;
        }
        begin = next;
    }
}

fn next(begin: DateTime<Utc>, interval: SeriesInterval, zone: Tz) -> DateTime<Utc> {
    match length(interval) {
        Some(length) => {
            // After a change of the clock by half an hour hours begin elsewhere: that one is shorter or longer.
            let next = aligned(begin + TimeDelta::seconds(length), length, zone);
            if next > begin { next } else { begin + TimeDelta::seconds(length) }
        }
        None => Window::always(zone).next_day(begin),
    }
}

/// In seconds; None for days.
const fn length(interval: SeriesInterval) -> Option<i64> {
    match interval {
        SeriesInterval::QuarterHour => Some(900),
        SeriesInterval::Hour => Some(3_600),
        SeriesInterval::Day => None,
    }
}

/// The last instant, no later than `at`, at which the zone's clock shows a multiple of `length`.
fn aligned(at: DateTime<Utc>, length: i64, zone: Tz) -> DateTime<Utc> {
    let offset = i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc());
    let seconds = (at.timestamp() + offset).div_euclid(length) * length - offset;
    DateTime::from_timestamp(seconds, 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn begins(from: &str, to: &str, interval: SeriesInterval, zone: Tz) -> Vec<String> {
        let points = points(at(from), at(to), interval, zone).unwrap();
        assert!(points.windows(2).all(|two| two[0].to == two[1].from), "{points:?}");
        assert!(points[0].from <= at(from) && points[points.len() - 1].to >= at(to), "{points:?}");
        points.iter().map(|point| point.from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect()
    }

    #[test]
    fn days_are_those_of_the_zone_also_where_its_clock_is_changed() {
        let days = begins("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", SeriesInterval::Day, Tz::Europe__Berlin);
        assert_eq!(days, ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        let days = begins("2026-03-28T18:30:00Z", "2026-03-28T18:30:01Z", SeriesInterval::Day, Tz::Asia__Kolkata);
        assert_eq!(days, ["2026-03-28T18:30:00Z"]);
        // There is no midnight on that day.
        let days = begins("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", SeriesInterval::Day, Tz::Asia__Beirut);
        assert_eq!(days, ["2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"]);
    }

    #[test]
    fn hours_begin_where_the_zones_clock_shows_them() {
        let hours = begins("2026-03-28T10:05:00Z", "2026-03-28T12:00:00Z", SeriesInterval::Hour, Tz::Asia__Kolkata);
        assert_eq!(hours, ["2026-03-28T09:30:00Z", "2026-03-28T10:30:00Z", "2026-03-28T11:30:00Z"]);
        let hours = begins("2026-03-28T10:05:00Z", "2026-03-28T11:00:00Z", SeriesInterval::Hour, Tz::Asia__Kathmandu);
        assert_eq!(hours, ["2026-03-28T09:15:00Z", "2026-03-28T10:15:00Z"]);
        // Its clock is put back by half an hour on the 5th of April at 15:00 UTC.
        let hours =
            begins("2026-04-04T13:30:00Z", "2026-04-04T18:00:00Z", SeriesInterval::Hour, Tz::Australia__Lord_Howe);
        assert!(hours.len() >= 5, "{hours:?}");
        let quarters = begins("2026-03-28T10:05:00Z", "2026-03-28T10:31:00Z", SeriesInterval::QuarterHour, Tz::UTC);
        assert_eq!(quarters, ["2026-03-28T10:00:00Z", "2026-03-28T10:15:00Z", "2026-03-28T10:30:00Z"]);
    }

    #[test]
    fn every_point_begins_with_a_quarter_of_an_hour_in_every_zone() {
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z"));
        for zone in chrono_tz::TZ_VARIANTS {
            let days = points(from, to, SeriesInterval::Day, zone).unwrap();
            assert!(days.iter().all(|day| day.from.timestamp() % 900 == 0 && day.to > day.from), "{zone}");
            assert!((364..=367).contains(&days.len()), "{zone}: {}", days.len());
        }
        assert_eq!(points(from, to, SeriesInterval::Hour, Tz::UTC), None);
    }
}

//! Contact windows against a walk through the minutes, over changes of clocks all over the world.

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::Window;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn berlin(start: u32, end: u32) -> Window {
    Window::new(start, end, &[], Tz::Europe__Berlin)
}

#[test]
fn it_opens_in_the_morning_of_the_next_allowed_day() {
    let window = Window::new(9 * 60, 18 * 60, &[Weekday::Mon, Weekday::Fri], Tz::Europe__Berlin);
    // A Friday in winter: an hour before UTC.
    assert_eq!(window.next_open(at("2026-01-02T06:30:00Z")), at("2026-01-02T08:00:00Z"));
    assert_eq!(window.next_open(at("2026-01-02T12:34:56Z")), at("2026-01-02T12:34:56Z"), "open already");
    assert_eq!(window.next_open(at("2026-01-02T17:00:00Z")), at("2026-01-05T08:00:00Z"), "its end is not in it");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let window = Window::new(22 * 60, 2 * 60, &[Weekday::Sat], Tz::UTC);
    assert!(window.is_open(at("2026-01-03T23:00:00Z")));
    assert!(window.is_open(at("2026-01-04T01:59:59Z")));
    assert!(!window.is_open(at("2026-01-03T01:00:00Z")), "Friday's night");
    assert_eq!(window.next_open(at("2026-01-04T02:00:00Z")), at("2026-01-10T22:00:00Z"));
}

#[test]
fn in_the_gap_it_opens_after_it_and_a_window_that_lies_in_it_is_not_there_that_day() {
    // 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    assert_eq!(berlin(150, 600).next_open(at("2026-03-29T00:00:00Z")), at("2026-03-29T01:00:00Z"));
    assert_eq!(berlin(120, 180).next_open(at("2026-03-29T00:00:00Z")), at("2026-03-30T00:00:00Z"));
    assert_eq!(berlin(540, 1080).next_open(at("2026-03-28T20:00:00Z")), at("2026-03-29T07:00:00Z"), "an hour earlier");
}

#[test]
fn in_the_fold_the_wall_clock_counts_both_times() {
    // 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
    let window = berlin(120, 150);
    assert_eq!(window.next_open(at("2026-10-24T20:00:00Z")), at("2026-10-25T00:00:00Z"));
    assert!(!window.is_open(at("2026-10-25T00:30:00Z")));
    assert_eq!(window.next_open(at("2026-10-25T00:30:00Z")), at("2026-10-25T01:00:00Z"), "02:00 for the second time");
}

#[test]
fn the_next_day_begins_at_midnight_or_where_midnight_should_be() {
    assert_eq!(Window::always(Tz::Europe__Berlin).next_day(at("2026-03-28T12:00:00Z")), at("2026-03-28T23:00:00Z"));
    // Beirut goes forward at midnight: the day begins at one.
    assert_eq!(Window::always(Tz::Asia__Beirut).next_day(at("2026-03-28T12:00:00Z")), at("2026-03-28T22:00:00Z"));
}

/// The first open minute, by looking at each.
fn walked(window: &Window, from: DateTime<Utc>) -> DateTime<Utc> {
    (0..30_000).map(|minute| from + TimeDelta::minutes(minute)).find(|at| window.is_open(*at)).unwrap()
}

#[test]
fn whatever_the_zone_nothing_is_late_and_nothing_is_outside() {
    let zones = [
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::America__Sao_Paulo,
        Tz::Australia__Lord_Howe,
        Tz::Asia__Kolkata,
        Tz::Africa__Casablanca,
        Tz::Asia__Beirut,
        Tz::America__Santiago,
        Tz::Pacific__Chatham,
        Tz::Africa__Cairo,
        Tz::America__St_Johns,
        Tz::UTC,
    ];
    // Around the nights in which clocks are changed somewhere.
    let nights = [
        "2026-03-08",
        "2026-03-29",
        "2026-04-05",
        "2026-04-24",
        "2026-09-06",
        "2026-10-04",
        "2026-10-25",
        "2026-11-01",
    ];
    let mut random = StdRng::seed_from_u64(20_261_122);
    for _ in 0..1_500 {
        let days: Vec<Weekday> =
            (0..7).filter(|_| random.random_bool(0.6)).map(|day| Weekday::try_from(day).unwrap()).collect();
        let (start, end) = (random.random_range(0..96) * 15, random.random_range(1..=96) * 15);
        let zone = zones[random.random_range(0..zones.len())];
        let window = Window::new(start, end, &days, zone);
        let night = at(&format!("{}T00:00:00Z", nights[random.random_range(0..nights.len())]));
        let from = night + TimeDelta::minutes(random.random_range(-2_000..2_000));
        let found = window.next_open(from);
        assert!(found >= from && window.is_open(found), "{window:?} from {from} gave {found}");
        assert_eq!(found, walked(&window, from), "{window:?} from {from}");
        let day = window.next_day(from);
        assert!(window.date(day) > window.date(from), "{zone} {from}");
        assert_eq!(window.date(day - TimeDelta::seconds(1)), window.date(from), "{zone} {from}");
    }
}

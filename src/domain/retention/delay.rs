//! How long after the step before it a step is due.

use chrono::TimeDelta;

use super::words::DelayUnit;

/// The longest delay, in hours: a year.
pub const LONGEST: i64 = 366 * 24;

/// `value` of `unit`, as time that passes: a day is 24 hours, also when the clocks are changed.
pub fn delay(value: i32, unit: DelayUnit) -> TimeDelta {
    let hours = match unit {
        DelayUnit::Hours => 1,
        DelayUnit::Days => 24,
        DelayUnit::Weeks => 7 * 24,
    };
    TimeDelta::hours(i64::from(value.max(0)).saturating_mul(hours).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_hours_days_and_weeks() {
        assert_eq!(delay(36, DelayUnit::Hours), TimeDelta::hours(36));
        assert_eq!(delay(3, DelayUnit::Days), TimeDelta::hours(72));
        assert_eq!(delay(2, DelayUnit::Weeks), TimeDelta::days(14));
        assert_eq!(delay(-5, DelayUnit::Days), TimeDelta::zero());
        assert_eq!(delay(i32::MAX, DelayUnit::Weeks), TimeDelta::days(366));
    }
}

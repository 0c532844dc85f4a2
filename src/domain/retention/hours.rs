//! Hours of the day as people write them: `09:00`.

/// Minutes of a day.
const DAY: i32 = 24 * 60;

/// Minutes after midnight of a time such as `09:00`; `24:00` is the end of the day.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn read(written: &str) -> Result<i32, String> {
    let wrong = || "must be a time such as 09:00".to_owned();
    let (hours, minutes) = written.trim().split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let is_number = (1..=2).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        if is_number { digits.parse::<i32>().ok() } else { None }
    };
    let (hours, minutes) = number(hours).zip(number(minutes)).ok_or_else(wrong)?;
    let total = hours * 60 + minutes;
    if minutes < 60 && total <= DAY { Ok(total) } else { Err(wrong()) }
}

/// A time as it is written.
pub fn shown(minutes: i32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_is_read_as_it_is_shown() {
        for minutes in 0..=DAY {
            assert_eq!(read(&shown(minutes)), Ok(minutes));
        }
        assert_eq!(read(" 9:30 "), Ok(570));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in ["", "9", "25:00", "24:01", "09:60", "-1:00", "+9:00", "09:00:00", "nine"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

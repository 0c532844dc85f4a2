//! Whether a database is the one it was. One that was restored, or copied, does not know what has been sent since: whatever it sends
//! next may be sent twice.
//!
//! A database has lives: one begins when it is made, and another one when it is found to be restored or copied. A life has an age,
//! which rises while anything changes, and a home, where the database lies. Both stand in the database; life and age stand outside of
//! it as well, in a [`Mark`], and so a database that is younger than its mark is a restored one.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// As long as an update of Herald takes, at most.
const UPDATE: TimeDelta = TimeDelta::hours(1);

/// A life of a database, as the database itself knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Its id, made up when it begins.
    pub id: Uuid,
    /// Rises while anything changes.
    pub age: i64,
    /// Where the database lay when it began: see [`is_elsewhere`].
    pub home: String,
    /// When it began.
    pub began_at: DateTime<Utc>,
}

/// What is kept of a life outside of the database, in one line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The life.
    pub life: Uuid,
    /// The age that it had reached, a second ago or later.
    pub age: i64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.life, self.age)
    }
}

impl FromStr for Mark {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let (Some(life), Some(age), None) = (words.next(), words.next(), words.next()) else {
            return Err("it is not an id and a number");
        };
        let life = life.parse().map_err(|_| "its first word is no id")?;
        Ok(Self { life, age: age.parse().map_err(|_| "its second word is no number")? })
    }
}

/// What is known outside of the database.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Marks of lives: in the data folder, and in Redis.
    pub marks: Vec<Mark>,
    /// Whether the database lies in the data folder too, and a mark should be beside it.
    pub is_beside: bool,
    /// Whether whoever started Herald says so.
    pub is_told: bool,
    /// When `herald restore` has filled the data folder, if no process has started on it since.
    pub restored_at: Option<DateTime<Utc>>,
    /// Where the database lies now.
    pub home: String,
}

/// By what it is known that a database is not the one it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Whoever started Herald said so, or `herald restore` did.
    Told,
    /// It is younger than its mark.
    Younger,
    /// It lies elsewhere than it did.
    Moved,
    /// The mark is of a life of which it knows nothing.
    Stranger,
    /// It lies in a data folder without a mark.
    Unmarked,
    /// It is of a version that had no marks, and nothing was done with it for a while.
    Silent,
}

impl Sign {
    /// What is said to people, after "the database".
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Told => "was restored",
            Self::Younger => "is older than what has been done with it: it was restored from a backup",
            Self::Moved => "lies elsewhere than it did: it was restored or copied",
            Self::Stranger => "is not the one that was used here: it was restored, or replaced by another one",
            Self::Unmarked => "came without the rest of its data folder: it was restored or copied",
            Self::Silent => {
                "is of a version that could not tell, and knows of nothing that was done in the last hour: it may have been restored"
            }
        }
    }
}

/// By what it is known that the database with these lives, oldest first, was restored or copied; None if it is the one it was.
pub fn judge(lives: &[Life], outside: &Outside) -> Option<Sign> {
    // Folders of a fleet are restored one by one: what the first process has found out holds for all.
    let is_known = |at| lives.last().is_some_and(|life| life.began_at > at);
    if outside.is_told || outside.restored_at.is_some_and(|at| !is_known(at)) {
        return Some(Sign::Told);
    }
    let Some(present) = lives.last() else {
        // It is new, or of a version that wrote none down: see [`is_silent`].
        return (!outside.marks.is_empty()).then_some(Sign::Stranger);
    };
    for mark in &outside.marks {
        if mark.life == present.id {
            if mark.age > present.age {
                return Some(Sign::Younger);
            }
        } else if lives.iter().all(|life| life.id != mark.life) {
            return Some(Sign::Stranger);
        }
    }
    if is_elsewhere(&present.home, &outside.home) {
        return Some(Sign::Moved);
    }
    // A process that ended between the row and its mark has sent nothing yet.
    let is_unmarked = outside.is_beside && outside.marks.is_empty() && outside.restored_at.is_none();
    (is_unmarked && present.age > 0).then_some(Sign::Unmarked)
}

/// Whether a database of a version that wrote no lives down may have been restored, as far as its last trace of anything tells; a new one
/// has none. One that is updated was at work until a moment ago, and so was a dump that was made a moment ago: these two nothing tells
/// apart.
pub fn is_silent(last_trace: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    last_trace.is_some_and(|at| now - at > UPDATE)
}

/// Whether two homes are of different places. A home has parts, separated by colons, of which an empty one is not known. That of a file
/// is `file`, its number and the instant at which it was made, which only a copy has both of its own: file systems over a network give
/// numbers anew. That of PostgreSQL is `postgres`, cluster, database and table.
fn is_elsewhere(before: &str, now: &str) -> bool {
    let (mut same, mut other) = (0, 0);
    for (one, two) in before.split(':').skip(1).zip(now.split(':').skip(1)) {
        match (one, two) {
            ("", _) | (_, "") => {}
            (one, two) if one == two => same += 1,
            _ => other += 1,
        }
    }
    if before.starts_with("file:") { other > 1 && same == 0 } else { other > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "file:11:1700";
    const POSTGRES: &str = "postgres:7300:16400:17000";

    fn life(number: u128, age: i64, home: &str) -> Life {
        Life { id: Uuid::from_u128(number), age, home: home.into(), began_at: at(100) }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn mark(number: u128, age: i64) -> Mark {
        Mark { life: Uuid::from_u128(number), age }
    }

    fn beside(marks: &[Mark]) -> Outside {
        Outside { marks: marks.to_vec(), is_beside: true, home: FILE.into(), ..Outside::default() }
    }

    #[test]
    fn a_database_that_went_on_is_the_one_it_was() {
        let lives = [life(1, 70, FILE), life(2, 100, FILE)];
        for outside in [
            beside(&[mark(2, 100)]),
            // It ended before it had written the last mark.
            beside(&[mark(2, 99)]),
            // Another process of the fleet has found out already that it was restored.
            beside(&[mark(1, 5_000)]),
            beside(&[mark(2, 100), mark(2, 40)]),
            Outside { is_beside: false, ..beside(&[]) },
            // Another process of the fleet, whose folder was restored before, has found out.
            Outside { restored_at: Some(at(99)), ..beside(&[]) },
        ] {
            assert_eq!(judge(&lives, &outside), None, "{outside:?}");
        }
        assert_eq!(judge(&[], &beside(&[])), None, "a new one");
        assert_eq!(judge(&[life(1, 0, FILE)], &beside(&[])), None, "one that has just been made");
    }

    #[test]
    fn a_restored_or_copied_database_is_recognised() {
        let lives = [life(1, 70, FILE), life(2, 100, FILE)];
        for (sign, outside) in [
            (Sign::Younger, beside(&[mark(2, 101)])),
            (Sign::Younger, beside(&[mark(2, 100), mark(2, 101)])),
            (Sign::Stranger, beside(&[mark(3, 1)])),
            (Sign::Unmarked, beside(&[])),
            (Sign::Moved, Outside { home: "file:12:1800".into(), ..beside(&[mark(2, 100)]) }),
            (Sign::Told, Outside { is_told: true, ..beside(&[mark(2, 100)]) }),
            (Sign::Told, Outside { restored_at: Some(at(101)), ..beside(&[]) }),
        ] {
            assert_eq!(judge(&lives, &outside), Some(sign), "{outside:?}");
        }
        let told = Outside { restored_at: Some(at(101)), ..beside(&[]) };
        assert_eq!(judge(&[], &told), Some(Sign::Told), "one of an earlier version, by the command");
        assert_eq!(judge(&[], &beside(&[mark(1, 0)])), Some(Sign::Stranger), "one of an earlier version");
    }

    #[test]
    fn an_update_is_told_from_a_restore_by_how_long_nothing_was_done() {
        assert!(!is_silent(None, at(10_000)), "a new one");
        assert!(!is_silent(Some(at(10_000)), at(13_600)), "an update");
        assert!(!is_silent(Some(at(10_000)), at(9_000)), "a clock that was ahead");
        assert!(is_silent(Some(at(10_000)), at(13_601)));
    }

    #[test]
    fn a_home_that_is_not_known_is_no_other_one() {
        for (before, now, is_other) in [
            (FILE, FILE, false),
            (FILE, "file:12:1800", true),
            // A file system that numbers its files anew, one that does not know when they were made.
            (FILE, "file:12:1700", false),
            (FILE, "file:12:", false),
            ("file:11:", "file:12:", false),
            ("", FILE, false),
            (POSTGRES, POSTGRES, false),
            (POSTGRES, "postgres::16400:17000", false),
            (POSTGRES, "postgres:7300:16400:17001", true),
            (POSTGRES, "postgres:7300:16401:17000", true),
            (POSTGRES, "postgres:7301:16400:17000", true),
        ] {
            assert_eq!(is_elsewhere(before, now), is_other, "{before} {now}");
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let known = mark(7, 42);
        assert_eq!(known.to_string().parse(), Ok(known));
        for damaged in
            ["", "x", "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000007 1 2", "7 x"]
        {
            assert!(damaged.parse::<Mark>().is_err(), "{damaged}");
        }
    }
}

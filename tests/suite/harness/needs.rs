//! What a test needs of the machine and of the database, and what is said where that is missing.

use std::fs::OpenOptions;
use std::io::Write;

/// A kind of database that the suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// The kind that this run is on: PostgreSQL if `HERALD_TEST_DATABASE_URL` is set.
pub fn database() -> Kind {
    if std::env::var_os("HERALD_TEST_DATABASE_URL").is_some() { Kind::Postgres } else { Kind::Sqlite }
}

/// Says that a test is skipped, since something is not installed. Under `HERALD_TEST_COMPLETE`, which `tests/run` sets,
/// the test fails instead.
pub fn missing(what: &str) {
    let may_skip = std::env::var_os("HERALD_TEST_COMPLETE").is_none();
    assert!(may_skip, "there is no {what} on this machine, and HERALD_TEST_COMPLETE lets no test be skipped");
    eprintln!("skipped: there is no {what}");
}

/// Whether this run is on the one kind of database that a test is about. If not, the test is left out: a line says so,
/// with the reason, on the screen and in the file that `HERALD_TEST_LEFT_OUT` names. `tests/run` counts these lines.
#[must_use]
pub fn only_on(kind: Kind, why: &str) -> bool {
    let is_here = kind == database();
    if !is_here {
        let line = format!("{}: only on {kind:?}: {why}\n", std::thread::current().name().unwrap_or("a test"));
        eprint!("left out: {line}");
        if let Some(file) = std::env::var_os("HERALD_TEST_LEFT_OUT") {
            // One write, so that the lines of tests that run at once don't mix.
            let file = OpenOptions::new().append(true).create(true).open(file);
            file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
        }
    }
    is_here
}

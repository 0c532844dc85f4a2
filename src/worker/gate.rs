//! The gate of a campaign's run or of an account: while it is closed nothing starts, whatever has been leased.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A gate, shared by those who claim, those who hand over, and those who hear the answers.
#[derive(Debug, Default)]
pub struct Gate {
    closed: AtomicBool,
    /// No send starts before, in nanoseconds since 1970: set before anything else when a server asks to wait (R18).
    hold_until: AtomicI64,
}

impl Gate {
    /// Nothing starts from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Nothing starts before `until`, in nanoseconds since 1970.
    pub fn hold(&self, until: i64) {
        self.hold_until.fetch_max(until, Ordering::SeqCst);
    }

    /// Until when nothing starts, in nanoseconds since 1970.
    pub fn held_until(&self) -> i64 {
        self.hold_until.load(Ordering::SeqCst)
    }

    /// Whether a send may start at `now`.
    pub fn is_open(&self, now: i64) -> bool {
        !self.closed.load(Ordering::SeqCst) && now >= self.hold_until.load(Ordering::SeqCst)
    }
}

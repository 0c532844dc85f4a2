//! Whether this process can heal itself, as far as it knows: what it tells whoever may restart it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long no connection may be had though new ones can be made.
const STARVED: Duration = Duration::from_mins(2);
/// So many ends of sessions that did not come round, within [`MEMORY`], are too many.
const ENDS: usize = 3;
/// How long the end of a session is remembered.
const MEMORY: Duration = Duration::from_mins(10);

/// What went wrong lately.
#[derive(Debug, Default)]
pub struct Health {
    /// When sessions of the worker were ended because something in them had not come round.
    ended: Mutex<VecDeque<Instant>>,
    /// Since when no connection of the pool can be had, though the database lets new ones in.
    starved: Mutex<Option<Instant>>,
    /// What is wrong with the database's file.
    damage: Mutex<Option<String>>,
    /// Whether everything was stopped for it.
    is_told: AtomicBool,
}

impl Health {
    /// A session of the worker was ended because something in it had not come round.
    pub fn session_ended(&self) {
        let mut ended = self.ended.lock();
        ended.push_back(Instant::now());
        ended.retain(|at| at.elapsed() < MEMORY);
    }

    /// Whether connections of the pool are not to be had, though new ones can be opened beside it.
    pub fn is_starved(&self, is_starved: bool) {
        let mut since = self.starved.lock();
        *since = if is_starved { since.or_else(|| Some(Instant::now())) } else { None };
    }

    /// The database is damaged, as it says itself.
    pub fn is_damaged(&self, damage: &str) {
        *self.damage.lock() = Some(damage.to_owned());
    }

    /// Everything was stopped because the database is damaged.
    pub fn has_told(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Relaxed)
    }

    /// What is wrong with the database; None as far as is known.
    pub fn damage(&self) -> Option<String> {
        self.damage.lock().clone()
    }

    /// Why only a restart helps; None if it is not needed.
    pub fn ailment(&self) -> Option<&'static str> {
        if self.starved.lock().is_some_and(|since| since.elapsed() >= STARVED) {
            return Some("no connection to the database is to be had, though the database lets new ones in");
        }
        let ends = self.ended.lock().iter().filter(|at| at.elapsed() < MEMORY).count();
        (ends >= ENDS).then_some("the worker has stood still again and again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_is_ill_when_it_has_had_no_connection_for_minutes_that_others_could_have() {
        let health = Health::default();
        health.is_starved(true);
        tokio::time::advance(Duration::from_secs(119)).await;
        health.is_starved(true);
        assert_eq!(health.ailment(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(health.ailment().is_some());
        health.is_starved(false);
        assert_eq!(health.ailment(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_is_ill_when_its_worker_stands_still_again_and_again() {
        let health = Health::default();
        for _ in 0..2 {
            health.session_ended();
            tokio::time::advance(Duration::from_mins(4)).await;
        }
        assert_eq!(health.ailment(), None);
        health.session_ended();
        assert!(health.ailment().is_some());
        tokio::time::advance(Duration::from_mins(3)).await;
        assert_eq!(health.ailment(), None, "the first is long ago");
    }
}

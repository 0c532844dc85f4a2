//! Slow statements, as an admin sees them.

use crate::prelude::*;
use storage::db::slow::Slow;

/// A statement of the database that takes longer than a second.
#[derive(Description)]
pub struct Statement(pub(super) Slow);

#[Object(use_type_description)]
impl Statement {
    /// The beginning of its text, without values.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// How often it was as slow, in this process since its start; null of one that runs now.
    async fn times(&self) -> Option<i32> {
        self.0.times.map(|times| i32::try_from(times).unwrap_or(i32::MAX))
    }

    /// How long it took at most, or runs already, in milliseconds.
    async fn longest_ms(&self) -> i32 {
        i32::try_from(self.0.longest.as_millis()).unwrap_or(i32::MAX)
    }

    /// Whether it runs now.
    async fn is_running(&self) -> bool {
        self.0.times.is_none()
    }
}

//! What a worker works with, and the times that all its loops share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::error::Result;
use events::Event;
use providers::Sender;
use service::{Services, stop};
use storage::Db;
use telegram::Messenger;

/// How often campaigns, accounts and steps are looked for without any event: events may get lost.
pub const LOOK: Duration = Duration::from_secs(1);
/// R24: how long a stopping worker waits for the answers of calls.
pub const DRAIN: Duration = Duration::from_secs(6);
/// A pause after an error that keeps coming back.
pub const PAUSE: Duration = Duration::from_millis(500);

/// The tools of a worker.
#[derive(Clone)]
pub struct Tools {
    /// The use cases.
    pub on: Services,
    /// Signs of life have a connection of their own, so that no busy pool delays them (R25).
    pub beats: Db,
    /// Telegram where it is simulated; a live installation connects accounts instead.
    pub messenger: Arc<dyn Messenger>,
    /// The sender of contacts to leads.
    pub contacts: Arc<dyn Sender>,
    /// Told of the data folders of all processes on this host: what the simulated messenger of one accepted, the others know.
    pub neighbour: Arc<dyn Fn(&Path) + Send + Sync>,
}

/// `pause`, or longer while everything is stopped: then a slot is not given, although it is free.
///
/// # Errors
/// The database is away.
pub async fn held(on: &Services, pause: Duration) -> Result<Duration> {
    const AT_ONCE: Duration = Duration::from_millis(2);
    const STOPPED: Duration = Duration::from_millis(250);
    Ok(if pause <= AT_ONCE && stop::present(on).await?.is_some() { STOPPED } else { pause })
}

/// Whether campaigns may have begun to run, or accounts have changed.
pub const fn is_work(event: Event) -> bool {
    matches!(event, Event::Work(_) | Event::Account(_))
}

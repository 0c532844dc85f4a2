//! The last guard of R16: a thread of its own cuts connections off when the lease of this process has run out.
//!
//! It needs neither the runtime nor the database, which are what may stand still when a lease is not renewed.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::holder::Holder;
use domain::clock::Clock;
use domain::id::TelegramAccountId;
use parking_lot::{Mutex, MutexGuard};
use telegram::live::Connection;

/// How often the lease is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The connections of this process.
#[derive(Default)]
pub struct Watchdog {
    open: Mutex<HashMap<TelegramAccountId, Arc<Connection>>>,
}

impl Watchdog {
    /// Starts the thread; it ends with the last handle on this.
    pub fn start(holder: &Arc<Holder>, clock: &Arc<dyn Clock>) -> std::io::Result<Arc<Self>> {
        let this = Arc::new(Self::default());
        let (watched, holder, clock) = (Arc::downgrade(&this), holder.clone(), clock.clone());
        std::thread::Builder::new().name("lease".into()).spawn(move || watch(&watched, &holder, &*clock))?;
        Ok(this)
    }

    /// Watches over a connection.
    pub fn guard(&self, account: TelegramAccountId, connection: &Arc<Connection>) {
        self.lock().insert(account, connection.clone());
    }

    /// The connection was closed in order.
    pub fn dismiss(&self, account: TelegramAccountId) {
        self.lock().remove(&account);
    }

    fn cut(&self) {
        for (account, connection) in self.lock().drain() {
            tracing::error!(%account, "the lease of this process has run out: the connection is cut off");
            connection.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TelegramAccountId, Arc<Connection>>> {
        self.open.lock()
    }
}

fn watch(watched: &Weak<Watchdog>, holder: &Holder, clock: &dyn Clock) {
    while let Some(watchdog) = watched.upgrade() {
        if !holder.is_valid(clock.monotonic()) {
            watchdog.cut();
        }
        drop(watchdog);
        std::thread::sleep(LOOK);
    }
}

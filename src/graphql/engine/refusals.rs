//! What a request was refused: told to the audit log once, when the request ends, and not by whoever waits for its answer.

use parking_lot::Mutex;

use super::context::Caller;
use service::access::denial::{self, Denied};
use service::{Actor, Services};

/// The refusals of one request. They are told when this is dropped, however the request ends.
pub(super) struct Refusals {
    services: Services,
    actor: Actor,
    denied: Mutex<Denied>,
}

impl Refusals {
    /// `caller` has been refused nothing yet.
    pub(super) fn of(services: &Services, caller: &Caller) -> Self {
        Self { services: services.clone(), actor: caller.actor(), denied: Mutex::default() }
    }

    /// The field `name` was refused.
    pub(super) fn add(&self, name: &str) {
        self.denied.lock().add(name);
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        denial::note(&self.services, &self.actor, std::mem::take(self.denied.get_mut()));
    }
}

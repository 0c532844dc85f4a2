//! Refusals: who tried what his role does not allow.
//!
//! A request leaves one line at most, whatever it was refused, and each caller only so many a minute: what is beyond them is
//! counted, and told in one line when the minute is over. Nobody waits for these lines: what is refused must cost the one who
//! is refused, not the others who write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Actor, Services, Who};
use domain::audit::{Action, Subject};

/// The time of a caller's that a line takes: there are 20 in a [`MINUTE`].
const EACH: Duration = Duration::from_secs(3);
/// So much of his time a caller may have spent ahead; and the time after which what was counted is told.
const MINUTE: Duration = Duration::from_mins(1);
/// How often it is looked for what is to be told.
const LOOK: Duration = Duration::from_secs(5);
/// Fields that one line names; those beyond are counted only.
const NAMED: usize = 50;
/// How long a reader of the audit log waits for lines that are being written.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a request was refused, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denied {
    times: u64,
    fields: BTreeMap<String, u64>,
}

impl Denied {
    /// One refusal of `field`.
    pub fn one(field: &str) -> Self {
        let mut denied = Self::default();
        denied.add(field);
        denied
    }

    /// Adds a refusal of `field`.
    pub fn add(&mut self, field: &str) {
        self.add_many(field, 1);
        self.times += 1;
    }

    fn add_many(&mut self, field: &str, times: u64) {
        if let Some(known) = self.fields.get_mut(field) {
            *known += times;
        } else if self.fields.len() < NAMED {
            self.fields.insert(field.to_owned(), times);
        }
    }

    fn join(&mut self, other: &Self) {
        for (field, times) in &other.fields {
            self.add_many(field, *times);
        }
        self.times += other.times;
    }

    /// `field` is the one that was refused most often; of several there are all.
    fn metadata(&self) -> Json {
        let most = self.fields.iter().max_by_key(|(_, times)| **times).map(|(field, _)| field);
        let mut metadata = json!({ "field": most });
        if self.times > 1 {
            metadata["times"] = self.times.into();
        }
        if self.fields.len() > 1 {
            metadata["fields"] = json!(self.fields);
        }
        metadata
    }
}

/// The refusals of this process that are on their way into the audit log. Copies of it are the same.
#[derive(Debug, Clone, Default)]
pub struct Denials {
    callers: Arc<Mutex<HashMap<Who, Caller>>>,
    writing: TaskTracker,
}

/// A caller who has been refused something lately.
#[derive(Debug)]
struct Caller {
    /// Until when on the monotonic clock he has spent his time.
    spent: Duration,
    /// What was counted and not told, in whose name, and since when.
    untold: Option<(Denied, Actor, Duration)>,
}

impl Denials {
    /// What is to be told at once; None: it was counted.
    fn take(&self, actor: &Actor, denied: Denied, now: Duration) -> Option<Denied> {
        let mut callers = self.callers.lock();
        let caller = callers.entry(actor.who).or_insert_with(|| Caller { spent: now, untold: None });
        let spent = caller.spent.max(now) + EACH;
        if spent <= now + MINUTE {
            caller.spent = spent;
            return Some(denied);
        }
        let (untold, last, _) = caller.untold.get_or_insert_with(|| (Denied::default(), actor.clone(), now));
        untold.join(&denied);
        last.address.clone_from(&actor.address);
        None
    }

    /// What was counted for a minute, or at all if `all`; callers of whom nothing is left are forgotten.
    fn due(&self, now: Duration, all: bool) -> Vec<(Denied, Actor)> {
        let mut due = Vec::new();
        self.callers.lock().retain(|_, caller| {
            let is_due = |(_, _, since): &mut (Denied, Actor, Duration)| all || *since + MINUTE <= now;
            due.extend(caller.untold.take_if(is_due).map(|(denied, actor, _)| (denied, actor)));
            caller.untold.is_some() || caller.spent > now
        });
        due
    }

    /// Returns when the lines that are being written are there, so that a reader of the log sees what was refused before.
    pub async fn written(&self) {
        self.writing.close();
        // A database that takes longer is waited for by nobody.
        drop(tokio::time::timeout(PATIENCE, self.writing.wait()).await);
    }
}

/// Notes in the audit log what a request of `actor` was refused. It returns at once.
pub fn note(on: &Services, actor: &Actor, denied: Denied) {
    if denied.times == 0 {
        return;
    }
    let Some(denied) = on.denials.take(actor, denied, on.clock.monotonic()) else { return };
    let (on, actor) = (on.clone(), actor.in_part());
    // Outside of a runtime nobody is answered either.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let tracker = on.denials.writing.clone();
        tracker.spawn_on(async move { write(&on, &actor, &denied).await }, &runtime);
    }
}

/// Tells what was counted, a line for each caller and minute, until `stop`; then all of it.
pub async fn run(on: Services, stop: CancellationToken) {
    loop {
        let is_end = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none();
        for (denied, actor) in on.denials.due(on.clock.monotonic(), is_end) {
            write(&on, &actor, &denied).await;
        }
        if is_end {
            return on.denials.written().await;
        }
    }
}

async fn write(on: &Services, actor: &Actor, denied: &Denied) {
    let noted =
        on.write(actor, |w| async move { w.note(Action::PermissionDenied, Subject::NONE, denied.metadata()).await });
    if let Err(error) = noted.await {
        tracing::warn!(%error, who = ?actor.who, ?denied, "a refusal can't be written into the audit log");
    }
}

#[cfg(test)]
mod tests {
    use domain::id::UserId;
    use domain::role::Role;

    use super::*;

    fn actor() -> Actor {
        Actor::user(UserId::generate(), Role::Auditor, None)
    }

    #[test]
    fn a_line_names_what_was_refused_and_how_often() {
        let mut denied = Denied::one("nodes");
        assert_eq!(denied.metadata(), json!({ "field": "nodes" }));
        denied.add("nodes");
        assert_eq!(denied.metadata(), json!({ "field": "nodes", "times": 2 }));
        denied.join(&Denied::one("users"));
        assert_eq!(denied.metadata(), json!({ "field": "nodes", "times": 3, "fields": { "nodes": 2, "users": 1 } }));
        for n in 0..1_000 {
            denied.add(&format!("field{n}"));
        }
        assert_eq!((denied.fields.len(), denied.times), (NAMED, 1_003));
    }

    #[test]
    fn a_caller_leaves_so_many_lines_and_the_rest_is_counted_for_him_alone() {
        let (denials, anna, boris, start) = (Denials::default(), actor(), actor(), Duration::from_secs(100));
        let told = |who: &Actor, now| denials.take(who, Denied::one("users"), now).is_some();
        assert_eq!((0..300).filter(|_| told(&anna, start)).count(), 20);
        assert!(told(&boris, start));
        assert!(denials.due(start + Duration::from_secs(59), false).is_empty());
        let due = denials.due(start + MINUTE, false);
        assert_eq!(due.iter().map(|(denied, _)| denied.times).collect::<Vec<_>>(), [280]);
        assert!(denials.callers.lock().is_empty(), "who has all his lines again is forgotten");
        assert_eq!((0..300).filter(|_| told(&anna, start + MINUTE)).count(), 20);
        assert_eq!(denials.due(start + MINUTE, true)[0].0.times, 280);
    }
}

//! Who callers are, remembered for a second, so that not each request asks the database for it.
//!
//! What is remembered ends at once when this process hears that something of its user has changed, whoever changed it, and when it
//! may have missed hearing so. Who is not heard of, because events are down, is known a second too long at most.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::session::Session;
use crate::Services;
use domain::error::Result;
use domain::id::{ApiTokenId, UserId};
use events::{Event, Events, Subscription};

/// How long it is remembered who a caller is.
const MEMORY: Duration = Duration::from_secs(1);
/// Callers that are remembered at once at most.
const MOST: usize = 10_000;

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Shown {
    /// A login.
    Login(UserId, Uuid),
    /// A token of single sign-on, by the session that it opened.
    Sso(Uuid),
    /// An API token, by its hash.
    Token(String),
    /// An API token that was shown before.
    TokenId(ApiTokenId),
}

/// The callers of this process whose sessions are known.
#[derive(Debug, Clone)]
pub struct Known(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    heard: Subscription,
    /// How often something was forgotten: what was being looked up then may be old.
    changes: u64,
    sessions: HashMap<Shown, (Session, Duration)>,
}

impl Known {
    /// Nobody is known yet.
    pub fn by(events: &dyn Events) -> Self {
        Self(Arc::new(Mutex::new(Table { heard: events.subscribe(), changes: 0, sessions: HashMap::new() })))
    }

    /// The session of what is shown: as it is remembered, or as `look` finds it.
    pub async fn session(
        &self,
        on: &Services,
        shown: Shown,
        look: impl Future<Output = Result<Option<Session>>>,
    ) -> Result<Option<Session>> {
        // SQLite lies in this process: there is no way to it.
        if !on.db.is_postgres() {
            return look.await;
        }
        let now = on.clock.monotonic();
        let changes = {
            let mut table = self.0.lock();
            table.listen();
            if let Some((session, since)) = table.sessions.get(&shown)
                && now.saturating_sub(*since) < MEMORY
                && session.expires_at.is_none_or(|end| end > on.now())
            {
                return Ok(Some(session.clone()));
            }
            table.changes
        };
        let found = look.await?;
        if let Some(session) = &found {
            self.0.lock().keep(shown, session, now, changes);
        }
        Ok(found)
    }
}

impl Table {
    /// Forgets those of whom something was told.
    fn listen(&mut self) {
        let changed = RefCell::new(Vec::new());
        let may_be_more = self.heard.have_come(|event| {
            if let Event::User(user) = event {
                changed.borrow_mut().push(user);
            }
            false
        });
        let changed = changed.into_inner();
        if may_be_more {
            self.sessions.clear();
        } else if !changed.is_empty() {
            self.sessions.retain(|_, (session, _)| !changed.contains(&session.user.id));
        } else {
            return;
        }
        self.changes += 1;
    }

    /// Remembers what was looked up since `since`, unless something was told of anybody meanwhile.
    fn keep(&mut self, shown: Shown, session: &Session, since: Duration, changes: u64) {
        self.listen();
        if self.changes != changes {
            return;
        }
        if self.sessions.len() >= MOST {
            self.sessions.retain(|_, (_, then)| since.saturating_sub(*then) < MEMORY);
        }
        if self.sessions.len() < MOST {
            self.sessions.insert(shown, (session.clone(), since));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::role::Role;
    use events::local::LocalEvents;
    use storage::access::user;

    use super::super::session::Proof;
    use super::*;

    fn session(user: UserId) -> Session {
        let user = user::Model {
            id: user,
            username: "anna".into(),
            password_hash: String::new(),
            role: Role::Admin,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            last_login_at: None,
            deleted_at: None,
            version: 1,
            sso_subject: None,
            sso_issued_at: None,
            sso_ended_at: None,
        };
        Session { user, proof: Proof::Login(Uuid::nil()), expires_at: None }
    }

    #[test]
    fn what_is_told_of_a_user_ends_his_memory_and_nobody_else_s_and_a_doubt_ends_all() {
        let events = LocalEvents::new();
        let known = Known::by(&events);
        let (anna, boris) = (UserId::generate(), UserId::generate());
        let shown = |user| Shown::Login(user, Uuid::nil());
        let mut table = known.0.lock();
        for user in [anna, boris] {
            table.keep(shown(user), &session(user), Duration::ZERO, 0);
        }
        events.publish(Event::Audit);
        table.listen();
        assert_eq!((table.sessions.len(), table.changes), (2, 0));
        events.publish(Event::User(anna));
        table.listen();
        assert!(!table.sessions.contains_key(&shown(anna)) && table.sessions.contains_key(&shown(boris)));
        events.publish(Event::Resync);
        table.listen();
        assert!(table.sessions.is_empty());
    }

    #[test]
    fn what_was_being_looked_up_when_something_was_told_is_not_kept() {
        let events = LocalEvents::new();
        let known = Known::by(&events);
        let (anna, mut table) = (UserId::generate(), known.0.lock());
        let changes = table.changes;
        events.publish(Event::User(anna));
        // Another one's look hears of it first.
        table.listen();
        table.keep(Shown::Sso(Uuid::nil()), &session(anna), Duration::ZERO, changes);
        assert!(table.sessions.is_empty());
    }
}

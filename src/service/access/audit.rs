//! The audit log: one line for each write, in the write's own transaction.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel, QuerySelect};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{Actor, Services, Who, once};
use domain::audit::{Action, Subject as About};
use domain::error::Result;
use domain::id::{AuditLogId, NounId, global};
use events::{Event, Subscription};
use storage::access::{audit_head, audit_log};

/// Lines that a follower reads at once.
const LINES: u64 = 100;

/// The subject of a line: the kind of thing, and which.
#[derive(Debug, Clone, Copy)]
pub struct Subject(pub &'static str, pub Uuid);

impl Subject {
    /// The subject's id, as the API shows it.
    pub fn global(self) -> String {
        global(self.0, self.1)
    }
}

/// The old way to add a line, for what does not go by [`crate::Write::note`] yet.
pub async fn record(
    on: &Services,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    subject: impl Into<Option<Subject>>,
    metadata: Json,
) -> Result<()> {
    let subject = subject.into();
    once::note(on, tx, actor, subject, Some(metadata.clone())).await?;
    let subject = subject.map_or(About::NONE, |Subject(kind, id)| About::new(kind, id));
    insert(tx, actor, on.now(), action, subject, metadata).await
}

/// Adds a line. It says which API token acted, if one did.
pub(crate) async fn insert(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    action: Action,
    subject: About,
    mut metadata: Json,
) -> Result<()> {
    if let Who::Token { token, .. } = actor.who {
        metadata["apiTokenId"] = token.global_id().into();
    }
    let line = audit_log::Model {
        id: AuditLogId::generate(),
        user_id: actor.who.user(),
        action,
        resource_type: subject.kind().map(ToOwned::to_owned),
        resource_id: subject.id(),
        metadata: Some(metadata),
        severity: action.severity(),
        timestamp: now,
        ip_address: actor.address.clone(),
        seq: None,
        hash: None,
    };
    line.into_active_model().insert(tx).await?;
    Ok(())
}

/// Lines that are sealed from now on, in the order of the chain.
pub async fn follow(on: Services) -> Result<impl Stream<Item = Result<audit_log::Model>> + Send + 'static> {
    // Subscribe first, read second: what comes in between is seen twice, not never.
    let events = on.events.subscribe();
    let seq = audit_head::Entity::read(on.db.reader()).await?.seq;
    let start = Follower { on, events, seq, ready: VecDeque::new() };
    Ok(futures_util::stream::unfold(Some(start), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(line) => Some((Ok(line), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

struct Follower {
    on: Services,
    events: Subscription,
    seq: i64,
    ready: VecDeque<audit_log::Model>,
}

impl Follower {
    async fn next(&mut self) -> Result<audit_log::Model> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(line);
            }
            let lines = audit_log::Entity::sealed_after(self.seq).limit(LINES).all(self.on.db.reader()).await?;
            self.seq = lines.last().and_then(|line| line.seq).unwrap_or(self.seq);
            self.ready = lines.into();
            if self.ready.is_empty() {
                self.events.woken(|event| event == Event::Audit).await;
            }
        }
    }
}

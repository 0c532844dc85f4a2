//! The audit log: one line for each write, in the write's own transaction.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel, QuerySelect};
use serde_json::Value as Json;

use crate::{Actor, Services, Who};
use domain::audit::{Action, Subject};
use domain::error::Result;
use domain::id::{AuditLogId, NounId};
use events::{Event, Subscription};
use storage::access::{audit_head, audit_log};

/// Lines that a follower reads at once.
const LINES: u64 = 100;

/// Adds a line. It says which API token acted, if one did.
pub(crate) async fn insert(
    tx: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    action: Action,
    subject: Subject,
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

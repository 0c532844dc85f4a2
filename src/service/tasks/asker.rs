//! In whose name a task is done: of whoever asked for it, long after the answer.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Actor, Who};
use domain::error::Result;
use domain::id::{ApiTokenId, UserId};
use domain::role::Role;

/// What is kept of an actor.
#[derive(Serialize, Deserialize)]
struct Asker {
    user: Option<UserId>,
    token: Option<ApiTokenId>,
    address: Option<String>,
}

/// What is kept of an actor.
pub(super) fn of(actor: &Actor) -> Result<Json> {
    let token = match actor.who {
        Who::Token { token, .. } => Some(token),
        Who::Herald | Who::Nobody | Who::User(_) => None,
    };
    super::written(&Asker { user: actor.who.user(), token, address: actor.address.clone() })
}

/// The actor of which this was kept. Whether he may do it was decided when he asked.
pub(super) fn actor(kept: &Json) -> Result<Actor> {
    let Asker { user, token, address } = super::read(kept)?;
    let Some(user) = user else { return Ok(Actor::system()) };
    let actor = Actor::user(user, Role::Operator, address);
    Ok(match token {
        Some(token) => Actor { who: Who::Token { user, token }, ..actor },
        None => actor,
    })
}

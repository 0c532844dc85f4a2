//! Progress for many: what a selection makes of a campaign's state is worked out and encoded once, for all who watch it.
//!
//! Each subscriber has a place of its own at the hub. So each gets a state that was read after it came, then rising versions,
//! at last the end; and when its session ends, that concerns nobody else. Only the step from a state to bytes is shared, by
//! those who sent the same document, operation name and variables in the same role.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use async_graphql::parser::types::{OperationDefinition, Selection as Selected};
use async_graphql::{ID, Request, Response, Value, Variables};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future};
use parking_lot::{Mutex, MutexGuard};

use super::batching::Batching;
use super::context::Caller;
use super::document::{Checked, Form};
use super::execution::Event;
use super::id::ReadId;
use super::refusals::Refusals;
use super::{error, loaders};
use crate::Schema;
use crate::broadcast::campaign::live::WATCH_PROGRESS;
use domain::error::Error;
use domain::id::{BroadcastCampaignId, UserId};
use domain::role::{Permission, Role};
use service::Services;
use service::broadcast::live::{Live, Progress};

/// The field whose results are shared.
const FIELD: &str = "broadcastCampaignProgress";

/// In a request's data: the state that the field shall show, instead of watching the campaign.
pub struct Given(pub Progress);

/// All selections that somebody watches in this process.
#[derive(Clone)]
pub struct Selections {
    schema: Schema,
    services: Services,
    live: Live,
    known: Arc<Mutex<HashMap<Key, Weak<Selection>>>>,
}

/// The parts that make two results of the same state equal. Nothing in the field depends on who asks but what the role may see,
/// and users: one's own is always shown.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    document: String,
    operation: Option<String>,
    variables: String,
    role: Role,
    /// Who asks, where that counts.
    viewer: Option<UserId>,
}

/// The selection that some subscribers see of a campaign.
struct Selection {
    key: Key,
    form: Arc<Form>,
    variables: Variables,
    caller: Caller,
    all: Selections,
    /// The last state that was encoded.
    last: Mutex<Option<(Progress, Arc<str>)>>,
    /// Held by who encodes the next one.
    turn: tokio::sync::Mutex<()>,
}

impl Selections {
    /// Nobody watches yet.
    pub fn new(schema: Schema, services: Services, live: Live) -> Self {
        Self { schema, services, live, known: Arc::default() }
    }

    /// The results of the subscription, if its results can be shared: it asks for the progress of one campaign and for
    /// nothing else, there is such a campaign, and the caller may see it. Otherwise None: then it has to be run by
    /// itself, and says what is wrong.
    pub async fn watch(&self, checked: &Checked, caller: &Caller) -> Option<BoxStream<'static, Event>> {
        let viewer = caller.viewer().filter(|viewer| viewer.role.may(WATCH_PROGRESS))?;
        let role = viewer.role;
        let viewer = (checked.form.has_users && !role.may(Permission::ReadUsers)).then_some(viewer.id);
        let request = &checked.request;
        let (name, variables) = (request.operation_name.clone(), request.variables.clone());
        let campaign = campaign(checked.operation(), &variables)?;
        let states = match self.live.progress(campaign).await {
            Ok(states) => states,
            Err(Error::NotFound(_)) => return None,
            Err(failure) => return Some(failed(failure, caller)),
        };
        let key = Key {
            document: request.query.clone(),
            operation: name,
            variables: serde_json::to_string(&variables).ok()?,
            role,
            viewer,
        };
        let selection = self.selection(key, checked.form.clone(), variables, caller);
        let caller = caller.clone();
        let told = move |state| {
            let (selection, caller) = (selection.clone(), caller.clone());
            async move {
                let request_id = caller.request_id.as_deref();
                match state {
                    Ok(state) => match selection.encoded(state).await {
                        Ok(text) => Event::Encoded(text),
                        Err(response) => {
                            let response = error::cut(*response, &selection.all.services.rules.limits.document);
                            Event::Failed(error::dress(response, request_id))
                        }
                    },
                    Err(failure) => Event::Failed(error::response(failure, request_id)),
                }
            }
        };
        Some(states.then(told).boxed())
    }

    fn selection(&self, key: Key, form: Arc<Form>, variables: Variables, caller: &Caller) -> Arc<Selection> {
        let mut known = self.known();
        if let Some(selection) = known.get(&key).and_then(Weak::upgrade) {
            return selection;
        }
        let selection = Arc::new(Selection {
            key: key.clone(),
            form,
            variables,
            caller: Caller { socket: None, ..caller.clone() },
            all: self.clone(),
            last: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        });
        known.insert(key, Arc::downgrade(&selection));
        selection
    }

    /// The table, which a panic leaves whole: each change to it is a single step.
    fn known(&self) -> MutexGuard<'_, HashMap<Key, Weak<Selection>>> {
        self.known.lock()
    }
}

impl Selection {
    /// A state as its subscribers see it, encoded. The first who asks works it out, the others wait for that.
    async fn encoded(&self, state: Progress) -> Result<Arc<str>, Box<Response>> {
        if let Some(text) = self.known(&state) {
            return Ok(text);
        }
        let _turn = self.turn.lock().await;
        if let Some(text) = self.known(&state) {
            return Ok(text);
        }
        let mut request = Request::new("").variables(self.variables.clone());
        self.form.prepare(&mut request);
        let batching = Batching::default();
        let refusals = Refusals::of(&self.all.services, &self.caller);
        let request = request.data(loaders::forgetful(&self.all.services.db, &batching));
        let request = request.data(self.caller.clone()).data(refusals);
        let response = batching.run(self.all.schema.execute_stream(request.data(Given(state))).next()).await;
        let Some(response) = response else {
            return Err(Box::new(error::response(Error::internal(anyhow::anyhow!("no result")), None)));
        };
        if error::has_failed(&response) {
            return Err(Box::new(response));
        }
        let response = self.form.shown(response);
        let text: Arc<str> = serde_json::to_string(&response).expect("a response is plain data").into();
        let mut last = self.last();
        // Who is late needs an older state; the others have gone on.
        if last.as_ref().is_none_or(|(known, _)| (known.version, known.at) <= (state.version, state.at)) {
            *last = Some((state, text.clone()));
        }
        Ok(text)
    }

    fn known(&self, state: &Progress) -> Option<Arc<str>> {
        self.last().as_ref().filter(|(known, _)| known == state).map(|(_, text)| text.clone())
    }

    fn last(&self) -> MutexGuard<'_, Option<(Progress, Arc<str>)>> {
        self.last.lock()
    }
}

impl Drop for Selection {
    fn drop(&mut self) {
        let mut known = self.all.known();
        // Somebody may have come back to it meanwhile: then there is a new one.
        if known.get(&self.key).is_some_and(|selection| selection.strong_count() == 0) {
            known.remove(&self.key);
        }
    }
}

fn failed(failure: Error, caller: &Caller) -> BoxStream<'static, Event> {
    let event = Event::Failed(error::response(failure, caller.request_id.as_deref()));
    futures_util::stream::once(future::ready(event)).boxed()
}

/// The campaign whose progress the operation asks for, if it asks for one and for nothing else.
fn campaign(operation: &OperationDefinition, variables: &Variables) -> Option<BroadcastCampaignId> {
    let [selected] = operation.selection_set.node.items.as_slice() else { return None };
    let Selected::Field(field) = &selected.node else { return None };
    let field = &field.node;
    if field.name.node != FIELD {
        return None;
    }
    let id = field.get_argument("id")?.node.clone();
    match id.into_const_with(|name| variables.get(&name).cloned().ok_or(())) {
        Ok(Value::String(id)) => ID::from(id).argument("id").ok(),
        _ => None,
    }
}

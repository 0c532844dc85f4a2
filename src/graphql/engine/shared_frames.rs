//! What many watch, worked out and encoded once: what a selection makes of a campaign's state, or of changes of its jobs.
//!
//! Each subscriber has a place of its own at the hub. So each gets a state that was read after it came, then rising versions,
//! at last the end; and when its session ends, that concerns nobody else. Only the step from a state to bytes is shared, by
//! those who sent the same document, operation name and variables in the same role; where in the log of jobs they began makes no
//! difference. It is taken in a task of its own: no subscriber waits for another one's client.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use async_graphql::parser::types::{Field, OperationDefinition, Selection as Selected};
use async_graphql::{ID, Request, Response, ServerError, Value, Variables};
use futures_util::future::{BoxFuture, FutureExt, Shared};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt, future};
use parking_lot::{Mutex, MutexGuard};
use tokio_util::task::AbortOnDropHandle;

use super::batching::Batching;
use super::context::Caller;
use super::document::{Checked, Form};
use super::execution::Event;
use super::id::ReadId;
use super::refusals::Refusals;
use super::{error, loaders};
use crate::Schema;
use crate::broadcast::campaign::live::WATCH_PROGRESS;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::role::Role;
use service::Services;
use service::broadcast::follow::{Chunk, Cursor, JobLogs};
use service::broadcast::live::{Live, Progress};

/// In a request's data: what the field shall show, instead of watching the campaign.
#[derive(Clone)]
pub enum Given {
    /// A state, for `broadcastCampaignProgress`.
    Progress(Progress),
    /// Some changes, for `jobUpdates`.
    Jobs(Arc<Chunk>),
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Progress(one), Self::Progress(other)) => one == other,
            (Self::Jobs(one), Self::Jobs(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// How many encoded states a selection keeps, for those who come to them a little later.
const RECENT: usize = 4;

/// All selections that somebody watches in this process.
#[derive(Clone)]
pub struct Selections {
    schema: Schema,
    services: Services,
    live: Live,
    jobs: JobLogs,
    known: Arc<Mutex<HashMap<Key, Weak<Selection>>>>,
}

/// The parts that make two results of the same state equal. Nothing in the field depends on who asks but what the role
/// may see.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    document: String,
    operation: Option<String>,
    variables: String,
    role: Role,
}

/// The selection that some subscribers see of a campaign.
struct Selection {
    key: Key,
    form: Arc<Form>,
    variables: Variables,
    caller: Caller,
    all: Selections,
    /// What was encoded last, or is being encoded.
    recent: Mutex<VecDeque<(Given, Encoding)>>,
}

/// The results of what was given, as JSON, or the errors that came instead.
type Encoding = Shared<BoxFuture<'static, Result<Arc<[Arc<str>]>, Arc<[ServerError]>>>>;

impl Selections {
    /// Nobody watches yet.
    pub fn new(schema: Schema, services: Services, live: Live, jobs: JobLogs) -> Self {
        Self { schema, services, live, jobs, known: Arc::default() }
    }

    /// The results of the subscription, if its results can be shared: it asks for the progress or the jobs of one campaign and for
    /// nothing else, there is such a campaign, and the caller may see it. Otherwise None: then it has to be run by
    /// itself, and says what is wrong.
    pub async fn watch(&self, checked: &Checked, caller: &Caller) -> Option<BoxStream<'static, Event>> {
        let role = caller.viewer().map(|viewer| viewer.role).filter(|role| role.may(WATCH_PROGRESS))?;
        let request = &checked.request;
        let watched = watched(checked.operation(), &request.variables)?;
        let states = match self.states(&watched).await {
            Ok(states) => states,
            Err(Error::NotFound(_)) => return None,
            Err(failure) => return Some(failed(failure, caller)),
        };
        let mut variables = request.variables.clone();
        if let Watched::Jobs { begin: Some(name), .. } = &watched
            && is_used_once(name, &request.query)
        {
            variables.remove(name.as_str());
        }
        let key = Key {
            document: request.query.clone(),
            operation: request.operation_name.clone(),
            variables: serde_json::to_string(&variables).ok()?,
            role,
        };
        let selection = self.selection(key, checked.form.clone(), request.variables.clone(), caller);
        let request_id = caller.request_id.clone();
        let told = move |state| told(selection.clone(), state, request_id.clone());
        Some(states.then(told).flat_map(stream::iter).boxed())
    }

    /// What is to be told one after the other.
    async fn states(&self, watched: &Watched) -> Result<BoxStream<'static, Result<Given>>> {
        Ok(match watched {
            Watched::Progress(campaign) => self.live.progress(*campaign).await?.map_ok(Given::Progress).boxed(),
            Watched::Jobs { campaign, after, .. } => {
                self.jobs.follow(*campaign, *after).await?.map_ok(Given::Jobs).boxed()
            }
        })
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
            caller: caller.clone(),
            all: self.clone(),
            recent: Mutex::default(),
        });
        known.insert(key, Arc::downgrade(&selection));
        selection
    }

    /// The table, which a panic leaves whole: each change to it is a single step.
    fn known(&self) -> MutexGuard<'_, HashMap<Key, Weak<Selection>>> {
        self.known.lock()
    }
}

/// A state's events for one subscriber.
async fn told(selection: Arc<Selection>, state: Result<Given>, request_id: Option<String>) -> Vec<Event> {
    let request_id = request_id.as_deref();
    match state {
        Ok(state) => match selection.encoded(state).await {
            Ok(texts) => texts.iter().cloned().map(Event::Encoded).collect(),
            Err(errors) => {
                let response = Response::from_errors(errors.to_vec());
                let response = error::cut(response, &selection.all.services.rules.limits.document);
                vec![Event::Failed(error::dress(response, request_id))]
            }
        },
        Err(failure) => vec![Event::Failed(error::response(failure, request_id))],
    }
}

impl Selection {
    /// A state as its subscribers see it, encoded. The first who asks has it worked out, the others wait for that.
    fn encoded(&self, state: Given) -> Encoding {
        let mut recent = self.recent.lock();
        if let Some((_, encoding)) = recent.iter().find(|(known, _)| *known == state) {
            return encoding.clone();
        }
        let encoding = AbortOnDropHandle::new(tokio::spawn(self.encode(state.clone())));
        let encoding = async move {
            encoding.await.unwrap_or_else(|defect| {
                Err(error::response(Error::internal(anyhow::Error::new(defect)), None).errors.into())
            })
        };
        let encoding = encoding.boxed().shared();
        recent.truncate(RECENT - 1);
        recent.push_front((state, encoding.clone()));
        encoding
    }

    fn encode(&self, state: Given) -> impl Future<Output = Result<Arc<[Arc<str>]>, Arc<[ServerError]>>> + use<> {
        let mut request = Request::new("").variables(self.variables.clone());
        self.form.prepare(&mut request);
        let batching = Batching::default();
        let refusals = Refusals::of(&self.all.services, &self.caller);
        let request = request.data(loaders::forgetful(&self.all.services.db, &batching));
        let request = request.data(self.caller.clone()).data(refusals).data(state);
        let (schema, form) = (self.all.schema.clone(), self.form.clone());
        async move {
            let mut responses = std::pin::pin!(batching.each(schema.execute_stream(request).boxed()));
            let mut texts: Vec<Arc<str>> = Vec::new();
            while let Some(response) = responses.next().await {
                if error::has_failed(&response) {
                    return Err(response.errors.into());
                }
                let response = form.shown(response);
                texts.push(serde_json::to_string(&response).expect("a response is plain data").into());
                tokio::task::consume_budget().await;
            }
            Ok(texts.into())
        }
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
    stream::once(future::ready(event)).boxed()
}

/// What is watched.
enum Watched {
    /// How far a campaign is.
    Progress(BroadcastCampaignId),
    /// A campaign's jobs, from a place on, which a variable of this name may tell.
    Jobs { campaign: BroadcastCampaignId, after: Option<Cursor>, begin: Option<String> },
}

/// What the operation asks for, if it asks for one thing that can be shared and for nothing else.
fn watched(operation: &OperationDefinition, variables: &Variables) -> Option<Watched> {
    let [selected] = operation.selection_set.node.items.as_slice() else { return None };
    let Selected::Field(field) = &selected.node else { return None };
    let field = &field.node;
    match field.name.node.as_str() {
        "broadcastCampaignProgress" => Some(Watched::Progress(campaign(field, "id", variables)?)),
        "jobUpdates" => {
            let campaign = campaign(field, "campaignId", variables)?;
            let after = match argument(field, "after", variables)? {
                Value::Null => None,
                Value::String(text) => Some(Cursor::read(&text, campaign).ok()?),
                _ => return None,
            };
            let begin = match field.get_argument("after").map(|value| &value.node) {
                Some(async_graphql_value::Value::Variable(name)) => Some(name.to_string()),
                _ => None,
            };
            Some(Watched::Jobs { campaign, after, begin })
        }
        _ => None,
    }
}

fn campaign(field: &Field, name: &str, variables: &Variables) -> Option<BroadcastCampaignId> {
    match argument(field, name, variables)? {
        Value::String(id) => ID::from(id).argument(name).ok(),
        _ => None,
    }
}

/// An argument's value: null where none is given.
fn argument(field: &Field, name: &str, variables: &Variables) -> Option<Value> {
    let Some(value) = field.get_argument(name) else { return Some(Value::Null) };
    value.node.clone().into_const_with(|name| Ok::<_, ()>(variables.get(&name).cloned().unwrap_or_default())).ok()
}

/// Whether the document names a variable in one place only, beside its definition.
fn is_used_once(name: &str, document: &str) -> bool {
    let variable = format!("${name}");
    let is_whole = |rest: &str| !rest.starts_with(|next: char| next == '_' || next.is_ascii_alphanumeric());
    document.match_indices(&variable).filter(|(at, found)| is_whole(&document[at + found.len()..])).count() == 2
}

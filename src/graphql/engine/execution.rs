//! Runs operations: each with its own loaders, each for whom the session is now, none for ever.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, future};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::batching::Batching;
use super::budget::Budgets;
use super::context::Caller;
use super::document::{self, Checked, Documents, Form, Refusal};
use super::null_propagation::propagate_nulls;
use super::observe::Observed;
use super::refusals::Refusals;
use super::same_request::{self, Queries};
use super::shared_frames::Selections;
use super::shares::{self, Shares};
use super::{error, guard, loaders};
use crate::Schema;
use domain::error::Error;
use domain::limits::DocumentLimits;
use domain::meters::Living;
use service::Services;
use service::access::session;
use service::broadcast::follow::JobLogs;
use service::broadcast::live::Live;

/// The schema and the services under it.
#[derive(Clone)]
pub struct Execution {
    schema: Schema,
    services: Services,
    budgets: Arc<Budgets>,
    documents: Arc<Documents>,
    queries: Queries,
    selections: Selections,
    shares: Arc<Shares>,
}

/// An event of an operation.
pub enum Event {
    /// A result; others may follow.
    Next(Response),
    /// A result that many share, as JSON; others may follow.
    Encoded(Arc<str>),
    /// The operation has no result, or no more: the response has errors only.
    Failed(Response),
}

impl Execution {
    /// Operations over `services`.
    pub fn new(services: Services) -> Self {
        let budgets = Budgets::new(services.rules.limits.points.clone());
        let watching = shares::for_watching(&services);
        let (live, jobs) = (Live::new(&watching), JobLogs::new(&watching));
        let schema = crate::schema(services.clone(), live.clone(), jobs.clone());
        let selections = Selections::new(schema.clone(), watching, live, jobs);
        Self {
            schema,
            services,
            budgets: Arc::new(budgets),
            documents: Arc::default(),
            queries: same_request::queries(),
            selections,
            shares: Arc::default(),
        }
    }

    /// Lets a request in, or answers why not. Everything that is run has come through here.
    pub fn admit(&self, request: Request, caller: &Caller) -> Result<Checked, Box<Response>> {
        let request_id = caller.request_id.as_deref();
        let role = caller.viewer().map(|viewer| viewer.role);
        let checked = document::check(request, role, &self.documents, self.limits());
        let mut checked = checked.map_err(|refusal| Box::new(self.refused(refusal, caller)))?;
        let paid = self.budgets.pay(caller, checked.cost, self.services.clock.monotonic());
        checked.left = paid.map_err(|error| Box::new(error::response(error, request_id)))?;
        Ok(checked)
    }

    /// Why a document is not run. Who may not have what it asks for is told that, and nothing of its values.
    fn refused(&self, refusal: Refusal, caller: &Caller) -> Response {
        let request_id = caller.request_id.as_deref();
        if !refusal.violations.is_empty() {
            let refusals = Refusals::of(&self.services, caller);
            let denied = refusal.roots.iter().filter_map(|root| {
                let denied = guard::allow(caller, root.permission?).err()?;
                if matches!(denied, Error::Forbidden) {
                    refusals.add(&root.name);
                }
                Some(denied)
            });
            if let Some(denied) = denied.reduce(|first, _| first) {
                return error::response(denied, request_id);
            }
        }
        error::refused(refusal, self.limits(), request_id)
    }

    pub(super) const fn queries(&self) -> &Queries {
        &self.queries
    }

    fn limits(&self) -> &DocumentLimits {
        &self.services.rules.limits.document
    }

    /// A response as it is told: with null where something failed, cut to the limits, with codes.
    fn finished(&self, response: Response, form: &Form, request_id: Option<&str>) -> Response {
        error::dress(error::cut(completed(response, form), self.limits()), request_id)
    }

    /// Runs a query or a mutation, whose caller is known as he is now.
    pub async fn run(&self, request: Request, caller: Caller) -> Response {
        match self.admit(request, &caller) {
            Ok(checked) => self.execute(checked, caller).await,
            Err(refusal) => *refusal,
        }
    }

    /// Runs what was admitted.
    pub async fn execute(&self, checked: Checked, caller: Caller) -> Response {
        let observed = Observed::begin(&checked, &caller);
        let response = self.outcome(checked, caller).instrument(observed.span.clone()).await;
        observed.end(&response);
        response
    }

    async fn outcome(&self, checked: Checked, caller: Caller) -> Response {
        let request_id = caller.request_id.clone();
        let limits = self.limits();
        let most = limits.complexity_of(caller.viewer().map(|viewer| viewer.role));
        let bill = self.budgets.bill(checked.cost, most, checked.left);
        let (batching, kind, form) = (Batching::default(), checked.kind, checked.form.clone());
        let request = checked.into_request();
        let time = if kind == OperationType::Mutation { limits.mutation_time } else { limits.query_time };
        let time = time.saturating_sub(caller.waited);
        let services = self.shares.services_of(&caller, &self.services);
        let refusals = Refusals::of(&self.services, &caller);
        let request = request.data(loaders::loaders(&services.db, &batching)).data(caller);
        let request = request.data(services).data(refusals);
        let running = unwound(batching.run(self.schema.execute(request)));
        match tokio::time::timeout(time, running).await {
            Ok(Ok(response)) => self.finished(response, &form, request_id.as_deref()).extension("cost", bill),
            Ok(Err(defect)) => error::response(defect, request_id.as_deref()),
            Err(_) => error::response(Error::Timeout, request_id.as_deref()),
        }
    }

    /// Runs any operation for a caller who was known when his socket was opened.
    pub fn stream(&self, request: Request, caller: Caller) -> BoxStream<'static, Event> {
        // Nothing comes after a failure.
        let until_failed = |failed: &mut bool, event| {
            let event = (!*failed).then_some(event);
            *failed = matches!(event, Some(Event::Failed(_)));
            future::ready(event)
        };
        let request_id = caller.request_id.clone();
        let events = AssertUnwindSafe(stream::once(self.clone().begin(request, caller)).flatten()).catch_unwind();
        let event = move |event: std::thread::Result<Event>| {
            event.unwrap_or_else(|_| Event::Failed(error::response(panicked(), request_id.as_deref())))
        };
        events.map(event).scan(false, until_failed).boxed()
    }

    async fn begin(self, request: Request, caller: Caller) -> BoxStream<'static, Event> {
        let once = |event| stream::once(future::ready(event)).boxed();
        let request_id = caller.request_id.clone();
        let caller = match self.current(caller).await {
            Ok(caller) => caller,
            Err(refusal) => return once(Event::Failed(error::response(refusal, request_id.as_deref()))),
        };
        let checked = match self.admit(request, &caller) {
            Ok(checked) => checked,
            Err(refusal) => return once(Event::Failed(*refusal)),
        };
        if checked.kind != OperationType::Subscription {
            // In a task of its own: a socket that is busy with something else, such as a client that does not read, must not keep
            // what the operation holds of the database.
            let running = async move { self.execute(checked, caller).await };
            let response = match AbortOnDropHandle::new(tokio::spawn(running)).await {
                Ok(response) => response,
                Err(_) => error::response(panicked(), request_id.as_deref()),
            };
            return once(if error::is_refusal(&response) { Event::Failed(response) } else { Event::Next(response) });
        }
        let counted = Living::subscription();
        if let Some(events) = self.selections.watch(&checked, &caller).await {
            return counted.during(events).boxed();
        }
        let form = checked.form.clone();
        let batching = Batching::default();
        let refusals = Refusals::of(&self.services, &caller);
        let services = self.shares.services_of(&caller, &self.services);
        let request = checked.into_request().data(loaders::forgetful(&services.db, &batching));
        let request = request.data(caller).data(services).data(refusals);
        let responses = batching.each(self.schema.execute_stream(request).boxed());
        let event = move |response: Response| {
            let has_failed = error::has_failed(&response);
            let response = self.finished(response, &form, request_id.as_deref());
            if has_failed { Event::Failed(response) } else { Event::Next(response) }
        };
        counted.during(responses.map(event)).boxed()
    }

    /// The caller with his session as it is now.
    async fn current(&self, mut caller: Caller) -> Result<Caller, Error> {
        if let Some(session) = &caller.session {
            let reloading = session::reload(&self.services, session);
            let current = tokio::time::timeout(self.limits().query_time, reloading).await;
            let current = current.unwrap_or(Err(Error::Timeout))?;
            caller.session = Some(current.ok_or(Error::Unauthenticated("the session has ended, sign in again"))?);
        }
        Ok(caller)
    }
}

/// A response with null where something failed, and empty objects where nothing is selected.
fn completed(response: Response, form: &Form) -> Response {
    let response = if response.errors.is_empty() { response } else { propagate_nulls(response, &form.operation) };
    form.shown(response)
}

/// The result of `running`, or the error that is told when it panics: without this the connection would drop unanswered.
async fn unwound<T>(running: impl Future<Output = T>) -> Result<T, Error> {
    AssertUnwindSafe(running).catch_unwind().await.map_err(|_| panicked())
}

/// The panic's message is in the log already.
fn panicked() -> Error {
    Error::internal(anyhow::anyhow!("a resolver panicked"))
}

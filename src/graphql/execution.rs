//! Runs operations: each with its own loaders, and each for whom the session is now.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, future};
use tokio::sync::broadcast::error::RecvError;

use super::context::Caller;
use super::turns::Turns;
use super::{Schema, error, loaders};
use crate::domain::error::{Code, Error};
use crate::events::Event;
use crate::service::Services;
use crate::service::access::session;

/// The schema and the services under it.
#[derive(Clone)]
pub struct Execution {
    schema: Schema,
    services: Services,
}

impl Execution {
    /// Operations over `services`.
    pub fn new(services: Services) -> Self {
        Self { schema: super::schema(services.clone()), services }
    }

    /// Runs a query or a mutation of an HTTP request.
    pub async fn run(&self, request: Request, caller: Caller) -> Response {
        let request_id = caller.request_id.clone();
        let turns = Turns::default();
        let request = match parsed(request) {
            Ok(request) => request.data(loaders::loaders(&self.services.db, &turns)).data(caller),
            Err(message) => return error::coded(Code::GraphqlParseFailed, message, request_id.as_deref()),
        };
        match AssertUnwindSafe(turns.run(self.schema.execute(request))).catch_unwind().await {
            Ok(response) => error::dress(response, request_id.as_deref()),
            // The panic's message is in the log already. Without this the connection would drop without an answer.
            Err(_) => error::response(Error::internal(anyhow::anyhow!("a resolver panicked")), request_id.as_deref()),
        }
    }

    /// Whom a socket's operation acts for: its session as it is now.
    async fn current(&self, data: Option<&Data>) -> Result<Caller, Error> {
        let caller = data.and_then(|data| data.get(&std::any::TypeId::of::<Caller>()));
        let mut caller = caller.and_then(|caller| caller.downcast_ref::<Caller>()).cloned().unwrap_or_default();
        if let Some(session) = &caller.session {
            let current = session::reload(&self.services, session).await?;
            caller.session = Some(current.ok_or(ENDED)?);
        }
        Ok(caller)
    }

    async fn stream(self, request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let once = |response| stream::once(future::ready(response)).boxed();
        let caller = match self.current(data.as_deref()).await {
            Ok(caller) => caller,
            Err(refusal) => return once(error::response(refusal, None)),
        };
        let ended = ended(self.services.clone(), caller.clone());
        let request = match parsed(request) {
            Ok(request) => request.data(loaders::forgetful(&self.services.db)).data(caller),
            Err(message) => return once(error::coded(Code::GraphqlParseFailed, message, None)),
        };
        let schema = self.schema;
        let responses = schema.execute_stream(request).map(|response| error::dress(response, None));
        responses.take_until(ended).boxed()
    }
}

const ENDED: Error = Error::Unauthenticated("the session has ended, sign in again");

impl Executor for Execution {
    async fn execute(&self, request: Request) -> Response {
        self.run(request, Caller::default()).await
    }

    fn execute_stream(&self, request: Request, session_data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        stream::once(self.clone().stream(request, session_data)).flatten().boxed()
    }
}

/// Parses the document, so that its errors can be told from those of validation.
fn parsed(mut request: Request) -> Result<Request, String> {
    match request.parsed_query() {
        Ok(_) => Ok(request),
        Err(error) => Err(error.message),
    }
}

/// Comes true when the caller's session has ended.
async fn ended(services: Services, caller: Caller) {
    let Some(session) = caller.session else { return future::pending().await };
    let mut events = services.events.subscribe();
    loop {
        match events.recv().await {
            Ok(Event::User(user)) if user == session.user.id => {}
            Ok(Event::Resync) | Err(RecvError::Lagged(_)) => {}
            Ok(_) => continue,
            Err(RecvError::Closed) => return,
        }
        match session::reload(&services, &session).await {
            Ok(None) => return,
            // The role has changed: what was allowed may not be any more.
            Ok(Some(current)) if current.user.role != session.user.role => return,
            Ok(Some(_)) => {}
            Err(error) => tracing::debug!(%error, "the session can't be looked up now"),
        }
    }
}

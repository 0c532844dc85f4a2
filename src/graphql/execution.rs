//! Runs operations: each with its own loaders, and each for whom the session is now.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Data, Executor, Request, Response};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, future};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::context::Caller;
use super::turns::Turns;
use super::{Schema, error, loaders};
use crate::domain::error::{Code, Error};
use crate::domain::id::UserId;
use crate::events::Event;
use crate::service::Services;
use crate::service::access::session;

/// How often a session is looked up that nobody told of: the one who knew may have been cut off from this process.
const LOOK: Duration = Duration::from_mins(1);

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
        // Subscribe first, read second: what ends in between is heard of.
        let events = self.services.events.subscribe();
        let caller = match self.current(data.as_deref()).await {
            Ok(caller) => caller,
            Err(refusal) => return once(error::response(refusal, None)),
        };
        let ended = ended(self.services.clone(), caller.clone(), events);
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

/// Comes true when the caller's session has ended, or its role is another.
async fn ended(services: Services, caller: Caller, mut events: Receiver<Event>) {
    let Some(session) = caller.session else { return future::pending().await };
    loop {
        tokio::select! {
            is_open = told(&mut events, session.user.id) => if !is_open { return },
            () = until(&services, session.expires_at) => return,
            () = tokio::time::sleep(LOOK) => {}
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

/// Waits until something may have changed about `user`; false if nothing will be told any more.
async fn told(events: &mut Receiver<Event>, user: UserId) -> bool {
    loop {
        match events.recv().await {
            Ok(Event::User(other)) if other != user => {}
            Ok(Event::User(_) | Event::Resync) | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Waits for the instant `end`, if there is one.
async fn until(services: &Services, end: Option<DateTime<Utc>>) {
    let Some(end) = end else { return future::pending().await };
    while let Ok(left) = (end - services.now()).to_std()
        && !left.is_zero()
    {
        services.clock.sleep(left).await;
    }
}

//! Queries that are alike and come at the same instant are executed once and encoded once.
//!
//! A dashboard in twenty tabs, a page that opens after a deployment, a script in a pool of workers: they ask the same thing in
//! the same name. [`Coalesce`] sees to it that what each gets was read after it asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use axum::body::Bytes;
use parking_lot::Mutex;

use super::context::Caller;
use super::document::Checked;
use super::execution::Execution;
use super::observe;
use domain::id::UserId;
use domain::role::Role;
use service::access::session::Proof;
use service::coalesce::Coalesce;

/// Queries that are being answered, and what they found if nothing was wrong.
pub(super) type Queries = Coalesce<Asked, Option<Bytes>>;

/// How long a query waits for those who were answered together with its client an instant ago.
const COMPANY: Duration = Duration::from_millis(1);

/// A table of queries that are being answered.
pub(super) fn queries() -> Queries {
    Queries::in_company(COMPANY)
}

/// An operation's answer.
pub enum Answer {
    /// A response of its own.
    Own(Response),
    /// A response without errors, as JSON, that others may have got as well.
    Encoded(Bytes),
}

/// The parts that make two queries alike: who asks, in what role and from where, and what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    user: UserId,
    role: Role,
    proof: Proof,
    address: Option<String>,
    document: String,
    operation: Option<String>,
    variables: String,
}

impl Asked {
    /// None for what must be run each time: mutations, and what nobody in particular asks.
    fn of(checked: &Checked, caller: &Caller) -> Option<Self> {
        let session = caller.session.as_ref().filter(|_| checked.kind == OperationType::Query)?;
        Some(Self {
            user: session.user.id,
            role: session.user.role,
            proof: session.proof,
            address: caller.address.clone(),
            document: checked.request.query.clone(),
            operation: checked.request.operation_name.clone(),
            variables: serde_json::to_string(&checked.request.variables).ok()?,
        })
    }
}

impl Execution {
    /// Runs what was admitted; a query only if no query like it is waiting to be run. A response with errors is nobody else's: it
    /// has its request's id in it, and refusals are noted one by one.
    pub async fn answer(&self, checked: Checked, caller: Caller) -> Answer {
        let Some(asked) = Asked::of(&checked, &caller) else {
            return Answer::Own(self.execute(checked, caller).await);
        };
        let began = Instant::now();
        let (checked, failed) = (Place::new(checked), Place::default());
        let work = {
            let (execution, checked, caller, failed) = (self.clone(), checked.clone(), caller.clone(), failed.clone());
            async move {
                let response = execution.execute(checked.take()?, caller).await;
                if response.errors.is_empty() {
                    let mut text = serde_json::to_vec(&response).expect("a response is plain data");
                    // Or answers would run together in a terminal.
                    text.push(b'\n');
                    return Some(Bytes::from(text));
                }
                failed.put(response);
                None
            }
        };
        let (encoded, is_own) = self.queries().get(asked, work).await;
        match (encoded, failed.take(), checked.take()) {
            (Some(encoded), _, others) => {
                if let (false, Some(checked)) = (is_own, others) {
                    observe::shared(&checked, began.elapsed());
                }
                Answer::Encoded(encoded)
            }
            (None, Some(response), _) => Answer::Own(response),
            (None, None, Some(checked)) => Answer::Own(self.execute(checked, caller).await),
            (None, None, None) => unreachable!("work that was begun leaves a response"),
        }
    }
}

/// Where one side leaves something for the other.
struct Place<T>(Arc<Mutex<Option<T>>>);

impl<T> Place<T> {
    fn new(thing: T) -> Self {
        Self(Arc::new(Mutex::new(Some(thing))))
    }

    fn put(&self, thing: T) {
        *self.0.lock() = Some(thing);
    }

    fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

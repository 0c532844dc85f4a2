//! What a resolver finds in its context: the services, the loaders, and who asks.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, InputObject};
use secrecy::SecretString;
use tokio::sync::watch;

use super::loaders::Loaders;
use super::mistakes;
use super::refusals::Refusals;
use domain::error::{Error, Result};
use service::access::session::Session;
use service::once::Once;
use service::{Actor, Services};
use storage::access::user;

/// The sender of a request, and from where it came.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The session; None if nobody has signed in.
    pub session: Option<Session>,
    /// A token that a browser sent along unasked, if it may be used.
    pub cookie: Option<SecretString>,
    /// Why the token that came does not hold.
    pub refusal: Option<Refusal>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// By which program it came, as that calls itself.
    pub agent: Option<Arc<str>>,
    /// How long it took to find out who he is: it counts as the request's time.
    pub waited: Duration,
    /// The request's id, as it is in the response's header `x-request-id`.
    pub request_id: Option<String>,
    /// The way to the socket that the request came over; None if it came by HTTP.
    pub socket: Option<Renewal>,
}

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong, or has ended.
    Wrong(&'static str),
    /// It may be right: that is not known yet.
    NotYet(&'static str),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wrong(why) => Self::Unauthenticated(why),
            Refusal::NotYet(why) => Self::NotYet(why),
        }
    }
}

/// The way to an open socket, by which it hears of a new session.
#[derive(Debug, Clone)]
pub struct Renewal(Arc<watch::Sender<Option<Session>>>);

impl Renewal {
    /// The way, and the end of it at which the socket waits.
    pub fn channel() -> (Self, watch::Receiver<Option<Session>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(Arc::new(sender)), receiver)
    }

    /// Lets the socket go on with this session.
    pub(crate) fn renew(&self, session: Session) {
        self.0.send_replace(Some(session));
    }
}

impl Caller {
    /// The user that has signed in.
    pub fn viewer(&self) -> Option<&user::Model> {
        self.session.as_ref().map(|session| &session.user)
    }

    /// What is said to him where somebody must have signed in.
    pub fn nobody(&self) -> Error {
        self.refusal.map_or(Error::Unauthenticated("sign in first"), Error::from)
    }

    /// In whose name this caller's request acts.
    pub fn actor(&self) -> Actor {
        let actor = match &self.session {
            Some(session) => session.actor(self.address.clone()),
            None => Actor::anonymous(self.address.clone()),
        };
        Actor { agent: self.agent.clone(), ..actor }
    }
}

/// The field of an input that makes its mutation repeatable.
#[derive(Debug, Clone, Default, InputObject)]
pub struct Repeatable {
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// Short names for what each resolver needs.
pub trait ContextExt {
    /// The use cases.
    fn services(&self) -> &Services;
    /// Who asks.
    fn caller(&self) -> &Caller;
    /// Rows by key, many in one statement.
    fn loaders(&self) -> &Loaders;
    /// Notes that this field was refused: one line of the audit log tells of all that a request was refused.
    fn refuse(&self);
    /// In whose name a mutation acts.
    fn actor(&self) -> Actor {
        Actor { mistakes: mistakes::of_this_mutation(), ..self.caller().actor() }
    }
    /// In whose name a mutation acts that its client may repeat if its input has an `idempotencyKey`.
    fn actor_once(&self, repeat: Repeatable) -> Result<Actor>;
    /// The viewer. To be called only where the field requires a permission: then there is one.
    fn viewer(&self) -> &user::Model {
        self.caller().viewer().expect("the field requires a permission, so somebody has signed in")
    }
}

impl ContextExt for Context<'_> {
    fn services(&self) -> &Services {
        self.data_unchecked()
    }

    fn caller(&self) -> &Caller {
        self.data_unchecked()
    }

    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }

    fn refuse(&self) {
        self.data_unchecked::<Refusals>().add(self.item.node.name.node.as_str());
    }

    fn actor_once(&self, repeat: Repeatable) -> Result<Actor> {
        let Some(key) = repeat.idempotency_key else { return Ok(self.actor()) };
        let arguments = self.field().arguments().map_err(|error| Error::internal(anyhow::anyhow!(error.message)))?;
        let input = arguments.into_iter().find(|(name, _)| name == "input").map(|(_, input)| input);
        let mut input = input.unwrap_or_default().into_json().map_err(Error::internal)?;
        if let Some(fields) = input.as_object_mut() {
            fields.remove("idempotencyKey");
        }
        let once = Once::new(self.services(), self.field().name(), key, &input).map(Some);
        let actor = self.actor();
        Ok(match mistakes::noted(once, || None)? {
            Some(once) => actor.once(once),
            None => actor,
        })
    }
}

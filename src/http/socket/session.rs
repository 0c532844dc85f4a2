//! One socket from its first message to its close.

use std::pin::Pin;
use std::time::Duration;

use async_graphql::Request;
use axum::body::Bytes;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::{Map, Value as Json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use super::close::Close;
use super::message::{self, ClientMessage};
use super::open::{OpenSocket, SocketOwner};
use super::operations::{self, Operations};
use super::writer::{Broken, SocketWriter};
use crate::{Http, caller};
use domain::bucket::Bucket;
use domain::error::{Code, Error};
use domain::limits::SocketLimits;
use domain::meters::Living;
use graphql::engine::context::{Caller, Refusal, Renewal};
use graphql::engine::error;
use service::access::session::{self, Session};

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often the session is looked up even if nothing was heard of it: an event may be lost.
const LOOK: Duration = Duration::from_mins(1);

/// The state of one socket.
struct SocketSession {
    http: Http,
    caller: Caller,
    writer: SocketWriter,
    messages: SplitStream<WebSocket>,
    operations: Operations,
    /// Taken by the introduction.
    counted: Option<OpenSocket>,
    /// When the introduction must have come; then, when the token ends.
    deadline: Pin<Box<Sleep>>,
    pings: Interval,
    /// When the client last gave a sign of life.
    heard: Instant,
    /// When its session was last looked up.
    looked: Instant,
    messages_left: Bucket,
    /// Sessions with which it shall go on.
    renewals: watch::Receiver<Option<Session>>,
    /// Whether the request for it carried a token, where none is looked for.
    has_stray_token: bool,
}

/// Something that happens to a socket.
enum Event {
    Came(Option<Result<Message, axum::Error>>),
    Says(Utf8Bytes),
    Deadline,
    Ping,
    SessionChanged,
    Renewed,
    Stop,
}

/// Why a socket ends.
enum End {
    /// Told to the client.
    Close(Close),
    /// The client has gone, or reads nothing.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

impl From<Broken> for End {
    fn from(_: Broken) -> Self {
        Self::Gone
    }
}

/// Serves `socket` to its end. `caller` is where it comes from; who it is says its first message, not a token of the request for
/// the socket.
pub(super) async fn run(http: Http, caller: Caller, has_stray_token: bool, socket: WebSocket) {
    let _counted = Living::socket();
    let limits = http.limits().socket.clone();
    let (sink, messages) = socket.split();
    let mut pings = interval_at(Instant::now() + limits.ping_time, limits.ping_time);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (renewal, renewals) = Renewal::channel();
    let caller = Caller { socket: Some(renewal), ..caller };
    let talk = SocketSession {
        renewals,
        has_stray_token,
        writer: SocketWriter::new(sink, limits.write_time, http.stop.clone()),
        caller,
        messages,
        operations: Operations::default(),
        counted: None,
        deadline: Box::pin(sleep(limits.init_time)),
        pings,
        heard: Instant::now(),
        looked: Instant::now(),
        messages_left: Bucket::new(limits.burst, limits.rate, http.services.clock.monotonic()),
        http,
    };
    Box::pin(talk.run()).await;
}

impl SocketSession {
    async fn run(mut self) {
        let end = loop {
            let event = self.event().await;
            if let Err(end) = self.handle(event).await {
                break end;
            }
        };
        let request_id = self.caller.request_id.as_deref();
        match end {
            End::Gone => tracing::debug!(request_id, "a socket's client has gone"),
            End::Close(close) => {
                tracing::debug!(request_id, code = close.code, reason = %close, "a socket is closed");
                self.part(&close).await;
            }
        }
    }

    async fn event(&mut self) -> Event {
        let changed = async {
            match &mut self.counted {
                Some(counted) => counted.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = self.messages.next() => Event::Came(message),
            message = self.operations.next() => Event::Says(message),
            () = &mut self.deadline => Event::Deadline,
            _ = self.pings.tick() => Event::Ping,
            () = changed => Event::SessionChanged,
            Ok(()) = self.renewals.changed() => Event::Renewed,
            () = self.http.stop.cancelled() => Event::Stop,
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Came(Some(Ok(message))) => self.came(message).await,
            Event::Came(Some(Err(error))) => Err(self.unreadable(&error)),
            Event::Came(None) => Err(End::Gone),
            Event::Says(message) => self.say(message).await,
            Event::Deadline if self.counted.is_some() => Err(Close::token_expired().into()),
            Event::Deadline => Err(Close::init_timeout().into()),
            Event::Ping if self.heard.elapsed() >= self.limits().dead_time => Err(Close::silent().into()),
            Event::Ping => self.ping().await,
            Event::SessionChanged => self.look_again().await,
            Event::Renewed => {
                self.go_on();
                Ok(())
            }
            Event::Stop => {
                for message in self.operations.complete() {
                    self.writer.feed(message).await?;
                }
                Err(Close::going_away().into())
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.writer.send(Message::Ping(Bytes::new())).await?;
        if self.looked.elapsed() >= LOOK { self.look_again().await } else { Ok(()) }
    }

    fn limits(&self) -> &SocketLimits {
        &self.http.limits().socket
    }

    async fn came(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        if self.messages_left.take(1, self.http.services.clock.monotonic()).is_err() {
            return Err(Close::too_many("messages").into());
        }
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Close::bad_request("Invalid message: it is not text").into()),
            Message::Close(_) => {
                // The answer to it waits to be written.
                self.writer.flush().await?;
                return Err(End::Gone);
            }
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        match message::read(&text)? {
            ClientMessage::Init(_) if self.counted.is_some() => Err(Close::too_many("initialisation requests").into()),
            ClientMessage::Init(payload) => self.introduce(&payload).await,
            ClientMessage::Subscribe(..) | ClientMessage::Unclear(..) if self.counted.is_none() => {
                Err(Close::unauthorized().into())
            }
            ClientMessage::Subscribe(id, _) | ClientMessage::Unclear(id, _) if self.operations.has(&id) => {
                Err(Close::already_there(&id).into())
            }
            ClientMessage::Subscribe(id, request) => self.begin(id, *request).await,
            ClientMessage::Unclear(id, why) => {
                let refusal = error::coded(Code::BadUserInput, why, self.caller.request_id.as_deref());
                self.say(operations::refused(&id, refusal)).await
            }
            ClientMessage::Complete(id) => {
                self.operations.end(&id);
                Ok(())
            }
            ClientMessage::Ping(payload) => Ok(self.writer.text(message::pong(payload)).await?),
            ClientMessage::Pong => Ok(()),
        }
    }

    /// The close that goes with what tungstenite can't read.
    fn unreadable(&self, error: &axum::Error) -> End {
        use tokio_tungstenite::tungstenite::Error as Cause;
        let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Cause>());
        match cause {
            Some(Cause::Capacity(_)) => Close::too_large(self.limits().message).into(),
            Some(Cause::Utf8(_)) => Close::no_text().into(),
            Some(_) | None => End::Gone,
        }
    }

    /// `connection_init`: who is there, with what token.
    async fn introduce(&mut self, payload: &Map<String, Json>) -> Result<(), End> {
        let authorization = payload.get("Authorization").or_else(|| payload.get("authorization"));
        let authorization = authorization.and_then(Json::as_str);
        if authorization.is_none() && (self.has_stray_token || message::has_stray_token(payload)) {
            return Err(Close::stray_token().into());
        }
        let caller = caller::authenticate(&self.http.services, self.caller.clone(), authorization).await;
        let caller = caller.map_err(|_| Close::try_again())?;
        match caller.refusal {
            Some(Refusal::Wrong(why)) => return Err(Close::forbidden(why).into()),
            Some(Refusal::NotYet(_)) => return Err(Close::try_again().into()),
            None => {}
        }
        let most = self.limits().per_user;
        let (owner, most) = match (&caller.session, &caller.address) {
            (Some(session), _) => (SocketOwner::User(session.user.id), most),
            (None, Some(address)) => (SocketOwner::Address(address.clone()), most),
            // A proxy does not say for whom: one must not take the places of all.
            (None, None) => (SocketOwner::Address(String::new()), usize::MAX),
        };
        let counted = self.http.open_sockets.take(owner, most);
        self.counted = Some(counted.ok_or_else(|| Close::too_many("sockets"))?);
        self.caller = caller;
        self.wait_for_its_end();
        Ok(self.writer.text(message::ACK).await?)
    }

    /// Goes on with a new session. What runs goes on with it too.
    fn go_on(&mut self) {
        let renewed = self.renewals.borrow_and_update().clone();
        if renewed.is_some() && self.counted.is_some() {
            self.caller.session = renewed;
            self.wait_for_its_end();
        }
    }

    /// Sets the deadline to the end of the session's token.
    fn wait_for_its_end(&mut self) {
        let end = self.caller.session.as_ref().and_then(|session| session.expires_at);
        let until = end.map_or(FOR_EVER, |end| self.left(end));
        self.deadline.as_mut().reset(Instant::now() + until);
    }

    /// How long it is until `end`.
    fn left(&self, end: DateTime<Utc>) -> Duration {
        (end - self.http.services.now()).to_std().unwrap_or_default().min(FOR_EVER)
    }

    async fn begin(&mut self, id: String, request: Request) -> Result<(), End> {
        let most = self.limits().operations;
        if self.operations.len() >= most {
            let message = format!("a socket runs at most {most} operations at once");
            let refusal = error::coded(Code::RateLimited, message, self.caller.request_id.as_deref());
            return self.say(operations::refused(&id, refusal)).await;
        }
        self.operations.begin(id, operations::messages(&self.http.execution, request, self.caller.clone()));
        Ok(())
    }

    /// Says `message`, and all else that can be said now, in one go.
    async fn say(&mut self, message: Utf8Bytes) -> Result<(), End> {
        self.writer.feed(message).await?;
        for _ in 1..self.limits().queue {
            match self.operations.ready() {
                Some(message) => self.writer.feed(message).await?,
                None => break,
            }
        }
        Ok(self.writer.flush().await?)
    }

    /// The session may have ended, or its role changed: then what was allowed may not be any more.
    async fn look_again(&mut self) -> Result<(), End> {
        self.looked = Instant::now();
        let Some(known) = &self.caller.session else { return Ok(()) };
        match session::reload(&self.http.services, known).await {
            Ok(None) => Err(Close::session_ended().into()),
            Ok(Some(current)) if current.user.role != known.user.role => {
                Err(Close::forbidden("your role has changed, connect again").into())
            }
            Ok(Some(_)) => Ok(()),
            Err(error) => {
                log_failed_look(&error);
                Ok(())
            }
        }
    }

    /// Closes. What the client still sends is read away: whoever is cut off while sending never reads the reason.
    async fn part(mut self, close: &Close) {
        self.counted = None;
        let messages = &mut self.messages;
        let farewell = async {
            if self.writer.send(close.message()).await.is_ok() {
                while let Some(Ok(message)) = messages.next().await {
                    if matches!(message, Message::Close(_)) {
                        break;
                    }
                }
            }
        };
        // Whoever does not answer in time is cut off.
        drop(tokio::time::timeout(FAREWELL, farewell).await);
    }
}

/// Longer than any process lives.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

fn log_failed_look(error: &Error) {
    tracing::debug!(%error, "a socket's session can't be looked up now");
}

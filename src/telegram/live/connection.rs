//! A connection of one account, as the rest of Herald uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use grammers_client::tl;
use grammers_mtsender::InvocationError;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::supervisor::{State, Supervisor, TelegramLine};
use super::{CONNECT_TIMEOUT, Credentials, DISCONNECT_DELAY, Identity, PATIENCE, PONG_TIMEOUT, fault};
use crate::CALL_TIMEOUT;
use domain::delivery::Fault;

/// One account's connection, which is kept up until it is closed.
///
/// It is the only one: whoever opens it holds the account's lease, and gives that back only after [`close`](Self::close) has
/// returned. A call while it is down fails at once with [`Fault::NotConnected`], so that no send starts later than its slot.
pub struct Connection {
    state: watch::Receiver<State>,
    stop: CancellationToken,
    hard: Arc<Mutex<Option<AbortHandle>>>,
}

impl Connection {
    /// Begins to connect; see [`ready`](Self::ready).
    pub fn open(credentials: Credentials) -> Self {
        Self::open_after(credentials, Duration::ZERO)
    }

    /// Begins to connect, but not before `delay` has passed.
    pub fn open_after(credentials: Credentials, delay: Duration) -> Self {
        Self::start(credentials, true, delay)
    }

    /// Connects, and finds out who is signed in.
    ///
    /// # Errors
    /// Why not; nothing is left open then.
    pub async fn connect(credentials: Credentials) -> Result<(Self, Arc<Identity>), Fault> {
        let connection = Self::open(credentials);
        match connection.ready(CONNECT_TIMEOUT).await {
            Ok(identity) => Ok((connection, identity)),
            Err(fault) => {
                connection.close().await;
                Err(fault)
            }
        }
    }

    /// Begins to connect under a key that nobody need be signed in with.
    pub(super) fn open_for_nobody(credentials: Credentials) -> Self {
        Self::start(credentials, false, Duration::ZERO)
    }

    /// Waits until it takes calls, whoever is signed in.
    ///
    /// # Errors
    /// As of [`ready`](Self::ready).
    pub(super) async fn up(&self) -> Result<(), Fault> {
        match self.ready(CONNECT_TIMEOUT).await {
            Err(Fault::NotConnected) => self.line().map(drop),
            told => told.map(drop),
        }
    }

    fn start(credentials: Credentials, expects_user: bool, delay: Duration) -> Self {
        let (sender, state) = watch::channel(State::Connecting(None));
        let stop = CancellationToken::new();
        let hard = Arc::default();
        let supervisor =
            Supervisor { credentials, expects_user, delay, state: sender, stop: stop.clone(), hard: Arc::clone(&hard) };
        tokio::spawn(supervisor.run());
        Self { state, stop, hard }
    }

    /// Waits until it takes calls, and tells who is signed in.
    ///
    /// # Errors
    /// The account is not let in, or it took longer than `limit`: then with what went wrong last.
    pub async fn ready(&self, limit: Duration) -> Result<Arc<Identity>, Fault> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting(_)));
        match tokio::time::timeout(limit, settled).await {
            Ok(Ok(state)) => Self::identity_of(&state),
            _ => Self::identity_of(&self.state.borrow()),
        }
    }

    fn identity_of(state: &State) -> Result<Arc<Identity>, Fault> {
        match state {
            State::Ready(line) => line.identity.clone().ok_or(Fault::NotConnected),
            State::Refused(fault) | State::Connecting(Some(fault)) => Err(fault.clone()),
            State::Connecting(None) | State::Closed => Err(Fault::NotConnected),
        }
    }

    /// Whether a call would be handed over now.
    pub fn is_ready(&self) -> bool {
        matches!(&*self.state.borrow(), State::Ready(_))
    }

    /// Why the account is not let in, if it is not: then this connection is of no more use.
    pub fn refusal(&self) -> Option<Fault> {
        match &*self.state.borrow() {
            State::Refused(fault) => Some(fault.clone()),
            _ => None,
        }
    }

    /// Waits until it is up or down, unlike now, or at its end.
    pub async fn changed(&self) {
        let before = self.is_ready();
        let mut state = self.state.clone();
        let other = |state: &State| match state {
            State::Ready(_) => !before,
            State::Connecting(_) => before,
            State::Refused(_) | State::Closed => true,
        };
        // An error is the supervisor's end, which is a change as well.
        drop(state.wait_for(other).await.map(|_| ()));
    }

    /// Tells the server that this process lives; it closes the socket of one that has stood still for 15 s (R16).
    ///
    /// # Errors
    /// It was of no use.
    pub async fn keep_alive(&self) -> Result<(), Fault> {
        let ping = tl::functions::PingDelayDisconnect { ping_id: rand::random(), disconnect_delay: DISCONNECT_DELAY };
        self.call(&ping).await.map(|_| ())
    }

    /// Closes it; when this returns, its socket is closed and each of its calls has failed. Closing twice does no harm.
    pub async fn close(&self) {
        self.stop.cancel();
        let mut state = self.state.clone();
        // An error is the end of the supervisor, which ends after its pool.
        drop(state.wait_for(|state| matches!(state, State::Closed | State::Refused(_))).await.map(|_| ()));
    }

    /// Cuts it off without waiting, from any thread: for a lease that has run out.
    pub fn abort(&self) {
        self.stop.cancel();
        if let Some(runner) = &*self.hard.lock() {
            runner.abort();
        }
    }

    /// Like [`call`](Self::call), of what may be asked twice. A connection that broke while nobody used it is known to be broken
    /// only by the next call: that is then made once more, on the next connection.
    pub(super) async fn call_again<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, Fault> {
        self.up().await?;
        match self.call(request).await {
            Err(Fault::ConnectionLost) => {
                self.up().await?;
                self.call(request).await
            }
            answer => answer,
        }
    }

    /// One request and its answer.
    ///
    /// The first poll hands it over. After anything but an answer the whole connection is given up, and this returns only
    /// once nothing of it is left (R12).
    pub(super) async fn call<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, Fault> {
        let line = self.line()?;
        let answer = line.handle.invoke_in_dc(line.dc, request);
        let answer = tokio::time::timeout(CALL_TIMEOUT, unless_dead(&line, answer)).await;
        match answer {
            Ok(Ok(answer)) => {
                line.served.store(true, Ordering::Relaxed);
                Ok(answer)
            }
            Ok(Err(error @ InvocationError::Rpc(_))) => {
                line.served.store(true, Ordering::Relaxed);
                Err(fault::of(error))
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a call to Telegram was lost");
                give_up(&line).await;
                Err(fault::of(error))
            }
            Err(_) => {
                give_up(&line).await;
                Err(Fault::TimedOut)
            }
        }
    }

    /// The present line.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn line(&self) -> Result<TelegramLine, Fault> {
        match &*self.state.borrow() {
            State::Ready(line) if !line.lost.is_cancelled() => Ok(line.clone()),
            State::Refused(fault) => Err(fault.clone()),
            _ => Err(Fault::NotConnected),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Gives the line up, and waits until nothing of it is left.
async fn give_up(line: &TelegramLine) {
    line.lost.cancel();
    line.ended.cancelled().await;
}

/// The answer, or an error as soon as the line shows no sign of life: the protocol's library would wait for hours.
async fn unless_dead<T>(
    line: &TelegramLine,
    answer: impl Future<Output = Result<T, InvocationError>>,
) -> Result<T, InvocationError> {
    let mut answer = std::pin::pin!(answer);
    loop {
        if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut answer).await {
            return answer;
        }
        let ping = tl::functions::Ping { ping_id: rand::random() };
        let pong = tokio::time::timeout(PONG_TIMEOUT, line.handle.invoke_in_dc(line.dc, &ping));
        tokio::select! {
            answer = &mut answer => return answer,
            pong = pong => if !matches!(pong, Ok(Ok(_))) {
                return Err(InvocationError::Dropped("no sign of life"));
            },
        }
    }
}

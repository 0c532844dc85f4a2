//! Keeps one connection alive: connects, greets, notices its end, clears away all of it, and begins anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grammers_client::tl;
use grammers_mtsender::SenderPoolFatHandle;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::pool::Pool;
use super::session::Pinned;
use super::{CONNECT_TIMEOUT, Credentials, Identity, calls, fault};
use domain::delivery::Fault;

/// The first wait after a connection that was of no use; it doubles up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How a connection is.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// On its way, or waiting to be tried again; with what went wrong last.
    Connecting(Option<Fault>),
    /// The connection takes calls.
    Ready(TelegramLine),
    /// Telegram does not let the account in: this is the end.
    Refused(Fault),
    /// The connection was closed, and so was its socket.
    Closed,
}

/// A connection that was greeted.
#[derive(Clone)]
pub(super) struct TelegramLine {
    pub(super) handle: SenderPoolFatHandle,
    pub(super) dc: i32,
    /// None if nobody is signed in, and none need be.
    pub(super) identity: Option<Arc<Identity>>,
    /// Whoever finds it broken cancels this.
    pub(super) lost: CancellationToken,
    /// Cancelled once nothing of it is left: only then may a request be repeated (R12).
    pub(super) ended: CancellationToken,
    /// Whether the line has been of use.
    pub(super) served: Arc<AtomicBool>,
}

impl std::fmt::Debug for TelegramLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TelegramLine").field("dc", &self.dc).finish_non_exhaustive()
    }
}

/// A supervisor's orders: which connection to keep up, and until when.
pub(super) struct Supervisor {
    pub(super) credentials: Credentials,
    /// Whether the greeting asks who is signed in.
    pub(super) expects_user: bool,
    /// How long it waits before it connects for the first time.
    pub(super) delay: Duration,
    pub(super) state: watch::Sender<State>,
    pub(super) stop: CancellationToken,
    /// The runner of the present pool, for those who can't wait.
    pub(super) hard: Arc<Mutex<Option<AbortHandle>>>,
}

/// How one connection ended.
enum End {
    /// The connection served: the next one is tried at once.
    Served,
    /// The connection was of no use: the next one waits.
    Useless(Option<Fault>),
    /// Telegram asks to wait, in seconds.
    Told(Fault, u32),
    /// The account is not let in.
    Final(Fault),
}

impl Supervisor {
    /// Runs until it is stopped, or the account is not let in.
    pub(super) async fn run(self) {
        self.pause(self.delay).await;
        let mut wait = SHORTEST_WAIT;
        while !self.stop.is_cancelled() {
            let (pause, last) = match self.connect_once().await {
                End::Served => {
                    wait = SHORTEST_WAIT;
                    (Duration::ZERO, None)
                }
                End::Useless(fault) => {
                    let pause = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    (pause, fault)
                }
                End::Told(fault, seconds) => (Duration::from_secs(u64::from(seconds) + 1), Some(fault)),
                End::Final(fault) => {
                    tracing::warn!(%fault, "Telegram does not let an account in");
                    self.state.send_replace(State::Refused(fault));
                    return;
                }
            };
            if last.is_some() {
                self.state.send_replace(State::Connecting(last));
            }
            self.pause(pause).await;
        }
        self.state.send_replace(State::Closed);
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// From the first packet to the last trace.
    async fn connect_once(&self) -> End {
        let session = match Pinned::new(&self.credentials).await {
            Ok(session) => Arc::new(session),
            Err(error) => {
                tracing::warn!(%error, "HERALD_TELEGRAM_SERVER can't be reached");
                return End::Useless(None);
            }
        };
        let (lost, ended) = (self.stop.child_token(), CancellationToken::new());
        let pool = Pool::start(&session, self.credentials.api_id, lost.clone());
        *self.hard.lock() = Some(pool.abort_handle());
        let end = self.serve(&pool, &session, lost, ended.clone()).await;
        pool.end().await;
        ended.cancel();
        end
    }

    /// Greets, and lets callers in until the line is lost.
    async fn serve(&self, pool: &Pool, session: &Pinned, lost: CancellationToken, ended: CancellationToken) -> End {
        let mut line = TelegramLine {
            handle: pool.handle.clone(),
            dc: i32::from(self.credentials.dc),
            identity: None,
            lost: lost.clone(),
            ended,
            served: Arc::default(),
        };
        let greeted = tokio::select! {
            greeted = tokio::time::timeout(CONNECT_TIMEOUT, self.greet(&line)) => greeted.unwrap_or(Err(Fault::TimedOut)),
            () = lost.cancelled() => Err(Fault::ConnectionLost),
        };
        match greeted {
            Ok(identity) => line.identity = identity.map(Arc::new),
            Err(_) if session.has_refused_a_key() => return End::Final(Fault::rpc(401, "AUTH_KEY_UNREGISTERED")),
            Err(fault) if fault::is_final(&fault) => return End::Final(fault),
            Err(fault @ Fault::Rpc { code: 420, value: Some(seconds), .. }) => return End::Told(fault, seconds),
            Err(fault) => return End::Useless(Some(fault)),
        }
        let served = line.served.clone();
        self.state.send_replace(State::Ready(line));
        lost.cancelled().await;
        self.state.send_replace(State::Connecting(None));
        if served.load(Ordering::Relaxed) { End::Served } else { End::Useless(None) }
    }

    async fn greet(&self, line: &TelegramLine) -> Result<Option<Identity>, Fault> {
        if self.expects_user {
            return calls::who_am_i(line).await.map(Some);
        }
        let ping = tl::functions::Ping { ping_id: rand::random() };
        line.handle.invoke_in_dc(line.dc, &ping).await.map(|_| None).map_err(fault::of)
    }
}

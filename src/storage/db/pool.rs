//! A pool of connections that trusts none of them: what was cut off is closed and never used again, and no wait is without an end.
//!
//! sqlx's own pool tests each connection that comes back by a round trip without a limit. On one that was lost silently this
//! never ends, and its place is gone for good.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::error::ConnAcquireErr;
use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::{DbErr, RuntimeErr, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::connection::{Ask, Connection, Sign, Target, Told};
use super::slow;
use crate::violation::{self, Spoilt};
use domain::meters::Connections;

/// How long a connection is waited for. An API that answers UNAVAILABLE soon is better than one that hangs.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long a connection may have been idle before it is tested.
const FRESH: Duration = Duration::from_secs(1);
/// How long such a test may take.
const TEST: Duration = Duration::from_secs(1);
/// A connection is closed when it is so old: a server's process grows.
const OLDEST: Duration = Duration::from_mins(30);
/// How long a statement runs before another connection asks whether the server knows of it; and how often it asks then.
const DOUBT: Duration = Duration::from_secs(2);
/// How long that may take.
const ENQUIRY: Duration = Duration::from_secs(2);
/// How long the answer of a statement that the server has finished may be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// How long a pool that is closed waits for what is under way.
const CLOSING: Duration = Duration::from_secs(5);

/// The connections to one database.
#[derive(Debug)]
pub(super) struct Pool {
    target: Target,
    most: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    open: AtomicU32,
    /// Raised when there is reason to believe that the connections that are open are no good. Those of earlier eras are closed.
    era: AtomicU64,
    is_closed: AtomicBool,
    /// Whether a statement has met a page that is damaged.
    has_met_damage: AtomicBool,
    /// One enquiry at a time.
    enquiry: tokio::sync::Mutex<()>,
}

struct Idle {
    connection: Connection,
    era: u64,
    opened: Instant,
    since: Instant,
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("era", &self.era).finish_non_exhaustive()
    }
}

/// A connection that somebody uses. When it is dropped it goes back, unless it is in the middle of something: then it is cut off.
pub(super) struct Borrowed {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    era: u64,
    opened: Instant,
    /// No statement is under way.
    is_whole: bool,
    /// An error has shown that the connection is no good.
    is_spoilt: bool,
    /// A transaction has begun and not ended.
    pub(super) in_transaction: bool,
    /// Given back after the connection.
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool of `most` connections at most, none of which is open yet.
    pub(super) fn new(target: Target, most: u32) -> Arc<Self> {
        Arc::new(Self {
            target,
            most,
            places: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::default(),
            open: AtomicU32::new(0),
            era: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            has_met_damage: AtomicBool::new(false),
            enquiry: tokio::sync::Mutex::default(),
        })
    }

    /// Whether a pooler hands out the server's connections for a transaction each.
    pub(super) const fn is_behind_a_pooler(&self) -> bool {
        matches!(self.target, Target::Pooler(_))
    }

    /// Whether a statement has met a page that is damaged.
    pub(super) fn has_met_damage(&self) -> bool {
        self.has_met_damage.load(Ordering::Relaxed)
    }

    /// A connection: one that is idle, or a new one.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Borrowed, DbErr> {
        let mut why = None;
        match timeout(ACQUIRE, self.take_within(&mut why)).await {
            Ok(taken) => taken,
            Err(_) => Err(why.unwrap_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))),
        }
    }

    async fn take_within(self: &Arc<Self>, why: &mut Option<DbErr>) -> Result<Borrowed, DbErr> {
        let closed = || DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        loop {
            let place = self.places.clone().acquire_owned().await.map_err(|_| closed())?;
            let idle = self.idle.lock().pop();
            let Some(idle) = idle else { return self.opened(place, why).await };
            let rested = idle.since.elapsed();
            let mut borrowed = self.borrowed(idle.connection, idle.era, idle.opened, place);
            if borrowed.is_fit() && (rested < FRESH || borrowed.passes().await) {
                return Ok(borrowed);
            }
            borrowed.is_spoilt = true;
        }
    }

    /// Opens a connection; again and again while the server has no room for it or is not there for the moment.
    async fn opened(self: &Arc<Self>, place: OwnedSemaphorePermit, why: &mut Option<DbErr>) -> Result<Borrowed, DbErr> {
        let mut pause = Duration::from_millis(10);
        loop {
            let era = self.era.load(Ordering::SeqCst);
            match Connection::open(&self.target).await {
                Ok(connection) => {
                    self.open.fetch_add(1, Ordering::SeqCst);
                    return Ok(self.borrowed(connection, era, Instant::now(), place));
                }
                Err(error) if violation::may_connect_later(&error) => *why = Some(error),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    fn borrowed(
        self: &Arc<Self>,
        connection: Connection,
        era: u64,
        opened: Instant,
        place: OwnedSemaphorePermit,
    ) -> Borrowed {
        let pool = self.clone();
        let connection = Some(connection);
        Borrowed {
            connection,
            pool,
            era,
            opened,
            is_whole: true,
            is_spoilt: false,
            in_transaction: false,
            _place: place,
        }
    }

    /// All connections of an era are closed as soon as they are not in use.
    fn renew(&self, era: u64) {
        if self.era.compare_exchange(era, era + 1, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            // Another has found it out.
            return;
        }
        for idle in std::mem::take(&mut *self.idle.lock()) {
            self.cut(idle.connection);
        }
    }

    fn cut(&self, connection: Connection) {
        connection.cut();
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Asks the server by a connection of its own whether it is at work on what it knows by `sign`. None if that can't be known.
    async fn is_at_work(&self, sign: &Sign) -> Option<bool> {
        let ask = async {
            let _one_at_a_time = self.enquiry.lock().await;
            let mut connection = Connection::open(&self.target).await.ok()?;
            // Where the server does not tell, it is taken to be at work.
            let sql = format!(
                "SELECT count(*) AS n FROM pg_stat_activity
                 WHERE {} AND (state IS NULL OR state NOT LIKE 'idle%')",
                sign.condition()
            );
            let statement = Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql);
            let own = connection.sign()?;
            let rows = connection.ask(Ask::One(&statement), own.mark()).await.ok()?.rows();
            connection.close().await;
            Some(rows.first()?.try_get::<i64>("", "n").ok()? > 0)
        };
        timeout(ENQUIRY, ask).await.ok().flatten()
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> Connections {
        let idle = i64::try_from(self.idle.lock().len()).unwrap_or(i64::MAX);
        Connections { open: self.open.load(Ordering::SeqCst), idle, most: self.most }
    }

    /// Whether a connection can be opened and asked, beside those of the pool.
    pub(super) async fn can_connect(&self) -> bool {
        let connect = async {
            let mut connection = Connection::open(&self.target).await.ok()?;
            let answers = connection.ping().await;
            connection.close().await;
            answers.then_some(())
        };
        timeout(ACQUIRE, connect).await.ok().flatten().is_some()
    }

    /// Closes all connections; those in use when they come back.
    pub(super) async fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let all = timeout(CLOSING, self.places.acquire_many(self.most)).await;
        self.places.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock());
        for one in idle {
            self.open.fetch_sub(1, Ordering::SeqCst);
            if timeout(TEST, one.connection.close()).await.is_err() {
                tracing::debug!("a connection could not be closed in order");
            }
        }
    }
}

impl Borrowed {
    /// Asks, for `limit` at most. What is cut off then may have been done: the answer is not known.
    pub(super) async fn ask(&mut self, ask: Ask<'_>, limit: Duration) -> Result<Told, DbErr> {
        let Some(connection) = self.connection.as_mut().filter(|_| self.is_whole && !self.is_spoilt) else {
            return Err(cut_off("the connection was cut off before"));
        };
        self.is_whole = false;
        let began = Instant::now();
        let sign = connection.sign();
        let mark = sign.as_ref().map_or("", Sign::mark);
        let answer = within(&self.pool, sign.as_ref(), limit, pin!(connection.ask(ask, mark))).await;
        let told = match answer {
            Some(told) => told,
            None => Err(cut_off("the database gave no answer in time: it is not known what came of the statement")),
        };
        slow::note(ask, began.elapsed());
        if told.as_ref().err().is_some_and(violation::is_damage) {
            self.pool.has_met_damage.store(true, Ordering::Relaxed);
        }
        match told.as_ref().err().map_or(Spoilt::Nothing, violation::spoilt) {
            Spoilt::Nothing => self.is_whole = true,
            Spoilt::This => self.is_spoilt = true,
            Spoilt::All => {
                self.is_spoilt = true;
                self.pool.renew(self.era);
            }
        }
        told
    }

    /// PostgreSQL's own connection, for what only its driver can do. Until [`Self::is_done`] it counts as busy.
    pub(super) const fn driver(&mut self) -> Option<&mut PgConnection> {
        self.is_whole = false;
        match &mut self.connection {
            Some(Connection::Postgres { raw, .. }) => Some(raw),
            _ => None,
        }
    }

    /// What was done by [`Self::driver`] has succeeded.
    pub(super) const fn is_done(&mut self) {
        self.is_whole = true;
    }

    /// Whether its server is another one's after the transaction.
    pub(super) fn is_behind_a_pooler(&self) -> bool {
        self.pool.is_behind_a_pooler()
    }

    /// Whether it can be asked anything more.
    pub(super) const fn is_usable(&self) -> bool {
        self.is_whole && !self.is_spoilt
    }

    fn is_fit(&self) -> bool {
        !self.is_spoilt && self.era == self.pool.era.load(Ordering::SeqCst) && self.opened.elapsed() < OLDEST
    }

    /// Whether it still answers. If it does not, the others that rested as long are not trusted either.
    async fn passes(&mut self) -> bool {
        self.is_whole = false;
        let Some(connection) = &mut self.connection else { return false };
        let passes = timeout(TEST, connection.ping()).await;
        self.is_whole = passes == Ok(true);
        if passes.is_err() {
            self.pool.renew(self.era);
        }
        self.is_whole
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let is_closed = self.pool.is_closed.load(Ordering::SeqCst);
        if self.is_whole && !self.in_transaction && self.is_fit() && !is_closed {
            let (era, opened, since) = (self.era, self.opened, Instant::now());
            self.pool.idle.lock().push(Idle { connection, era, opened, since });
        } else {
            self.pool.cut(connection);
        }
    }
}

/// Waits for an answer: until `limit`, or until another connection says that the server knows nothing of the question. None if it
/// was given up.
async fn within(
    pool: &Pool,
    sign: Option<&Sign>,
    limit: Duration,
    mut running: Pin<&mut impl Future<Output = Result<Told, DbErr>>>,
) -> Option<Result<Told, DbErr>> {
    let end = Instant::now() + limit;
    let mut misses = 0;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if let Ok(told) = timeout(left.min(DOUBT), running.as_mut()).await {
            return Some(told);
        }
        if left <= DOUBT {
            return None;
        }
        let Some(sign) = sign else { continue };
        let is_at_work = tokio::select! {
            told = running.as_mut() => return Some(told),
            is_at_work = pool.is_at_work(sign) => is_at_work,
        };
        misses += u32::from(is_at_work == Some(false));
        // A pooler may just hand the question on, which stood in its queue before this one.
        let is_lost = misses > u32::from(matches!(sign, Sign::Mark(_)));
        if is_lost {
            return timeout(ON_ITS_WAY, running.as_mut()).await.ok();
        }
    }
}

pub(super) fn cut_off(why: &str) -> DbErr {
    let error = sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why));
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

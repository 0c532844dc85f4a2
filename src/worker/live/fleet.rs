//! The accounts of this process: a fair share of those that have something to send, leased, driven, and given back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::PaginatorTrait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::driver;
use super::letters::Letters;
use super::pipelines::Pipelines;
use super::watchdog::Watchdog;
use crate::holder::Holder;
use crate::tools::{LOOK, Tools, is_work};
use domain::error::Result;
use domain::id::TelegramAccountId;
use service::broadcast::channel_refresh;
use service::broadcast::delivery::account;
use storage::broadcast::queue::accounts::{self, AccountSeat};
use storage::broadcast::{account_lease, sender};

/// How long an account that could not be driven is left alone.
const AGAIN: Duration = Duration::from_secs(30);
/// How long settling may take after the last call has ended.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a driver may take to end: its calls, then its connection.
const END: Duration = Duration::from_secs(7);

/// Leases and drives accounts until the session ends, then gives all back.
pub async fn run(tools: &Tools, holder: &Arc<Holder>, letters: &Arc<Letters>, session: &CancellationToken) {
    let watchdog = match Watchdog::start(holder, &tools.on.clock) {
        Ok(watchdog) => watchdog,
        Err(error) => {
            tracing::error!(%error, "without a thread that watches over leases nothing is sent");
            return session.cancelled().await;
        }
    };
    let pipelines = Arc::new(Pipelines::new(holder));
    let mut fleet = Fleet {
        tools: tools.clone(),
        holder: holder.clone(),
        pipelines: pipelines.clone(),
        letters: letters.clone(),
        watchdog,
        drivers: HashMap::new(),
        failed: HashMap::new(),
    };
    let mut events = tools.on.events.subscribe();
    let sending = async {
        while !session.is_cancelled() {
            if let Err(error) = fleet.look().await {
                tracing::warn!(?error, "accounts cannot be looked for");
            }
            tokio::select! {
                () = events.woken(is_work) => {}
                () = tools.on.clock.sleep(LOOK) => {}
                () = session.cancelled() => {}
            }
        }
        fleet.close().await;
    };
    tokio::join!(sending, pipelines.keep(tools, session));
    pipelines.close(SETTLE).await;
}

struct Fleet {
    tools: Tools,
    holder: Arc<Holder>,
    pipelines: Arc<Pipelines>,
    letters: Arc<Letters>,
    watchdog: Arc<Watchdog>,
    drivers: HashMap<TelegramAccountId, Driving>,
    /// Accounts that could not be driven, and until when they are left alone, on the monotonic clock.
    failed: HashMap<TelegramAccountId, Duration>,
}

struct Driving {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Fleet {
    /// Leases what is free up to this process' share, and lets go of what is above it or of no use.
    async fn look(&mut self) -> Result<()> {
        self.drivers.retain(|_, driving| !driving.task.is_finished());
        let db = self.tools.on.db.reader();
        let seats = accounts::seats(db, channel_refresh::stale(&self.tools.on), self.letters.are_waiting()).await?;
        let processes = sender::Entity::sending().count(db).await?.max(1);
        self.let_go().await?;
        let share = seats.len().div_ceil(usize::try_from(processes).unwrap_or(1));
        for driving in self.surplus(&seats, share) {
            driving.stop.cancel();
        }
        for seat in seats.iter().filter(|seat| seat.holder_id.is_none()) {
            if self.drivers.len() >= share {
                break;
            }
            let now = self.tools.on.clock.monotonic();
            let failed = self.failed.get(&seat.account_id).is_some_and(|until| now < *until);
            if failed || self.drivers.contains_key(&seat.account_id) {
                continue;
            }
            if let Err(error) = self.take(seat.account_id).await {
                // One that can't be opened keeps no other from being driven.
                tracing::warn!(account = %seat.account_id, ?error, "an account cannot be driven");
                self.failed.insert(seat.account_id, now + AGAIN);
            }
        }
        Ok(())
    }

    /// Gives back what a driver could not, because the database was away when it ended: its connection is closed.
    async fn let_go(&self) -> Result<()> {
        let on = &self.tools.on;
        for lease in account_lease::Entity::held_by(self.holder.row.id).all(on.db.reader()).await? {
            if !self.drivers.contains_key(&lease.account_id) {
                account::release(on, self.holder.row.id, lease.account_id, lease.epoch).await?;
            }
        }
        Ok(())
    }

    /// Drivers of accounts that have nothing to send or can't, and then those above the share.
    fn surplus(&self, seats: &[AccountSeat], share: usize) -> Vec<&Driving> {
        let (used, idle): (Vec<_>, Vec<_>) =
            self.drivers.iter().partition(|(id, _)| seats.iter().any(|seat| seat.account_id == **id));
        let mut used: Vec<(&TelegramAccountId, &Driving)> = used;
        used.sort_unstable_by_key(|(id, _)| **id);
        idle.into_iter().chain(used.into_iter().skip(share)).map(|(_, driving)| driving).collect()
    }

    async fn take(&mut self, id: TelegramAccountId) -> Result<()> {
        let Some(held) = account::acquire(&self.tools.on, &self.holder.row, id).await? else { return Ok(()) };
        self.holder.took(id);
        let (stop, epoch) = (CancellationToken::new(), held.epoch);
        let driver = driver::Driver::new(
            self.tools.clone(),
            self.holder.clone(),
            self.pipelines.clone(),
            self.letters.clone(),
            self.watchdog.clone(),
            held,
            stop.clone(),
        );
        match driver {
            Ok(driver) => {
                self.drivers.insert(id, Driving { stop, task: tokio::spawn(driver.run()) });
                Ok(())
            }
            Err(error) => {
                self.holder.gives(id);
                account::release(&self.tools.on, self.holder.row.id, id, epoch).await?;
                Err(error)
            }
        }
    }

    /// Stops all drivers: each waits for its calls, closes its connection and gives its account back.
    async fn close(&mut self) {
        let tasks: Vec<JoinHandle<()>> = self
            .drivers
            .drain()
            .map(|(_, driving)| {
                driving.stop.cancel();
                driving.task
            })
            .collect();
        if tokio::time::timeout(END, futures_util::future::join_all(tasks)).await.is_err() {
            tracing::warn!("some accounts could not be given back in time: they will be taken over");
        }
    }
}

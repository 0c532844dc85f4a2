//! What runs: the API, the worker, the loops beside them; and how they end (R24).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{App, cause, life};
use domain::retention::endpoints::AT_HOME;
use providers::Sender;
use service::Services;
use service::access::{denial, seal, sso};
use service::alerts;
use service::broadcast::{batch, campaign};
use service::damage;
use service::imports;
use service::keep;
use service::loops::Loops;
use service::retention::{blocked, callback, instantly_keep, mailbox, sequence, switch};
use service::steering;
use service::sweeper;
use service::tally;
use service::tasks;
use storage::Db;
use storage::broadcast::channel_import;
use storage::retention::lead_import;
use telegram::simulated::{LEDGER, Simulated};
use telegram::{Messenger, Nobody};
use worker::{Tools, Worker};

/// How long requests that have begun may take to end.
const PATIENCE: Duration = Duration::from_secs(8);

/// The parts that a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Answers requests.
    pub api: bool,
    /// Sends.
    pub worker: bool,
}

/// An application that runs.
pub struct Running {
    app: App,
    address: SocketAddr,
    worker: Option<Worker>,
    stop: CancellationToken,
    loops: Loops,
    life: Arc<life::Kept>,
}

impl App {
    /// Starts the parts that are wanted, and what a process with these parts does besides.
    ///
    /// # Errors
    /// The address is taken, or the simulated messenger's ledger can't be read.
    pub async fn start(self, parts: Parts) -> Result<Running> {
        let stop = CancellationToken::new();
        let listener = if parts.api { listen(self.config.listen)? } else { self.listen_for_signs()? };
        let address = listener.local_addr()?;
        let is_whole = damage::is_whole(&self.services).await.map_err(cause)?;
        let kept = Arc::new(life::begin(&self.services, &self.config).await?);
        sequence::pause_other_world(&self.services).await.map_err(cause)?;
        batch::undo_interrupted(&self.services).await.map_err(cause)?;
        if !self.services.db.is_postgres() {
            // Nobody else is on this database: what is half done was left by a crash.
            campaign::undo_interrupted(&self.services).await.map_err(cause)?;
        }
        if !self.services.rules.endpoints.is_simulated && self.services.rules.endpoints.is_at_home() {
            tracing::warn!("{AT_HOME}");
        }
        let worker = if parts.worker && is_whole { Some(self.worker().await?) } else { None };
        let callbacks: Arc<Notify> = Arc::default();
        let mut loops = self.loops(parts, &callbacks, stop.clone());
        let ages = kept.clone();
        self.start_loop(&mut loops, "the age of the database", move |on, stop| life::run(on, ages.clone(), stop));
        if parts.api {
            loops.once("the API", self.api(callbacks, listener, stop.clone()));
        } else {
            let (services, options, stop) = (self.services.clone(), self.options(), stop.clone());
            loops.once("health and metrics", async move {
                http::serve_signs(services, options, listener, stop).await;
            });
        }
        Ok(Running { app: self, address, worker, stop, loops, life: kept })
    }

    /// Starts the loops of a process with these parts. Those of the worker live in its sessions: see [`worker`].
    fn loops(&self, parts: Parts, callbacks: &Arc<Notify>, stop: CancellationToken) -> Loops {
        let mut loops = Loops::until(stop);
        self.start_loop(&mut loops, "the sealer", seal::run);
        self.start_loop(&mut loops, "tasks", tasks::run);
        if self.services.db.is_clocked() {
            let clock = self.clock.clone();
            self.start_loop(&mut loops, "the steering of the clock", move |on, stop| {
                steering::run(on, clock.clone(), stop)
            });
        }
        if parts.api {
            self.start_loop(&mut loops, "imports of channels", imports::run::<channel_import::Entity>);
            self.start_loop(&mut loops, "imports of leads", imports::run::<lead_import::Entity>);
            self.start_loop(&mut loops, "refusals", denial::run);
            if self.services.rules.sso.as_ref().is_some_and(|issuer| issuer.is_remote()) {
                self.start_loop(&mut loops, "the keys of single sign-on", sso::keep_keys);
            }
            self.start_loop(&mut loops, "the sweeper", sweeper::run);
            self.start_loop(&mut loops, "what is kept no longer", keep::run);
            self.start_loop(&mut loops, "numbers of rows", tally::run);
            self.start_loop(&mut loops, "Instantly's block list", blocked::run);
            self.start_loop(&mut loops, "Instantly's campaigns", instantly_keep::run);
            let woken = callbacks.clone();
            self.start_loop(&mut loops, "the mailbox", move |on, stop| mailbox::run(on, woken.clone(), stop));
            let woken = callbacks.clone();
            self.start_loop(&mut loops, "callbacks", move |on, stop| callback::run(on, woken.clone(), stop));
        }
        if !self.services.rules.alerts.is_empty() {
            self.start_loop(&mut loops, "alerts", alerts::run);
        }
        self.start_loop(&mut loops, "the look for damage", damage::run);
        loops.start("metrics", http::metrics::keep);
        loops
    }

    fn start_loop<F>(
        &self,
        loops: &mut Loops,
        name: &'static str,
        run: impl Fn(Services, CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let on = self.services.clone();
        loops.start(name, move |stop| run(on.clone(), stop));
    }

    fn api(
        &self,
        callbacks: Arc<Notify>,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let options = self.options();
        let services = self.services.clone();
        async move {
            http::serve(services, options, callbacks, listener, stop).await;
        }
    }

    fn options(&self) -> http::Options {
        http::Options {
            origins: self.config.origins.clone(),
            public_url: self.config.public_url.clone(),
            trusted_proxies: self.config.trusted_proxies.clone(),
            sso_login_url: self.config.sso_login_url.clone(),
        }
    }

    /// Where a worker tells of itself: at `HERALD_LISTEN` if that is set, else at its own default, and where another worker has that
    /// already, at any port that is free.
    fn listen_for_signs(&self) -> Result<TcpListener> {
        if !self.config.is_listen_default {
            return listen(self.config.listen);
        }
        listen(SIGNS).or_else(|_| listen(SocketAddr::new(SIGNS.ip(), 0)))
    }

    async fn worker(&self) -> Result<Worker> {
        if !self.services.rules.is_simulated {
            let tools = Tools {
                on: self.services.clone(),
                beats: self.beats().await?,
                messenger: Arc::new(Nobody),
                contacts: self.contacts().await?,
                neighbour: Arc::new(|_: &Path| ()),
            };
            return Ok(Worker::start(tools));
        }
        let (clock, ledger) = (self.services.clock.clone(), self.config.rules.data_dir.join(LEDGER));
        let simulated = tokio::task::spawn_blocking(move || Simulated::open(&ledger, clock)).await??;
        let simulated = Arc::new(simulated);
        let contacts = self.contacts().await?;
        let tools = Tools {
            on: self.services.clone(),
            beats: self.beats().await?,
            messenger: simulated.clone() as Arc<dyn Messenger>,
            contacts,
            neighbour: Arc::new(move |folder: &Path| simulated.also_read(folder.join(LEDGER))),
        };
        Ok(Worker::start(tools))
    }

    /// The sender of contacts to leads.
    async fn contacts(&self) -> Result<Arc<dyn Sender>> {
        let on = self.services.clone();
        Ok(tokio::task::spawn_blocking(move || switch::sender(&on)).await??)
    }

    /// Signs of life wait for no busy pool.
    async fn beats(&self) -> Result<Db> {
        match &self.config.database_url {
            Some(url) => Db::postgres(url.expose_secret(), 1).await.map_err(cause),
            None => Ok(self.services.db.unnoticed()),
        }
    }
}

impl Running {
    /// Where it listens: the API, or what a worker tells of itself.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The use cases.
    pub fn services(&self) -> &Services {
        &self.app.services
    }

    /// Ends in order: no new sends and no new requests; what is in flight comes to its end; leases are given back.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let worker = self.worker.take();
        let worker = async move {
            if let Some(worker) = worker {
                worker.stop().await;
            }
        };
        tokio::join!(worker, self.loops.ended(PATIENCE));
        if let Err(error) = self.life.look(&self.app.services).await {
            tracing::warn!(?error, "the last age of the database is not noted");
        }
        drop(self.life);
        self.app.close().await;
    }
}

/// Where a worker tells of itself unless `HERALD_LISTEN` is set: beside an API on the same machine.
const SIGNS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8081);

/// Connections that may wait to be accepted: when ten thousand come at once, who comes after them is not turned away.
const BACKLOG: u32 = 4_096;

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| format!("HERALD_LISTEN: {address} can't be listened on"))
}

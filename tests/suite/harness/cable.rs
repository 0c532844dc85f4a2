//! A way to a server that can be long, that can be cut, that can stand still, and that can forget connections: both ends stay
//! open, and no byte passes any more, as when a failover, a router or a firewall has lost them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The way. It is there as long as the test.
pub struct Cable {
    pub port: u16,
    state: watch::Sender<State>,
    trips: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
struct State {
    /// Connections are let through, and new ones let in.
    is_whole: bool,
    /// Bytes pass.
    moves: bool,
    /// Connections of earlier generations are forgotten.
    generation: u32,
    /// How long bytes are on the way, in each direction.
    one_way: Duration,
}

/// How long a connection that is forgotten is there at its ends. A server finds out sooner, by its keepalives, that a client is gone;
/// here the wire answers those, and with every fault some connections more would be taken for good.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Bytes that one direction of a connection holds while they are on the way, in pieces of at most 64 KiB.
const ON_THE_WAY: usize = 256;

impl Cable {
    /// To `server`, such as `127.0.0.1:5432`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = watch::Sender::new(State { is_whole: true, moves: true, generation: 0, one_way: Duration::ZERO });
        let trips: Arc<AtomicUsize> = Arc::default();
        let (server, watched, counted) = (server.to_owned(), state.clone(), trips.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = watched.subscribe();
                if state.borrow().is_whole {
                    tokio::spawn(connect(client, server.clone(), state, counted.clone()));
                }
            }
        });
        Self { port, state, trips }
    }

    /// From now on a round trip to the server takes so much longer.
    pub fn lengthen(&self, round_trip: Duration) {
        self.state.send_modify(|state| state.one_way = round_trip / 2);
    }

    /// How many round trips its clients have made: how often one spoke after the server had.
    pub fn trips(&self) -> usize {
        self.trips.load(Ordering::Relaxed)
    }

    /// Connections are closed, and new ones not let in, until [`Self::mend`].
    pub fn cut(&self) {
        self.state.send_modify(|state| state.is_whole = false);
    }

    pub fn mend(&self) {
        self.state.send_modify(|state| state.is_whole = true);
    }

    /// The connections that are there now are lost without a word, for half a minute. New ones work.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// The server stands still until [`Self::go_on`]: nothing is lost.
    pub fn stand_still(&self) {
        self.state.send_modify(|state| state.moves = false);
    }

    pub fn go_on(&self) {
        self.state.send_modify(|state| state.moves = true);
    }
}

async fn connect(client: TcpStream, server: String, mut state: watch::Receiver<State>, trips: Arc<AtomicUsize>) {
    let generation = state.borrow().generation;
    let Ok(server) = TcpStream::connect(server).await else { return };
    // What is measured here is the way, not how long the kernel gathers small pieces.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (there, back) = (state.clone(), state.clone());
    let spoke = Arc::new(AtomicUsize::new(0));
    let (asked, answered) = (spoke.clone(), spoke);
    let pass = async {
        // Either side may end first, and the other ends with it.
        tokio::select! {
            () = pass(from_client, to_server, there, generation, move || {
                trips.fetch_add(asked.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            }) => {}
            () = pass(from_server, to_client, back, generation, move || answered.store(1, Ordering::Relaxed)) => {}
        }
    };
    let mut watched = state.clone();
    let forgotten = async {
        if watched.wait_for(|state| state.generation != generation).await.is_ok() {
            tokio::time::sleep(FORGOTTEN).await;
        }
    };
    tokio::select! {
        () = pass => {}
        () = forgotten => {}
        cut = state.wait_for(|state| !state.is_whole) => drop(cut),
    }
}

/// Passes bytes on in their order, each so much later as the way is long; `heard` is told of each piece as it comes in.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    generation: u32,
    heard: impl Fn(),
) {
    let (enter, mut leave) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let (mut bytes, way) = (vec![0; 1 << 16], state.clone());
    let take_in = async move {
        while let Ok(count) = from.read(&mut bytes).await
            && count > 0
        {
            heard();
            let arrives = Instant::now() + way.borrow().one_way;
            if enter.send((arrives, bytes[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let give_out = async move {
        while let Some((arrives, bytes)) = leave.recv().await {
            if arrives > Instant::now() {
                tokio::time::sleep_until(arrives).await;
            }
            // What is forgotten waits here, with both ends open; their ends are not told either.
            let may_pass = state.wait_for(|state| state.moves && state.generation == generation).await.is_ok();
            if !may_pass || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The end is told like a byte: not where connections are forgotten.
        drop(state.wait_for(|state| state.moves && state.generation == generation).await);
    };
    tokio::select! {
        () = give_out => {}
        () = async { take_in.await; std::future::pending().await } => {}
    }
}

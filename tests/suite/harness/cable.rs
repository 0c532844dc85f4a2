//! A way to a server that can be cut, that can stand still, and that can forget connections: both ends stay open, and no byte
//! passes any more, as when a failover, a router or a firewall has lost them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The way. It is there as long as the test.
pub struct Cable {
    pub port: u16,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy)]
struct State {
    /// Connections are let through, and new ones let in.
    is_whole: bool,
    /// Bytes pass.
    moves: bool,
    /// Connections of earlier generations are forgotten.
    generation: u32,
}

impl Cable {
    /// To `server`, such as `127.0.0.1:5432`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = watch::Sender::new(State { is_whole: true, moves: true, generation: 0 });
        let (server, watched) = (server.to_owned(), state.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = watched.subscribe();
                if state.borrow().is_whole {
                    tokio::spawn(connect(client, server.clone(), state));
                }
            }
        });
        Self { port, state }
    }

    /// Connections are closed, and new ones not let in, until [`Self::mend`].
    pub fn cut(&self) {
        self.state.send_modify(|state| state.is_whole = false);
    }

    pub fn mend(&self) {
        self.state.send_modify(|state| state.is_whole = true);
    }

    /// The connections that are there now are lost without a word. New ones work.
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

async fn connect(client: TcpStream, server: String, mut state: watch::Receiver<State>) {
    let generation = state.borrow().generation;
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (there, back) = (state.clone(), state.clone());
    let pass = async {
        // Either side may end first, and the other ends with it.
        tokio::select! {
            () = pass(from_client, to_server, there, generation) => {}
            () = pass(from_server, to_client, back, generation) => {}
        }
    };
    tokio::select! {
        () = pass => {}
        cut = state.wait_for(|state| !state.is_whole) => drop(cut),
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>, generation: u32) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut bytes).await;
        // What is forgotten waits here for ever, with both ends open; their ends are not told either.
        let may_pass = state.wait_for(|state| state.moves && state.generation == generation).await.is_ok();
        match read {
            Ok(count) if count > 0 && may_pass => {
                if to.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

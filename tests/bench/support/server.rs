//! The whole server in this process, on a benchmark's database, and somebody who has signed in.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use domain::role::Role;
use herald::app::{App, Parts, Running};
use herald::config::Settings;
use service::access::user::NewUser;
use service::access::{session, user};
use service::testing::KEY;
use service::{Actor, Services};

use super::Bench;

const PASSWORD: &str = "a password of some length";

/// A server, and the token of one of its users.
pub struct Server {
    running: Running,
    pub address: SocketAddr,
    pub token: String,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

impl Server {
    /// Starts `parts`, with `flags` for its settings.
    pub async fn start(bench: &Bench, parts: Parts, flags: &[&str]) -> anyhow::Result<Self> {
        let folder = format!("--data-dir={}", bench.folder.display());
        let line = ["herald", "--listen=127.0.0.1:0", "--telegram=simulated", &folder];
        let secret = |name: &str| (name == "HERALD_SECRET_KEY").then(|| STANDARD.encode(KEY));
        let config = Line::parse_from([&line, flags].concat()).settings.check(secret)?;
        let running = App::open(config).await?.start(parts).await?;
        let on = running.services();
        let name = format!("reader-{}", on.node);
        let reader = NewUser { username: name.clone(), password: PASSWORD.to_owned().into(), role: Role::Admin };
        user::create(on, &Actor::system(), reader).await?;
        let token = session::login(on, &Actor::anonymous(None), &name, PASSWORD.into()).await?.access;
        Ok(Self { address: running.address(), running, token })
    }

    /// The use cases, past the API.
    pub fn services(&self) -> &Services {
        self.running.services()
    }

    /// Ends as after SIGTERM.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

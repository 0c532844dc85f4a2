//! A Redis of one test's own, that can be stopped and started again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use events::redis::RedisEvents;
use tokio_util::sync::CancellationToken;

use super::needs::missing;

/// It ends with the test.
pub struct Redis {
    program: String,
    port: u16,
    child: Option<Child>,
    stop: CancellationToken,
}

impl Redis {
    /// None if there is no redis-server on this machine.
    pub fn start() -> Option<Self> {
        let named = std::env::var("HERALD_TEST_REDIS_SERVER").ok().filter(|path| !path.is_empty());
        let program = named.unwrap_or_else(|| "redis-server".into());
        if Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_err() {
            missing("redis-server");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { program, port, child: None, stop: CancellationToken::new() };
        redis.begin();
        Some(redis)
    }

    /// Starts it again, empty.
    pub fn begin(&mut self) {
        let port = self.port.to_string();
        let arguments = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        self.child = Some(Command::new(&self.program).args(arguments).stdout(Stdio::null()).spawn().unwrap());
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The events of one more process.
    pub fn events(&self) -> Arc<RedisEvents> {
        Arc::new(RedisEvents::start(&format!("redis://127.0.0.1:{}", self.port), "", &self.stop).unwrap())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop.cancel();
        self.end();
    }
}

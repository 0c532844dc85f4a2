//! Two processes on a real Redis, which is stopped, frozen and started again. Without a redis-server nothing is tested.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::*;
use domain::id::BroadcastCampaignId;

/// A Redis of this test's own; it ends with it.
struct Server {
    program: String,
    port: u16,
    child: Option<Child>,
}

impl Server {
    fn start() -> Option<Self> {
        let named = std::env::var("HERALD_TEST_REDIS_SERVER").ok().filter(|path| !path.is_empty());
        let program = named.unwrap_or_else(|| "redis-server".into());
        if Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_err() {
            let may_skip = std::env::var_os("HERALD_TEST_COMPLETE").is_none();
            assert!(may_skip, "there is no redis-server, and HERALD_TEST_COMPLETE lets no test be skipped");
            eprintln!("skipped: there is no redis-server");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { program, port, child: None };
        server.begin();
        Some(server)
    }

    fn begin(&mut self) {
        let port = self.port.to_string();
        let child = Command::new(&self.program)
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn process(&self, prefix: &str, stop: &CancellationToken) -> RedisEvents {
        RedisEvents::start(&format!("redis://127.0.0.1:{}", self.port), prefix, stop).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn some_event() -> Event {
    Event::Campaign(BroadcastCampaignId::generate())
}

/// Waits until `event` arrives and returns what came before it.
async fn until(receiver: &mut Subscription, event: Event) -> Vec<Event> {
    let wait = async {
        let mut before = Vec::new();
        loop {
            match receiver.next().await {
                found if found == event => return before,
                other => before.push(other),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it arrives")
}

#[tokio::test]
async fn what_one_process_publishes_reaches_the_other_and_itself_only_once() {
    let Some(redis) = Server::start() else { return };
    let stop = CancellationToken::new();
    let (a, b, foreign) = (redis.process("", &stop), redis.process("", &stop), redis.process("other:", &stop));
    let (mut at_a, mut at_b, mut at_foreign) = (a.subscribe(), b.subscribe(), foreign.subscribe());
    for receiver in [&mut at_a, &mut at_b, &mut at_foreign] {
        until(receiver, Event::Resync).await;
    }
    let (first, last) = (some_event(), some_event());
    a.publish(first);
    assert_eq!(until(&mut at_b, first).await, []);
    b.publish(last);
    assert_eq!(until(&mut at_a, last).await, [first], "its own event came directly, and not again over Redis");
    assert!(!at_foreign.have_come(|_| true), "another installation hears nothing");
}

#[tokio::test]
async fn after_a_restart_of_redis_all_look_again_and_what_waited_is_told() {
    let Some(mut redis) = Server::start() else { return };
    let stop = CancellationToken::new();
    let (a, b) = (redis.process("", &stop), redis.process("", &stop));
    let mut at_b = b.subscribe();
    until(&mut at_b, Event::Resync).await;
    redis.end();
    let meanwhile = some_event();
    a.publish(meanwhile);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!at_b.have_come(|_| true));
    redis.begin();
    until(&mut at_b, Event::Resync).await;
    let later = some_event();
    a.publish(later);
    until(&mut at_b, later).await;
}

#[tokio::test]
async fn a_redis_that_answers_no_more_is_noticed() {
    let Some(redis) = Server::start() else { return };
    let stop = CancellationToken::new();
    let (a, b) = (redis.process("", &stop), redis.process("", &stop));
    let mut at_b = b.subscribe();
    until(&mut at_b, Event::Resync).await;
    redis.signal("STOP");
    tokio::time::sleep(SILENCE_AND_PATIENCE).await;
    redis.signal("CONT");
    until(&mut at_b, Event::Resync).await;
    let later = some_event();
    a.publish(later);
    until(&mut at_b, later).await;
}

/// By then a frozen Redis has been given up.
const SILENCE_AND_PATIENCE: Duration = Duration::from_millis(3_500);

#[tokio::test]
async fn both_tasks_end_with_the_token() {
    let Some(redis) = Server::start() else { return };
    let stop = CancellationToken::new();
    let a = redis.process("", &stop);
    let mut at_a = a.subscribe();
    until(&mut at_a, Event::Resync).await;
    let outbox = Arc::downgrade(&a.outbox);
    drop(a);
    stop.cancel();
    let closed = async {
        while at_a.0.recv().await.is_ok() || outbox.upgrade().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.expect("nobody holds the channel any more");
}

#[tokio::test]
async fn an_address_that_makes_no_sense_is_refused() {
    assert!(RedisEvents::start("http://localhost", "", &CancellationToken::new()).is_err());
}

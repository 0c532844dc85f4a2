//! What the contract promises of the simulated Telegram: the markers and the ledger's lines.

mod ledgers;

use std::fs;
use std::future::poll_fn;
use std::task::Poll;

use chrono::DateTime;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use domain::clock::VirtualClock;
use domain::markup::Marked;

/// One or more processes on a host, each with a data folder.
struct Host {
    folder: TempDir,
    clock: Arc<VirtualClock>,
}

impl Host {
    fn new() -> Self {
        let start = DateTime::from_timestamp_millis(1_700_000_000_123).expect("an instant");
        Self { folder: TempDir::new().expect("a folder"), clock: Arc::new(VirtualClock::at(start)) }
    }

    fn path(&self, process: &str) -> PathBuf {
        self.folder.path().join(format!("{process}.jsonl"))
    }

    fn open(&self, process: &str) -> Simulated {
        Simulated::open(&self.path(process), self.clock.clone()).expect("it opens")
    }

    fn lines(&self, process: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(process)).expect("a ledger");
        assert!(text.is_empty() || text.ends_with('\n'), "torn: {text:?}");
        text.lines().map(|line| serde_json::from_str(line).expect("whole lines of JSON")).collect()
    }

    fn pass(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }
}

fn plain(text: &str) -> Arc<Marked> {
    Arc::new(Marked::plain(text.into()))
}

fn to(username: &str, random_id: i64) -> Outgoing {
    Outgoing {
        peer: Peer::Channel { username: username.into() },
        text: plain("Grüße\n\"you\""),
        has_media: false,
        random_id,
    }
}

const fn accepted(message_id: i64) -> Receipt {
    Receipt::Accepted { message_id: Some(message_id) }
}

const DUPLICATE: Reply = Ok(Receipt::Duplicate);

#[tokio::test]
async fn an_acceptance_is_in_the_ledger_to_the_letter() {
    let host = Host::new();
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("News", i64::MIN)).await, Ok(accepted(1)));
    host.pass(1_500);
    let note = Outgoing { peer: Peer::SavedMessages, text: plain("note"), has_media: false, random_id: 7 };
    assert_eq!(telegram.send(note).await, Ok(accepted(2)));
    let text = fs::read_to_string(host.path("a")).expect("a ledger");
    let first = r#"{"at":"2023-11-14T22:13:20.123Z","username":"News","randomId":"-9223372036854775808","text":"Grüße\n\"you\""}"#;
    let second = r#"{"at":"2023-11-14T22:13:21.623Z","username":"me","randomId":"7","text":"note"}"#;
    assert_eq!(text, format!("{first}\n{second}\n"));
}

#[tokio::test]
async fn what_telegram_refuses_is_refused_and_is_not_in_the_ledger() {
    let host = Host::new();
    let telegram = host.open("a");
    let long = "x".repeat(1_025);
    for (text, has_media, refusal) in [
        ("", false, Some("MESSAGE_EMPTY")),
        (" \n", false, Some("MESSAGE_EMPTY")),
        (long.as_str(), true, Some("MEDIA_CAPTION_TOO_LONG")),
        (long.as_str(), false, None),
        ("", true, None),
    ] {
        let random_id = 1 + i64::from(has_media) + i64::try_from(text.len()).expect("small");
        let peer = Peer::Channel { username: "news".into() };
        let reply = telegram.send(Outgoing { peer, text: plain(text), has_media, random_id }).await;
        assert_eq!(reply.err().map(|fault| fault.to_string()).as_deref(), refusal, "{text:?}");
    }
    assert_eq!(host.lines("a").len(), 2);
}

#[tokio::test]
async fn a_random_id_is_refused_twice_also_after_a_restart() {
    let host = Host::new();
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("news", 1)).await, Ok(accepted(1)));
    assert_eq!(telegram.send(to("news", 1)).await, DUPLICATE);
    drop(telegram);
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("other", 1)).await, DUPLICATE);
    assert_eq!(telegram.send(to("news", 2)).await, Ok(accepted(2)));
    assert_eq!(host.lines("a").len(), 2);
}

#[tokio::test]
async fn markers_that_never_accept() {
    let host = Host::new();
    let telegram = host.open("a");
    let never = [
        ("a_forbidden", 403, "CHAT_WRITE_FORBIDDEN"),
        ("a_nobody", 400, "USERNAME_NOT_OCCUPIED"),
        ("A_ERROR500", 500, "RPC_CALL_FAIL"),
    ];
    for (username, code, name) in never {
        for _ in 0..2 {
            assert_eq!(telegram.send(to(username, 1)).await, Err(Fault::rpc(code, name)));
        }
    }
    assert!(host.lines("a").is_empty());
}

#[tokio::test]
async fn flood_and_slow_mode_demand_their_wait_once_for_each_message() {
    for (username, other_case, name) in
        [("a_flood30", "A_Flood30", "FLOOD_WAIT"), ("a_slow30", "A_Slow30", "SLOWMODE_WAIT")]
    {
        let host = Host::new();
        let telegram = host.open("a");
        let wait = |seconds: u32| Err(Fault::rpc(420, &format!("{name}_{seconds}")));
        assert_eq!(telegram.send(to(username, 1)).await, wait(30));
        host.pass(100);
        assert_eq!(telegram.send(to(username, 1)).await, wait(30), "rounded up");
        host.pass(19_900);
        assert_eq!(telegram.send(to(other_case, 2)).await, wait(10), "another message waits along");
        host.pass(9_999);
        assert_eq!(telegram.send(to(username, 1)).await, wait(1), "at least a second");
        assert_eq!(
            telegram.send(to("b_forbidden", 4)).await,
            Err(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN")),
            "others are free"
        );
        assert_eq!(telegram.send(to("news", 5)).await, Ok(accepted(1)), "others are free");
        host.pass(1);
        assert_eq!(telegram.send(to(username, 1)).await, Ok(accepted(2)));
        assert_eq!(telegram.send(to(username, 2)).await, Ok(accepted(3)), "it has waited, too");
        assert_eq!(telegram.send(to(username, 3)).await, wait(30), "each message once");
        assert_eq!(telegram.send(to(username, 1)).await, DUPLICATE, "accepted is accepted");
        assert_eq!(host.lines("a").len(), 3);
    }
}

#[tokio::test]
async fn a_flood_of_no_seconds_is_over_at_once() {
    let host = Host::new();
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("a_flood0", 1)).await, Err(Fault::rpc(420, "FLOOD_WAIT_0")));
    assert_eq!(telegram.send(to("a_flood0", 1)).await, Ok(accepted(1)));
}

#[tokio::test]
async fn a_connection_that_drops_before_took_nothing_and_one_that_drops_after_took_it() {
    let host = Host::new();
    let telegram = host.open("a");
    assert_eq!(telegram.send(to("a_dropbefore", 1)).await, Err(Fault::ConnectionLost));
    assert!(host.lines("a").is_empty());
    assert_eq!(telegram.send(to("a_dropbefore", 1)).await, Ok(accepted(1)));
    assert_eq!(telegram.send(to("a_dropbefore", 1)).await, DUPLICATE);
    assert_eq!(telegram.send(to("a_dropafter", 2)).await, Err(Fault::ConnectionLost));
    assert_eq!(host.lines("a")[1]["randomId"], json!("2"));
    assert_eq!(telegram.send(to("a_dropafter", 2)).await, DUPLICATE);
    assert_eq!(host.lines("a").len(), 2);
}

#[tokio::test]
async fn a_slow_reply_is_accepted_with_the_first_poll() {
    let host = Host::new();
    let telegram = host.open("a");
    let mut reply = telegram.send(to("a_slow_reply", 1));
    assert!(host.lines("a").is_empty(), "nothing happens before the first poll");
    for millis in [0, 1_999] {
        host.pass(millis);
        assert!(poll_fn(|context| Poll::Ready(reply.as_mut().poll(context))).await.is_pending());
        assert_eq!(host.lines("a").len(), 1);
    }
    host.pass(1);
    assert_eq!(reply.await, Ok(accepted(1)));
}

#[tokio::test]
async fn the_no_op_accepts_everything() {
    for _ in 0..2 {
        assert_eq!(NoOp.send(to("news_forbidden", 1)).await, Ok(Receipt::Accepted { message_id: None }));
    }
}

#[tokio::test]
async fn an_edit_that_telegram_would_refuse_is_refused() {
    let host = Host::new();
    let telegram = host.open("a");
    assert!(telegram.send(to("proofzzz", 1)).await.is_ok());
    let edit = async |text: &str, has_media| {
        let peer = Peer::Channel { username: "proofzzz".into() };
        telegram.alter(Alteration { peer, random_id: 1, text: Some(plain(text)), has_media }).await
    };
    assert_eq!(edit(" \n", false).await, Err(Fault::rpc(400, "MESSAGE_EMPTY")));
    assert_eq!(edit(&"x".repeat(4_097), false).await, Err(Fault::rpc(400, "MESSAGE_TOO_LONG")));
    assert_eq!(edit(&"x".repeat(1_025), true).await, Err(Fault::rpc(400, "MEDIA_CAPTION_TOO_LONG")));
    assert_eq!(host.lines("a").len(), 1, "nothing of it is in the ledger");
    assert_eq!((edit("", true).await, edit("new", false).await), (Ok(()), Ok(())));
    assert_eq!(host.lines("a").len(), 3);
}

//! One account's connection: what it survives, and what it never does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::delivery::{Fault, Receipt};
use domain::markup::{self, Marked};
use domain::session_string::SessionString;
use telegram::live::{Connection, Credentials, Message, Recipient};

use crate::harness::eventually;
use crate::harness::telegram::{On, Play, TelegramServer};

async fn connect(server: &TelegramServer) -> Connection {
    Connection::connect(server.credentials(0)).await.unwrap().0
}

fn message(to: Recipient, text: &str, random_id: i64) -> Message {
    Message { to, text: Arc::new(Marked::plain(text.into())), random_id }
}

const fn number(message_id: i64) -> Receipt {
    Receipt::Accepted { message_id: Some(message_id) }
}

/// Sends, as soon as the connection takes it; it must do so within five seconds.
async fn send_within_five_seconds(connection: &Connection, message: &Message) -> Result<Receipt, Fault> {
    let started = Instant::now();
    connection.ready(Duration::from_secs(5)).await.unwrap();
    let reply = connection.send(message).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    reply
}

#[tokio::test]
async fn an_account_is_known_resolves_and_sends() {
    let server = TelegramServer::start(1).await;
    let (connection, identity) = Connection::connect(server.credentials(0)).await.unwrap();
    assert_eq!((identity.user_id, identity.phone.as_deref()), (server.user_id(0), Some("15550000000")));
    let found = connection.resolve("news").await.unwrap();
    assert_eq!((found.title.as_str(), found.is_verified, found.member_count), ("The news", true, Some(1234)));
    assert_eq!(connection.send(&message(found.recipient, "Hello", 11)).await, Ok(number(1)));
    assert_eq!(connection.send(&message(Recipient::SavedMessages, "Test", 12)).await, Ok(number(2)));
    let sent = server.accepted();
    assert_eq!((sent[0].username.as_str(), sent[0].text.as_str(), sent[0].random_id), ("news", "Hello", 11));
    assert_eq!(sent[1].username, "me");
    let Recipient::Channel { id, access_hash } = found.recipient else { panic!("{found:?}") };
    let foreign = Recipient::Channel { id, access_hash: access_hash + 1 };
    assert_eq!(connection.send(&message(foreign, "Hello", 13)).await, Err(Fault::rpc(400, "PEER_ID_INVALID")));
    connection.close().await;
}

#[tokio::test]
async fn looks_arrive_as_entities() {
    use grammers_tl_types::enums::MessageEntity as E;
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    let html = "<b>a</b><i>b</i><u>c</u><s>d</s><tg-spoiler>e</tg-spoiler><code>f</code>\
        <pre><code class=\"language-rust\">g</code></pre><blockquote expandable>h</blockquote>\
        <a href=\"https://example.com/\">i</a><tg-emoji emoji-id=\"5368324170671202286\">👍</tg-emoji>";
    let text = Arc::new(markup::read(html).unwrap());
    let message = Message { to: Recipient::SavedMessages, text, random_id: 1 };
    connection.send(&message).await.unwrap();
    let sent = &server.accepted()[0];
    assert_eq!(sent.text, "abcdefghi👍");
    assert!(
        matches!(
            &sent.entities[..],
            [E::Bold(_), E::Italic(_), E::Underline(_), E::Strike(_), E::Spoiler(_), E::Code(_), E::Pre(pre), E::Blockquote(quote), E::TextUrl(link), E::CustomEmoji(emoji)]
                if pre.language == "rust" && quote.collapsed && link.url == "https://example.com/" && emoji.document_id == 5_368_324_170_671_202_286
                    && (emoji.offset, emoji.length) == (9, 2)
        ),
        "{:?}",
        sent.entities
    );
}

#[tokio::test]
async fn an_error_is_told_as_it_is_and_never_slept_on() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    for error in ["FLOOD_WAIT_3", "SLOWMODE_WAIT_60", "CHAT_WRITE_FORBIDDEN", "PEER_FLOOD", "RPC_CALL_FAIL"] {
        server.play(On::send_to("me"), Play::Error(error));
        let started = Instant::now();
        let fault = connection.send(&message(Recipient::SavedMessages, "Hello", 5)).await.unwrap_err();
        assert_eq!(fault.to_string(), error);
        assert!(started.elapsed() < Duration::from_secs(3), "it was slept on");
    }
    assert_eq!(server.accepted().len(), 0);
    let long = "x".repeat(5000);
    let fault = connection.send(&message(Recipient::SavedMessages, &long, 6)).await.unwrap_err();
    assert_eq!(fault, Fault::rpc(400, "MESSAGE_TOO_LONG"));
}

#[tokio::test]
async fn what_was_accepted_before_the_connection_was_lost_is_not_accepted_twice() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    let hello = message(Recipient::SavedMessages, "Hello", 21);
    server.play(On::send_to("me"), Play::DropAfter);
    assert_eq!(connection.send(&hello).await, Err(Fault::ConnectionLost));
    assert_eq!(send_within_five_seconds(&connection, &hello).await, Ok(Receipt::Duplicate));
    server.echo_repetitions();
    assert_eq!(connection.send(&hello).await, Ok(number(1)));
    server.play(On::send_to("me"), Play::DropBefore);
    let other = message(Recipient::SavedMessages, "Other", 22);
    assert_eq!(connection.send(&other).await, Err(Fault::ConnectionLost));
    assert_eq!(send_within_five_seconds(&connection, &other).await, Ok(number(2)));
    assert_eq!((server.accepted().len(), server.doubled_connections()), (2, 0));
}

/// Whatever the server does to one send, the next one succeeds within five seconds after that has failed.
async fn survives(play: Play) {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    server.play(On::send_to("me"), play);
    let hello = message(Recipient::SavedMessages, "Hello", 31);
    let started = Instant::now();
    // Had it been the time-out of calls, it would say so.
    assert_eq!(connection.send(&hello).await, Err(Fault::ConnectionLost));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let reply = send_within_five_seconds(&connection, &hello).await;
    assert!(reply.is_ok(), "{reply:?}");
    assert_eq!((server.accepted().len(), server.doubled_connections()), (1, 0));
}

#[tokio::test]
async fn a_negative_length_is_survived() {
    survives(Play::NegativeLength).await;
}

#[tokio::test]
async fn a_bad_future_salt_is_survived() {
    survives(Play::BadFutureSalt).await;
}

#[tokio::test]
async fn a_message_copy_is_survived() {
    survives(Play::MessageCopy).await;
}

#[tokio::test]
async fn silence_is_survived() {
    survives(Play::Silence).await;
}

#[tokio::test]
async fn silence_after_acceptance_is_survived() {
    survives(Play::SilenceAfter).await;
}

#[tokio::test]
async fn an_error_of_the_transport_is_survived() {
    survives(Play::Transport(429)).await;
}

#[tokio::test]
async fn nonsense_is_survived() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    server.play(On::method("help.getConfig"), Play::Nonsense);
    server.drop_all();
    let hello = message(Recipient::SavedMessages, "Hello", 32);
    eventually("the end was noticed", async || server.open_connections(0) == 0).await;
    connection.ready(Duration::from_secs(9)).await.unwrap();
    assert_eq!(connection.send(&hello).await, Ok(number(1)));
}

#[tokio::test]
async fn a_slow_answer_of_a_living_server_is_awaited() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    server.play(On::send_to("me"), Play::Late(Duration::from_secs(5)));
    let started = Instant::now();
    assert_eq!(connection.send(&message(Recipient::SavedMessages, "Hello", 33)).await, Ok(number(1)));
    assert!(started.elapsed() >= Duration::from_secs(5));
    assert!(server.accepted()[0].at >= started + Duration::from_secs(5));
}

#[tokio::test]
async fn accounts_have_connections_of_their_own() {
    let server = TelegramServer::start(2).await;
    let (one, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let (two, _) = Connection::connect(server.credentials(1)).await.unwrap();
    server.play(On::resolve("news").by(1), Play::Error("USERNAME_NOT_OCCUPIED"));
    assert_eq!(two.resolve("news").await, Err(Fault::rpc(400, "USERNAME_NOT_OCCUPIED")));
    let (mine, yours) = (one.resolve("news").await.unwrap(), two.resolve("news").await.unwrap());
    assert_eq!(mine.peer_id, yours.peer_id);
    assert_ne!(mine.recipient, yours.recipient);
    two.send(&message(yours.recipient, "Hello", 1)).await.unwrap();
    one.send(&message(mine.recipient, "Hello", 1)).await.unwrap();
    let senders: Vec<_> = server.accepted().iter().map(|sent| sent.account).collect();
    assert_eq!(senders, [1, 0]);
    let calls = server.calls();
    let connections = calls.iter().filter(|call| call.random_id == Some(1)).map(|call| (call.account, call.connection));
    assert_eq!(connections.collect::<Vec<_>>(), [(1, 2), (0, 1)]);
    assert!(calls.is_sorted_by_key(|call| call.at) && calls.iter().all(|call| call.method != "unknown"));
    assert!(calls.iter().any(|call| call.username.as_deref() == Some("news")));
}

#[tokio::test]
async fn a_session_string_leads_to_the_same_account() {
    let server = TelegramServer::start(1).await;
    let session = SessionString::read(&server.session_string(0)).unwrap();
    let key = Arc::new(*session.key);
    let (_connection, identity) =
        Connection::connect(Credentials { dc: session.dc, key, ..server.credentials(0) }).await.unwrap();
    assert_eq!(identity.user_id, server.user_id(0));
}

#[tokio::test]
async fn a_server_that_never_tells_its_salts_is_survived() {
    let server = TelegramServer::start(1).await;
    server.play(On::method("get_future_salts"), Play::Silence);
    let connection = Connection::open(server.credentials(0));
    let started = Instant::now();
    connection.ready(Duration::from_secs(9)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(4), "the server was not silent");
    connection.send(&message(Recipient::SavedMessages, "Hello", 1)).await.unwrap();
}

#[tokio::test]
async fn a_call_without_an_answer_ends_after_ten_seconds_and_not_before() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    server.play(On::send_to("me"), Play::NoAnswer);
    let hello = message(Recipient::SavedMessages, "Hello", 41);
    let started = Instant::now();
    assert_eq!(connection.send(&hello).await, Err(Fault::TimedOut));
    assert!(started.elapsed() >= Duration::from_secs(10));
    assert_eq!(send_within_five_seconds(&connection, &hello).await, Ok(Receipt::Duplicate));
}

#[tokio::test]
async fn a_key_that_telegram_has_forgotten_is_kept_and_no_other_is_taken() {
    let server = TelegramServer::start(1).await;
    let credentials = server.credentials(0);
    server.forget_key(0);
    let connection = Connection::open(credentials.clone());
    eventually("a new key was asked for", async || server.handshakes() > 0).await;
    assert!(!connection.is_ready());
    connection.close().await;
    assert_eq!(server.accepted().len(), 0);
}

#[tokio::test]
async fn a_transport_404_leaves_the_key_as_it_is() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    server.play(On::method("help.getConfig"), Play::Transport(404));
    server.drop_all();
    eventually("a new key was asked for", async || server.handshakes() > 0).await;
    let hello = message(Recipient::SavedMessages, "Hello", 51);
    assert_eq!(send_within_five_seconds(&connection, &hello).await, Ok(number(1)));
}

#[tokio::test]
async fn an_account_that_was_signed_out_is_refused_once() {
    let server = TelegramServer::start(1).await;
    server.sign_out(0);
    let refused = Connection::connect(server.credentials(0)).await;
    assert_eq!(refused.err(), Some(Fault::rpc(401, "AUTH_KEY_UNREGISTERED")));
    let asked = server.calls().iter().filter(|call| call.method == "users.getUsers").count();
    assert_eq!(asked, 1);
    eventually("the socket is closed", async || server.open_connections(0) == 0).await;
}

#[tokio::test]
async fn closed_means_closed() {
    let server = TelegramServer::start(1).await;
    let connection = Arc::new(connect(&server).await);
    server.play(On::send_to("me"), Play::NoAnswer);
    let hello = message(Recipient::SavedMessages, "Hello", 61);
    let pending = tokio::spawn({
        let connection = connection.clone();
        async move { connection.send(&hello).await }
    });
    eventually("it was accepted", async || server.accepted().len() == 1).await;
    connection.close().await;
    assert_eq!(pending.await.unwrap(), Err(Fault::ConnectionLost));
    eventually("the socket is closed", async || server.open_connections(0) == 0).await;
    let late = message(Recipient::SavedMessages, "Late", 62);
    assert_eq!(connection.send(&late).await, Err(Fault::NotConnected));
    connection.close().await;
}

#[tokio::test]
async fn an_abort_needs_nobody_to_wait() {
    let server = TelegramServer::start(1).await;
    let connection = connect(&server).await;
    std::thread::spawn(move || connection.abort()).join().unwrap();
    eventually("the socket is closed", async || server.open_connections(0) == 0).await;
}

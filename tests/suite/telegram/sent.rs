//! Messages that were sent: found, changed and taken back.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use domain::delivery::{Fault, Receipt};
use domain::markup::{self, Marked};
use telegram::live::{Connection, Message, Recipient, Sighting, Span};

use crate::harness::telegram::{On, Play, TelegramServer};

async fn send(connection: &Connection, to: Recipient, text: &str, random_id: i64) -> i32 {
    let text = Arc::new(Marked::plain(text.into()));
    match connection.send(&Message { to, text, random_id }).await {
        Ok(Receipt::Accepted { message_id: Some(id) }) => i32::try_from(id).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_changed_and_taken_back() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let news = connection.resolve("news").await.unwrap().recipient;
    for (to, random_id) in [(news, 1), (Recipient::SavedMessages, 2)] {
        let id = send(&connection, to, "Helo", random_id).await;
        let better = markup::read("<b>Hello</b>").unwrap();
        connection.edit(to, id, &better).await.unwrap();
        connection.edit(to, id, &better).await.unwrap();
        let post = server.accepted().pop().unwrap();
        assert_eq!((post.text.as_str(), post.entities.len(), post.is_deleted), ("Hello", 1, false));
        connection.delete(to, vec![id]).await.unwrap();
        connection.delete(to, vec![id]).await.unwrap();
        assert!(server.accepted().pop().unwrap().is_deleted);
        assert_eq!(connection.edit(to, id, &better).await, Err(Fault::rpc(400, "MESSAGE_ID_INVALID")));
    }
    server.play(On::method("channels.deleteMessages"), Play::Error("MESSAGE_DELETE_FORBIDDEN"));
    assert_eq!(connection.delete(news, vec![1]).await, Err(Fault::rpc(403, "MESSAGE_DELETE_FORBIDDEN")));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the server's clock is the system's")]
async fn a_send_of_unknown_fate_is_found_in_the_history_or_is_not() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let news = connection.resolve("news").await.unwrap().recipient;
    let now = Utc::now();
    let span = Span { from: now - TimeDelta::seconds(2), until: now + TimeDelta::seconds(5) };
    assert_eq!(connection.find_sent(news, "Hello", false, span).await, Ok(Sighting::Missing));
    let id = send(&connection, news, "Hello", 1).await;
    assert_eq!(connection.find_sent(news, "Hello", false, span).await, Ok(Sighting::Sent(i64::from(id))));
    assert_eq!(connection.find_sent(news, "Good-bye", false, span).await, Ok(Sighting::Missing));
    let earlier = Span { from: now - TimeDelta::seconds(60), until: now - TimeDelta::seconds(30) };
    assert_eq!(connection.find_sent(news, "Hello", false, earlier).await, Ok(Sighting::Missing));
    for number in 2..=310 {
        send(&connection, news, "Another", number).await;
    }
    assert_eq!(connection.find_sent(news, "Hello", false, span).await, Ok(Sighting::Unclear));
}

/// Telegram keeps a text without blanks at its ends and without carriage returns.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the server's clock is the system's")]
async fn a_text_that_telegram_has_trimmed_is_found() {
    let server = TelegramServer::start(1).await;
    server.trim_texts();
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let news = connection.resolve("news").await.unwrap().recipient;
    let text = "\n  Hello\r\nall of you \n";
    let id = send(&connection, news, text, 1).await;
    assert_eq!(server.accepted()[0].text, "Hello\nall of you");
    let now = Utc::now();
    let span = Span { from: now - TimeDelta::seconds(5), until: now + TimeDelta::seconds(5) };
    assert_eq!(connection.find_sent(news, text, false, span).await, Ok(Sighting::Sent(id.into())));
    assert_eq!(connection.find_sent(news, text, true, span).await, Ok(Sighting::Missing), "nothing is attached to it");
}

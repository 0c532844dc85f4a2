//! What Telegram tells of a channel.

use domain::broadcast::{CanPost, PeerKind};
use domain::delivery::Fault;
use telegram::live::{Connection, Description, Recipient};

use crate::harness::eventually;
use crate::harness::telegram::{Facts, On, Play, TelegramServer};

async fn describe(connection: &Connection, username: &str) -> Description {
    let found = connection.resolve(username).await.unwrap();
    connection.describe(found.recipient).await.unwrap()
}

#[tokio::test]
async fn a_channel_tells_what_it_is_and_whether_it_takes_our_messages() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let facts =
        Facts { about: "All the news".into(), members: 77, slow_mode: Some(30), price: Some(5), ..Facts::default() };
    server.describe("news", facts);
    let news = describe(&connection, "news").await;
    let expected = Description {
        title: "The news".into(),
        about: "All the news".into(),
        member_count: Some(77),
        is_verified: true,
        slow_mode_seconds: Some(30),
        message_price: Some(5),
        can_post: CanPost::Yes,
    };
    assert_eq!(news, expected);
    let cases = [
        ("readers", Facts { is_admin: false, ..Facts::default() }, CanPost::No),
        ("chat", Facts { is_group: true, is_admin: false, ..Facts::default() }, CanPost::Yes),
        ("muted", Facts { is_group: true, is_admin: false, is_muted: true, ..Facts::default() }, CanPost::No),
        ("mine", Facts { is_group: true, is_muted: true, ..Facts::default() }, CanPost::Yes),
    ];
    for (username, facts, can_post) in cases {
        server.describe(username, facts);
        let described = describe(&connection, username).await;
        assert_eq!((username, described.can_post), (username, can_post));
        assert_eq!((described.slow_mode_seconds, described.message_price), (None, None));
    }
    let nobody = connection.describe(Recipient::SavedMessages).await;
    assert_eq!(nobody, Err(Fault::rpc(400, "CHANNEL_INVALID")));
    server.play(On::method("channels.getFullChannel"), Play::Error("CHANNEL_PRIVATE"));
    let found = connection.resolve("news").await.unwrap();
    assert_eq!(connection.describe(found.recipient).await, Err(Fault::rpc(400, "CHANNEL_PRIVATE")));
}

#[tokio::test]
async fn a_look_up_tells_the_sort_of_a_peer() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    server.describe("chat", Facts { is_group: true, ..Facts::default() });
    server.describe("topics", Facts { is_forum: true, ..Facts::default() });
    for (username, kind) in [
        ("news", PeerKind::Channel),
        ("chat", PeerKind::Group),
        ("topics", PeerKind::Forum),
        ("person_ann", PeerKind::Person),
        ("robot_helper", PeerKind::Bot),
    ] {
        assert_eq!(connection.resolve(username).await.unwrap().kind, kind, "{username}");
    }
}

/// Only Telegram tells: most session strings don't.
#[tokio::test]
async fn a_bot_is_not_let_in_as_a_sender() {
    let server = TelegramServer::start(1).await;
    server.make_bot(0);
    let told = Connection::connect(server.credentials(0)).await.map(drop);
    assert_eq!(told, Err(Fault::rpc(401, telegram::live::BOT_SESSION)));
    eventually("it has hung up", async || server.open_connections(0) == 0).await;
}

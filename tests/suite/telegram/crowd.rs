//! Many accounts in one process.

use telegram::live::{Connection, Message, Recipient};

use crate::harness::telegram::TelegramServer;

/// Resident memory of this process, in KiB.
fn memory() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Each sends one message; the memory that they take, with the server's side of them, is printed.
#[tokio::test]
async fn heavy_many_accounts_are_connected_at_once() {
    let accounts = std::env::var("HERALD_TEST_ACCOUNTS").map_or(20, |count| count.parse().unwrap());
    let server = TelegramServer::start(accounts).await;
    let before = memory();
    let mut connections = Vec::new();
    for account in 0..accounts {
        connections.push(Connection::connect(server.credentials(account)).await.unwrap().0);
    }
    for connection in &connections {
        let text = std::sync::Arc::new(domain::markup::Marked::plain("Hello".into()));
        connection.send(&Message { to: Recipient::SavedMessages, text, random_id: 1 }).await.unwrap();
    }
    let after = memory();
    println!("{accounts} accounts connected: {} KiB before, {} KiB more", before, after - before);
    assert!((0..accounts).all(|account| server.open_connections(account) == 1));
    // 200 of them took 28 MiB with the server's side, most of it for the first.
    assert!(after - before < 64 * 1024 + 256 * i64::try_from(accounts).unwrap(), "they take too much");
    futures_util::future::join_all(connections.iter().map(Connection::close)).await;
    assert_eq!((server.accepted().len(), server.doubled_connections()), (accounts, 0));
}

//! Telegram over the wire: a server that speaks MTProto, and the real client.

mod connection;

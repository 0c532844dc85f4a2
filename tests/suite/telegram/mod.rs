//! Telegram over the wire: a server that speaks MTProto, and the real client.

mod channel;
mod connection;
mod crowd;
mod media;
mod sent;

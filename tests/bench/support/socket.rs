//! A WebSocket client that costs next to nothing: thousands of them share the process with the server that they measure.

use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 0x1;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// The bit that says that a payload is masked.
const MASKED: u8 = 0x80;
/// The length that says that two bytes with the true one follow.
const LONG: u8 = 0x7E;

/// One socket, whose server knows who is there.
pub struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been heard.
    heard: usize,
}

impl Socket {
    /// Connects, and introduces itself with a token.
    pub async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, buffer: Vec::new(), heard: 0 };
        loop {
            socket.fill().await?;
            if let Some(end) = socket.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                ensure!(socket.buffer.starts_with(b"HTTP/1.1 101"), "the server does not upgrade");
                socket.heard = end + 4;
                break;
            }
        }
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket.say(&json!({ "type": "connection_init", "payload": payload }).to_string()).await?;
        let answer = socket.hear().await?;
        ensure!(answer.contains("connection_ack"), "{answer}");
        Ok(socket)
    }

    /// Sends a text.
    pub async fn say(&mut self, text: &str) -> Result<()> {
        self.send(TEXT, text.as_bytes()).await
    }

    /// The next text.
    pub async fn hear(&mut self) -> Result<&str> {
        let (begin, end) = loop {
            let Some((kind, begin, end)) = self.frame() else {
                self.fill().await?;
                continue;
            };
            self.heard = end;
            match kind {
                TEXT => break (begin, end),
                PING => self.send(PONG, &[]).await?,
                kind => bail!("a frame of the kind {kind} was not expected"),
            }
        };
        Ok(std::str::from_utf8(&self.buffer[begin..end])?)
    }

    /// A client's frames are masked; by zeros it costs nothing.
    async fn send(&mut self, kind: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![0x80 | kind];
        match u8::try_from(payload.len()) {
            Ok(length) if length < LONG => frame.push(MASKED | length),
            _ => {
                frame.push(MASKED | LONG);
                frame.extend(u16::try_from(payload.len())?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        Ok(self.stream.write_all(&frame).await?)
    }

    /// The next whole frame in the buffer: its kind, and where its payload lies.
    fn frame(&self) -> Option<(u8, usize, usize)> {
        let rest = &self.buffer[self.heard..];
        let (head, length) = match *rest {
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
            [_, 126 | 127, ..] | [] | [_] => return None,
            [_, length, ..] => (2, usize::from(length)),
        };
        let begin = self.heard + head;
        (self.buffer.len() >= begin + length).then_some((rest[0] & 0xF, begin, begin + length))
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.heard);
        self.heard = 0;
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }
}

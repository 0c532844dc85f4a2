//! An HTTP client that costs next to nothing: it shares two cores with the server that it measures.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, kept open, with a token.
pub struct Client {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Client {
    /// Of somebody who has signed in.
    pub async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        Self::open(address, &format!("Authorization: Bearer {token}\r\n")).await
    }

    /// Of nobody in particular.
    pub async fn unknown(address: SocketAddr) -> Result<Self> {
        Self::open(address, "").await
    }

    async fn open(address: SocketAddr, authorization: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
             {authorization}"
        );
        Ok(Self { stream, head, buffer: Vec::new() })
    }

    /// Sends a body and returns the answer's.
    pub async fn post(&mut self, body: &str) -> Result<&[u8]> {
        let request = format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?.to_ascii_lowercase();
            ensure!(head.starts_with("http/1.1 200"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.context("the answer has no length")?.trim().parse()?;
            let begin = end + 4;
            while self.buffer.len() < begin + length {
                ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
            }
            return Ok(&self.buffer[begin..begin + length]);
        }
    }
}

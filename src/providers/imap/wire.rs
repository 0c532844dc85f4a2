//! The line to an IMAP server. Each answer has a limit in bytes and in time, whatever the server does: what it announces is not
//! allocated, and what is nested is not followed.

use std::time::Duration;

use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::fragmentizer::Fragmentizer;
use imap_codec::imap_types::response::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::words::{Fault, shown};

/// The longest message of a server that is kept until it is whole, in bytes.
const LONGEST: u32 = 26 << 20;
/// So much is read at once.
const CHUNK: usize = 16 << 10;

/// What bytes go over.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<L: AsyncRead + AsyncWrite + Send + Unpin + 'static> Line for L {}

/// One connection. After an error it can't be used: nobody knows where the next answer begins.
pub(super) struct Wire {
    line: Box<dyn Line>,
    messages: Fragmentizer,
    commands: u32,
    /// What nobody is shown, should the server repeat it.
    secrets: Vec<String>,
}

/// How a command ended.
enum End {
    Done,
    /// The server waits for the rest of the command.
    More,
}

impl Wire {
    pub(super) fn new(line: Box<dyn Line>) -> Self {
        Self { line, messages: Fragmentizer::new(LONGEST), commands: 0, secrets: Vec::new() }
    }

    pub(super) fn into_line(self) -> Box<dyn Line> {
        self.line
    }

    /// From now on nothing is shown of what the server says with one of these in it, which are [`forms`](super::words::forms).
    pub(super) fn hide(&mut self, secrets: Vec<String>) {
        self.secrets = secrets;
    }

    /// The server's first words; whether we are in already.
    pub(super) async fn greeting(&mut self, most: usize, limit: Duration) -> Result<bool, Fault> {
        let mut left = most;
        let told = in_time(limit, self.message(&mut left)).await?;
        match status(&told, "*") {
            Some(("OK", _)) => Ok(false),
            Some(("PREAUTH", _)) => Ok(true),
            Some(("BYE", said)) => Err(Fault::away(&format!("it sends us away: {said}"))),
            _ => Err(Fault::garbage()),
        }
    }

    /// What the server can, in capital letters.
    pub(super) async fn capabilities(&mut self, most: usize, limit: Duration) -> Result<Vec<String>, Fault> {
        let mut words = Vec::new();
        let told = async {
            let tag = self.say("CAPABILITY").await?;
            let mut left = most;
            loop {
                let message = self.message(&mut left).await?;
                if ended(&message, &tag, &self.secrets)?.is_some() {
                    return Ok::<(), Fault>(());
                }
                let text = String::from_utf8_lossy(&message).to_ascii_uppercase();
                if let Some(told) = text.strip_prefix("* CAPABILITY ") {
                    words.extend(told.split_ascii_whitespace().map(ToOwned::to_owned));
                }
            }
        };
        in_time(limit, told).await?;
        Ok(words)
    }

    /// Runs a command; `each` gets what the server tells meanwhile.
    pub(super) async fn run(
        &mut self,
        command: &str,
        most: usize,
        limit: Duration,
        each: impl FnMut(Response<'_>),
    ) -> Result<(), Fault> {
        in_time(limit, self.ask(command, &[], most, each)).await
    }

    /// Runs a command that has further lines, each told when the server asks for it.
    pub(super) async fn run_with(
        &mut self,
        command: &str,
        rest: &[&str],
        most: usize,
        limit: Duration,
    ) -> Result<(), Fault> {
        in_time(limit, self.ask(command, rest, most, |_| ())).await
    }

    async fn ask(
        &mut self,
        command: &str,
        rest: &[&str],
        most: usize,
        mut each: impl FnMut(Response<'_>),
    ) -> Result<(), Fault> {
        let tag = self.say(command).await?;
        let (mut left, mut rest) = (most, rest.iter());
        loop {
            let message = self.message(&mut left).await?;
            match ended(&message, &tag, &self.secrets)? {
                Some(End::Done) => return Ok(()),
                Some(End::More) => {
                    let rest = rest.next().ok_or_else(Fault::garbage)?;
                    self.send(format!("{rest}\r\n")).await?;
                }
                None => match ResponseCodec::default().decode(&message) {
                    Ok(([], response)) => each(response),
                    // What was asked for must be understood; other news may be of a kind that nobody knows.
                    _ if is_asked_for(&message) => return Err(Fault::garbage()),
                    _ => {}
                },
            }
        }
    }

    /// Says a command; its sign is told at its end.
    async fn say(&mut self, command: &str) -> Result<String, Fault> {
        self.commands += 1;
        let tag = format!("h{}", self.commands);
        self.send(format!("{tag} {command}\r\n")).await?;
        Ok(tag)
    }

    async fn send(&mut self, text: String) -> Result<(), Fault> {
        self.line.write_all(text.as_bytes()).await.map_err(|error| Fault::away(&error.to_string()))?;
        self.line.flush().await.map_err(|error| Fault::away(&error.to_string()))
    }

    /// The next message, whole. `left` are the bytes that the server may still send.
    async fn message(&mut self, left: &mut usize) -> Result<Vec<u8>, Fault> {
        let mut chunk = vec![0; CHUNK];
        loop {
            while self.messages.progress().is_some() {
                if self.messages.is_max_message_size_exceeded() {
                    return Err(Fault::too_much());
                }
                if self.messages.is_message_complete() {
                    // The parser takes no NUL, which some emails have in them.
                    let bytes = self.messages.message_bytes().iter();
                    return Ok(bytes.map(|byte| if *byte == 0 { b' ' } else { *byte }).collect());
                }
            }
            let read = self.line.read(&mut chunk).await.map_err(|error| Fault::away(&error.to_string()))?;
            if read == 0 {
                return Err(Fault::away("it has closed the connection"));
            }
            *left = left.checked_sub(read).ok_or_else(Fault::too_much)?;
            self.messages.enqueue_bytes(&chunk[..read]);
        }
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, step).await.map_err(|_| Fault::late())?
}

/// The word of a status and what is said behind it, of a message that begins with this sign. Read by hand: servers speak in any
/// language, and the parser in ASCII.
fn status<'a>(message: &'a [u8], sign: &str) -> Option<(&'static str, std::borrow::Cow<'a, str>)> {
    let rest = message.strip_prefix(sign.as_bytes())?.strip_prefix(b" ")?.trim_ascii();
    ["OK", "NO", "BAD", "BYE", "PREAUTH"].into_iter().find_map(|word| {
        let (start, said) = rest.split_at_checked(word.len())?;
        let is_word = start.eq_ignore_ascii_case(word.as_bytes()) && said.first().is_none_or(|byte| *byte == b' ');
        is_word.then(|| (word, String::from_utf8_lossy(said.trim_ascii())))
    })
}

/// How the command with this sign ended, if this message tells that.
fn ended(message: &[u8], tag: &str, secrets: &[String]) -> Result<Option<End>, Fault> {
    match (status(message, tag), status(message, "*")) {
        (Some(("OK", _)), _) => Ok(Some(End::Done)),
        (Some(("NO", said)), _) => Err(Fault::no(shown(&said, secrets))),
        (Some((_, said)), _) => Err(Fault::bad(shown(&said, secrets))),
        // A goodbye to LOGOUT is followed by the end that ends it.
        (None, Some(("BYE", said))) => Err(Fault::away(&format!("it sends us away: {}", shown(&said, secrets)))),
        _ if message.starts_with(b"+") => Ok(Some(End::More)),
        _ => Ok(None),
    }
}

/// Whether a message is, as it begins, numbers or an email: what was asked for.
fn is_asked_for(message: &[u8]) -> bool {
    let begin = String::from_utf8_lossy(&message[..message.len().min(512)]).to_ascii_uppercase();
    let mut words = begin.split_ascii_whitespace().skip(1);
    let (first, second) = (words.next(), words.next());
    first == Some("SEARCH") || (second == Some("FETCH") && begin.contains("BODY[")) || !begin.starts_with("* ")
}

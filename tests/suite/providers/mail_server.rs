//! A small but real mail server on loopback: keeps what it takes, refuses what the recipient's name asks it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The server. It runs for as long as the test.
///
/// `quota@` and `outside@` may not send; `busy@` gets 451 and `nobody@` 550 when it is named; `full@` gets 452 and `spam@` 554 after the content; at `lost@` the
/// server hangs up with the content in its hands.
pub struct MailServer {
    pub port: u16,
    /// Each with its sender.
    mails: Arc<Mutex<Vec<(String, String)>>>,
}

impl MailServer {
    pub async fn start() -> Self {
        Self::with(usize::MAX).await
    }

    /// One that has done with a connection after so many emails: it says 421 to what comes next, and closes.
    pub async fn with(emails: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), mails: Arc::default() };
        let mails = server.mails.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(talk(line, mails.clone(), emails));
            }
        });
        server
    }

    /// The emails that it took, each with its headers.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|(_, mail)| mail.clone()).collect()
    }

    /// From whom they came, as the envelopes say.
    pub fn senders(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|(sender, _)| sender.clone()).collect()
    }
}

async fn talk(line: TcpStream, mails: Arc<Mutex<Vec<(String, String)>>>, emails: usize) {
    let (reader, mut writer) = line.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut from, mut to, mut taken) = (String::new(), String::new(), 0);
    writer.write_all(b"220 loopback ESMTP\r\n").await.unwrap();
    while let Ok(Some(command)) = lines.next_line().await {
        let answer = match command.to_ascii_uppercase() {
            _ if taken >= emails => {
                writer.write_all(b"421 4.4.2 timeout exceeded\r\n").await.unwrap();
                return;
            }
            word if word.starts_with("EHLO") => "250-loopback\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            // "\0ann\0secret of ann" in base64.
            word if word.starts_with("AUTH PLAIN") && command.ends_with("AGFubgBzZWNyZXQgb2YgYW5u") => "235 welcome",
            word if word.starts_with("AUTH") => "535 wrong password",
            word if word.starts_with("MAIL FROM:<QUOTA@") => "550 5.4.5 Daily user sending quota exceeded",
            word if word.starts_with("MAIL FROM:<OUTSIDE@") => "530 5.7.0 Authentication required",
            word if word.starts_with("MAIL FROM:") => {
                from = command[10..].split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok"
            }
            word if word.starts_with("RCPT TO:") => {
                to = command[8..].trim_matches(['<', '>']).to_owned();
                match to.split('@').next().unwrap() {
                    "busy" => "451 try again later",
                    "nobody" => "550 no such mailbox",
                    _ => "250 ok",
                }
            }
            word if word.starts_with("DATA") => {
                writer.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while let Ok(Some(text)) = lines.next_line().await {
                    if text == "." {
                        break;
                    }
                    mail.push_str(&text);
                    mail.push('\n');
                }
                match to.split('@').next().unwrap() {
                    "full" => "452 no room",
                    "spam" => "554 not wanted",
                    "lost" => return,
                    _ => {
                        mails.lock().unwrap().push((from.clone(), mail));
                        taken += 1;
                        "250 taken as 12345"
                    }
                }
            }
            word if word.starts_with("QUIT") => return,
            _ => "250 ok",
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

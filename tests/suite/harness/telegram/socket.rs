//! One connection: packets in, packets out, and whatever is to go wrong in between.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use grammers_tl_types::functions as f;
use grammers_tl_types::{Cursor, Deserializable, Identifiable, types};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio_util::sync::CancellationToken;

use super::answers;
use super::book::{Book, Call};
use super::cipher::Cipher;
use super::frames;
use super::play::{Play, code};
use super::words::{
    BAD_SERVER_SALT, CONTAINER, FUTURE_SALT, FUTURE_SALTS, MESSAGE_COPY, Message, PONG, Packet, RPC_ERROR, Words,
};

/// Every salt from this one on is right.
const SALT: i64 = 1_000_000;

/// How long a closed connection may take to be noticed before a second one counts as open at the same time.
const GRACE: Duration = Duration::from_millis(500);

/// A connection whose account is known.
struct Talk {
    book: Arc<Mutex<Book>>,
    account: usize,
    number: usize,
    cipher: Cipher,
    writer: tokio::sync::Mutex<Writer>,
    is_silent: AtomicBool,
    close: CancellationToken,
    /// How often the client has said when to close the connection: the last word counts.
    deadlines: AtomicUsize,
}

struct Writer {
    half: OwnedWriteHalf,
    packets: i32,
    last_id: i64,
    contents: i32,
}

/// Serves a client until it, or a play, closes the connection.
pub async fn serve(book: Arc<Mutex<Book>>, stream: TcpStream, stop: CancellationToken) {
    stream.set_nodelay(true).unwrap();
    let (mut reader, half) = stream.into_split();
    let Ok(Some(first)) = frames::read(&mut reader).await else { return };
    let account = book.lock().unwrap().account_of(&first[..8]);
    let Some(account) = account else { return refuse(&book, &first, half).await };
    let number = enter(&book, account).await;
    let cipher = book.lock().unwrap().accounts[account].cipher.clone();
    let writer = tokio::sync::Mutex::new(Writer { half, packets: 0, last_id: 0, contents: 0 });
    let close = stop.child_token();
    let talk = Talk {
        book,
        account,
        number,
        cipher,
        writer,
        is_silent: AtomicBool::new(false),
        close,
        deadlines: AtomicUsize::new(0),
    };
    let talk = Arc::new(talk);
    let mut next = Some(first);
    while let Some(packet) = next {
        talk.clone().hear(&packet).await;
        next = tokio::select! {
            packet = frames::read(&mut reader) => packet.ok().flatten(),
            () = talk.close.cancelled() => None,
        };
    }
    talk.close.cancel();
    talk.book.lock().unwrap().accounts[account].open.remove(&number);
}

/// Nobody has this key: 404, as Telegram says; and nobody gets a new one here.
async fn refuse(book: &Mutex<Book>, first: &[u8], mut half: OwnedWriteHalf) {
    if first[..8] == [0; 8] {
        book.lock().unwrap().handshakes += 1;
    }
    // The client may be gone.
    drop(half.write_all(&(-404_i32).to_le_bytes()).await);
}

/// Notes that a connection is open; a second one of the same account is noticed.
async fn enter(book: &Mutex<Book>, account: usize) -> usize {
    let patience = Instant::now() + GRACE;
    while !book.lock().unwrap().accounts[account].open.is_empty() && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut book = book.lock().unwrap();
    book.connections += 1;
    let number = book.connections;
    if !book.accounts[account].open.is_empty() {
        book.doubled += 1;
    }
    book.accounts[account].open.insert(number);
    number
}

impl Talk {
    async fn hear(self: Arc<Self>, packet: &[u8]) {
        let plain = self.cipher.open(packet).expect("a packet under the account's key");
        let packet = Packet::read(&plain);
        if packet.salt < SALT {
            let complaint = Words::new(BAD_SERVER_SALT).put(&packet.id).ints(&[0, 48]).put(&SALT);
            return self.say(packet.session, complaint.0).await;
        }
        for message in packet.messages {
            tokio::spawn(self.clone().obey(packet.session, message));
        }
    }

    /// Serves one message.
    async fn obey(self: Arc<Self>, session: i64, message: Message) {
        let cursor = &mut Cursor::from_slice(&message.body);
        match u32::deserialize(cursor).unwrap() {
            types::MsgsAck::CONSTRUCTOR_ID => {}
            ping @ (f::Ping::CONSTRUCTOR_ID | f::PingDelayDisconnect::CONSTRUCTOR_ID) => {
                let ping_id = i64::deserialize(cursor).unwrap();
                if ping == f::PingDelayDisconnect::CONSTRUCTOR_ID {
                    self.close_after(i32::deserialize(cursor).unwrap());
                }
                if self.play("ping", None).is_none() {
                    self.say(session, Words::new(PONG).longs(&[message.id, ping_id]).0).await;
                }
            }
            f::GetFutureSalts::CONSTRUCTOR_ID => match self.play("get_future_salts", None) {
                None => self.say(session, future_salts(message.id)).await,
                Some(play) => self.misbehave(session, &play).await,
            },
            _ => self.serve(session, message).await,
        }
    }

    /// Closes the connection so many seconds from now, unless it is told otherwise before.
    fn close_after(self: &Arc<Self>, seconds: i32) {
        if seconds == 15 {
            *self.book.lock().unwrap().pulses.entry(self.account).or_default() += 1;
        }
        let seconds = if self.book.lock().unwrap().keeps_connections { seconds.max(75) } else { seconds };
        let nth = self.deadlines.fetch_add(1, Ordering::SeqCst) + 1;
        let (this, delay) = (self.clone(), Duration::from_secs(seconds.unsigned_abs().into()));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if this.deadlines.load(Ordering::SeqCst) == nth {
                this.close.cancel();
            }
        });
    }

    fn play(&self, method: &str, username: Option<&str>) -> Option<Play> {
        self.book.lock().unwrap().next_play(method, self.account, username)
    }

    /// Serves one request.
    async fn serve(&self, session: i64, message: Message) {
        let request = answers::read(&self.book.lock().unwrap(), self.account, &message.body);
        let play = self.note(&request);
        match &play {
            Some(Play::Late(late)) => tokio::time::sleep(*late).await,
            Some(Play::Error(error)) => return self.say(session, refusal(message.id, error)).await,
            Some(play) if !is_after(play) => return self.misbehave(session, play).await,
            _ => {}
        }
        let answer = {
            let mut book = self.book.lock().unwrap();
            if book.accounts[self.account].open.len() > 1 {
                Err("AUTH_KEY_DUPLICATED")
            } else {
                answers::answer(&mut book, self.account, request)
            }
        };
        if let Some(play) = play.filter(is_after) {
            return self.misbehave(session, &play).await;
        }
        let answer = answer.map_or_else(|error| refusal(message.id, error), |words| words.answers(message.id));
        self.say(session, answer).await;
    }

    fn note(&self, request: &answers::Request) -> Option<Play> {
        let mut book = self.book.lock().unwrap();
        book.calls.push(Call {
            account: self.account,
            method: request.method,
            username: request.username.clone(),
            random_id: request.random_id,
            at: Instant::now(),
            connection: self.number,
        });
        book.next_play(request.method, self.account, request.username.as_deref())
    }

    async fn misbehave(&self, session: i64, play: &Play) {
        match play {
            Play::DropBefore | Play::DropAfter => self.close.cancel(),
            Play::Silence | Play::SilenceAfter => self.is_silent.store(true, Ordering::Relaxed),
            Play::NegativeLength => {
                let lone = Words::new(CONTAINER).put(&1).put(&1_i64).ints(&[1, -1]);
                self.say(session, lone.0).await;
            }
            Play::BadFutureSalt => self.say(session, Words::new(FUTURE_SALT).ints(&[0, 1]).put(&SALT).0).await,
            Play::MessageCopy => self.say(session, Words::new(MESSAGE_COPY).ints(&[0, 0]).0).await,
            Play::Transport(status) => {
                let mut writer = self.writer.lock().await;
                // The client may be gone.
                drop(writer.half.write_all(&(-status).to_le_bytes()).await);
            }
            Play::Nonsense => self.say(session, vec![1, 2, 3, 4, 5, 6, 7, 8]).await,
            Play::NoAnswer | Play::Error(_) | Play::Late(_) => {}
        }
    }

    /// Sends one message.
    async fn say(&self, session: i64, body: Vec<u8>) {
        if self.is_silent.load(Ordering::Relaxed) {
            return;
        }
        let mut writer = self.writer.lock().await;
        let (id, number) = writer.number();
        let length = i32::try_from(body.len()).unwrap();
        let plain = Words::default().longs(&[SALT, session, id]).ints(&[number, length]).raw(&body);
        let packet = self.cipher.seal(plain.0);
        let packets = writer.packets;
        writer.packets += 1;
        // The client may be gone.
        drop(frames::write(&mut writer.half, packets, &packet).await);
    }
}

impl Writer {
    /// The number of the next message, as the protocol wants it, and its place.
    fn number(&mut self) -> (i64, i32) {
        let now = unix_time();
        let id = i64::try_from(now.as_secs()).unwrap() << 32 | i64::from(now.subsec_nanos()) << 2 | 1;
        self.last_id = id.max(self.last_id + 4);
        self.contents += 2;
        (self.last_id, self.contents - 1)
    }
}

/// The time since 1970.
#[expect(clippy::disallowed_methods, reason = "clients take their time from it")]
pub fn unix_time() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}

fn is_after(play: &Play) -> bool {
    matches!(play, Play::DropAfter | Play::SilenceAfter | Play::NoAnswer)
}

fn refusal(id: i64, error: &str) -> Vec<u8> {
    Words::new(RPC_ERROR).put(&code(error)).text(error).answers(id)
}

fn future_salts(id: i64) -> Vec<u8> {
    let words = Words::new(FUTURE_SALTS).put(&id).ints(&[1, 8]);
    (0..8).fold(words, |words, n| words.ints(&[n * 1800, (n + 2) * 1800]).put(&(SALT + i64::from(n)))).0
}

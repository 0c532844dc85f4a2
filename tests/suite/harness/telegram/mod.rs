//! A Telegram for tests: it speaks MTProto to the real client, keeps what it accepted, and does wrong on command.

mod answers;
mod book;
mod channels;
mod cipher;
mod doors;
mod frames;
mod media;
mod play;
mod posts;
mod socket;
mod words;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use telegram::live::Credentials;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use book::{Accepted, Call, Facts, Media};
use book::{Account, Book};
use cipher::Cipher;
use doors::{Door, Lock};
pub use play::{On, Play, code};

use super::within;

/// The server; it ends with the test.
pub struct TelegramServer {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    /// Cancelled and replaced to close all connections.
    open: Arc<Mutex<CancellationToken>>,
    stop: CancellationToken,
}

impl TelegramServer {
    /// Starts, and knows so many accounts.
    pub async fn start(accounts: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Mutex::new(Book::default()));
        for number in 0..accounts {
            let key = std::array::from_fn(|_| rand::random());
            let account = Account {
                cipher: Cipher::new(key),
                user_id: 7_000_000_000 + i64::try_from(number).unwrap(),
                is_signed_in: true,
                is_bot: false,
                door: None,
                open: HashSet::default(),
            };
            book.lock().unwrap().accounts.push(account);
        }
        let stop = CancellationToken::new();
        let open = Arc::new(Mutex::new(stop.child_token()));
        let server = Self { address, book: book.clone(), open: open.clone(), stop: stop.clone() };
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
                let open = open.lock().unwrap().clone();
                tokio::spawn(socket::serve(book.clone(), stream, open));
            }
        });
        server
    }

    /// What `HERALD_TELEGRAM_SERVER` is to be.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What an account signs in with.
    pub fn credentials(&self, account: usize) -> Credentials {
        let key = Arc::new(self.book().accounts[account].cipher.key);
        Credentials { dc: 2, key, api_id: 1, server: Some(self.address().into()) }
    }

    /// The same as Telethon writes it.
    pub fn session_string(&self, account: usize) -> String {
        let key = self.book().accounts[account].cipher.key;
        let bytes = [&[2, 149, 154, 167, 41, 1, 187][..], &key].concat();
        format!("1{}", URL_SAFE.encode(bytes))
    }

    /// The user that an account is.
    pub fn user_id(&self, account: usize) -> i64 {
        self.book().accounts[account].user_id
    }

    /// Does wrong with the next request that fits.
    pub fn play(&self, on: On, play: Play) {
        self.play_times(1, on, play);
    }

    /// Does wrong with the next so many requests that fit.
    pub fn play_times(&self, times: u32, on: On, play: Play) {
        self.book().plays.push((on, play, times));
    }

    /// From now on a repeated `random_id` is answered with the first message instead of an error.
    pub fn echo_repetitions(&self) {
        self.book().echoes = true;
    }

    /// From now on texts are kept without blanks at their ends and without carriage returns.
    pub fn trim_texts(&self) {
        self.book().trims = true;
    }

    /// Forgets under which numbers messages came: a repetition is a second message.
    pub fn forget_random_ids(&self) {
        for post in &mut self.book().accepted {
            post.random_id = 0;
        }
    }

    /// Somebody has removed what was sent to a channel.
    pub fn forget(&self, username: &str) {
        for post in self.book().accepted.iter_mut().filter(|post| post.username == username) {
            post.is_deleted = true;
        }
    }

    /// Others write so many messages to a channel.
    pub fn chatter(&self, username: &str, messages: usize) {
        let mut book = self.book();
        for _ in 0..messages {
            let message_id = i32::try_from(book.accepted.len()).unwrap() + 1;
            book.accepted.push(Accepted {
                account: usize::MAX,
                username: username.to_owned(),
                random_id: 0,
                text: "Chatter".into(),
                entities: Vec::new(),
                media: None,
                message_id,
                is_deleted: false,
                at: Instant::now(),
                date: i32::try_from(socket::unix_time().as_secs()).unwrap(),
            });
        }
    }

    /// Whether something is still to be done wrong with such a request.
    pub fn has_play(&self, method: &str) -> bool {
        self.book().plays.iter().any(|(on, _, _)| on.method == Some(method))
    }

    /// The account is a bot.
    pub fn make_bot(&self, account: usize) {
        self.book().accounts[account].is_bot = true;
    }

    /// What is known of a channel from now on.
    pub fn describe(&self, username: &str, facts: Facts) {
        self.book().facts.insert(username.to_owned(), facts);
    }

    /// From now on a channel has another name besides.
    pub fn alias(&self, username: &str, other: &str) {
        self.book().aliases.insert(other.to_owned(), username.to_owned());
    }

    /// Connections are kept for 75 s after any sign of life: the library's own allows so much, and may have been the last one.
    pub fn keep_connections(&self) {
        self.book().keeps_connections = true;
    }

    /// What accounts have stored, in that order; a message names it by its place plus one.
    pub fn media(&self) -> Vec<Media> {
        self.book().media.clone()
    }

    /// All file references that were given out so far end.
    pub fn expire_file_references(&self) {
        self.book().references += 1;
    }

    /// The account is signed out from somewhere else.
    pub fn sign_out(&self, account: usize) {
        self.book().accounts[account].is_signed_in = false;
    }

    /// The account is signed out, and signed in again by this number, this code, and this password if there is one.
    pub fn lock(&self, account: usize, phone: &str, code: &str, password: Option<&str>) {
        let lock = password.map(|password| Lock::new(password, "the usual"));
        let mut book = self.book();
        book.accounts[account].is_signed_in = false;
        book.accounts[account].door = Some(Door { phone: phone.into(), code: code.into(), lock });
    }

    /// Whether somebody is signed in by the account's key.
    pub fn is_signed_in(&self, account: usize) -> bool {
        self.book().accounts[account].is_signed_in
    }

    /// Two sessions of one user.
    pub fn same_user(&self, one: usize, other: usize) {
        let mut book = self.book();
        book.accounts[other].user_id = book.accounts[one].user_id;
    }

    /// The account is given a new session; the old one is forgotten.
    pub fn renew_key(&self, account: usize) {
        self.book().accounts[account].cipher = Cipher::new(std::array::from_fn(|_| rand::random()));
    }

    /// The key of the account is forgotten: whoever comes with it is told 404.
    pub fn forget_key(&self, account: usize) {
        let other = std::array::from_fn(|_| rand::random());
        self.book().accounts[account].cipher = Cipher::new(other);
    }

    /// Closes all connections.
    pub fn drop_all(&self) {
        let mut open = self.open.lock().unwrap();
        open.cancel();
        *open = self.stop.child_token();
    }

    /// What was accepted, in that order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.book().accepted.clone()
    }

    /// What was asked for, in that order.
    pub fn calls(&self) -> Vec<Call> {
        self.book().calls.clone()
    }

    /// Waits until `holds`, a minute at most.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let ask = async || if holds().await { Ok(()) } else { Err(self.calls()) };
        within(Duration::from_mins(1), what, ask).await;
    }

    /// How often the account has asked that its connection be closed after 15 s without a sign of life.
    pub fn pulses(&self, account: usize) -> usize {
        self.book().pulses.get(&account).copied().unwrap_or_default()
    }

    /// How many connections of the account are open.
    pub fn open_connections(&self, account: usize) -> usize {
        self.book().accounts[account].open.len()
    }

    /// How often two connections of one account were open at once.
    pub fn doubled_connections(&self) -> usize {
        self.book().doubled
    }

    /// How often somebody wanted a new key.
    pub fn handshakes(&self) -> usize {
        self.book().handshakes
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

impl Drop for TelegramServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

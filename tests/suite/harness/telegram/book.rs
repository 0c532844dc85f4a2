//! What the server knows and remembers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use super::cipher::Cipher;
use super::doors::Door;
use super::play::{On, Play};

/// A message that was accepted.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub account: usize,
    /// The channel's username, or `me`.
    pub username: String,
    pub random_id: i64,
    pub text: String,
    pub entities: Vec<grammers_tl_types::enums::MessageEntity>,
    /// The media that it has, if it has any.
    pub media: Option<i64>,
    pub message_id: i32,
    pub is_deleted: bool,
    pub at: Instant,
    /// The same in Telegram's seconds since 1970.
    pub date: i32,
}

/// What is known of a channel.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Telegram's own")]
#[derive(Debug, Clone)]
pub struct Facts {
    pub about: String,
    pub members: i32,
    pub is_verified: bool,
    /// A supergroup, not a broadcast channel.
    pub is_group: bool,
    /// A supergroup with topics.
    pub is_forum: bool,
    /// Whether accounts are admins who may post.
    pub is_admin: bool,
    /// Whether plain members must not write.
    pub is_muted: bool,
    pub slow_mode: Option<i32>,
    pub price: Option<i64>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            about: String::new(),
            members: 1234,
            is_verified: true,
            is_group: false,
            is_forum: false,
            is_admin: true,
            is_muted: false,
            slow_mode: None,
            price: None,
        }
    }
}

/// Media that was stored.
#[derive(Debug, Clone)]
pub struct Media {
    pub account: usize,
    pub is_photo: bool,
    /// Its name or its URL.
    pub source: String,
    pub mime_type: String,
    /// What was uploaded; empty if it came by URL.
    pub bytes: Vec<u8>,
    /// How long and how large a film is, as whoever uploaded it says.
    pub film: Option<(f64, i32, i32)>,
    /// How large a picture is that is sent as a file.
    pub size: Option<(i32, i32)>,
    /// The small picture that came along.
    pub thumb: Option<Vec<u8>>,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub account: usize,
    pub method: &'static str,
    pub username: Option<String>,
    pub random_id: Option<i64>,
    pub at: Instant,
    /// Which of all connections carried it.
    pub connection: usize,
}

/// One account, which has signed in somewhere else before.
pub struct Account {
    pub cipher: Cipher,
    pub user_id: i64,
    pub is_signed_in: bool,
    /// Whether it is a bot.
    pub is_bot: bool,
    /// How it is signed in again.
    pub door: Option<Door>,
    /// Its open connections.
    pub open: HashSet<usize>,
}

#[derive(Default)]
pub struct Book {
    pub accounts: Vec<Account>,
    pub accepted: Vec<Accepted>,
    pub calls: Vec<Call>,
    pub plays: Vec<(On, Play, u32)>,
    /// Whether a repeated `random_id` is answered with the first message instead of an error.
    pub echoes: bool,
    /// How often two connections of one account were open at once.
    pub doubled: usize,
    pub connections: usize,
    /// Handshakes that were asked for: nobody should want a new key.
    pub handshakes: usize,
    pub facts: HashMap<String, Facts>,
    /// Stored media; its number is its place plus one.
    pub media: Vec<Media>,
    /// Raised to let all file references expire.
    pub references: u8,
    /// Parts of files: account, file, part.
    pub parts: BTreeMap<(usize, i64, i32), Vec<u8>>,
    /// How often an account has asked that its connection be closed after 15 s without a sign of life.
    pub pulses: HashMap<usize, usize>,
    /// Other names of channels.
    pub aliases: HashMap<String, String>,
    /// Connections are kept for 75 s at least, as if the client's library had given the last sign of life.
    pub keeps_connections: bool,
    /// Texts are kept as Telegram keeps them: without blanks at their ends and without carriage returns.
    pub trims: bool,
    usernames: HashMap<i64, String>,
}

impl Book {
    /// The account that has this key.
    pub fn account_of(&self, key_id: &[u8]) -> Option<usize> {
        self.accounts.iter().position(|account| account.cipher.id == key_id)
    }

    /// What is to be done wrong with this request, if anything.
    pub fn next_play(&mut self, method: &str, account: usize, username: Option<&str>) -> Option<Play> {
        let at = self.plays.iter().position(|(on, _, _)| on.fits(method, account, username))?;
        let (_, play, left) = &mut self.plays[at];
        let play = play.clone();
        *left -= 1;
        if *left == 0 {
            self.plays.remove(at);
        }
        Some(play)
    }

    /// The number of the channel of this name.
    pub fn channel_id(&mut self, username: &str) -> i64 {
        let username = self.aliases.get(username).map_or(username, String::as_str);
        let id = username.bytes().fold(1_469_598_103_i64, |hash, byte| {
            (hash ^ i64::from(byte)).wrapping_mul(1_099_511_628_211) & 0x00ff_ffff_ffff
        });
        self.usernames.insert(id, username.to_owned());
        id
    }

    /// The channel that an account names by its number and its own access hash.
    pub fn username(&self, account: usize, id: i64, access_hash: i64) -> Option<&str> {
        (access_hash == access_to(account, id)).then(|| self.usernames.get(&id).map(String::as_str)).flatten()
    }
}

/// What an account needs to name a channel: no other account's is the same.
pub fn access_to(account: usize, id: i64) -> i64 {
    (id ^ i64::try_from(account + 1).unwrap()).wrapping_mul(0x5851_f42d_4c95_7f2d)
}

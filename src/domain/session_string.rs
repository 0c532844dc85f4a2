//! Session strings: how other libraries write a Telegram account that has signed in. Told apart by their structure.
//!
//! Only the data centre and the key are taken. The address that some of them carry is checked and left: an account's data
//! centre says where to connect, and no string may lead Herald to a stranger's machine.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The longest string that is looked at, in characters: none is longer than 400.
const LONGEST: usize = 1_000;
/// Bytes of an authorization key.
const KEY: usize = 256;

/// An account that is signed in, and where. Its debug output shows no key.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionString {
    /// The number of the data centre that knows the key, 1 to 5.
    pub dc: u8,
    /// The authorization key.
    pub key: Box<[u8; KEY]>,
    /// The library's format.
    pub format: Format,
}

/// The library that writes such strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `GramJS`.
    GramJs,
    /// Telethon.
    Telethon,
    /// Pyrogram and its followers.
    Pyrogram,
    /// None: Herald has signed in itself.
    Herald,
}

impl std::fmt::Debug for SessionString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionString").field("dc", &self.dc).field("format", &self.format).finish_non_exhaustive()
    }
}

impl SessionString {
    /// Reads a session string of any of the three.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, without any part of it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the session string is empty");
        }
        if text.len() > LONGEST {
            return Err("this is longer than any session string");
        }
        let session = match text.strip_prefix('1') {
            Some(rest) => with_address(&decode(rest)?)?,
            None => pyrogram(&decode(text)?)?,
        };
        if !(1..=5).contains(&session.dc) {
            return Err("the session string names a data centre that Telegram does not have; it may be mutilated");
        }
        if session.key.iter().all(|byte| *byte == 0) {
            return Err("the session string has an empty key: it is of an account that has not signed in");
        }
        Ok(session)
    }
}

/// Either alphabet, with or without padding.
fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, lenient).decode(text).map_err(
        |_| "the session string is mutilated: it is not base64; copy it whole, without spaces or line breaks in it",
    )
}

const LENGTH: &str =
    "the session string is cut off or mutilated: it has the length of no format of GramJS, Telethon or Pyrogram";

/// `GramJS`: dc, length of the host (u16), host, port (u16), key. Telethon: dc, 4 or 16 bytes of address, port, key. Both have
/// a version's digit in front. A `GramJS` string with a host of 14 letters is as long as a Telethon string with an IPv6
/// address: so the length that it tells itself decides.
fn with_address(bytes: &[u8]) -> Result<SessionString, &'static str> {
    let (head, key) = bytes.split_last_chunk::<KEY>().ok_or(LENGTH)?;
    let session = |dc: u8, format| SessionString { dc, key: Box::new(*key), format };
    match head {
        [dc, high, low, host @ .., _, _] if host.len() == usize::from(u16::from_be_bytes([*high, *low])) => {
            let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
            if host.is_empty() || !host.iter().all(is_host) {
                return Err("the session string is mutilated: its address is not one");
            }
            Ok(session(*dc, Format::GramJs))
        }
        [dc, address @ .., _, _] if matches!(address.len(), 4 | 16) => Ok(session(*dc, Format::Telethon)),
        _ => Err(LENGTH),
    }
}

/// Pyrogram: dc, (api id in the newest,) test, key, user id (u32 in the oldest), bot.
fn pyrogram(bytes: &[u8]) -> Result<SessionString, &'static str> {
    let (test, key) = match bytes.len() {
        271 => (5, 6),
        263 | 267 => (1, 2),
        _ => return Err(LENGTH),
    };
    let (test, is_bot) = (bytes[test], bytes[bytes.len() - 1]);
    if test > 1 || is_bot > 1 {
        return Err("the session string is mutilated: a yes or no in it is neither");
    }
    if test == 1 {
        return Err("the session string is of Telegram's test servers");
    }
    if is_bot == 1 {
        return Err("the session string is of a bot; only accounts of people can send");
    }
    let key = bytes[key..key + KEY].try_into().map_err(|_| LENGTH)?;
    Ok(SessionString { dc: bytes[0], key: Box::new(key), format: Format::Pyrogram })
}

#[cfg(test)]
mod tests;

//! The server's side of MTProto 2.0's encryption.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use sha2::{Digest, Sha256};

/// Bytes before the encrypted part: the number of the key, and the key of the message.
const HEAD: usize = 24;

/// An account's key.
#[derive(Clone)]
pub struct Cipher {
    pub key: [u8; 256],
    pub id: [u8; 8],
}

impl Cipher {
    pub fn new(key: [u8; 256]) -> Self {
        use sha1::Digest as _;
        let hash = sha1::Sha1::digest(key);
        Self { key, id: hash[12..20].try_into().unwrap() }
    }

    /// What a client has said; None if it is not what its message key says.
    pub fn open(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = packet.split_at_checked(HEAD)?;
        let message_key: [u8; 16] = head[8..].try_into().unwrap();
        let (key, iv) = self.derive(&message_key, 0);
        let mut plain = body.to_vec();
        if plain.is_empty() || !plain.len().is_multiple_of(16) {
            return None;
        }
        ige_decrypt(&mut plain, &key, &iv);
        (self.message_key(&plain, 0) == message_key).then_some(plain)
    }

    /// What the server says, padded and encrypted.
    pub fn seal(&self, mut plain: Vec<u8>) -> Vec<u8> {
        let padding = 16 + (16 - plain.len() % 16);
        plain.extend((0..padding).map(|_| rand::random::<u8>()));
        let message_key = self.message_key(&plain, 8);
        let (key, iv) = self.derive(&message_key, 8);
        ige_encrypt(&mut plain, &key, &iv);
        [&self.id[..], &message_key, &plain].concat()
    }

    fn message_key(&self, plain: &[u8], x: usize) -> [u8; 16] {
        let hash = Sha256::new().chain_update(&self.key[88 + x..120 + x]).chain_update(plain).finalize();
        hash[8..24].try_into().unwrap()
    }

    fn derive(&self, message_key: &[u8; 16], x: usize) -> ([u8; 32], [u8; 32]) {
        let a = Sha256::new().chain_update(message_key).chain_update(&self.key[x..x + 36]).finalize();
        let b = Sha256::new().chain_update(&self.key[40 + x..76 + x]).chain_update(message_key).finalize();
        let key = [&a[..8], &b[8..24], &a[24..]].concat();
        let iv = [&b[..8], &a[8..24], &b[24..]].concat();
        (key.try_into().unwrap(), iv.try_into().unwrap())
    }
}

//! Messages: what a client packs into one packet, and how the server's are built.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use grammers_tl_types::{Cursor, Deserializable, Serializable};

pub const CONTAINER: u32 = 0x73f1_f8dc;
pub const GZIP: u32 = 0x3072_cfa1;
pub const RPC_RESULT: u32 = 0xf35c_6d01;
pub const RPC_ERROR: u32 = 0x2144_ca19;
pub const PONG: u32 = 0x3477_73c5;
pub const FUTURE_SALTS: u32 = 0xae50_0895;
pub const FUTURE_SALT: u32 = 0x0949_d9dc;
pub const BAD_SERVER_SALT: u32 = 0xedab_447b;
pub const MESSAGE_COPY: u32 = 0xe060_46b2;
const VECTOR: u32 = 0x1cb5_c415;

/// One message of a client.
pub struct Message {
    pub id: i64,
    pub body: Vec<u8>,
}

/// A packet, decrypted.
pub struct Packet {
    pub salt: i64,
    pub session: i64,
    /// The number of the outermost message: complaints name it.
    pub id: i64,
    pub messages: Vec<Message>,
}

impl Packet {
    pub fn read(plain: &[u8]) -> Self {
        let cursor = &mut Cursor::from_slice(plain);
        let (salt, session) = (i64::deserialize(cursor).unwrap(), i64::deserialize(cursor).unwrap());
        let outer = message(cursor);
        let mut packet = Self { salt, session, id: outer.id, messages: Vec::new() };
        packet.add(&outer);
        packet
    }

    fn add(&mut self, message: &Message) {
        let body = unpacked(&message.body);
        let cursor = &mut Cursor::from_slice(&body);
        if u32::deserialize(cursor).unwrap() == CONTAINER {
            for _ in 0..i32::deserialize(cursor).unwrap() {
                self.add(&self::message(cursor));
            }
        } else {
            self.messages.push(Message { id: message.id, body });
        }
    }
}

fn message(cursor: &mut Cursor) -> Message {
    let id = i64::deserialize(cursor).unwrap();
    let _number = i32::deserialize(cursor).unwrap();
    let mut body = vec![0; usize::try_from(i32::deserialize(cursor).unwrap()).unwrap()];
    cursor.read_exact(&mut body).unwrap();
    Message { id, body }
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let cursor = &mut Cursor::from_slice(body);
    if u32::deserialize(cursor).unwrap() != GZIP {
        return body.to_vec();
    }
    let packed = Vec::<u8>::deserialize(cursor).unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
    plain
}

/// Bytes in the making.
#[derive(Default, Clone)]
pub struct Words(pub Vec<u8>);

impl Words {
    pub fn new(constructor: u32) -> Self {
        Self::default().put(&constructor)
    }

    pub fn put(mut self, value: &impl Serializable) -> Self {
        value.serialize(&mut self.0);
        self
    }

    pub fn text(self, value: &str) -> Self {
        self.put(&value.to_owned())
    }

    pub fn ints(self, values: &[i32]) -> Self {
        values.iter().fold(self, Self::put)
    }

    pub fn longs(self, values: &[i64]) -> Self {
        values.iter().fold(self, Self::put)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// A boxed vector of what is built already.
    pub fn list(self, items: &[Vec<u8>]) -> Self {
        let count = i32::try_from(items.len()).unwrap();
        items.iter().fold(self.put(&VECTOR).put(&count), |words, item| words.raw(item))
    }

    /// The answer to the request `id`; a long one is compressed, as Telegram does.
    pub fn answers(self, id: i64) -> Vec<u8> {
        let answer = if self.0.len() < 512 { self.0 } else { packed(&self.0) };
        Self::new(RPC_RESULT).put(&id).raw(&answer).0
    }
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    Words::new(GZIP).put(&encoder.finish().unwrap()).0
}

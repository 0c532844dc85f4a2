//! The requests that the server understands, and their answers.

use std::time::Instant;

use grammers_tl_types::enums::InputPeer;
use grammers_tl_types::functions::{self as f, contacts, help, messages, users};
use grammers_tl_types::{Cursor, Deserializable, Identifiable, Serializable, enums, types};

use super::book::{Accepted, Book, access_to};
use super::words::Words;

/// A request, without what it was wrapped in.
pub struct Request {
    pub method: &'static str,
    pub username: Option<String>,
    pub random_id: Option<i64>,
    pub call: Known,
}

pub enum Known {
    GetConfig,
    GetUsers,
    Resolve(contacts::ResolveUsername),
    Send(Box<messages::SendMessage>),
    Unknown(u32),
}

type Answer = Result<Words, &'static str>;

/// Reads a request; wrappers are taken off.
pub fn read(book: &Book, account: usize, body: &[u8]) -> Request {
    let body = unwrapped(body);
    let cursor = &mut Cursor::from_slice(body);
    let plain = |method, call| Request { method, username: None, random_id: None, call };
    match u32::deserialize(cursor).unwrap() {
        help::GetConfig::CONSTRUCTOR_ID => plain("help.getConfig", Known::GetConfig),
        users::GetUsers::CONSTRUCTOR_ID => plain("users.getUsers", Known::GetUsers),
        contacts::ResolveUsername::CONSTRUCTOR_ID => {
            let call = contacts::ResolveUsername::deserialize(cursor).unwrap();
            let username = Some(call.username.clone());
            Request { username, ..plain("contacts.resolveUsername", Known::Resolve(call)) }
        }
        messages::SendMessage::CONSTRUCTOR_ID => {
            let call = messages::SendMessage::deserialize(cursor).unwrap();
            let (username, random_id) = (username(book, account, &call.peer), Some(call.random_id));
            Request { username, random_id, ..plain("messages.sendMessage", Known::Send(Box::new(call))) }
        }
        other => plain("unknown", Known::Unknown(other)),
    }
}

/// The innermost request.
fn unwrapped(body: &[u8]) -> &[u8] {
    let cursor = &mut Cursor::from_slice(body);
    let constructor = u32::deserialize(cursor).unwrap();
    if constructor == f::InvokeWithLayer::<()>::CONSTRUCTOR_ID {
        assert_eq!(i32::deserialize(cursor).unwrap(), grammers_tl_types::LAYER);
    } else if constructor == f::InitConnection::<()>::CONSTRUCTOR_ID {
        let (flags, _api_id) = (u32::deserialize(cursor).unwrap(), i32::deserialize(cursor).unwrap());
        assert_eq!(flags, 0, "neither a proxy nor parameters");
        for _ in 0..6 {
            String::deserialize(cursor).unwrap();
        }
    } else if constructor != f::InvokeWithoutUpdates::<()>::CONSTRUCTOR_ID {
        return body;
    }
    unwrapped(&body[cursor.pos()..])
}

/// Who is written to; None if the account does not know it.
fn username(book: &Book, account: usize, peer: &InputPeer) -> Option<String> {
    match peer {
        InputPeer::PeerSelf => Some("me".into()),
        InputPeer::Channel(peer) => book.username(account, peer.channel_id, peer.access_hash).map(str::to_owned),
        _ => None,
    }
}

/// Carries a request out.
pub fn answer(book: &mut Book, account: usize, request: Request) -> Answer {
    match request.call {
        Known::GetConfig => Ok(config()),
        _ if !book.accounts[account].is_signed_in => Err("AUTH_KEY_UNREGISTERED"),
        Known::GetUsers => Ok(Words::default().list(&[myself(book, account)])),
        Known::Resolve(call) => Ok(resolved(book, account, &call.username)),
        Known::Send(call) => accept(book, account, request.username.ok_or("PEER_ID_INVALID")?, *call),
        Known::Unknown(id) => {
            panic!("the test server does not know {}", grammers_tl_types::name_for_id(id))
        }
    }
}

/// Accepts a message, once.
fn accept(book: &mut Book, account: usize, username: String, call: messages::SendMessage) -> Answer {
    if call.random_id == 0 {
        return Err("RANDOM_ID_EMPTY");
    }
    if call.message.is_empty() {
        return Err("MESSAGE_EMPTY");
    }
    let first = book.accepted.iter().find(|it| it.account == account && it.random_id == call.random_id);
    let message_id = match first {
        Some(first) if book.echoes => first.message_id,
        Some(_) => return Err("RANDOM_ID_DUPLICATE"),
        None => i32::try_from(book.accepted.len()).unwrap() + 1,
    };
    if first.is_none() {
        book.accepted.push(Accepted {
            account,
            username,
            random_id: call.random_id,
            text: call.message,
            entities: call.entities.unwrap_or_default(),
            message_id,
            at: Instant::now(),
        });
    }
    let sent = match call.peer {
        InputPeer::PeerSelf => enums::Updates::UpdateShortSentMessage(types::UpdateShortSentMessage {
            out: true,
            id: message_id,
            pts: 1,
            pts_count: 1,
            date: 1,
            media: None,
            entities: None,
            ttl_period: None,
        }),
        _ => enums::Updates::Updates(types::Updates {
            updates: vec![types::UpdateMessageId { id: message_id, random_id: call.random_id }.into()],
            users: vec![],
            chats: vec![],
            date: 1,
            seq: 0,
        }),
    };
    Ok(Words(sent.to_bytes()))
}

/// `config`, which tries to lead the client elsewhere.
fn config() -> Words {
    let elsewhere = types::DcOption {
        ipv6: false,
        media_only: false,
        tcpo_only: false,
        cdn: false,
        r#static: true,
        this_port_only: false,
        id: 2,
        ip_address: "192.0.2.1".into(),
        port: 443,
        secret: None,
    };
    Words::new(types::Config::CONSTRUCTOR_ID)
        .ints(&[0, 1, i32::MAX])
        .put(&false)
        .put(&2)
        .put(&vec![enums::DcOption::Option(elsewhere)])
        .text("")
        .ints(&[1; 21])
        .text("https://t.me/")
        .ints(&[1024, 4096, 2])
}

fn myself(book: &Book, account: usize) -> Vec<u8> {
    // access_hash, first_name, username, phone, self
    let flags: u32 = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 10;
    let user_id = book.accounts[account].user_id;
    let words =
        Words::new(types::User::CONSTRUCTOR_ID).put(&flags).put(&0).longs(&[user_id, access_to(account, user_id)]);
    words.text(&format!("Sender {account}")).text(&format!("sender{account}")).text(&format!("1555000{account:04}")).0
}

/// A broadcast channel, as an account sees it.
fn channel(book: &mut Book, account: usize, username: &str) -> Vec<u8> {
    const PHOTO_EMPTY: u32 = 0x37c1_011c;
    // broadcast, username, verified, access_hash, participants_count
    let flags: u32 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 13 | 1 << 17;
    let id = book.channel_id(username);
    let words = Words::new(types::Channel::CONSTRUCTOR_ID).put(&flags).put(&0).longs(&[id, access_to(account, id)]);
    words.text(&format!("The {username}")).text(username).put(&PHOTO_EMPTY).ints(&[1, 1234]).0
}

fn resolved(book: &mut Book, account: usize, username: &str) -> Words {
    let peer = enums::Peer::Channel(types::PeerChannel { channel_id: book.channel_id(username) });
    let channel = channel(book, account, username);
    Words::new(types::contacts::ResolvedPeer::CONSTRUCTOR_ID).put(&peer).list(&[channel]).list(&[])
}

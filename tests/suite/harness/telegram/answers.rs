//! The requests that the server understands, and their answers.

use grammers_tl_types::enums::{InputChannel, InputPeer};
use grammers_tl_types::functions::{self as f, auth, channels, contacts, help, messages, upload, users};
use grammers_tl_types::{Cursor, Deserializable, Identifiable, enums, types};

use super::book::{Book, access_to};
use super::words::Words;
use super::{channels as channels_of, doors, media, posts};

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
    SendCode(auth::SendCode),
    SignIn(auth::SignIn),
    GetPassword,
    CheckPassword(auth::CheckPassword),
    LogOut,
    Resolve(contacts::ResolveUsername),
    Send(Box<messages::SendMessage>),
    SendMedia(Box<messages::SendMedia>),
    SavePart(upload::SaveFilePart),
    SaveBigPart(upload::SaveBigFilePart),
    Store(Box<messages::UploadMedia>),
    Edit(Box<messages::EditMessage>),
    Delete(Vec<i32>),
    GetHistory(messages::GetHistory),
    GetFullChannel,
    Unknown(u32),
}

pub type Answer = Result<Words, &'static str>;

/// Reads a request; wrappers are taken off.
pub fn read(book: &Book, account: usize, body: &[u8]) -> Request {
    let body = unwrapped(body);
    let cursor = &mut Cursor::from_slice(body);
    let request = |method, username, call| Request { method, username, random_id: None, call };
    let to = |peer: &InputPeer| username(book, account, peer);
    let plain = |method, call| request(method, None, call);
    match u32::deserialize(cursor).unwrap() {
        help::GetConfig::CONSTRUCTOR_ID => plain("help.getConfig", Known::GetConfig),
        users::GetUsers::CONSTRUCTOR_ID => plain("users.getUsers", Known::GetUsers),
        contacts::ResolveUsername::CONSTRUCTOR_ID => {
            let call = contacts::ResolveUsername::deserialize(cursor).unwrap();
            request("contacts.resolveUsername", Some(call.username.clone()), Known::Resolve(call))
        }
        messages::SendMessage::CONSTRUCTOR_ID => {
            let call = messages::SendMessage::deserialize(cursor).unwrap();
            let (username, random_id) = (to(&call.peer), Some(call.random_id));
            Request { random_id, ..request("messages.sendMessage", username, Known::Send(Box::new(call))) }
        }
        messages::SendMedia::CONSTRUCTOR_ID => {
            let call = messages::SendMedia::deserialize(cursor).unwrap();
            let (username, random_id) = (to(&call.peer), Some(call.random_id));
            Request { random_id, ..request("messages.sendMedia", username, Known::SendMedia(Box::new(call))) }
        }
        upload::SaveFilePart::CONSTRUCTOR_ID => {
            plain("upload.saveFilePart", Known::SavePart(upload::SaveFilePart::deserialize(cursor).unwrap()))
        }
        upload::SaveBigFilePart::CONSTRUCTOR_ID => {
            plain("upload.saveBigFilePart", Known::SaveBigPart(upload::SaveBigFilePart::deserialize(cursor).unwrap()))
        }
        messages::UploadMedia::CONSTRUCTOR_ID => {
            let call = messages::UploadMedia::deserialize(cursor).unwrap();
            plain("messages.uploadMedia", Known::Store(Box::new(call)))
        }
        messages::EditMessage::CONSTRUCTOR_ID => {
            let call = messages::EditMessage::deserialize(cursor).unwrap();
            request("messages.editMessage", to(&call.peer), Known::Edit(Box::new(call)))
        }
        messages::DeleteMessages::CONSTRUCTOR_ID => {
            let call = messages::DeleteMessages::deserialize(cursor).unwrap();
            request("messages.deleteMessages", Some("me".into()), Known::Delete(call.id))
        }
        channels::DeleteMessages::CONSTRUCTOR_ID => {
            let call = channels::DeleteMessages::deserialize(cursor).unwrap();
            request("channels.deleteMessages", named(book, account, &call.channel), Known::Delete(call.id))
        }
        messages::GetHistory::CONSTRUCTOR_ID => {
            let call = messages::GetHistory::deserialize(cursor).unwrap();
            request("messages.getHistory", to(&call.peer), Known::GetHistory(call))
        }
        channels::GetFullChannel::CONSTRUCTOR_ID => {
            let call = channels::GetFullChannel::deserialize(cursor).unwrap();
            request("channels.getFullChannel", named(book, account, &call.channel), Known::GetFullChannel)
        }
        other => {
            let (method, call) = doors::read(other, cursor).unwrap_or(("unknown", Known::Unknown(other)));
            plain(method, call)
        }
    }
}

/// Carries a request out.
pub fn answer(book: &mut Book, account: usize, request: Request) -> Answer {
    let username = request.username.ok_or("PEER_ID_INVALID");
    match request.call {
        Known::GetConfig => Ok(config()),
        Known::SendCode(call) => doors::send_code(book, account, &call),
        Known::SignIn(call) => doors::sign_in(book, account, &call),
        Known::GetPassword => doors::ask_for_password(book, account),
        Known::CheckPassword(call) => doors::check_password(book, account, &call),
        Known::LogOut => Ok(doors::log_out(book, account)),
        _ if !book.accounts[account].is_signed_in => Err("AUTH_KEY_UNREGISTERED"),
        Known::GetUsers => Ok(Words::default().list(&[myself(book, account)])),
        Known::Resolve(call) => Ok(channels_of::resolved(book, account, &call.username)),
        Known::Send(call) => posts::accept(book, account, username?, posts::Post::from(*call)),
        Known::SendMedia(call) => {
            let media = media::named(book, account, &call.media)?;
            posts::accept(book, account, username?, posts::Post::with(*call, media))
        }
        Known::SavePart(call) => Ok(media::save(book, (account, call.file_id, call.file_part), call.bytes)),
        Known::SaveBigPart(call) => Ok(media::save(book, (account, call.file_id, call.file_part), call.bytes)),
        Known::Store(call) => media::store(book, account, call.media),
        Known::Edit(call) => posts::edit(book, account, &username?, *call),
        Known::Delete(ids) => Ok(posts::delete(book, account, &username?, &ids)),
        Known::GetHistory(call) => Ok(posts::history(book, &username?, &call)),
        Known::GetFullChannel => Ok(channels_of::full(book, account, &username?)),
        Known::Unknown(id) => {
            panic!("the test server does not know {}", grammers_tl_types::name_for_id(id))
        }
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
        InputPeer::User(peer) => book.username(account, peer.user_id, peer.access_hash).map(str::to_owned),
        _ => None,
    }
}

/// The channel that is named; None if the account does not know it.
fn named(book: &Book, account: usize, channel: &InputChannel) -> Option<String> {
    match channel {
        InputChannel::Channel(it) => book.username(account, it.channel_id, it.access_hash).map(str::to_owned),
        _ => None,
    }
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

pub fn myself(book: &Book, account: usize) -> Vec<u8> {
    // access_hash, first_name, username, phone, self
    let is_bot = book.accounts[account].is_bot;
    let flags: u32 = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 10 | u32::from(is_bot) << 14;
    let user_id = book.accounts[account].user_id;
    let words =
        Words::new(types::User::CONSTRUCTOR_ID).put(&flags).put(&0).longs(&[user_id, access_to(account, user_id)]);
    let words = words.text(&format!("Sender {account}")).text(&format!("sender{account}"));
    let words = words.text(&format!("1555000{account:04}"));
    if is_bot { words.put(&1).0 } else { words.0 }
}

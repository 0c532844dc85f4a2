//! Messages: accepted once, edited, deleted, and read in a history.

use std::time::Instant;

use grammers_tl_types::functions::messages;
use grammers_tl_types::{Identifiable, Serializable, enums, types};

use super::answers::Answer;
use super::book::{Accepted, Book};
use super::channels;
use super::socket::unix_time;
use super::words::Words;

/// A message on its way in.
pub struct Post {
    text: String,
    entities: Vec<enums::MessageEntity>,
    random_id: i64,
    media: Option<i64>,
    is_private: bool,
}

impl From<messages::SendMessage> for Post {
    fn from(call: messages::SendMessage) -> Self {
        Self {
            text: call.message,
            entities: call.entities.unwrap_or_default(),
            random_id: call.random_id,
            media: None,
            is_private: matches!(call.peer, enums::InputPeer::PeerSelf),
        }
    }
}

impl Post {
    pub fn with(call: messages::SendMedia, media: i64) -> Self {
        Self {
            text: call.message,
            entities: call.entities.unwrap_or_default(),
            random_id: call.random_id,
            media: Some(media),
            is_private: matches!(call.peer, enums::InputPeer::PeerSelf),
        }
    }
}

/// Accepts a message, once.
pub fn accept(book: &mut Book, account: usize, username: String, post: Post) -> Answer {
    if post.random_id == 0 {
        return Err("RANDOM_ID_EMPTY");
    }
    if post.text.trim().is_empty() && post.media.is_none() {
        return Err("MESSAGE_EMPTY");
    }
    let units = post.text.encode_utf16().count();
    if post.media.is_some() && units > 1024 {
        return Err("MEDIA_CAPTION_TOO_LONG");
    }
    if units > 4096 {
        return Err("MESSAGE_TOO_LONG");
    }
    let first = book.accepted.iter().find(|it| it.account == account && it.random_id == post.random_id);
    let message_id = match first {
        Some(first) if book.echoes => first.message_id,
        Some(_) => return Err("RANDOM_ID_DUPLICATE"),
        None => i32::try_from(book.accepted.len()).unwrap() + 1,
    };
    if first.is_none() {
        book.accepted.push(Accepted {
            account,
            username,
            random_id: post.random_id,
            text: if book.trims { post.text.replace('\r', "").trim().to_owned() } else { post.text },
            entities: post.entities,
            media: post.media,
            message_id,
            is_deleted: false,
            at: Instant::now(),
            date: i32::try_from(unix_time().as_secs()).unwrap(),
        });
    }
    Ok(Words(sent(message_id, post.random_id, post.is_private).to_bytes()))
}

fn sent(id: i32, random_id: i64, is_private: bool) -> enums::Updates {
    if is_private {
        return enums::Updates::UpdateShortSentMessage(types::UpdateShortSentMessage {
            out: true,
            id,
            pts: 1,
            pts_count: 1,
            date: 1,
            media: None,
            entities: None,
            ttl_period: None,
        });
    }
    updates(vec![types::UpdateMessageId { id, random_id }.into()])
}

fn updates(updates: Vec<enums::Update>) -> enums::Updates {
    enums::Updates::Updates(types::Updates { updates, users: vec![], chats: vec![], date: 1, seq: 0 })
}

/// Changes a message of the account's own.
pub fn edit(book: &mut Book, account: usize, username: &str, call: messages::EditMessage) -> Answer {
    let post = own(book, account, username, call.id).ok_or("MESSAGE_ID_INVALID")?;
    let text = call.message.unwrap_or_default();
    if post.text == text {
        return Err("MESSAGE_NOT_MODIFIED");
    }
    post.text = text;
    post.entities = call.entities.unwrap_or_default();
    Ok(Words(updates(vec![]).to_bytes()))
}

/// Takes messages of the account's own back; those that are gone are passed over, as Telegram does.
pub fn delete(book: &mut Book, account: usize, username: &str, ids: &[i32]) -> Words {
    for id in ids {
        if let Some(post) = own(book, account, username, *id) {
            post.is_deleted = true;
        }
    }
    let affected = types::messages::AffectedMessages { pts: 1, pts_count: 1 };
    Words(enums::messages::AffectedMessages::Messages(affected).to_bytes())
}

fn own<'a>(book: &'a mut Book, account: usize, username: &str, id: i32) -> Option<&'a mut Accepted> {
    let is_it = |post: &&mut Accepted| {
        // Messages to persons are named by their numbers alone.
        let is_there = post.username == username || (username == "me" && channels::is_private(&post.username));
        post.account == account && is_there && post.message_id == id && !post.is_deleted
    };
    book.accepted.iter_mut().find(is_it)
}

/// A page of a history, the newest message first.
pub fn history(book: &mut Book, username: &str, call: &messages::GetHistory) -> Words {
    let id = book.channel_id(username);
    let posts = book.accepted.iter().rev().filter(|post| post.username == username && !post.is_deleted);
    let posts = posts.filter(|post| call.offset_id == 0 || post.message_id < call.offset_id);
    let posts = posts.filter(|post| call.offset_date == 0 || post.date < call.offset_date);
    let page: Vec<Vec<u8>> = posts.take(usize::try_from(call.limit).unwrap()).map(|post| message(post, id)).collect();
    Words::new(types::messages::Messages::CONSTRUCTOR_ID).list(&page).list(&[]).list(&[]).list(&[])
}

fn message(post: &Accepted, channel_id: i64) -> Vec<u8> {
    // out, post, media
    let flags: u32 = 1 << 1 | 1 << 14 | u32::from(post.media.is_some()) << 9;
    let peer = enums::Peer::Channel(types::PeerChannel { channel_id });
    let words = Words::new(types::Message::CONSTRUCTOR_ID).put(&flags).ints(&[0, post.message_id]).put(&peer);
    let words = words.put(&post.date).text(&post.text);
    if post.media.is_some() { words.put(&types::MessageMediaDocument::CONSTRUCTOR_ID).put(&0).0 } else { words.0 }
}

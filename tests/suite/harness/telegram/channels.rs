//! Channels and groups, as an account sees them.

use grammers_tl_types::{Identifiable, enums, types};

use super::book::{Book, access_to};
use super::words::Words;

const PHOTO_EMPTY: u32 = 0x37c1_011c;

/// Whether a username leads to a person or a bot.
pub fn is_private(username: &str) -> bool {
    username.starts_with("person_") || username.starts_with("robot_")
}

/// What a username leads to: a channel, or a person if it begins with `person_`, or a bot if it begins with `robot_`.
pub fn resolved(book: &mut Book, account: usize, username: &str) -> Words {
    if is_private(username) {
        let is_bot = username.starts_with("robot_");
        let user_id = book.channel_id(username);
        let peer = enums::Peer::User(types::PeerUser { user_id });
        // access_hash, first_name, username, bot
        let flags = 0b1011_u32 | u32::from(is_bot) << 14;
        let user = Words::new(types::User::CONSTRUCTOR_ID).put(&flags).put(&0);
        let user = user.longs(&[user_id, access_to(account, user_id)]).text("Somebody").text(username);
        let user = if is_bot { user.put(&1) } else { user };
        return Words::new(types::contacts::ResolvedPeer::CONSTRUCTOR_ID).put(&peer).list(&[]).list(&[user.0]);
    }
    let peer = enums::Peer::Channel(types::PeerChannel { channel_id: book.channel_id(username) });
    let channel = channel(book, account, username);
    Words::new(types::contacts::ResolvedPeer::CONSTRUCTOR_ID).put(&peer).list(&[channel]).list(&[])
}

/// A channel in short.
fn channel(book: &mut Book, account: usize, username: &str) -> Vec<u8> {
    let (id, facts) = (book.channel_id(username), book.facts.get(username).cloned().unwrap_or_default());
    let flag = |is_set: bool, bit: u32| u32::from(is_set) << bit;
    // username, access_hash, default_banned_rights, participants_count
    let flags: u32 = 1 << 6 | 1 << 13 | 1 << 18 | 1 << 17;
    let is_group = facts.is_group || facts.is_forum;
    let kind = flag(!is_group, 5) | flag(is_group, 8) | flag(facts.is_forum, 30);
    let flags = flags | kind | flag(facts.is_verified, 7) | flag(facts.is_admin, 14);
    let words = Words::new(types::Channel::CONSTRUCTOR_ID).put(&flags).put(&0).longs(&[id, access_to(account, id)]);
    let words = words.text(&format!("The {username}")).text(username).put(&PHOTO_EMPTY).put(&1);
    // post_messages
    let admin = Words::new(types::ChatAdminRights::CONSTRUCTOR_ID).put(&2);
    let words = if facts.is_admin { words.raw(&admin.0) } else { words };
    // send_messages
    let banned = words.put(&types::ChatBannedRights::CONSTRUCTOR_ID).put(&flag(facts.is_muted, 1)).put(&0);
    banned.put(&facts.members).0
}

/// A channel at length.
pub fn full(book: &mut Book, account: usize, username: &str) -> Words {
    let (id, facts) = (book.channel_id(username), book.facts.get(username).cloned().unwrap_or_default());
    let flags = 1 | u32::from(facts.slow_mode.is_some()) << 17;
    let flags2 = u32::from(facts.price.is_some()) << 21;
    let words = Words::new(types::messages::ChatFull::CONSTRUCTOR_ID).put(&types::ChannelFull::CONSTRUCTOR_ID);
    let words = words.put(&flags).put(&flags2).put(&id).text(&facts.about).ints(&[facts.members, 0, 0, 0]);
    let words = words.put(&types::PhotoEmpty::CONSTRUCTOR_ID).put(&1_i64);
    let words = words.put(&types::PeerNotifySettings::CONSTRUCTOR_ID).put(&0).list(&[]);
    let words = facts.slow_mode.iter().fold(words, Words::put).put(&1);
    let words = facts.price.iter().fold(words, Words::put);
    words.list(&[channel(book, account, username)]).list(&[])
}

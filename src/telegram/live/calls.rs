//! The calls by which messages go out.

use grammers_client::tl;
use grammers_client::tl::enums;

use super::connection::Connection;
use super::supervisor::TelegramLine;
use super::{Identity, Message, Recipient, ResolvedPeer, StoredMedia, fault, media, receipt, style};
use domain::broadcast::PeerKind;
use domain::delivery::{Fault, Receipt, Reply};

/// The fault of a session that is a bot's, whatever format it came in: only Telegram tells. Bots are other senders, with other limits.
pub const BOT_SESSION: &str = "SESSION_OF_A_BOT";

/// The longest text that Telegram takes, in UTF-16 units. A longer one could end the connection, so it is not tried.
const LONGEST_TEXT: usize = 4096;

impl Connection {
    /// Asks Telegram who is signed in.
    ///
    /// # Errors
    /// There was no answer, or no welcome; or it is a bot.
    pub async fn who_am_i(&self) -> Result<Identity, Fault> {
        myself(self.call(&get_myself()).await?)
    }

    /// Finds what a username, without `@`, leads to. Telegram allows few of these a day.
    ///
    /// # Errors
    /// `USERNAME_NOT_OCCUPIED` and the like.
    pub async fn resolve(&self, username: &str) -> Result<ResolvedPeer, Fault> {
        let request = tl::functions::contacts::ResolveUsername { username: username.to_owned(), referer: None };
        let enums::contacts::ResolvedPeer::Peer(found) = self.call(&request).await?;
        resolved(found).ok_or_else(|| Fault::rpc(400, "USERNAME_INVALID"))
    }

    /// Hands the message over; the first poll is the hand-over.
    ///
    /// # Errors
    /// After [`Fault::ConnectionLost`] and [`Fault::TimedOut`] it may have been sent, and may be repeated at once; after
    /// [`Fault::NotConnected`] it was surely not.
    pub async fn send(&self, message: &Message) -> Reply {
        if message.text.utf16_length() > LONGEST_TEXT {
            return Err(Fault::rpc(400, "MESSAGE_TOO_LONG"));
        }
        let query = send_message(message);
        Self::receipt(message, self.call(&tl::functions::InvokeWithoutUpdates { query }).await)
    }

    /// Like [`send`](Self::send), with media that this account has [stored](Self::store_media).
    ///
    /// # Errors
    /// Also `FILE_REFERENCE_EXPIRED`: it was surely not sent, and the media is to be stored again.
    pub async fn send_media(&self, message: &Message, media: &StoredMedia) -> Reply {
        if message.text.utf16_length() > LONGEST_TEXT {
            return Err(Fault::rpc(400, "MEDIA_CAPTION_TOO_LONG"));
        }
        let query = send_media(message, media);
        Self::receipt(message, self.call(&tl::functions::InvokeWithoutUpdates { query }).await)
    }

    fn receipt(of: &Message, answer: Result<enums::Updates, Fault>) -> Reply {
        match answer {
            Ok(updates) => Ok(receipt::read(updates, of.random_id)),
            Err(Fault::Rpc { name, .. }) if name == "RANDOM_ID_DUPLICATE" => Ok(Receipt::Duplicate),
            Err(fault) => Err(fault),
        }
    }
}

fn send_message(message: &Message) -> tl::functions::messages::SendMessage {
    tl::functions::messages::SendMessage {
        no_webpage: false,
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: input_peer(message.to),
        reply_to: None,
        message: message.text.text.clone(),
        random_id: message.random_id,
        reply_markup: None,
        entities: style::entities(&message.text.entities),
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    }
}

fn send_media(message: &Message, media: &StoredMedia) -> tl::functions::messages::SendMedia {
    tl::functions::messages::SendMedia {
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: input_peer(message.to),
        reply_to: None,
        media: media::named(media),
        message: message.text.text.clone(),
        random_id: message.random_id,
        reply_markup: None,
        entities: style::entities(&message.text.entities),
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    }
}

/// The account that is signed in on the line.
pub(super) async fn who_am_i(line: &TelegramLine) -> Result<Identity, Fault> {
    myself(line.handle.invoke_in_dc(line.dc, &get_myself()).await.map_err(fault::of)?)
}

fn get_myself() -> tl::functions::InvokeWithoutUpdates<tl::functions::users::GetUsers> {
    tl::functions::InvokeWithoutUpdates {
        query: tl::functions::users::GetUsers { id: vec![enums::InputUser::UserSelf] },
    }
}

pub(super) fn myself(users: Vec<enums::User>) -> Result<Identity, Fault> {
    match users.into_iter().next() {
        Some(enums::User::User(user)) if user.bot => Err(Fault::rpc(401, BOT_SESSION)),
        Some(enums::User::User(user)) => Ok(Identity {
            user_id: user.id,
            first_name: user.first_name.unwrap_or_default(),
            username: user.username,
            phone: user.phone,
        }),
        _ => Err(Fault::rpc(401, "AUTH_KEY_UNREGISTERED")),
    }
}

pub(super) fn input_peer(recipient: Recipient) -> enums::InputPeer {
    match recipient {
        Recipient::SavedMessages => enums::InputPeer::PeerSelf,
        Recipient::Channel { id, access_hash } => tl::types::InputPeerChannel { channel_id: id, access_hash }.into(),
        Recipient::User { id, access_hash } => tl::types::InputPeerUser { user_id: id, access_hash }.into(),
    }
}

/// The peer that was found, if it can be written to.
fn resolved(found: tl::types::contacts::ResolvedPeer) -> Option<ResolvedPeer> {
    match found.peer {
        enums::Peer::Channel(peer) => found.chats.into_iter().find_map(|chat| match chat {
            enums::Chat::Channel(channel) if channel.id == peer.channel_id => Some(ResolvedPeer {
                recipient: Recipient::Channel { id: channel.id, access_hash: channel.access_hash? },
                peer_id: channel.id,
                title: channel.title,
                is_verified: channel.verified,
                member_count: channel.participants_count,
                kind: match (channel.forum, channel.megagroup || channel.gigagroup) {
                    (true, _) => PeerKind::Forum,
                    (false, true) => PeerKind::Group,
                    (false, false) => PeerKind::Channel,
                },
            }),
            _ => None,
        }),
        enums::Peer::User(peer) => found.users.into_iter().find_map(|user| match user {
            enums::User::User(user) if user.id == peer.user_id => Some(ResolvedPeer {
                recipient: Recipient::User { id: user.id, access_hash: user.access_hash? },
                peer_id: user.id,
                title: user.first_name.unwrap_or_default(),
                is_verified: user.verified,
                member_count: None,
                kind: if user.bot { PeerKind::Bot } else { PeerKind::Person },
            }),
            _ => None,
        }),
        enums::Peer::Chat(_) => None,
    }
}

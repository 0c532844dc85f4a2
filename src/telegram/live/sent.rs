//! What can be done with a message that was sent: find it, change it, take it back.

use chrono::{DateTime, Utc};
use grammers_client::tl::enums;
use grammers_client::tl::functions::{channels, messages};
use grammers_client::tl::types;

use super::connection::Connection;
use super::{Recipient, calls, style};
use domain::delivery::Fault;
use domain::markup::Marked;

/// Messages of a history that are read at once; Telegram gives no more.
const PAGE: i32 = 100;

/// Pages that are read before it is given up.
const PAGES: usize = 3;

/// What an account's history tells of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// The message is there, under this number.
    Sent(i64),
    /// The message is not there: it was never sent, or somebody has removed it.
    Missing,
    /// The history is longer than what was read.
    Unclear,
}

/// The time in which a message was sent, if it was.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The first send began no earlier.
    pub from: DateTime<Utc>,
    /// The last one ended no later.
    pub until: DateTime<Utc>,
}

impl Connection {
    /// Changes the text of a message. To change it to what it says already is no error.
    ///
    /// # Errors
    /// What Telegram says: `MESSAGE_ID_INVALID`, `MESSAGE_EDIT_TIME_EXPIRED`, a wait.
    pub async fn edit(&self, to: Recipient, message_id: i32, text: &Marked) -> Result<(), Fault> {
        let request = messages::EditMessage {
            no_webpage: false,
            invert_media: false,
            peer: calls::input_peer(to),
            id: message_id,
            message: Some(text.text.clone()),
            media: None,
            reply_markup: None,
            entities: style::entities(&text.entities),
            schedule_date: None,
            schedule_repeat_period: None,
            quick_reply_shortcut_id: None,
            rich_message: None,
        };
        match self.call(&request).await {
            Ok(_) => Ok(()),
            Err(Fault::Rpc { name, .. }) if name == "MESSAGE_NOT_MODIFIED" => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Takes messages back, for all who see them. One that is gone already is no error.
    ///
    /// # Errors
    /// What Telegram says: `MESSAGE_DELETE_FORBIDDEN`, a wait.
    pub async fn delete(&self, to: Recipient, message_ids: Vec<i32>) -> Result<(), Fault> {
        match to {
            Recipient::Channel { id, access_hash } => {
                let channel = types::InputChannel { channel_id: id, access_hash }.into();
                self.call(&channels::DeleteMessages { channel, id: message_ids }).await.map(|_| ())
            }
            Recipient::User { .. } | Recipient::SavedMessages => {
                self.call(&messages::DeleteMessages { revoke: true, id: message_ids }).await.map(|_| ())
            }
        }
    }

    /// Looks for a message of this account by its text and its time: a history does not show by which `random_id` it came. Texts
    /// are compared as Telegram keeps them, which takes blanks and some signs away. `has_media` if something is attached.
    ///
    /// # Errors
    /// The history can't be read.
    pub async fn find_sent(&self, to: Recipient, text: &str, has_media: bool, span: Span) -> Result<Sighting, Fault> {
        self.find_sent_by(&[], to, text, has_media, span).await
    }

    /// [`Self::find_sent`] for a message of this account or of one of these users: in a group each sees those of the others.
    ///
    /// # Errors
    /// The history can't be read.
    pub async fn find_sent_by(
        &self,
        users: &[i64],
        to: Recipient,
        text: &str,
        has_media: bool,
        span: Span,
    ) -> Result<Sighting, Fault> {
        let (from, until) = (seconds(span.from), seconds(span.until).saturating_add(1));
        let sought = kept(text);
        let mut offset_id = 0;
        for _ in 0..PAGES {
            let page = self.history(to, offset_id, until).await?;
            for message in &page {
                if message.date < from {
                    return Ok(Sighting::Missing);
                }
                let is_ours = message.out || message.post || is_by(message, users);
                if message.date <= until
                    && is_ours
                    && is_with_media(message) == has_media
                    && kept(&message.message) == sought
                {
                    return Ok(Sighting::Sent(i64::from(message.id)));
                }
            }
            match page.last() {
                Some(last) => offset_id = last.id,
                None => return Ok(Sighting::Missing),
            }
        }
        Ok(Sighting::Unclear)
    }

    /// A page of the history, the newest message first.
    async fn history(&self, to: Recipient, offset_id: i32, until: i32) -> Result<Vec<types::Message>, Fault> {
        let request = messages::GetHistory {
            peer: calls::input_peer(to),
            offset_id,
            offset_date: if offset_id == 0 { until.saturating_add(1) } else { 0 },
            add_offset: 0,
            limit: PAGE,
            max_id: 0,
            min_id: 0,
            hash: 0,
        };
        let messages = match self.call(&request).await? {
            enums::messages::Messages::Messages(all) => all.messages,
            enums::messages::Messages::Slice(slice) => slice.messages,
            enums::messages::Messages::ChannelMessages(slice) => slice.messages,
            enums::messages::Messages::NotModified(_) => Vec::new(),
        };
        let written = messages.into_iter().filter_map(|message| match message {
            enums::Message::Message(message) => Some(message),
            enums::Message::Empty(_) | enums::Message::Service(_) => None,
        });
        Ok(written.collect())
    }
}

/// Whether it shows one of these users as its sender.
fn is_by(message: &types::Message, users: &[i64]) -> bool {
    matches!(&message.from_id, Some(enums::Peer::User(user)) if users.contains(&user.user_id))
}

/// A picture, a film or a file; the preview of a link is none.
fn is_with_media(message: &types::Message) -> bool {
    matches!(message.media, Some(enums::MessageMedia::Photo(_) | enums::MessageMedia::Document(_)))
}

/// What is left of a text whatever Telegram does to it: it trims blanks, and takes carriage returns, other control characters and marks
/// of direction away or writes blanks instead.
fn kept(text: &str) -> String {
    let is_fleeting = |sign: &char| {
        sign.is_whitespace()
            || sign.is_control()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
            || matches!(sign, '\u{333}' | '\u{33f}' | '\u{30a}')
    };
    text.chars().filter(|sign| !is_fleeting(sign)).collect()
}

/// Telegram's instants are whole seconds.
fn seconds(at: DateTime<Utc>) -> i32 {
    i32::try_from(at.timestamp()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_as_telegram_keeps_them() {
        for (sent, kept_by_telegram) in [
            ("Hello\n", "Hello"),
            ("\r\n  Hello\r\nWorld \t", "Hello\nWorld"),
            ("a\u{0}b\u{7}", "a b "),
            ("a\u{202e}b", "ab"),
            ("\u{feff}\u{200b}x", "x"),
            ("x\u{30a}", "x"),
            ("😀 ", "😀"),
        ] {
            assert_eq!(kept(sent), kept(kept_by_telegram), "{sent:?}");
        }
        for (one, other) in [("Hello", "hello"), ("a1", "a2"), ("", "x"), ("é", "e")] {
            assert_ne!(kept(one), kept(other));
        }
    }
}

//! The table of errors: which each is, whose it is, and what it asks for. What is not named goes by the class of its code.

use super::Fault;
use crate::broadcast::AccountStatus;

/// The kinds of calls. Telegram counts its limits apart for each: a flood of look-ups does not stop sends (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Messages to peers.
    Send,
    /// Usernames to peers.
    Resolve,
    /// Reading what is known of peers, and what was written to them.
    Read,
}

/// The reaction that an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The message had gone out before.
    Sent,
    /// The account waits, in this class of methods, at least so many seconds.
    Wait(u32),
    /// The channel takes messages of this account only so often: it waits there, and nowhere else.
    SlowMode(u32),
    /// The account can't send any more, until somebody does something about it.
    Account(AccountStatus),
    /// The channel refuses this account. If several do, it is the account.
    Suspect,
    /// The channel refuses.
    Channel,
    /// There is nobody to write to, now or later.
    Gone,
    /// What this account knows of the peer is out of date: the peer is looked up once more.
    Peer,
    /// Every message of the campaign would be refused like this one.
    Content,
    /// What was uploaded is to be uploaded again.
    Media,
    /// Later, perhaps.
    Defer,
    /// The error may pass: the call is repeated.
    Retry,
    /// The message may have gone out.
    Ambiguous,
    /// The message was surely not handed over.
    Unsent,
    /// The error concerns this one message.
    Job,
}

/// Waits shorter than this are not waited: servers have been seen to say 0.
const SHORTEST_WAIT: u32 = 1;

/// Errors by name, whatever their code.
const NAMED: [(Ruling, &[&str]); 12] = [
    (Ruling::Sent, &["RANDOM_ID_DUPLICATE"]),
    (Ruling::Account(AccountStatus::Restricted), &["PEER_FLOOD"]),
    (Ruling::Account(AccountStatus::Frozen), &["FROZEN_METHOD_INVALID", "FROZEN_PARTICIPANT_MISSING"]),
    (Ruling::Account(AccountStatus::Banned), &["USER_DEACTIVATED", "USER_DEACTIVATED_BAN", "PHONE_NUMBER_BANNED"]),
    (
        Ruling::Account(AccountStatus::NeedsLogin),
        &["AUTH_KEY_UNREGISTERED", "AUTH_KEY_INVALID", "AUTH_KEY_DUPLICATED", "SESSION_REVOKED", "SESSION_EXPIRED"],
    ),
    (Ruling::Suspect, &["USER_RESTRICTED", "USER_BANNED_IN_CHANNEL"]),
    (Ruling::Peer, &["CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID"]),
    (
        Ruling::Gone,
        &[
            "USERNAME_NOT_OCCUPIED",
            "USERNAME_INVALID",
            "INPUT_USER_DEACTIVATED",
            "USER_IS_BLOCKED",
            "YOU_BLOCKED_USER",
            "PRIVACY_PREMIUM_REQUIRED",
        ],
    ),
    (
        Ruling::Content,
        &[
            "MESSAGE_TOO_LONG",
            "MESSAGE_EMPTY",
            "ENTITY_BOUNDS_INVALID",
            "ENTITIES_TOO_LONG",
            "MEDIA_CAPTION_TOO_LONG",
            "MEDIA_EMPTY",
            "MEDIA_INVALID",
            "MEDIA_TYPE_INVALID",
            "DOCUMENT_INVALID",
            "EXTERNAL_URL_INVALID",
            "IMAGE_PROCESS_FAILED",
            "PHOTO_EXT_INVALID",
            "PHOTO_INVALID",
            "PHOTO_INVALID_DIMENSIONS",
            "PHOTO_SAVE_FILE_INVALID",
            "URL_INVALID",
            "VIDEO_FILE_INVALID",
            "WC_CONVERT_URL_INVALID",
            "WEBPAGE_CURL_FAILED",
            "WEBPAGE_MEDIA_EMPTY",
            "TEMPLATE_FAILED",
        ],
    ),
    (
        Ruling::Media,
        &["FILE_REFERENCE_EXPIRED", "FILE_REFERENCE_INVALID", "FILE_REFERENCE_EMPTY", "FILE_PARTS_INVALID"],
    ),
    (Ruling::Defer, &["CHANNELS_TOO_MUCH", "INVITE_REQUEST_SENT"]),
    (Ruling::Job, &["SLOWMODE_MULTI_MSGS_DISABLED", "RANDOM_ID_EMPTY", "RANDOM_ID_INVALID", "BALANCE_TOO_LOW"]),
];

/// Errors that say how long to wait and are not of the code 420.
const WAITS: [&str; 2] = ["SESSION_TOO_FRESH", "TAKEOUT_INIT_DELAY"];

/// What begins the names of errors about what is in a message.
const PARTS_OF_A_MESSAGE: [&str; 14] = [
    "BUTTON_",
    "CAPTION_",
    "DOCUMENT_",
    "EMOTICON_",
    "ENTITY_",
    "FILE_",
    "IMAGE_",
    "MEDIA_",
    "MESSAGE_",
    "PHOTO_",
    "REPLY_",
    "STICKER_",
    "VIDEO_",
    "WEBPAGE_",
];

/// Whether an error tells of a sort of messages that are not taken there, such as `CHAT_SEND_PHOTOS_FORBIDDEN`.
pub fn is_about_the_sort(name: &str) -> bool {
    name.starts_with("CHAT_SEND_") && name.ends_with("_FORBIDDEN")
}

/// Whether an error that the table does not name is about what is in the message: such as a photo, in a group that takes texts
/// only. The channel must not be charged with it.
fn is_about_the_message(name: &str) -> bool {
    is_about_the_sort(name) || PARTS_OF_A_MESSAGE.iter().any(|part| name.starts_with(part))
}

/// The reaction that `fault` asks for.
pub fn rule(fault: &Fault) -> Ruling {
    let (code, name, value) = match fault {
        Fault::Rpc { code, name, value } => (code, name, value),
        Fault::ConnectionLost | Fault::TimedOut => return Ruling::Ambiguous,
        Fault::NotConnected => return Ruling::Unsent,
        Fault::Unreadable => return Ruling::Content,
    };
    if let Some((ruling, _)) = NAMED.iter().find(|(_, names)| names.contains(&name.as_str())) {
        return *ruling;
    }
    match (*code, value) {
        (420, Some(seconds)) if name == "SLOWMODE_WAIT" => Ruling::SlowMode((*seconds).max(SHORTEST_WAIT)),
        (420, Some(seconds)) => Ruling::Wait((*seconds).max(SHORTEST_WAIT)),
        (_, Some(seconds)) if WAITS.contains(&name.as_str()) => Ruling::Wait((*seconds).max(SHORTEST_WAIT)),
        // The session's file references carry the place of the medium in an album.
        (400, _) if name.starts_with("FILE_REFERENCE_") => Ruling::Media,
        (401, _) => Ruling::Account(AccountStatus::NeedsLogin),
        (400 | 403, _) if is_about_the_message(name) => Ruling::Job,
        // Another data centre, or a flood without a number.
        (303 | 420, _) => Ruling::Retry,
        (500.. | ..0, _) => Ruling::Ambiguous,
        // 400, 403, 406 and whatever comes: the server has understood, and refuses this recipient this message.
        _ => Ruling::Channel,
    }
}

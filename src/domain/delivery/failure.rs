//! What a failure means to whoever runs the campaign: a sentence, what can be done about it, and whose matter it is.

use std::borrow::Cow;

use super::Fault;
use super::table::{Ruling, rule};
use crate::words::words;

words! {
    /// Whose matter a failure is.
    FailureGroup {
        /// There is nobody to write to, now or later.
        Gone => "GONE",
        /// The channel takes no message from this account, or from anybody like it.
        Closed => "CLOSED",
        /// Each message costs something there.
        Paid => "PAID",
        /// It is about what is in the message.
        Message => "MESSAGE",
        /// It is about the account that sends.
        Account => "ACCOUNT",
        /// Herald did not send it, by a rule of its own.
        NotSent => "NOT_SENT",
        /// Trouble at Telegram, or on the way there, that may be over.
        Passing => "PASSING",
    }
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the error without its number, such as `CHAT_WRITE_FORBIDDEN`.
    pub reason: String,
    /// Whose matter it is.
    pub group: FailureGroup,
    /// What happened.
    pub sentence: Cow<'static, str>,
    /// What can be done about it.
    pub remedy: &'static str,
}

/// The name of an error as it is kept, without its number: failures that differ in it are of one sort.
pub fn reason_of(error: &str) -> &str {
    match error.rsplit_once('_') {
        Some((name, number)) if !number.is_empty() && number.bytes().all(|sign| sign.is_ascii_digit()) => name,
        _ => error,
    }
}

/// What Herald says by itself, in the form of Telegram's errors.
const OWN: [&str; 10] = [
    "ACCOUNT_GONE",
    "CHANNEL_INACTIVE",
    "DEDUPE_WINDOW_OVER",
    "DUPLICATE_RECIPIENT",
    "MEDIA_FILE_UNREADABLE",
    "NOT_A_CHANNEL",
    "NOT_CONNECTED",
    "STORAGE_FULL",
    "STORAGE_UNREADABLE",
    "TEMPLATE_FAILED",
];

impl Fault {
    /// Whether Telegram said it: what it said is kept, whatever Herald decides later.
    pub fn is_told(&self) -> bool {
        matches!(self, Self::Rpc { name, .. } if !OWN.contains(&name.as_str()))
    }
}

type Words = (FailureGroup, &'static [&'static str], &'static str, &'static str);

/// Failures by name. What is not named here is explained by what Herald does about it.
const NAMED: &[Words] = &[
    (
        FailureGroup::Gone,
        &["USERNAME_NOT_OCCUPIED", "USERNAME_INVALID"],
        "There is no such channel: its username leads nowhere.",
        "Give the channel its present username and make it active again, then retry; or take it out of the batch.",
    ),
    (
        FailureGroup::Gone,
        &["INPUT_USER_DEACTIVATED"],
        "Whoever it was has deleted the account.",
        "Take it out of the batch.",
    ),
    (
        FailureGroup::Closed,
        &["USER_IS_BLOCKED", "YOU_BLOCKED_USER"],
        "They have blocked our account, or our account them.",
        "Take them out of the batch; lift the block in a Telegram app if it is ours.",
    ),
    (
        FailureGroup::Closed,
        &["PRIVACY_PREMIUM_REQUIRED"],
        "They take messages of Premium accounts only.",
        "Take them out of the batch, or send by an account that has Telegram Premium.",
    ),
    (
        FailureGroup::Closed,
        &["CHAT_WRITE_FORBIDDEN", "CHAT_ADMIN_REQUIRED", "CHAT_FORBIDDEN"],
        "We may not write there: only others may post.",
        "Take it out of the batch; or let the channel's owner allow our account to post, then retry.",
    ),
    (
        FailureGroup::Closed,
        &["CHAT_GUEST_SEND_FORBIDDEN"],
        "Only members may write there.",
        "Join the group with the sending account in a Telegram app, then retry; or take it out of the batch.",
    ),
    (
        FailureGroup::Closed,
        &["CHAT_RESTRICTED"],
        "Telegram has restricted the channel: nobody can write there.",
        "Take it out of the batch.",
    ),
    (
        FailureGroup::Closed,
        &["CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID"],
        "The sending account can't see the channel: it is private, or the account was removed from it.",
        "Let the sending account join the channel in a Telegram app, then retry; or take it out of the batch.",
    ),
    (
        FailureGroup::Closed,
        &["USER_BANNED_IN_CHANNEL", "USER_RESTRICTED"],
        "The sending account is banned there, or Telegram limits where it may write.",
        "Ask Telegram's @SpamBot with that account what it may do; then retry, or send by another account.",
    ),
    (
        FailureGroup::Closed,
        &["SLOWMODE_MULTI_MSGS_DISABLED"],
        "The channel is in slow mode and takes one message at a time.",
        "Retry later.",
    ),
    (
        FailureGroup::Paid,
        &["ALLOW_PAYMENT_REQUIRED", "BALANCE_TOO_LOW"],
        "Each message costs Telegram Stars there, which Herald does not pay.",
        "Take it out of the batch.",
    ),
    (
        FailureGroup::Message,
        &["MESSAGE_TOO_LONG", "MEDIA_CAPTION_TOO_LONG"],
        "The text is too long for Telegram: 4,096 UTF-16 units, and 1,024 beside an attachment.",
        "Shorten the text while the campaign is paused, then retry.",
    ),
    (
        FailureGroup::Message,
        &["MESSAGE_EMPTY"],
        "Nothing is left of the text for this channel.",
        "Mend the text while the campaign is paused, then retry.",
    ),
    (
        FailureGroup::Message,
        &["ENTITY_BOUNDS_INVALID", "ENTITIES_TOO_LONG"],
        "Telegram does not take the text's formatting.",
        "Write it with fewer or simpler tags while the campaign is paused, then retry.",
    ),
    (
        FailureGroup::Message,
        &[
            "DOCUMENT_INVALID",
            "IMAGE_PROCESS_FAILED",
            "MEDIA_EMPTY",
            "MEDIA_INVALID",
            "MEDIA_TYPE_INVALID",
            "PHOTO_EXT_INVALID",
            "PHOTO_INVALID",
            "PHOTO_INVALID_DIMENSIONS",
            "PHOTO_SAVE_FILE_INVALID",
            "VIDEO_FILE_INVALID",
        ],
        "Telegram does not take the attachment as what it is sent as.",
        "Make a campaign with another file, or send this one as a DOCUMENT.",
    ),
    (
        FailureGroup::Message,
        &[
            "EXTERNAL_URL_INVALID",
            "URL_INVALID",
            "WC_CONVERT_URL_INVALID",
            "WEBPAGE_CURL_FAILED",
            "WEBPAGE_MEDIA_EMPTY",
        ],
        "Telegram could not fetch the attachment from its URL.",
        "See that the URL leads to the file itself, then retry; or upload the file.",
    ),
    (
        FailureGroup::Message,
        &["MEDIA_FILE_UNREADABLE"],
        "The uploaded file is not where this process could read it.",
        "Let all processes share one place for files (HERALD_FILES), then retry.",
    ),
    (
        FailureGroup::Message,
        &["FILE_REFERENCE_EXPIRED", "FILE_REFERENCE_INVALID", "FILE_REFERENCE_EMPTY", "FILE_PARTS_INVALID"],
        "Telegram has forgotten the attachment, and it could not be put there again.",
        "Retry: it is uploaded anew.",
    ),
    (
        FailureGroup::Message,
        &["TEMPLATE_FAILED"],
        "The text could not be rendered with what is known of the channel.",
        "Mend the text while the campaign is paused, then retry; the preview for this channel says what is wrong.",
    ),
    (
        FailureGroup::Account,
        &["CHANNELS_TOO_MUCH"],
        "The sending account is in as many channels as Telegram allows.",
        "Leave some in a Telegram app, then retry.",
    ),
    (
        FailureGroup::Account,
        &["INVITE_REQUEST_SENT"],
        "The sending account has asked to be let in; somebody there has to agree.",
        "Retry once it is a member.",
    ),
    (
        FailureGroup::Account,
        &["ACCOUNT_GONE"],
        "The account that this message was to go by can never send it.",
        "Give the campaign another account, then retry.",
    ),
    (
        FailureGroup::NotSent,
        &["CHANNEL_INACTIVE"],
        "The channel is inactive in the catalog, so nothing was sent to it.",
        "See its last error; make it active again, then retry; or take it out of the batch.",
    ),
    (
        FailureGroup::NotSent,
        &["NOT_A_CHANNEL"],
        "Its name leads to a person or a bot, and broadcasts go to channels and groups only.",
        "Take it out of the batch; an admin can let a batch's campaigns write to persons (allowPrivate).",
    ),
    (
        FailureGroup::NotSent,
        &["TEST_LIMIT"],
        "A test sends only so many messages, and these channels come after them.",
        "Raise testLimit to try the texts of more channels.",
    ),
    (
        FailureGroup::NotSent,
        &["DUPLICATE_RECIPIENT"],
        "Another message of this campaign goes to the same channel, which is in the catalog by two names.",
        "Nothing is lost: it gets the message once. Delete the name that is out of date.",
    ),
    (
        FailureGroup::Passing,
        &["DEDUPE_WINDOW_OVER"],
        "It may have been sent, and was not repeated: Telegram could not be relied on to know it any more.",
        "Look into the channel, and tell by resolveUnknownJobs what became of it.",
    ),
    (
        FailureGroup::Passing,
        &["CONNECTION_LOST", "TIMED_OUT", "TIMEOUT", "NOT_CONNECTED"],
        "The connection to Telegram was lost, or it gave no answer in time.",
        "Retry; see the account's state if it goes on.",
    ),
    (
        FailureGroup::Passing,
        &["STORAGE_FULL", "STORAGE_UNREADABLE"],
        "The simulated Telegram could not write its ledger.",
        "See that the disk of the data folder has room, then retry.",
    ),
];

/// What an error that a job ended with means; `error` is as it is kept.
pub fn explain(error: &str) -> Failure {
    let reason = reason_of(error);
    let named = NAMED.iter().find(|(_, names, ..)| names.contains(&reason));
    let (group, sentence, remedy) = match named {
        Some((group, _, sentence, remedy)) => (*group, Cow::Borrowed(*sentence), *remedy),
        None => by_ruling(error, reason),
    };
    Failure { reason: reason.to_owned(), group, sentence, remedy }
}

fn by_ruling(error: &str, reason: &str) -> (FailureGroup, Cow<'static, str>, &'static str) {
    let refused = |what: &str| Cow::Owned(format!("Telegram {what}: {reason}."));
    match rule(&Fault::rpc(code_of(reason), error)) {
        Ruling::Account(_) => (
            FailureGroup::Account,
            refused("does not let the sending account go on"),
            "Mend the account, or give the campaign another one, then retry.",
        ),
        Ruling::Content | Ruling::Media => (
            FailureGroup::Message,
            refused("does not take the message"),
            "Mend the message while the campaign is paused, then retry.",
        ),
        Ruling::Job => (
            FailureGroup::Message,
            refused("does not take this kind of message there"),
            "Send these channels another kind of message, such as a text without an attachment.",
        ),
        Ruling::Gone => (FailureGroup::Gone, refused("knows nobody there"), "Take it out of the batch."),
        Ruling::Wait(_) | Ruling::SlowMode(_) | Ruling::Defer => {
            (FailureGroup::Passing, refused("asked to wait"), "Retry later.")
        }
        Ruling::Sent | Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent => {
            (FailureGroup::Passing, refused("had a defect"), "Retry; if it goes on, wait until Telegram has mended it.")
        }
        Ruling::Suspect | Ruling::Channel | Ruling::Peer => (
            FailureGroup::Closed,
            refused("refuses messages there"),
            "Look at the channel in a Telegram app with the sending account; take it out of the batch if it stays so.",
        ),
    }
}

/// The code that Telegram gives errors of this name, as far as it decides what they mean.
fn code_of(reason: &str) -> i32 {
    const DEFECTS: [&str; 3] = ["RPC_CALL_FAIL", "WORKER_BUSY_TOO_LONG_RETRY", "INTERDC"];
    if reason.ends_with("_WAIT") {
        420
    } else if reason.ends_with("_MIGRATE") {
        303
    } else if DEFECTS.iter().any(|defect| reason.starts_with(defect)) || reason.ends_with("_FAILED") {
        500
    } else {
        400
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_no_part_of_the_reason() {
        for (error, reason) in [
            ("FLOOD_WAIT_30", "FLOOD_WAIT"),
            ("ALLOW_PAYMENT_REQUIRED_5", "ALLOW_PAYMENT_REQUIRED"),
            ("CHAT_WRITE_FORBIDDEN", "CHAT_WRITE_FORBIDDEN"),
            ("TRAILING_", "TRAILING_"),
            ("", ""),
        ] {
            assert_eq!(reason_of(error), reason);
            assert_eq!(explain(error).reason, reason);
        }
    }

    #[test]
    fn each_error_has_a_group_by_which_it_can_be_acted_on() {
        for (error, group) in [
            ("USERNAME_NOT_OCCUPIED", FailureGroup::Gone),
            ("CHAT_WRITE_FORBIDDEN", FailureGroup::Closed),
            ("CHAT_SEND_PHOTOS_FORBIDDEN", FailureGroup::Message),
            ("SOMETHING_NEW", FailureGroup::Closed),
            ("ALLOW_PAYMENT_REQUIRED_12", FailureGroup::Paid),
            ("PHOTO_SAVE_FILE_INVALID", FailureGroup::Message),
            ("MESSAGE_TOO_LONG", FailureGroup::Message),
            ("PEER_FLOOD", FailureGroup::Account),
            ("SESSION_REVOKED", FailureGroup::Account),
            ("CHANNEL_INACTIVE", FailureGroup::NotSent),
            ("NOT_A_CHANNEL", FailureGroup::NotSent),
            ("RPC_CALL_FAIL", FailureGroup::Passing),
            ("INTERDC_2_CALL_ERROR", FailureGroup::Passing),
            ("FLOOD_WAIT_30", FailureGroup::Passing),
            ("USER_MIGRATE_4", FailureGroup::Passing),
        ] {
            assert_eq!(explain(error).group, group, "{error}");
        }
    }

    #[test]
    fn sentences_are_whole_and_each_name_stands_once() {
        let mut seen = Vec::new();
        for (_, names, sentence, remedy) in NAMED {
            assert!(sentence.ends_with('.') && remedy.ends_with('.'), "{names:?}");
            seen.extend_from_slice(names);
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
        let failure = explain("SOMETHING_NEW");
        assert_eq!(failure.sentence, "Telegram refuses messages there: SOMETHING_NEW.");
    }

    #[test]
    fn what_herald_says_by_itself_is_not_told_by_telegram() {
        for name in OWN {
            assert!(!Fault::rpc(400, name).is_told(), "{name}");
        }
        assert!(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN").is_told());
        assert!(!Fault::TimedOut.is_told());
    }
}

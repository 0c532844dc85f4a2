//! Whose fault a mail server's refusal is: the one table by which its answers are judged.

/// How far the talk with the server was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was told who sends, which no recipient can change.
    Sender,
    /// It was told to whom.
    Recipient,
    /// It was asked for leave to send the content, or has it.
    Content,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// There is nobody at the address.
    DeadAddress,
    /// This email's: it is not taken, now or ever.
    Email,
    /// This email's for now: a full mailbox, a grey list.
    EmailForNow,
    /// The account's or the set-up's: all emails wait until somebody mends it.
    Account,
    /// The connection's: another one may do.
    Connection,
}

/// Enhanced status codes (RFC 3463) of addresses at which there is nobody.
const DEAD: [&str; 7] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.0.350"];
/// Enhanced codes of the sender, its authentication, its rights and quotas.
const ACCOUNTS: [&str; 14] = [
    "5.1.7", "5.1.8", "5.3.5", "5.4.5", "5.5.1", "5.7.3", "5.7.8", "5.7.9", "5.7.11", "5.7.12", "5.7.14", "5.7.23",
    "5.7.26", "5.7.60",
];
/// Enhanced codes `5.7.x` of who sends: what he has not proved, what he is known for, and what Microsoft says of banned senders and tenants.
const OF_SENDERS: [std::ops::RangeInclusive<u16>; 5] = [25..=28, 501..=511, 515..=515, 606..=649, 700..=750];
/// What servers without enhanced codes say of addresses.
const DEAD_WORDS: [&str; 17] = [
    "no such user",
    "no such mailbox",
    "no such recipient",
    "unknown user",
    "user unknown",
    "recipient address rejected",
    "mailbox unavailable",
    "unknown recipient",
    "recipient unknown",
    "does not exist",
    "doesn't exist",
    "not exist",
    "mailbox not found",
    "user not found",
    "invalid mailbox",
    "invalid recipient",
    "account has been disabled",
];
/// What is said of who sends even beside a code of the recipient's: to take it for his would close a whole list.
const SENDER_WORDS: [&str; 12] = [
    "sender address",
    "sender domain",
    "unknown sender",
    "sender unknown",
    "invalid sender",
    "sender address rejected",
    "sender rejected",
    "sender verify failed",
    "sender limit",
    "sending limit",
    "sending quota",
    "sendasdenied",
];
/// What is said of a recipient who gets too much at present.
const BUSY_WORDS: [&str; 2] = ["at a rate that", "receiving mail too quickly"];
/// Enhanced codes that say little: with words of an address they are about it.
const VAGUE: [&str; 5] = ["", "5.0.0", "5.3.0", "5.4.1", "5.5.0"];
/// What is said of the recipient's account as well as of the sender's.
const OF_EITHER: [&str; 3] = ["suspended", "unverified", "not verified"];
/// What shows that it is said of the recipient's.
const RECIPIENT_WORDS: [&str; 5] = ["recipient address", "mailbox", "recipient", "user suspended", "user is suspended"];
/// What they say of the sender.
const ACCOUNT_WORDS: [&str; 35] = [
    "blocked using",
    "block list",
    "spamhaus",
    "barracuda",
    "banned sending",
    "reputation",
    "not authorized to perform",
    "sending paused",
    "account is not active",
    "sender signature",
    "credits exceeded",
    "tenant has exceeded",
    "rate limit",
    "spf",
    "dkim",
    "dmarc",
    "sender verify failed",
    "sender limit",
    "sendasdenied",
    "authentication required",
    "authentication is required",
    "must authenticate",
    "not authenticated",
    "must issue a starttls",
    "relay",
    "sending quota",
    "sending limit",
    "quota exceeded for sending",
    "daily",
    "too many messages",
    "sender address rejected",
    "sender rejected",
    "not allowed to send",
    "blacklist",
    "blocklist",
];

/// Whose fault the answer `code` with `text` is. 354 and 2xx are no refusals.
pub fn owner(step: Step, code: u16, text: &str) -> Owner {
    let said = text.to_lowercase();
    let first = said.split_whitespace().next().unwrap_or_default();
    let enhanced = if is_enhanced(first) { first } else { "" };
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let is_of_account = || has(&ACCOUNT_WORDS) || (has(&OF_EITHER) && !has(&RECIPIENT_WORDS));
    if code == 421 {
        return Owner::Connection;
    }
    if code < 500 {
        // What concerns who sends concerns all; of a recipient it passes.
        return if step == Step::Sender || is_of_account() { Owner::Account } else { Owner::EmailForNow };
    }
    if step == Step::Sender || matches!(code, 530 | 534 | 535 | 538) || is_of_sender(enhanced) || has(&SENDER_WORDS) {
        return Owner::Account;
    }
    if has(&BUSY_WORDS) {
        return Owner::EmailForNow;
    }
    // A mail has one recipient: what is said of him after the content is said of him, too.
    if DEAD.contains(&enhanced) {
        return Owner::DeadAddress;
    }
    // Which recipients it may be sent to is the account's right; 5.7.0 and 5.7.1 say it of spam as well.
    if is_of_account() {
        return Owner::Account;
    }
    let is_of_addresses = step == Step::Recipient && matches!(code, 550 | 551 | 553) && VAGUE.contains(&enhanced);
    if is_of_addresses && has(&DEAD_WORDS) { Owner::DeadAddress } else { Owner::Email }
}

fn is_of_sender(enhanced: &str) -> bool {
    let detail = enhanced.strip_prefix("5.7.").and_then(|detail| detail.parse().ok());
    ACCOUNTS.contains(&enhanced)
        || detail.is_some_and(|detail: u16| OF_SENDERS.iter().any(|range| range.contains(&detail)))
}

/// Whether a word is an enhanced status code, such as `5.1.1`.
pub(super) fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_a_mail_server_has_its_owner() {
        use Owner::{Account, Connection, DeadAddress, Email, EmailForNow};
        use Step::{Content, Recipient, Sender};
        for (step, code, text, expected) in [
            (Sender, 530, "5.7.0 Authentication required", Account),
            (Sender, 550, "5.4.5 Daily user sending quota exceeded", Account),
            (Sender, 553, "5.7.1 Sender address rejected: not owned by user", Account),
            (Sender, 501, "5.1.7 Bad sender address syntax", Account),
            (Sender, 550, "whatever it may be", Account),
            (Sender, 451, "4.3.0 Temporary lookup failure", Account),
            (Sender, 421, "4.4.2 timeout exceeded", Connection),
            (Recipient, 421, "4.7.0 Try again later, closing connection", Connection),
            (Recipient, 550, "5.1.1 The email account that you tried to reach does not exist", DeadAddress),
            (Recipient, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound", DeadAddress),
            (Recipient, 550, "no such mailbox", DeadAddress),
            (Recipient, 553, "User unknown", DeadAddress),
            (Recipient, 554, "5.7.1 <a@b.example>: Relay access denied", Account),
            (Recipient, 550, "5.7.1 Client host blocked using a blocklist", Account),
            (Recipient, 530, "Must issue a STARTTLS command first", Account),
            (Recipient, 550, "5.7.1 The recipient does not take mail from you", Email),
            (Recipient, 450, "4.2.0 greylisted, try again", EmailForNow),
            (Recipient, 451, "try again later", EmailForNow),
            (Recipient, 452, "4.2.2 mailbox full", EmailForNow),
            (Recipient, 552, "5.2.2 mailbox full", Email),
            (Recipient, 450, "4.7.1 Daily sending limit reached", Account),
            (
                Recipient,
                550,
                "5.1.1 <hello@example.com>: Sender address rejected: User unknown in virtual table",
                Account,
            ),
            (Recipient, 550, "5.2.1 The user is receiving mail at a rate that prevents delivery", EmailForNow),
            (Recipient, 550, "Invalid recipient sender limit", Account),
            (
                Recipient,
                554,
                "5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org",
                Account,
            ),
            (Content, 554, "Message rejected: Email address is not verified", Account),
            (Content, 554, "Sending paused for this account", Account),
            (Content, 550, "5.7.515 Access denied, sending domain does not meet the level", Account),
            (Recipient, 550, "5.7.606 Access denied, banned sending IP [1.2.3.4]", Account),
            (Recipient, 550, "5.7.705 Access denied, tenant has exceeded threshold", Account),
            (Content, 554, "5.2.252 SendAsDenied; not allowed", Account),
            (Recipient, 451, "Maximum credits exceeded", Account),
            (Recipient, 450, "4.1.1 <a@b.example>: Recipient address rejected: unverified address", EmailForNow),
            (Recipient, 550, "mailbox suspended", Email),
            (Recipient, 550, "Domain of sender address hello@x.example does not exist", Account),
            (Recipient, 535, "Account suspended", Account),
            (Content, 550, "5.1.1 no such user here", DeadAddress),
            (Recipient, 550, "5.4.1 Recipient address rejected: Access denied", DeadAddress),
            (Recipient, 550, "5.5.0 Requested action not taken: mailbox unavailable", DeadAddress),
            (Content, 554, "5.7.1 not wanted: spam", Email),
            (Content, 550, "5.4.5 Daily user sending quota exceeded", Account),
            (Content, 452, "no room", EmailForNow),
            (Content, 552, "5.3.4 message too big", Email),
        ] {
            assert_eq!(owner(step, code, text), expected, "{step:?} {code} {text}");
        }
    }
}

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
const DEAD: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
/// Enhanced codes of the sender, its authentication, its rights and quotas.
const ACCOUNTS: [&str; 15] = [
    "5.1.7", "5.1.8", "5.1.90", "5.3.5", "5.4.5", "5.5.1", "5.7.3", "5.7.8", "5.7.9", "5.7.11", "5.7.12", "5.7.14",
    "5.7.54", "5.7.57", "5.7.139",
];
/// Enhanced codes `5.7.x` of who sends: what he has not proved, what he is known for, and what Microsoft says of banned senders and tenants.
const OF_SENDERS: [std::ops::RangeInclusive<u16>; 8] =
    [20..=29, 60..=60, 64..=64, 232..=234, 501..=511, 515..=515, 606..=649, 700..=750];
/// What servers say of an address at which there is nobody. Only what leaves no doubt ends an address.
const DEAD_WORDS: [&str; 19] = [
    "no such user",
    "no such mailbox",
    "no such recipient",
    "no such address",
    "no mailbox here",
    "unknown user",
    "user unknown",
    "user is unknown",
    "unknown recipient",
    "recipient unknown",
    "does not exist",
    "doesn't exist",
    "not exist",
    "mailbox not found",
    "user not found",
    "recipient not found",
    "invalid mailbox",
    "invalid recipient",
    "not listed in",
];
/// What Microsoft's servers say of it, with these codes, and others of much else.
const DEAD_SENTENCES: [(&str, &str); 2] =
    [("5.4.1", "recipient address rejected: access denied"), ("5.5.0", "mailbox unavailable")];
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
const OF_EITHER: [&str; 9] = [
    "suspended",
    "unverified",
    "not verified",
    "account is blocked",
    "account blocked",
    "account has been blocked",
    "account is disabled",
    "account has been disabled",
    "account is locked",
];
/// What shows that it is said of the recipient's.
const RECIPIENT_WORDS: [&str; 9] = [
    "recipient address",
    "mailbox",
    "recipient",
    "user suspended",
    "user is suspended",
    "tried to reach",
    "trying to reach",
    "trying to contact",
    "user account",
];
/// What is said of too much: it passes, and is no recipient's, unless it is his mailbox that is full or the email that is too large.
const LIMIT_WORDS: [&str; 22] = [
    "emails per",
    "messages per",
    "mails per",
    "per hour",
    "per minute",
    "per day",
    "hourly",
    "daily",
    "throttl",
    "rate limit",
    "rate exceeded",
    "sending rate",
    "message quota",
    "limit exceeded",
    "limit reached",
    "exceeded the limit",
    "exceeded its",
    "too many messages",
    "too many emails",
    "too many mails",
    "too many connections",
    "too many concurrent",
];
/// What shows that it is the size of the email or of the mailbox.
const SIZE_WORDS: [&str; 5] = ["size", "storage", "mailbox", "too large", "too big"];
/// What they say of the sender, of its host and of what it is known for.
const ACCOUNT_WORDS: [&str; 53] = [
    "blocked using",
    "blocked by",
    "block list",
    "blocklist",
    "blacklist",
    "denylist",
    "dnsbl",
    "spamhaus",
    "spamcop",
    "barracuda",
    "listed at",
    "listed by",
    "is listed",
    "banned sending",
    "banned from sending",
    "reputation",
    "unexpected volume",
    "reverse dns",
    "reverse hostname",
    "reverse host name",
    "reverse lookup",
    "ptr record",
    "rdns",
    "helo command",
    "client host rejected",
    "your ip",
    "ip address",
    "the ip you",
    "unauthenticated",
    "not authorized to",
    "sending paused",
    "account is not active",
    "sender signature",
    "credits exceeded",
    "tenant has exceeded",
    "spf",
    "dkim",
    "dmarc",
    "sender verify failed",
    "authentication required",
    "authentication is required",
    "authentication failed",
    "must authenticate",
    "not authenticated",
    "must issue a starttls",
    "relay",
    "rcpthosts",
    "quota exceeded for sending",
    "message quota exceeded",
    "not allowed to send",
    "not permitted to send",
    "your account",
    "payment required",
];

/// Whose fault the answer `code` with `text` is. 354 and 2xx are no refusals.
pub fn owner(step: Step, code: u16, text: &str) -> Owner {
    let said = text.to_lowercase();
    let first = said.split_whitespace().next().unwrap_or_default();
    let enhanced = if is_enhanced(first) { first.to_owned() } else { String::new() };
    let enhanced = enhanced.as_str();
    // What an address and a page are called says nothing of the refusal; that one is named says of whom it is.
    let names_one = said.contains('@');
    let said: Vec<&str> = said.split_whitespace().filter(|word| !word.contains('@') && !word.contains("://")).collect();
    let said = said.join(" ");
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let is_either = has(&OF_EITHER) && !has(&RECIPIENT_WORDS) && !(names_one && step == Step::Recipient);
    let is_too_much = has(&LIMIT_WORDS) && !has(&SIZE_WORDS);
    let is_of_account = is_too_much || is_either || has(&ACCOUNT_WORDS);
    if code == 421 {
        return Owner::Connection;
    }
    if code < 500 {
        // What concerns who sends concerns all; of a recipient it passes.
        return if step == Step::Sender || is_of_account { Owner::Account } else { Owner::EmailForNow };
    }
    if step == Step::Sender || matches!(code, 530 | 534 | 535 | 538) || is_of_sender(enhanced) || has(&SENDER_WORDS) {
        return Owner::Account;
    }
    if has(&BUSY_WORDS) {
        return Owner::EmailForNow;
    }
    // Some have one code for all that they refuse. Which recipients it may be sent to is the account's right; 5.7.0 and 5.7.1 say it of
    // spam as well.
    if is_of_account && !has(&DEAD_WORDS) {
        return Owner::Account;
    }
    // A mail has one recipient: what is said of him after the content is said of him, too.
    if DEAD.contains(&enhanced) {
        return Owner::DeadAddress;
    }
    if is_of_account {
        return Owner::Account;
    }
    if step == Step::Recipient && is_nobody(code, enhanced, &said) {
        return Owner::DeadAddress;
    }
    // The way to the server, and how it was spoken to: no email's fault.
    let is_of_way = ["5.4.", "5.5."].iter().any(|class| enhanced.starts_with(class));
    if is_of_way { Owner::EmailForNow } else { Owner::Email }
}

/// Whether a server without a code for it says that there is nobody at the address.
fn is_nobody(code: u16, enhanced: &str, said: &str) -> bool {
    let is_clear = DEAD_WORDS.iter().any(|word| said.contains(word));
    let is_sentence = DEAD_SENTENCES.iter().any(|(of, sentence)| *of == enhanced && said.contains(sentence));
    matches!(code, 550 | 551 | 553) && VAGUE.contains(&enhanced) && (is_clear || is_sentence)
}

/// What a server calls a refusal of which nobody can tell whether it is this email's: told of several recipients in a row, it is of who
/// sends. None where it is plain, as of a mailbox that is full or an email that is too large.
pub fn unclear(code: u16, text: &str) -> Option<String> {
    let first = text.split_whitespace().next().filter(|word| is_enhanced(word));
    let is_plain = code == 552 || first.is_some_and(|first| first.starts_with("5.2.") || first == "5.3.4");
    (!is_plain).then(|| first.map_or_else(|| code.to_string(), |first| format!("{code} {first}")))
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

    #[test]
    fn what_is_said_of_the_sender_and_of_too_much_ends_no_address() {
        use Owner::{Account, DeadAddress, Email, EmailForNow};
        use Step::{Content, Recipient};
        for (step, code, text, expected) in [
            (
                Recipient,
                550,
                "Domain x.example has exceeded the max emails per hour (100/100) allowed. Message discarded.",
                Account,
            ),
            (Content, 550, "5.4.6 hourly limit exceeded", Account),
            (Recipient, 550, "sending limit exceeded", Account),
            (Recipient, 550, "5.1.1 too many messages from you", Account),
            (Content, 454, "Throttling failure: Maximum sending rate exceeded.", Account),
            (Content, 454, "Throttling failure: Daily message quota exceeded.", Account),
            (Recipient, 450, "4.7.0 too many connections", Account),
            (Recipient, 554, "5.7.1 Service unavailable; 1.2.3.4 listed at bl.spamcop.net", Account),
            (Recipient, 550, "blocked by DNSBL", Account),
            (Recipient, 550, "5.1.1 Client host blocked using a list", Account),
            (Recipient, 550, "5.7.25 Client host rejected: cannot find your reverse hostname, [1.2.3.4]", Account),
            (Recipient, 550, "cannot find your reverse hostname", Account),
            (Recipient, 550, "Your account is blocked", Account),
            (Content, 554, "account suspended", Account),
            (Recipient, 550, "5.7.29 ARC validation failure", Account),
            (Recipient, 550, "5.7.27 no", Account),
            (Content, 550, "5.7.26 no", Account),
            (Content, 550, "5.7.25 no", Account),
            (Content, 550, "5.4.1 Recipient address rejected: Access denied", EmailForNow),
            (Content, 550, "5.5.0 Requested action not taken", EmailForNow),
            (Content, 550, "5.5.0 mailbox unavailable", EmailForNow),
            (Recipient, 550, "5.4.1 no answer from host", EmailForNow),
            (Recipient, 550, "5.0.350 policy violation detected", Email),
            (Recipient, 550, "<ann@example.com>: Recipient address rejected: by policy", Email),
            (Recipient, 550, "Requested action not taken: mailbox unavailable", Email),
            (Recipient, 550, "<ann@example.com>: the account is disabled", Email),
            (Recipient, 552, "5.3.4 Message size limit exceeded", Email),
            (Recipient, 550, "5.2.2 mailbox storage limit exceeded", Email),
            (Recipient, 550, "User ann (ann@daily.example) not listed in Domino Directory", DeadAddress),
            (Recipient, 550, "5.1.1 <relay@spf.example>: user unknown, see https://x.example/blocklist", DeadAddress),
            (Content, 550, "5.1.10 RecipientNotFound", DeadAddress),
            (Recipient, 550, "No such user here", DeadAddress),
        ] {
            assert_eq!(owner(step, code, text), expected, "{step:?} {code} {text}");
        }
    }

    #[test]
    fn what_is_unclear_has_a_name() {
        assert_eq!(unclear(550, "5.7.1 not wanted").as_deref(), Some("550 5.7.1"));
        assert_eq!(unclear(554, "not wanted").as_deref(), Some("554"));
        assert_eq!(
            (unclear(552, "5.2.2 full"), unclear(550, "5.2.2 full"), unclear(554, "5.3.4 big")),
            (None, None, None)
        );
    }
}

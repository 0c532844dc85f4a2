//! What is said to and of IMAP servers: texts as they want them, and their errors as operators want them.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use domain::retention::credentials::{Imap, ImapSecurity};

/// Letters of what a server says that are shown.
const SHOWN: usize = 300;
/// The codes with which a server says that it won't now, whatever is asked for (RFC 5530, and Gmail's).
/// How it is told that the endpoint gives no token.
pub(super) const NO_TOKEN: &str = "no token can be had";
const NOT_NOW: [&str; 7] = ["UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "SERVERBUG", "CONTACTADMIN", "THROTTLED"];

/// Why a mailbox can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In words for operators, with what to do; no secret is in it.
    pub error: String,
    /// What follows from it.
    pub kind: FaultKind,
    /// The number of the email that was asked for; None if none was.
    pub uid: Option<u32>,
}

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It may be over soon: the server is away, or says that it won't now.
    Away,
    /// It stays until somebody mends it: the password, the folder.
    LockedOut,
    /// The server understood, and won't: mostly it is about one email. The connection goes on.
    Refused,
    /// The answer is no IMAP, too much, or too slow: it may be about what was asked for.
    Unread,
}

impl Fault {
    fn new(kind: FaultKind, error: &str) -> Self {
        let error = error.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(SHOWN).collect();
        Self { error, kind, uid: None }
    }

    pub(super) fn away(error: &str) -> Self {
        Self::new(FaultKind::Away, error)
    }

    pub(super) fn locked_out(error: &str) -> Self {
        Self::new(FaultKind::LockedOut, error)
    }

    pub(super) fn no(said: &str) -> Self {
        let kind = if is_not_now(said) { FaultKind::Away } else { FaultKind::Refused };
        Self::new(kind, &format!("it refuses: {said}"))
    }

    pub(super) fn bad(said: &str) -> Self {
        Self::new(FaultKind::Unread, &format!("it does not understand us: {said}"))
    }

    pub(super) fn late() -> Self {
        Self::new(FaultKind::Unread, "it took too long to answer")
    }

    pub(super) fn too_much() -> Self {
        Self::new(FaultKind::Unread, "it sends more than was asked for")
    }

    pub(super) fn garbage() -> Self {
        Self::new(FaultKind::Unread, "what it says is no IMAP; is it the right port?")
    }

    /// Whether it may be the email's that was asked for: others may be handed out all the same.
    pub fn may_be_an_email_s(&self) -> bool {
        self.uid.is_some() && matches!(self.kind, FaultKind::Refused | FaultKind::Unread)
    }

    /// Of what the server said when it was asked for this email.
    pub(super) fn of_email(self, uid: u32) -> Self {
        Self {
            error: format!("the email with the UID {uid} is not handed out: {}", self.error),
            uid: Some(uid),
            ..self
        }
    }

    /// Of what the server said to the password.
    pub(super) fn of_login(self) -> Self {
        match self.kind {
            FaultKind::Refused => {
                Self::locked_out(&format!("it does not let us in by this user name and password ({})", self.error))
            }
            _ => self,
        }
    }

    /// Of what the server said to the token.
    pub(super) fn of_token(self) -> Self {
        match self.kind {
            FaultKind::Refused => Self::locked_out(&format!(
                "it does not let us in by this user name and a token of the endpoint: has the mailbox's owner agreed, for IMAP? ({})",
                self.error
            )),
            _ => self,
        }
    }

    pub(super) fn of_folder(self, folder: &str) -> Self {
        match self.kind {
            FaultKind::Refused => Self::locked_out(&format!("the folder {folder} can't be opened ({})", self.error)),
            _ => self,
        }
    }

    pub(super) fn of_starttls(self) -> Self {
        if self.error.contains("closed") || self.error.contains("too long") {
            return self;
        }
        Self::locked_out("it knows no STARTTLS: port 993 wants security TLS; NONE is for a server on this machine only")
    }

    /// With the server's name, and what to do about it.
    pub(super) fn at(self, account: &Imap) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| self.error.contains(word));
        let is_tls = account.security == ImapSecurity::Tls;
        let error = if self.error.starts_with(NO_TOKEN) {
            // It is about the endpoint, not about this server.
            self.error
        } else if has(&["lookup address", "Name or service not known"]) {
            "this machine knows no such host; is it spelled right?".into()
        } else if has(&["Connection refused"]) {
            "nothing listens there; 993 is the usual port with TLS, 143 with STARTTLS".into()
        } else if has(&["certificate", "Certificate"]) {
            format!("its certificate is not good for this name ({})", self.error)
        } else if is_tls && has(&["InvalidContentType", "corrupt message", "wrong version"]) {
            "it does not speak TLS on this port: 143 wants security STARTTLS".into()
        } else {
            self.error
        };
        Self { error: format!("the IMAP server {}:{}: {error}", account.host, account.port), ..self }
    }
}

/// Whether a refusal begins with a code that says that it is one for now.
fn is_not_now(said: &str) -> bool {
    let code = said.strip_prefix('[').and_then(|rest| rest.split([']', ' ']).next()).unwrap_or_default();
    NOT_NOW.iter().any(|known| known.eq_ignore_ascii_case(code))
}

/// In which forms a server may repeat a password to which it says no: as it is, escaped, and as it was `told`.
pub(super) fn forms(password: &str, told: &str) -> Vec<String> {
    let forms = [password, escaped(password).as_str(), told].map(|form| form.trim().to_lowercase());
    forms.into_iter().filter(|form| !form.is_empty()).collect()
}

/// What a server says, unless it repeats a secret, of which these are the [`forms`].
pub(super) fn shown<'a>(said: &'a str, secrets: &[String]) -> &'a str {
    let small = said.to_lowercase();
    if secrets.iter().any(|secret| small.contains(secret)) { "what it says repeats the password" } else { said }
}

/// A text between quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The name of a folder as servers know it: what is not ASCII in a way of IMAP's own (RFC 3501, 5.1.3).
pub(super) fn folder(name: &str) -> String {
    let engine = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let (mut written, mut others) = (String::new(), Vec::new());
    let flush = |others: &mut Vec<u8>, written: &mut String| {
        if !others.is_empty() {
            written.extend(["&", &engine.encode(&*others), "-"]);
            others.clear();
        }
    };
    for letter in name.chars() {
        if letter.is_ascii() {
            flush(&mut others, &mut written);
            written.push(letter);
            if letter == '&' {
                written.push('-');
            }
        } else {
            others.extend(letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut others, &mut written);
    written
}

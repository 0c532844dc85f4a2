//! What is said to and of IMAP servers: texts as they want them, and their errors as operators want them.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use domain::retention::credentials::{Imap, ImapSecurity};

/// Letters of what a server says that are shown.
const SHOWN: usize = 300;

/// Why a mailbox can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In words for operators, with what to do; no secret is in it.
    pub error: String,
    /// What follows from it.
    pub kind: FaultKind,
}

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It may be over soon: the server is away, slow, or says what is no IMAP.
    Away,
    /// It stays until somebody mends it: the password, the folder.
    LockedOut,
    /// The server understood, and won't: mostly it is about one email.
    Refused,
}

impl Fault {
    fn new(kind: FaultKind, error: &str) -> Self {
        let error = error.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(SHOWN).collect();
        Self { error, kind }
    }

    pub(super) fn away(error: &str) -> Self {
        Self::new(FaultKind::Away, error)
    }

    pub(super) fn locked_out(error: &str) -> Self {
        Self::new(FaultKind::LockedOut, error)
    }

    pub(super) fn no(said: &str) -> Self {
        Self::new(FaultKind::Refused, &format!("it refuses: {said}"))
    }

    pub(super) fn bad(said: &str) -> Self {
        Self::away(&format!("it does not understand us: {said}"))
    }

    pub(super) fn late() -> Self {
        Self::away("it took too long to answer")
    }

    pub(super) fn too_much() -> Self {
        Self::away("it sends more than was asked for")
    }

    pub(super) fn garbage() -> Self {
        Self::away("what it says is no IMAP; is it the right port?")
    }

    /// Of what the server said to the password. Should it have repeated that, nobody is shown it.
    pub(super) fn of_login(self, password: &str) -> Self {
        let error = self.error.replace(password, "****");
        match self.kind {
            FaultKind::Refused => {
                Self::locked_out(&format!("it does not let us in by this user name and password ({error})"))
            }
            kind => Self { error, kind },
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
        let error = if has(&["lookup address", "Name or service not known"]) {
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
        Self { error: format!("the IMAP server {}:{}: {error}", account.host, account.port), kind: self.kind }
    }
}

/// A text between quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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

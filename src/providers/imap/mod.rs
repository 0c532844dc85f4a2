//! A mailbox, read by IMAP (RFC 3501): only looked at, so that emails stay as they are, unread ones too.
//!
//! `async-imap` allocates what a server announces, up to 512 MiB, and its parser panics at some answers; here answers are cut at a limit
//! before they are parsed (`wire.rs`).

mod tls;
mod token;
mod wire;
mod words;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::response::{Code, Data, Response, Status};
use tokio::net::TcpStream;

use self::wire::{Line, Wire};
pub use self::words::{Fault, FaultKind};
use super::Trial;
use domain::retention::credentials::{Imap, ImapSecurity, OAuth, Secret};

/// How long each step may take: to connect, to sign in, to be told numbers.
const STEP: Duration = Duration::from_secs(20);
/// Bytes that an answer may have, of what is short.
const SHORT: usize = 64 << 10;
/// Bytes that a list of numbers may have: some 400,000.
const LIST: usize = 4 << 20;
/// Of each email so many bytes are asked for at first: mostly that is all of it.
const BEGINNING: usize = 256 << 10;
/// The longest email that is read whole, in bytes; of a longer one only the beginning is: the same as `/api/webhooks/mail` takes.
const MAIL: usize = 25 << 20;
/// Bytes a second in which an email comes, at least.
const SLOWEST: usize = 64 << 10;

/// A folder that is looked at.
pub struct Mailbox {
    wire: Wire,
    /// The life of the numbers of its emails: with another one they are others.
    pub uid_validity: u32,
    /// The number that the next email will have, at least.
    pub uid_next: u32,
}

impl Mailbox {
    /// Signs in and looks at the folder.
    ///
    /// # Errors
    /// The server can't be reached, does not let us in, has no such folder, or doesn't speak IMAP; in words for operators.
    pub async fn open(account: &Imap) -> Result<Self, Fault> {
        Self::try_open(account).await.map_err(|fault| fault.at(account))
    }

    async fn try_open(account: &Imap) -> Result<Self, Fault> {
        let mut wire = connect(account).await?;
        sign_in(&mut wire, account).await?;
        let (mut uid_validity, mut uid_next) = (None, None);
        let look = format!("EXAMINE {}", words::quoted(&words::folder(&account.folder)));
        let looked = wire.run(&look, SHORT, STEP, |response| {
            if let Response::Status(Status::Untagged(body)) = response {
                match body.code {
                    Some(Code::UidValidity(number)) => uid_validity = Some(number.get()),
                    Some(Code::UidNext(number)) => uid_next = Some(number.get()),
                    _ => {}
                }
            }
        });
        looked.await.map_err(|fault| fault.of_folder(&account.folder))?;
        let (Some(uid_validity), Some(uid_next)) = (uid_validity, uid_next) else {
            return Err(Fault::away("it tells no UIDVALIDITY or UIDNEXT of the folder, so that it can't be followed"));
        };
        Ok(Self { wire, uid_validity, uid_next })
    }

    /// The numbers of the emails that came on this day or later, in no order.
    pub async fn since(&mut self, day: NaiveDate) -> Result<Vec<u32>, Fault> {
        self.search(&format!("SINCE {}", day.format("%-d-%b-%Y"))).await
    }

    /// The numbers of the emails from `first` to `last`, rising.
    pub async fn between(&mut self, first: u32, last: u32) -> Result<Vec<u32>, Fault> {
        let mut found = self.search(&format!("UID {first}:{last}")).await?;
        found.retain(|uid| (first..=last).contains(uid));
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn search(&mut self, what: &str) -> Result<Vec<u32>, Fault> {
        let mut found = Vec::new();
        let ask = format!("UID SEARCH {what}");
        let asked = self.wire.run(&ask, LIST, STEP, |response| {
            if let Response::Data(Data::Search(numbers, ..)) = response {
                found.extend(numbers.iter().map(|number| number.get()));
            }
        });
        asked.await?;
        Ok(found)
    }

    /// An email: all of it, or the first 256 KiB of one that has more than 25 MiB; None if it is gone, or nothing of it is there.
    ///
    /// # Errors
    /// It is not handed out. Unless the server has refused it, the mailbox is to be opened anew.
    pub async fn mail(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
        self.whole(uid).await.map_err(|fault| fault.of_email(uid))
    }

    /// Whether the server hands out this email, of which only the beginning is asked for.
    ///
    /// # Errors
    /// It doesn't, or can't now; the same as of [`Mailbox::mail`].
    pub async fn hands_out(&mut self, uid: u32) -> Result<bool, Fault> {
        let found = self.beginning(uid).await.map_err(|fault| fault.of_email(uid))?;
        Ok(found.is_some())
    }

    async fn beginning(&mut self, uid: u32) -> Result<Option<(Option<u32>, Vec<u8>)>, Fault> {
        self.fetch(uid, &format!("(UID RFC822.SIZE BODY.PEEK[]<0.{BEGINNING}>)"), BEGINNING).await
    }

    async fn whole(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
        let Some((size, mail)) = self.beginning(uid).await? else { return Ok(None) };
        let size = size.map_or(0, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let is_all = mail.len() < BEGINNING || size <= mail.len();
        if is_all || size > MAIL {
            return Ok(Some(mail));
        }
        let whole = self.fetch(uid, "(UID BODY.PEEK[])", MAIL).await?;
        Ok(whole.map(|(_, mail)| mail))
    }

    async fn fetch(&mut self, uid: u32, what: &str, most: usize) -> Result<Option<(Option<u32>, Vec<u8>)>, Fault> {
        let limit = STEP + Duration::from_secs((most / SLOWEST) as u64);
        let mut found = None;
        let ask = format!("UID FETCH {uid} {what}");
        let asked = self.wire.run(&ask, most + SHORT, limit, |response| {
            let Response::Data(Data::Fetch { items, .. }) = response else { return };
            let (mut size, mut mail, mut is_this) = (None, None, false);
            for item in items {
                match item {
                    MessageDataItem::Uid(number) => is_this = number.get() == uid,
                    MessageDataItem::Rfc822Size(bytes) => size = Some(bytes),
                    MessageDataItem::BodyExt { data, .. } => mail = data.0.map(|data| data.into_inner().into_owned()),
                    _ => {}
                }
            }
            // What it tells of other emails meanwhile is none of this.
            if let Some(mail) = mail.filter(|_| is_this) {
                found = Some((size, mail));
            }
        });
        asked.await?;
        Ok(found)
    }

    /// Says goodbye. It does not matter whether that is heard.
    pub async fn close(mut self) {
        drop(self.wire.run("LOGOUT", SHORT, Duration::from_secs(2), |_| ()).await);
    }
}

/// Asks whether the server lets us look at the folder.
pub async fn test(account: &Imap) -> Trial {
    match Mailbox::open(account).await {
        Ok(mailbox) => {
            mailbox.close().await;
            Trial::passed(format!("the IMAP server lets us read {}", account.folder))
        }
        Err(fault) => Trial::failed(fault.error),
    }
}

async fn connect(account: &Imap) -> Result<Wire, Fault> {
    let dialled = tokio::time::timeout(STEP, TcpStream::connect((account.host.as_str(), account.port)));
    let line = dialled.await.map_err(|_| Fault::late())?.map_err(|error| Fault::away(&error.to_string()))?;
    let line: Box<dyn Line> =
        if account.security == ImapSecurity::Tls { Box::new(private(line, account).await?) } else { Box::new(line) };
    let mut wire = Wire::new(line);
    let is_open = wire.greeting(SHORT, STEP).await?;
    if account.security != ImapSecurity::Starttls {
        return Ok(wire);
    }
    if is_open {
        // Somebody in between would have it so: what is told in plain text then is not from the server.
        return Err(Fault::away("it greets as if we had signed in, before TLS"));
    }
    wire.run("STARTTLS", SHORT, STEP, |_| ()).await.map_err(Fault::of_starttls)?;
    // What came behind the answer in plain text is thrown away with the old wire: it is not from the server.
    Ok(Wire::new(Box::new(private(wire.into_line(), account).await?)))
}

async fn private<L: Line>(line: L, account: &Imap) -> Result<impl Line + use<L>, Fault> {
    tokio::time::timeout(STEP, tls::over(line, &account.host))
        .await
        .map_err(|_| Fault::late())?
        .map_err(|error| Fault::away(&error.to_string()))
}

async fn sign_in(wire: &mut Wire, account: &Imap) -> Result<(), Fault> {
    if let Some(oauth) = &account.oauth {
        return by_token(wire, account, oauth).await;
    }
    let can = wire.capabilities(SHORT, STEP).await?;
    let has = |word: &str| can.iter().any(|known| known == word);
    let password = account.password.as_ref().map_or("", Secret::expose);
    let told = STANDARD.encode(format!("\0{}\0{password}", account.username));
    wire.hide(words::forms(password, &told));
    let outcome = if has("AUTH=PLAIN") {
        // In this way any letters can be told.
        wire.run_with("AUTHENTICATE PLAIN", &[&told], SHORT, STEP).await
    } else if has("LOGINDISABLED") {
        return Err(Fault::locked_out("it lets nobody in by a password on this line: it wants TLS, or OAuth"));
    } else {
        let login = format!("LOGIN {} {}", words::quoted(&account.username), words::quoted(password));
        wire.run(&login, SHORT, STEP, |_| ()).await
    };
    outcome.map_err(Fault::of_login)
}

/// Signs in by a token, as Google and Microsoft want it (XOAUTH2).
async fn by_token(wire: &mut Wire, account: &Imap, oauth: &OAuth) -> Result<(), Fault> {
    let token = token::get(oauth).await?;
    let can = wire.capabilities(SHORT, STEP).await?;
    if !can.iter().any(|known| known == "AUTH=XOAUTH2") {
        return Err(Fault::locked_out("it takes no token on this line (XOAUTH2): it wants TLS, or a password"));
    }
    let told = STANDARD.encode(format!("user={}\x01auth=Bearer {token}\x01\x01", account.username));
    wire.hide(words::forms(&token, &told));
    // Who does not let us in says why, and wants an empty line before it says no.
    wire.run_with("AUTHENTICATE XOAUTH2", &[&told, ""], SHORT, STEP).await.map_err(Fault::of_token)
}

#[cfg(test)]
mod tests;

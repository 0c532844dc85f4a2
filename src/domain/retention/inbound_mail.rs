//! Emails that come in, read once: what they answer, what they say, and whether a program has written them. Of the message itself only
//! this is kept.

mod mime;
mod quoted;

use mail_parser::{Address, Message};
use serde::{Deserialize, Serialize};

use self::mime::Part;
use super::mail_answer::{self, Owner, Step};
use super::wishes::{Wish, wish};

pub(in crate::retention) use self::quoted::{answer, of_page};

/// Of a text so many characters are kept.
const TEXT: usize = 4_000;
/// Of other values.
const VALUE: usize = 500;
/// Addresses, and messages that are answered, at most.
const MOST: usize = 50;
/// Where it says whom a message was for, before it was passed on.
const RECIPIENTS: [&str; 7] =
    ["to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to"];
/// How subjects begin that programs write for people who are away, in small letters.
const AWAY: [&str; 59] = [
    "out of office",
    "out of the office",
    "automatic reply",
    "autoreply",
    "auto-reply",
    "auto reply",
    "auto:",
    "away from",
    "on vacation",
    "automatische antwort",
    "abwesenheit",
    "réponse automatique",
    "respuesta automática",
    "risposta automatica",
    "автоответ",
    "автоматический ответ",
    "вне офиса",
    "abwesend",
    "absence du bureau",
    "je suis absent",
    "fuera de la oficina",
    "fuera de oficina",
    "respuesta automatica",
    "fuori ufficio",
    "fuori sede",
    "odpowiedź automatyczna",
    "automatyczna odpowiedź",
    "poza biurem",
    "automatisch antwoord",
    "automatische reactie",
    "afwezig",
    "resposta automática",
    "ausência",
    "fora do escritório",
    "autosvar",
    "automatiskt svar",
    "automatisk svar",
    "frånvaro",
    "fraværende",
    "automaattinen vastaus",
    "poissa",
    "automatická odpověď",
    "automatikus válasz",
    "răspuns automat",
    "автоматична відповідь",
    "поза офісом",
    "нет на месте",
    "otomatik yanıt",
    "ofis dışında",
    "αυτόματη απάντηση",
    "תגובה אוטומטית",
    "رد تلقائي",
    "自動応答",
    "自動返信",
    "自动回复",
    "自动答复",
    "自動回覆",
    "자동 회신",
    "부재중",
];
/// Whom bounces come from, where they don't say what they are.
const DAEMONS: [&str; 4] = ["mailer-daemon", "postmaster", "mail-daemon", "mdaemon"];
/// An email that came in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InboundMail {
    /// Its own `Message-ID`.
    pub message_id: Option<String>,
    /// The address that it comes from, in small letters.
    pub from: Option<String>,
    /// The addresses that it was for.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The `Message-ID`s of what it answers or is about, the nearest first.
    pub about: Vec<String>,
    /// What it says, without what it repeats.
    pub text: String,
    /// Whether a program has written it, such as that somebody is on holiday.
    pub is_automatic: bool,
    /// Whether somebody complains of the email that it is about (RFC 5965).
    pub is_complaint: bool,
    /// What became of the email that it is about, if a mail server tells that.
    pub report: Option<Report>,
}

/// What a mail server tells of an email (RFC 3464).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// In small letters: failed, delayed, delivered, relayed or expanded.
    pub action: String,
    /// Three numbers, such as `5.1.1`.
    pub status: String,
    /// What the server of the recipient said.
    pub diagnostic: String,
    /// To whom the email went.
    pub recipient: String,
}

impl Report {
    /// Whether there is nobody at the address, for good.
    pub fn is_dead(&self) -> bool {
        let said = self.diagnostic.trim_start_matches("smtp;").trim_start();
        let code = said.get(..3).and_then(|code| code.parse().ok()).filter(|code| (200..600).contains(code));
        let said = if code.is_some() { said[3..].trim_start_matches(['-', ' ', '#']) } else { said };
        let is_exact = said.split_whitespace().next().is_some_and(mail_answer::is_enhanced);
        let is_general = self.status.is_empty() || self.status.ends_with(".0.0");
        // What the server itself said is nearer to it than what was made of that.
        let text = if is_exact || is_general { said.to_owned() } else { format!("{} {said}", self.status) };
        let is_final = !self.status.starts_with('4') && code.is_none_or(|code| code >= 500);
        is_final && mail_answer::owner(Step::Recipient, 550, &text) == Owner::DeadAddress
    }
}

impl InboundMail {
    /// Reads a message as RFC 5322 has them; None if it is none.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let message = mime::head(raw)?;
        let header = |name: &str| value(&message, name);
        if message.from().is_none() && header("message-id").is_none() && header("return-path").is_none() {
            return None;
        }
        let from = message.from().and_then(addresses).and_then(|all| all.into_iter().next());
        let is_daemon = header("return-path").is_some_and(|path| path.trim() == "<>")
            || from.as_deref().and_then(|from| from.split('@').next()).is_some_and(|name| DAEMONS.contains(&name));
        let parts = mime::parts(raw);
        let said = mime::said(&parts);
        let told = said.as_ref().and_then(|said| said.body_text(0)).unwrap_or_default();
        let named = || is_daemon.then(|| failed(&message, &told)).flatten();
        let report = reported(&parts).or_else(named).or_else(|| guessed(is_daemon, &told));
        let is_complaint = part(&parts, "feedback-report").is_some_and(|part| {
            field(&part.contents(), "feedback-type").is_some_and(|kind| kind.eq_ignore_ascii_case("abuse"))
        });
        let to = RECIPIENTS.iter().filter_map(|name| header(name)).flat_map(|line| found(&line)).take(MOST).collect();
        let subject = cut(message.subject().unwrap_or_default(), VALUE);
        Some(Self {
            message_id: message.message_id().map(|id| cut(id, VALUE)),
            about: about(&message, if report.is_some() || is_complaint { &parts } else { &[] }),
            is_automatic: is_automatic(&message, &parts, &subject) || (is_daemon && report.is_none()),
            from: from.map(|from| cut(&from, VALUE)),
            text: cut(said.as_ref().map(quoted::own_text).unwrap_or_default().trim(), TEXT),
            to,
            subject,
            is_complaint,
            report,
        })
    }

    /// What somebody says by it: the text; or the subject, if that is all, or a word of its own.
    pub fn said(&self) -> Vec<&str> {
        let subject = self.subject.trim();
        // Of an answer it is the subject of what is answered, unless somebody has put a plain word there.
        let is_word =
            || self.text.is_empty() && subject.split_whitespace().count() <= 3 && wish(subject, None) == Wish::Stop;
        let is_own = !subject.is_empty() && (self.about.is_empty() || is_word());
        [Some(self.text.as_str()), is_own.then_some(subject)].into_iter().flatten().collect()
    }
}

/// The first characters of a text, without what databases don't take.
fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|letter| *letter != '\0').take(most).collect()
}

/// All values of a header, as they stand there.
fn value(message: &Message<'_>, name: &str) -> Option<String> {
    let lines = message.headers_raw().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let all: Vec<String> = lines.map(|(_, value)| value.replace(['\r', '\n'], " ").trim().to_owned()).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn addresses(of: &Address<'_>) -> Option<Vec<String>> {
    let all: Vec<String> = of.iter().filter_map(|one| Some(one.address()?.trim().to_lowercase())).collect();
    (!all.is_empty()).then_some(all)
}

/// Whatever looks like an address in a line.
fn found(line: &str) -> Vec<String> {
    let words = line.split(|letter: char| letter.is_whitespace() || "<>,;:\"()".contains(letter));
    words.filter(|word| word.contains('@')).map(|word| cut(&word.to_lowercase(), VALUE)).collect()
}

/// The ids of messages in a line, without the signs around them.
fn ids(line: &str) -> Vec<String> {
    let ids = line.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(id, _)| id.trim());
    ids.filter(|id| !id.is_empty() && !id.contains(char::is_whitespace)).map(|id| cut(id, VALUE)).collect()
}

/// What a message answers; of a report, what it is about, by its parts.
fn about(message: &Message<'_>, of_report: &[Part<'_>]) -> Vec<String> {
    let mut all = Vec::new();
    for part in of_report {
        if part.is_message() {
            all.extend(part.message_id().map(|id| cut(&id, VALUE)));
        } else {
            // Only its header came back, or its beginning as a text.
            all.extend(field(&part.contents(), "message-id").iter().flat_map(|id| ids(id)));
        }
    }
    let line = |name: &str| value(message, name).map(|line| ids(&line)).unwrap_or_default();
    all.extend(line("in-reply-to"));
    all.extend(line("references").into_iter().rev());
    let mut known = std::collections::HashSet::new();
    all.retain(|id| known.insert(id.clone()));
    all.truncate(MOST);
    all
}

/// The part of this type.
fn part<'a, 'x>(parts: &'a [Part<'x>], subtype: &str) -> Option<&'a Part<'x>> {
    parts.iter().find(|part| part.is(subtype))
}

/// The first value of a field in a text of lines such as `Status: 5.1.1`, with the lines that go on in it.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((known, value)) = line.split_once(':') else { continue };
        if known.trim().eq_ignore_ascii_case(name) {
            let more = lines.take_while(|line| line.starts_with([' ', '\t']));
            let all: Vec<&str> = std::iter::once(value).chain(more).map(str::trim).collect();
            return Some(cut(all.join(" ").trim(), VALUE));
        }
    }
    None
}

/// What a mail server tells in the form that is made for it.
fn reported(parts: &[Part<'_>]) -> Option<Report> {
    let text = part(parts, "delivery-status")?.contents();
    let read = |name: &str| field(&text, name).unwrap_or_default();
    let recipient = field(&text, "final-recipient").or_else(|| field(&text, "original-recipient")).unwrap_or_default();
    let status = read("status");
    Some(Report {
        action: read("action").to_lowercase(),
        status: status.split_whitespace().next().unwrap_or_default().to_owned(),
        diagnostic: read("diagnostic-code"),
        recipient: recipient.rsplit(';').next().unwrap_or_default().trim().to_lowercase(),
    })
}

/// What a mail server tells in words of its own of an address that it names in its header, as Exim does: the reason stands below it.
fn failed(message: &Message<'_>, text: &str) -> Option<Report> {
    let recipient = found(&value(message, "x-failed-recipients")?).into_iter().next()?;
    let mut lines = text.lines().skip_while(|line| !line.to_lowercase().contains(&recipient)).skip(1);
    let diagnostic = lines.find(|line| !line.trim().is_empty()).unwrap_or_default();
    let status = "5.0.0".into();
    Some(Report { action: "failed".into(), status, diagnostic: cut(diagnostic.trim(), VALUE), recipient })
}

/// What a mail server tells in words of its own, where it names the reason by its number.
fn guessed(is_daemon: bool, text: &str) -> Option<Report> {
    if !is_daemon {
        return None;
    }
    let line = |line: &&str| line.split(|letter: char| !letter.is_ascii_digit() && letter != '.').any(is_final);
    let diagnostic = text.lines().find(line)?.trim();
    let status = diagnostic.split(|letter: char| !letter.is_ascii_digit() && letter != '.').find(|word| is_final(word));
    Some(Report {
        action: "failed".into(),
        status: status.unwrap_or_default().to_owned(),
        diagnostic: cut(diagnostic, VALUE),
        recipient: String::new(),
    })
}

fn is_final(word: &str) -> bool {
    word.starts_with("5.") && mail_answer::is_enhanced(word)
}

fn is_automatic(message: &Message<'_>, parts: &[Part<'_>], subject: &str) -> bool {
    let header = |name: &str| value(message, name).map(|value| value.to_lowercase());
    let is_submitted = header("auto-submitted").is_some_and(|value| !value.starts_with("no"));
    let precedence = header("precedence").unwrap_or_default();
    let is_many = ["auto_reply", "auto-reply", "bulk", "junk", "list"].contains(&precedence.as_str());
    let is_marked =
        ["x-autoreply", "x-autorespond", "x-autoresponder", "list-id"].iter().any(|name| header(name).is_some());
    let subject = subject.trim().to_lowercase();
    // That it was seen, as a program tells it (RFC 8098).
    let is_receipt = part(parts, "disposition-notification").is_some();
    is_receipt || is_submitted || is_many || is_marked || AWAY.iter().any(|words| subject.starts_with(words))
}

#[cfg(test)]
mod tests;

//! Tracking of clicks and opens: which links of a message are replaced by Herald's own, and which requests for those are people's.

mod html;
mod text;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

pub use self::html::html;
pub use self::text::text;

/// Links of one message that are replaced at most; those beyond stay as they are.
pub const MOST_LINKS: usize = 200;
/// The longest address that is tracked, in bytes. With its signature it is still one that every mail program and proxy takes.
pub const LONGEST: usize = 1_500;
/// Whatever follows a link so soon after the message went out is a program that looks for harm: nobody reads as quickly.
const TOO_SOON: TimeDelta = TimeDelta::seconds(2);

/// Words in the `User-Agent` of programs that follow links without anybody: searchers, previews in chats, scanners of mail.
const PROGRAMS: [&str; 33] = [
    "apache-httpclient",
    "axios",
    "barracuda",
    "crawler",
    "curl/",
    "externalhit",
    "facebookcatalog",
    "fortiguard",
    "go-http-client",
    "headless",
    "httpx",
    "java/",
    "libwww",
    "messagelabs",
    "mimecast",
    "monitor",
    "node-fetch",
    "okhttp",
    "phantomjs",
    "preview",
    "proofpoint",
    "python",
    "qualys",
    "scanner",
    "scrapy",
    "slurp",
    "spider",
    "symantec",
    "trendmicro",
    "urlscan",
    "validator",
    "wget/",
    "whatsapp",
];

/// A request for a link or a picture of Herald's, as far as it says who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visit<'a> {
    /// Whether only headers are asked for.
    pub is_head: bool,
    /// What the headers `Purpose`, `Sec-Purpose`, `X-Purpose` and `X-Moz` say, if they are there.
    pub purpose: Option<&'a str>,
    /// The header `User-Agent`.
    pub user_agent: Option<&'a str>,
}

impl Visit<'_> {
    /// Whether it may be a person's: neither a mere look, nor one ahead of time, nor that of a program that says what it is.
    pub fn is_by_a_person(&self) -> bool {
        let agent = self.user_agent.unwrap_or_default().to_lowercase();
        let is_program = PROGRAMS.iter().any(|word| agent.contains(word)) || is_bot(&agent);
        !self.is_head && self.purpose.is_none() && !agent.trim().is_empty() && !is_program
    }
}

/// Whether one of the words ends with `bot`, as such programs call themselves. There are telephones of the brand Cubot.
fn is_bot(agent: &str) -> bool {
    let mut words = agent.split(|sign: char| !sign.is_ascii_alphabetic());
    words.any(|word| (word.ends_with("bot") || word.ends_with("bots")) && word != "cubot")
}

/// Whether it was too soon after `sent`, when the message went out, for a person to have read it.
pub fn is_too_soon(sent: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < sent + TOO_SOON
}

/// The address of a link as it is kept, and as a browser is sent there: to the letter, unless it has signs that no header carries.
/// None: it is not of the web, leads to Herald (at `own`, an origin) itself, or is too long.
pub fn target(found: &str, own: &str) -> Option<String> {
    let found = found.trim_matches(|sign: char| sign.is_ascii_control() || sign == ' ');
    if found.len() > LONGEST {
        return None;
    }
    let url = Url::parse(found).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let is_own = Url::parse(own).is_ok_and(|own| own.origin() == url.origin());
    let is_plain = found.bytes().all(|byte| byte.is_ascii_graphic()) && !found.contains('\\');
    let kept = if is_plain { found.to_owned() } else { url.into() };
    (!is_own && kept.len() <= LONGEST).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36";

    #[test]
    fn what_programs_do_is_nobody_s_click() {
        for (agent, is_person) in [
            (CHROME, true),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", true),
            ("Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Mobile Safari/537.36", true),
            // Google fetches pictures when somebody opens the mail.
            ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", true),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", false),
            ("TelegramBot (like TwitterBot)", false),
            ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", false),
            ("facebookexternalhit/1.1", false),
            ("WhatsApp/2.23.20.0", false),
            ("Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", false),
            ("curl/8.5.0", false),
            ("python-requests/2.32", false),
            ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/141.0", false),
            ("Barracuda Sentinel (EE)", false),
            (" ", false),
        ] {
            let visit = Visit { user_agent: Some(agent), ..Visit::default() };
            assert_eq!(visit.is_by_a_person(), is_person, "{agent}");
            assert!(!Visit { is_head: true, ..visit }.is_by_a_person());
            assert!(!Visit { purpose: Some("prefetch"), ..visit }.is_by_a_person());
        }
        assert!(!Visit::default().is_by_a_person());
        let sent = DateTime::UNIX_EPOCH;
        assert!(is_too_soon(sent, sent + TimeDelta::milliseconds(1_999)) && !is_too_soon(sent, sent + TOO_SOON));
    }

    #[test]
    fn only_addresses_of_the_web_are_replaced_and_never_herald_s_own() {
        let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        for (found, kept) in [
            ("https://a.example/x?a=1&b=%20#c", Some("https://a.example/x?a=1&b=%20#c")),
            ("HTTPS://A.example", Some("HTTPS://A.example")),
            (" \n https://a.example\t", Some("https://a.example")),
            ("https://user:pass@a.example:8443/x", Some("https://user:pass@a.example:8443/x")),
            // As browsers read them: without line ends, and in signs that a header carries.
            ("https://a.exa\nmple/x", Some("https://a.example/x")),
            ("https:\\\\a.example\\x", Some("https://a.example/x")),
            ("https://пример.рф/путь", Some("https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C")),
            ("https://a.example/a b", Some("https://a.example/a%20b")),
            (&long(LONGEST), Some(&long(LONGEST))),
            (&long(LONGEST + 1), None),
            (&format!("https://a.example/{}", "я".repeat(400)), None),
            ("https://herald.example/unsubscribe/x", None),
            ("HTTPS://HERALD.example:443/unsubscribe/x", None),
            ("https://herald.example.evil.example/", Some("https://herald.example.evil.example/")),
            ("mailto:a@b.example", None),
            ("tel:+4930123", None),
            ("tg://resolve?domain=x", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("ftp://a.example", None),
            ("#top", None),
            ("/x", None),
            ("//a.example/x", None),
            ("https://", None),
            ("https://[", None),
            ("", None),
        ] {
            assert_eq!(target(found, "https://herald.example").as_deref(), kept, "{found}");
        }
    }
}

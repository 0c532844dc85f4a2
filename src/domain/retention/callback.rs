//! What providers' callbacks say of a contact, in Herald's words. They come late, more than once and in any order.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::words::ContactAttemptStatus;

/// The news that a callback brings of one contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// The contact's new status, if it changes.
    pub status: Option<ContactAttemptStatus>,
    /// Fields that are added to `ContactAttempt.result`.
    pub result: Map<String, Json>,
    /// Of a call, in seconds.
    pub duration: Option<i32>,
    /// In millionths of US dollars.
    pub cost_micros: Option<i64>,
    /// The lead answered: somebody should talk to it now.
    pub is_reply: bool,
    /// The lead wants nothing more on this channel.
    pub is_opt_out: bool,
}

/// Words that end text messages for good: whole messages, in any case.
const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
/// Words that take that back.
const START: [&str; 3] = ["START", "YES", "UNSTOP"];

/// The wish that a lead's text message expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more text messages.
    Stop,
    /// Text messages again.
    Start,
    /// To be talked to.
    Talk,
}

/// The wish that a text message expresses. `opt_out_type` is what Twilio made of it, where it does that.
pub fn wish(body: &str, opt_out_type: Option<&str>) -> Wish {
    let plain: String = body.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    match opt_out_type {
        Some("STOP") => Wish::Stop,
        Some("START") => Wish::Start,
        _ if STOP.contains(&plain.as_str()) => Wish::Stop,
        _ if START.contains(&plain.as_str()) => Wish::Start,
        _ => Wish::Talk,
    }
}

/// The news in Twilio's `MessageStatus`.
pub fn twilio(status: &str, error_code: Option<&str>) -> News {
    use ContactAttemptStatus::{Delivered, Failed, Sent};
    let mut result = Map::from_iter([("status".to_owned(), json!(status))]);
    if let Some(code) = error_code {
        result.insert("errorCode".into(), json!(code));
    }
    let status = match status {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => Some(Sent),
        "delivered" | "read" => Some(Delivered),
        "undelivered" | "failed" | "canceled" => Some(Failed),
        _ => None,
    };
    News { status, result, is_opt_out: error_code == Some("21610"), ..News::default() }
}

/// Why a call ended, by what VAPI calls it: the outcome, and what became of the contact.
fn ended(reason: &str) -> (&'static str, ContactAttemptStatus) {
    use ContactAttemptStatus::{Delivered, Failed, Success};
    match reason {
        "customer-ended-call"
        | "assistant-ended-call"
        | "assistant-said-end-call-phrase"
        | "assistant-forwarded-call"
        | "silence-timed-out"
        | "exceeded-max-duration" => ("answered", Success),
        "voicemail" => ("voicemail", Delivered),
        "customer-busy" => ("busy", Failed),
        "customer-did-not-answer" | "call.forwarding.no-answer" => ("no-answer", Failed),
        "twilio-failed-to-connect-call" | "twilio-reported-customer-misdialed" => ("bad-number", Failed),
        _ => ("failed", Failed),
    }
}

/// The news in VAPI's report of a call, or in the call itself when it is looked up: newer and older fields, in this
/// order.
pub fn vapi_report(report: &Json) -> News {
    let at =
        |paths: &[&str]| paths.iter().filter_map(|path| report.pointer(path)).find(|value| !value.is_null()).cloned();
    let reason = at(&["/endedReason", "/call/endedReason"]);
    let reason = reason.as_ref().and_then(Json::as_str).unwrap_or("unknown");
    let (outcome, status) = ended(reason);
    let duration = seconds(&at);
    let mut result = Map::from_iter([("outcome".to_owned(), json!(outcome)), ("endedReason".into(), json!(reason))]);
    let told = [
        ("duration", duration.map(Json::from)),
        (
            "recordingUrl",
            at(&[
                "/artifact/recordingUrl",
                "/recordingUrl",
                "/artifact/recording/mono/combinedUrl",
                "/call/artifact/recordingUrl",
            ]),
        ),
        ("summary", at(&["/analysis/summary", "/summary", "/call/analysis/summary"])),
        ("successEvaluation", at(&["/analysis/successEvaluation"])),
    ];
    result.extend(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let wishes = at(&["/analysis/structuredData"]).unwrap_or_default();
    let is_opt_out = ["optOut", "opt_out", "doNotCall"].iter().any(|name| wishes[*name] == json!(true));
    #[expect(clippy::cast_possible_truncation, reason = "a call costs dollars, not trillions")]
    let cost = at(&["/cost", "/call/cost"]).and_then(|cost| cost.as_f64()).map(|cost| (cost * 1e6).round() as i64);
    News { status: Some(status), result, duration, cost_micros: cost, is_reply: false, is_opt_out }
}

#[expect(clippy::cast_possible_truncation, reason = "a call lasts for seconds, not centuries")]
fn seconds(at: &impl Fn(&[&str]) -> Option<Json>) -> Option<i32> {
    let number = |paths: &[&str]| at(paths).and_then(|value| value.as_f64());
    let instant = |paths: &[&str]| -> Option<DateTime<Utc>> { at(paths)?.as_str()?.parse().ok() };
    let told = number(&["/durationSeconds"])
        .or_else(|| Some(number(&["/durationMs"])? / 1_000.0))
        .or_else(|| Some(number(&["/durationMinutes"])? * 60.0))
        .map(|seconds| seconds.round() as i32);
    told.or_else(|| {
        let (start, end) = (instant(&["/startedAt", "/call/startedAt"])?, instant(&["/endedAt", "/call/endedAt"])?);
        i32::try_from((end - start).num_seconds()).ok()
    })
    .filter(|seconds| *seconds >= 0)
}

/// The news that an event of Instantly brings of the email; None for one that is about no contact.
pub fn instantly(event: &str) -> Option<News> {
    use ContactAttemptStatus::{Bounced, Delivered, Sent, Success};
    let news = |status, field: &str| {
        let result = Map::from_iter([(field.to_owned(), json!(true))]);
        Some(News { status: Some(status), result, ..News::default() })
    };
    match event {
        "email_sent" => news(Sent, "sent"),
        "email_opened" => news(Delivered, "opened"),
        "link_clicked" | "email_link_clicked" => news(Success, "clicked"),
        "reply_received" => news(Success, "replied").map(|news| News { is_reply: true, ..news }),
        "auto_reply_received" | "lead_out_of_office" => news(Delivered, "autoReplied"),
        "email_bounced" => news(Bounced, "bounced"),
        "lead_unsubscribed" => Some(News { is_opt_out: true, ..News::default() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_says_stop_in_many_words() {
        for (body, kind, expected) in [
            ("stop", None, Wish::Stop),
            (" Stop. ", None, Wish::Stop),
            ("opt out", None, Wish::Stop),
            ("opt-out", None, Wish::Stop),
            ("Unsubscribe!", None, Wish::Stop),
            ("whatever", Some("STOP"), Wish::Stop),
            ("Start", None, Wish::Start),
            ("Stop please, I have a question", None, Wish::Talk),
            ("", None, Wish::Talk),
            ("help", Some("HELP"), Wish::Talk),
        ] {
            assert_eq!(wish(body, kind), expected, "{body}");
        }
    }

    #[test]
    fn a_call_is_told_in_old_and_new_words() {
        let new = json!({ "endedReason": "customer-ended-call", "startedAt": "2026-01-01T10:00:00.000Z",
            "endedAt": "2026-01-01T10:02:00.400Z", "cost": 0.123_456_7,
            "artifact": { "recordingUrl": "https://a/r.mp3" }, "analysis": { "summary": "fine" } });
        let news = vapi_report(&new);
        assert_eq!((news.status, news.duration), (Some(ContactAttemptStatus::Success), Some(120)));
        assert_eq!((news.cost_micros, &news.result["outcome"]), (Some(123_457), &json!("answered")));
        assert_eq!(news.result["recordingUrl"], "https://a/r.mp3");
        let old = json!({ "endedReason": "customer-busy", "durationSeconds": 3.6, "recordingUrl": "https://a/o.mp3",
            "analysis": { "structuredData": { "optOut": true } } });
        let news = vapi_report(&old);
        assert_eq!((news.status, news.duration), (Some(ContactAttemptStatus::Failed), Some(4)));
        assert!(news.is_opt_out && news.result["recordingUrl"] == "https://a/o.mp3");
        assert_eq!(vapi_report(&json!({})).result["outcome"], "failed");
    }

    #[test]
    fn events_that_say_nothing_of_a_contact_are_left_alone() {
        assert!(instantly("campaign_completed").is_none() && instantly("my own label").is_none());
        assert!(instantly("reply_received").unwrap().is_reply && !instantly("auto_reply_received").unwrap().is_reply);
        assert_eq!(twilio("partially_delivered", None).status, None);
        assert!(twilio("failed", Some("21610")).is_opt_out);
    }
}

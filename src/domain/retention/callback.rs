//! What providers' callbacks say of a contact, in Herald's words. They come late, more than once and in any order.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use super::inbound_mail;
use super::refused_columns::found_in;
use super::twilio_errors::{self, Meaning};
use super::wishes::{self, refused_by};
use super::words::{ContactAttemptStatus, ContactChannel};
use crate::money::{self, Micros};

/// The news that a callback brings of one contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// The contact's new status, if it changes.
    pub status: Option<ContactAttemptStatus>,
    /// Fields that are added to `ContactAttempt.result`.
    pub result: Map<String, Json>,
    /// Of a call, in seconds.
    pub duration: Option<i32>,
    /// What it costs, in millionths, and of which currency.
    pub cost: Option<(i64, String)>,
    /// The lead answered: somebody should talk to it now.
    pub is_reply: bool,
    /// The lead wants nothing more on this channel.
    pub is_opt_out: bool,
    /// The other channels on which it wants nothing more.
    pub also_refused: Vec<ContactChannel>,
    /// There is nobody at the address.
    pub is_dead: bool,
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
    let meaning = error_code.and_then(|code| twilio_errors::meaning(code.trim().parse().ok()?));
    let (is_dead, is_opt_out) = (meaning == Some(Meaning::Dead), meaning == Some(Meaning::OptOut));
    News { status, result, is_opt_out, is_dead, ..News::default() }
}

/// What Twilio takes for a text message, by its `price`, which is what the account's balance changes by: below zero. None: it has not
/// been reckoned yet, or can't be read.
pub fn twilio_cost(price: &str, unit: Option<&str>) -> Option<(i64, String)> {
    // What it bills is exact to more digits than are kept.
    let price: Decimal = price.trim().parse().ok()?;
    let Micros(micros) = price.abs().round_dp(6).to_string().parse().ok()?;
    Some((micros, money::currency(unit.filter(|unit| !unit.is_empty()).unwrap_or("USD")).ok()?))
}

/// How a call ended, in one word, and what became of the contact.
struct End(&'static str, ContactAttemptStatus);

/// Why a call ended, by what VAPI calls it. Whom nobody picked up for, and where there is nobody, says the reason; of all others who
/// talked was reached, whatever ended the talk.
fn ended(reason: &str, seconds: Option<i32>) -> End {
    use ContactAttemptStatus::{Delivered, Failed, Success};
    let is_one_of = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    match reason {
        "voicemail" => End("voicemail", Delivered),
        "customer-busy" | "call.forwarding.operator-busy" => End("busy", Failed),
        _ if is_one_of(&["did-not-answer", "no-answer", "before-call-connect", "did-not-give-microphone"]) => {
            End("no-answer", Failed)
        }
        _ if is_dead_number(reason) => End("bad-number", Failed),
        _ if is_one_of(&["rejected"]) => End("failed", Failed),
        _ if is_one_of(&[
            "customer-ended-call",
            "assistant-ended-call",
            "assistant-said-end-call-phrase",
            "assistant-forwarded-call",
            "completed-call",
            "vonage-completed",
            "silence-timed-out",
            "exceeded-max-duration",
        ]) =>
        {
            End("answered", Success)
        }
        _ if seconds.is_some_and(|seconds| seconds > 0) => End("answered", Success),
        _ => End("failed", Failed),
    }
}

/// Whether a call can't ever reach anybody at its number.
fn is_dead_number(reason: &str) -> bool {
    matches!(reason, "twilio-failed-to-connect-call" | "twilio-reported-customer-misdialed")
}

/// How far a text message is by a word of Twilio's, within what Herald calls sent.
pub fn twilio_rank(status: &str) -> u8 {
    match status {
        "sending" => 1,
        "sent" => 2,
        "delivered" | "undelivered" | "failed" | "canceled" => 3,
        "read" => 4,
        _ => 0,
    }
}

/// The news in VAPI's report of a call, or in the call itself when it is looked up: newer and older fields, in this
/// order.
pub fn vapi_report(report: &Json) -> News {
    let at =
        |paths: &[&str]| paths.iter().filter_map(|path| report.pointer(path)).find(|value| !value.is_null()).cloned();
    let reason = at(&["/endedReason", "/call/endedReason"]);
    let reason = reason.as_ref().and_then(Json::as_str).unwrap_or("unknown");
    let duration = seconds(&at);
    let End(outcome, status) = ended(reason, duration);
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
    let refused = refused_on_call(report);
    let is_opt_out = !refused.is_empty();
    let also_refused = refused.into_iter().filter(|channel| *channel != ContactChannel::Call).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a call costs dollars, not trillions")]
    let cost = at(&["/cost", "/call/cost"])
        .and_then(|cost| cost.as_f64())
        .map(|cost| ((cost * 1e6).round() as i64, "USD".to_owned()));
    let is_dead = is_dead_number(reason);
    let status = Some(status);
    News { status, result, duration, cost, is_reply: false, is_opt_out, also_refused, is_dead }
}

/// What was refused in a call, by what VAPI made of it: in any of the forms in which it tells that.
fn refused_on_call(report: &Json) -> Vec<ContactChannel> {
    const TOLD: [&str; 7] = [
        "/analysis/structuredData",
        "/call/analysis/structuredData",
        "/analysis/structuredDataMulti",
        "/call/analysis/structuredDataMulti",
        "/artifact/structuredOutputs",
        "/call/artifact/structuredOutputs",
        "/structuredOutputs",
    ];
    let mut refused = Vec::new();
    for found in TOLD.iter().filter_map(|path| report.pointer(path)).flat_map(|told| found_in("", told)) {
        let said = format!("{} {}", found.name, found.said);
        refused.push(ContactChannel::Call);
        refused.extend(refused_by(&said, ContactChannel::Call));
        refused.extend(wishes::channels_in(&said));
    }
    refused
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
        // What somebody made of an answer there, in words of Instantly's or of its users: lead_not_interested, lead_wrong_person.
        label => {
            let is_opt_out = !refused_by(&label.replace('_', " "), ContactChannel::Email).is_empty();
            is_opt_out.then(|| News { is_opt_out, ..News::default() })
        }
    }
}

/// What somebody wrote whose answer an event of Instantly's brings, without what it repeats: as a text, or else as the page that it
/// was; and its beginning, which stands there too.
pub fn instantly_reply(event: &Json) -> Vec<String> {
    let text = |name: &str| event[name].as_str().filter(|text| !text.trim().is_empty());
    let whole = text("reply_text").map(ToOwned::to_owned).or_else(|| text("reply_html").map(inbound_mail::of_page));
    let texts = whole.into_iter().chain(text("reply_text_snippet").map(ToOwned::to_owned));
    texts.map(|text| inbound_mail::answer(&text).trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_message_costs_is_read_as_twilio_writes_it() {
        for (price, unit, cost) in [
            ("-0.00790", Some("USD"), Some((7_900, "USD"))),
            ("-0.0075", None, Some((7_500, "USD"))),
            ("0.0750", Some("eur"), Some((75_000, "EUR"))),
            ("-0.00000049", Some("USD"), Some((0, "USD"))),
            ("", Some("USD"), None),
            ("null", Some("USD"), None),
            ("-0.0075", Some("dollars"), None),
        ] {
            let read = twilio_cost(price, unit);
            assert_eq!(read.as_ref().map(|(micros, unit)| (*micros, unit.as_str())), cost, "{price}");
        }
    }

    #[test]
    fn a_call_is_told_in_old_and_new_words() {
        let new = json!({ "endedReason": "customer-ended-call", "startedAt": "2026-01-01T10:00:00.000Z",
            "endedAt": "2026-01-01T10:02:00.400Z", "cost": 0.123_456_7,
            "artifact": { "recordingUrl": "https://a/r.mp3" }, "analysis": { "summary": "fine" } });
        let news = vapi_report(&new);
        assert_eq!((news.status, news.duration), (Some(ContactAttemptStatus::Success), Some(120)));
        assert_eq!((news.cost, &news.result["outcome"]), (Some((123_457, "USD".into())), &json!("answered")));
        assert_eq!(news.result["recordingUrl"], "https://a/r.mp3");
        let old = json!({ "endedReason": "customer-busy", "durationSeconds": 3.6, "recordingUrl": "https://a/o.mp3",
            "analysis": { "structuredData": { "optOut": true } } });
        let news = vapi_report(&old);
        assert_eq!((news.status, news.duration), (Some(ContactAttemptStatus::Failed), Some(4)));
        assert!(news.is_opt_out && news.result["recordingUrl"] == "https://a/o.mp3");
        assert_eq!(vapi_report(&json!({})).result["outcome"], "failed");
    }

    #[test]
    fn who_talked_was_reached_whatever_ended_the_call() {
        let outcome = |reason: &str, seconds: i32| {
            let news = vapi_report(&json!({ "endedReason": reason, "durationSeconds": seconds }));
            (news.result["outcome"].as_str().unwrap().to_owned(), news.is_dead)
        };
        for reason in [
            "assistant-ended-call-after-message-spoken",
            "assistant-ended-call-with-hangup-task",
            "call.in-progress.twilio-completed-call",
            "call.in-progress.sip-completed-call",
            "customer-ended-call-during-transfer",
            "phone-call-provider-closed-websocket",
            "a-reason-of-next-year",
        ] {
            assert_eq!(outcome(reason, 42), ("answered".into(), false), "{reason}");
        }
        for (reason, expected) in [
            ("voicemail", "voicemail"),
            ("customer-busy", "busy"),
            ("customer-did-not-answer", "no-answer"),
            ("call.forwarding.no-answer", "no-answer"),
            ("customer-did-not-give-microphone-permission", "no-answer"),
        ] {
            assert_eq!(outcome(reason, 42), (expected.into(), false), "{reason}");
        }
        assert_eq!(outcome("a-reason-of-next-year", 0).0, "failed");
        assert_eq!(outcome("twilio-reported-customer-misdialed", 3), ("bad-number".into(), true));
    }

    #[test]
    fn an_opt_out_on_a_call_is_understood_in_any_form() {
        let is_opt_out = |data: Json| vapi_report(&json!({ "analysis": { "structuredData": data } })).is_opt_out;
        for said in [
            json!({ "optOut": true }),
            json!({ "opt_out": "true" }),
            json!({ "opt_out": "Yes" }),
            json!({ "doNotCall": 1 }),
            json!({ "do_not_contact": "true" }),
        ] {
            assert!(is_opt_out(said.clone()), "{said}");
        }
        for said in [
            json!({ "wantsToOptOut": true }),
            json!({ "do_not_call_again": "yes" }),
            json!({ "opt-out-requested": true }),
            json!({ "stopCalling": true }),
            json!({ "removeFromList": "true" }),
            json!({ "result": { "wishes": [{ "optOut": true }] } }),
            json!([{ "doNotCall": true }]),
            json!({ "requests": ["please stop calling me"] }),
        ] {
            assert!(is_opt_out(said.clone()), "{said}");
        }
        for said in [json!({ "opt_out": "false" }), json!({ "optOut": false }), json!({ "optOut": null }), json!({})] {
            assert!(!is_opt_out(said.clone()), "{said}");
        }
    }

    #[test]
    fn a_refusal_on_a_call_is_about_what_it_names() {
        use ContactChannel::{Email, Sms, Telegram, Webhook};
        for (data, also) in [
            (json!({ "doNotCall": true }), vec![]),
            (json!({ "doNotContact": true }), vec![Email, Sms, Webhook, Telegram]),
            (json!({ "smsOptOut": true }), vec![Sms]),
            (json!({ "optOut": ["sms", "email"] }), vec![Email, Sms]),
        ] {
            let report = json!({ "artifact": { "structuredOutputs": { "id": { "name": "wishes", "result": data } } } });
            let news = vapi_report(&report);
            let told = |channel: &ContactChannel| news.also_refused.contains(channel);
            assert!(news.is_opt_out, "{report}");
            assert_eq!([Email, Sms, Webhook, Telegram].into_iter().filter(told).collect::<Vec<_>>(), also, "{report}");
        }
    }

    #[test]
    fn labels_of_instantly_that_refuse_are_refusals() {
        for label in
            ["lead_not_interested", "lead_wrong_person", "lead_unsubscribed", "Do not contact", "Not interested"]
        {
            assert!(instantly(label).is_some_and(|news| news.is_opt_out), "{label}");
        }
        for label in [
            "lead_interested",
            "lead_neutral",
            "lead_meeting_booked",
            "lead_closed",
            "campaign_completed",
            "account_error",
        ] {
            assert!(instantly(label).is_none(), "{label}");
        }
    }

    #[test]
    fn an_answer_is_read_without_what_it_repeats() {
        let event = json!({ "reply_text": "Please stop\n\nOn Monday Ann wrote:\n> To opt out write no more" });
        assert_eq!(instantly_reply(&event), ["Please stop"]);
        let event = json!({ "reply_html": "<p>Remove&nbsp;me</p>", "reply_text_snippet": "Remove" });
        let told = instantly_reply(&event);
        assert!(told.len() == 2 && refused_by(&told[0], ContactChannel::Email) == [ContactChannel::Email], "{told:?}");
        assert!(instantly_reply(&json!({})).is_empty());
    }

    #[test]
    fn events_that_say_nothing_of_a_contact_are_left_alone() {
        assert!(instantly("campaign_completed").is_none() && instantly("my own label").is_none());
        assert!(instantly("reply_received").unwrap().is_reply && !instantly("auto_reply_received").unwrap().is_reply);
        assert_eq!(twilio("partially_delivered", None).status, None);
        assert!(twilio("failed", Some("21610")).is_opt_out);
        assert!(twilio("undelivered", Some("30005")).is_dead && !twilio("undelivered", Some("30034")).is_dead);
    }
}

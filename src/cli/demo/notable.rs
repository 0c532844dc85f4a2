//! Which changes of jobs are worth a line: difficulties, and how they ended.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::prepare::RETRIES;

/// An answer that took so long is told of.
const SLOW: i64 = 1_000;

/// A job, as `jobUpdates` tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    id: String,
    status: String,
    attempts: u32,
    error_message: Option<String>,
    message_id: Option<String>,
    started_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    channel: Channel,
}

#[derive(Debug, Clone, Deserialize)]
struct Channel {
    username: String,
}

/// The jobs that have had difficulties: the last one of each, and after how many attempts it came.
#[derive(Debug, Default)]
pub struct Notable {
    troubled: HashMap<String, (String, u32)>,
}

impl Notable {
    /// The line about a change, if there is something to say.
    pub fn line(&mut self, job: &Job) -> Option<String> {
        let (kind, what) = match (job.status.as_str(), &job.error_message) {
            ("QUEUED", Some(error)) => {
                let trouble = (error.clone(), job.attempts);
                let before = self.troubled.insert(job.id.clone(), trouble.clone());
                // A job that is leased and given back has the same trouble still.
                (before.as_ref() != Some(&trouble)).then(|| waits(error, job))?
            }
            ("FAILED", Some(error)) => refused(error),
            ("UNKNOWN", Some(error)) => ("unknown", format!("{error}: nobody can know")),
            ("SENT", _) => match self.troubled.remove(&job.id) {
                Some((error, _)) => after(&error, job),
                None => ("slow reply", format!("after {:.1} s; nobody waited for it", seconds(slow(job)?))),
            },
            _ => return None,
        };
        Some(format!("{kind:<12} {:<22} {what}", format!("@{}", job.channel.username)))
    }
}

fn waits(error: &str, job: &Job) -> (&'static str, String) {
    let wait = error.rsplit('_').next().unwrap_or_default();
    match error {
        _ if error.starts_with("FLOOD_WAIT") => ("flood wait", format!("{wait} s for the account: all sends stop")),
        _ if error.starts_with("SLOWMODE_WAIT") => ("slow mode", format!("{wait} s for this channel; others go on")),
        "CONNECTION_LOST" => ("lost", "no answer: repeated, same random_id".into()),
        _ => ("error", format!("{error}, attempt {} of {}", job.attempts, RETRIES + 1)),
    }
}

fn refused(error: &str) -> (&'static str, String) {
    match error {
        "USERNAME_NOT_OCCUPIED" => ("nobody", format!("{error}: deactivated")),
        _ => ("refused", error.into()),
    }
}

/// A message that went out in the end. Telegram tells no number of one that it had accepted before.
fn after(error: &str, job: &Job) -> (&'static str, String) {
    match (error, &job.message_id) {
        ("CONNECTION_LOST", None) => ("sent", "a duplicate: it had been accepted".into()),
        ("CONNECTION_LOST", Some(_)) => ("sent", "accepted now: it had not arrived".into()),
        _ => ("sent", format!("after {error}")),
    }
}

/// The milliseconds that the answer took, if they were many.
fn slow(job: &Job) -> Option<i64> {
    let took = (job.sent_at? - job.started_at?).num_milliseconds();
    (took >= SLOW).then_some(took)
}

fn seconds(milliseconds: i64) -> f64 {
    f64::from(i32::try_from(milliseconds).unwrap_or(i32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(status: &str, error: Option<&str>, message_id: Option<&str>) -> Job {
        let job = json!({
            "id": "1", "status": status, "attempts": 1, "errorMessage": error, "messageId": message_id,
            "startedAt": "2026-01-01T00:00:00.000Z", "sentAt": "2026-01-01T00:00:00.002Z",
            "channel": { "username": "demo_0002_tech" },
        });
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn difficulties_are_told_once_and_so_is_their_end() {
        let mut notable = Notable::default();
        assert_eq!(notable.line(&job("QUEUED", None, None)), None);
        assert_eq!(notable.line(&job("SENT", None, Some("1"))), None);
        let lost = notable.line(&job("QUEUED", Some("CONNECTION_LOST"), None)).unwrap();
        assert!(lost.starts_with("lost         @demo_0002_tech "), "{lost}");
        assert_eq!(notable.line(&job("SENDING", Some("CONNECTION_LOST"), None)), None);
        assert_eq!(notable.line(&job("QUEUED", Some("CONNECTION_LOST"), None)), None);
        assert!(notable.line(&job("SENT", None, None)).unwrap().contains("duplicate"));
        assert_eq!(notable.line(&job("SENT", None, None)), None);
        assert!(notable.line(&job("QUEUED", Some("FLOOD_WAIT_2"), None)).unwrap().contains("2 s for the account"));
        assert!(notable.line(&job("UNKNOWN", Some("RPC_CALL_FAIL"), None)).is_some());
    }
}

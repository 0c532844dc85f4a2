//! Which leads a sequence enrolls by itself: those that were made, or came of age, since it last looked.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::words::{LeadStatus, TriggerType};

/// How far a look reaches behind the last one, in minutes, unless the trigger says otherwise. What was committed late by a
/// slow transaction is found by it.
pub const LOOKBACK: i32 = 15;
/// How old leads without a conversion must be, in hours, unless the trigger says otherwise.
pub const MIN_AGE: i32 = 24;

/// The configuration of a trigger, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerConfig {
    /// The overlap behind the watermark, in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback_minutes: Option<i32>,
    /// Only leads from this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only leads with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LeadStatus>,
    /// Of `NO_CONVERSION`: how old a lead must be, in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age_hours: Option<i32>,
}

/// Leads made in this span are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Not before; None: from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// Not after. It is the next watermark.
    pub until: DateTime<Utc>,
}

/// How often all leads that are old enough are looked at, in seconds: what is asked for may have come true long after they were made.
/// Where a status is asked for, that is what happens every day.
const WHOLE: i64 = 300;
const WHOLE_BY_STATUS: i64 = 30;

impl TriggerConfig {
    /// Whether the look up to `until`, after that up to `watermark`, is one at all leads.
    fn is_whole(&self, watermark: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        let every = if self.status.is_some() { WHOLE_BY_STATUS } else { WHOLE };
        watermark.timestamp().div_euclid(every) != until.timestamp().div_euclid(every)
    }

    /// The span to look at by `now`, after everything up to `watermark` has been. None: it never looks.
    pub fn span(&self, trigger: TriggerType, watermark: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Span> {
        let lookback = TimeDelta::minutes(self.lookback_minutes.unwrap_or(LOOKBACK).max(0).into());
        match trigger {
            TriggerType::Manual => None,
            TriggerType::NewLead => {
                // Where the clock was set back, what was seen lies ahead of it.
                let seen = watermark.map_or(now, |watermark| watermark.min(now));
                Some(Span { from: Some(seen - lookback), until: now })
            }
            TriggerType::NoConversion => {
                let until = now - TimeDelta::hours(self.min_age_hours.unwrap_or(MIN_AGE).max(0).into());
                let seen = watermark.filter(|watermark| !self.is_whole(*watermark, until));
                Some(Span { from: seen.map(|watermark| watermark.min(until) - lookback), until })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_that_was_set_back_passes_nobody_over() {
        let config: TriggerConfig = serde_json::from_str(r#"{ "lookbackMinutes": 10 }"#).unwrap();
        let now = at("2026-03-10T12:00:00Z");
        let span = config.span(TriggerType::NewLead, Some(at("2026-03-10T12:17:00Z")), now).unwrap();
        assert_eq!((span.from, span.until), (Some(at("2026-03-10T11:50:00Z")), now));
    }

    #[test]
    fn downtime_misses_nobody() {
        let config: TriggerConfig = serde_json::from_str(r#"{ "lookbackMinutes": 10, "minAgeHours": 48 }"#).unwrap();
        let (now, seen) = (at("2026-03-10T12:00:00Z"), Some(at("2026-03-01T00:00:00Z")));
        assert_eq!(config.span(TriggerType::Manual, seen, now), None);
        let new = config.span(TriggerType::NewLead, seen, now).unwrap();
        assert_eq!((new.from, new.until), (Some(at("2026-02-28T23:50:00Z")), now));
        let first = config.span(TriggerType::NewLead, None, now).unwrap();
        assert_eq!(first.from, Some(at("2026-03-10T11:50:00Z")), "the first look reaches no further back");
        let old = config.span(TriggerType::NoConversion, seen, now).unwrap();
        assert_eq!((old.from, old.until), (None, at("2026-03-08T12:00:00Z")));
        let soon = config.span(TriggerType::NoConversion, Some(at("2026-03-08T11:59:50Z")), now).unwrap();
        assert_eq!(soon.from, None, "once in five minutes all are looked at: some match only now");
        let now = at("2026-03-10T12:00:20Z");
        let soon = config.span(TriggerType::NoConversion, Some(at("2026-03-08T12:00:10Z")), now).unwrap();
        assert_eq!(soon.from, Some(at("2026-03-08T11:50:10Z")));
        assert_eq!(config.span(TriggerType::NoConversion, None, now).unwrap().from, None, "all that are old enough");
    }
}

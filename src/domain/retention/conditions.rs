//! Under which conditions a step is done. They are looked at when it is due; all that are given must hold.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::words::{ExecutionStatus, LeadStatus};

/// The conditions of a step, as they are stored. An empty list asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// The lead has one of these statuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lead_statuses: Vec<LeadStatus>,
    /// The lead came from one of these sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lead_sources: Vec<String>,
    /// The lead speaks one of these languages; `en` covers `en-GB` too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// The step before it ended like this: only who was not reached by email gets the call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub previous_statuses: Vec<ExecutionStatus>,
    /// The lead has these custom fields, with these values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<Field>,
}

/// A custom field of a lead and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The field's value as a text: `true`, `3`, `gold`.
    pub value: String,
}

/// The facts that conditions are held against.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The lead's status.
    pub status: LeadStatus,
    /// Where the lead came from.
    pub source: &'a str,
    /// The lead's language.
    pub language: Option<&'a str>,
    /// The lead's custom fields, a JSON object.
    pub meta: &'a Json,
    /// The outcome of the step before; None before the first.
    pub previous: Option<ExecutionStatus>,
}

impl Conditions {
    /// Whether all of them hold.
    pub fn hold(&self, facts: &Facts<'_>) -> bool {
        let Self { lead_statuses, lead_sources, languages, previous_statuses, meta } = self;
        // A lead that is new is IN_PROGRESS from the moment at which a campaign or a sequence has it.
        let is_new = facts.status == LeadStatus::InProgress && lead_statuses.contains(&LeadStatus::New);
        (lead_statuses.is_empty() || is_new || lead_statuses.contains(&facts.status))
            && (lead_sources.is_empty() || lead_sources.iter().any(|source| source.eq_ignore_ascii_case(facts.source)))
            && (languages.is_empty()
                || facts.language.is_some_and(|spoken| languages.iter().any(|one| covers(one, spoken))))
            && (previous_statuses.is_empty() || facts.previous.is_none_or(|status| previous_statuses.contains(&status)))
            && meta.iter().all(|field| text(&facts.meta[&field.name]).as_deref() == Some(&field.value))
    }
}

/// Whether the tag `wanted` is `spoken`, or the first part of it.
fn covers(wanted: &str, spoken: &str) -> bool {
    let (wanted, spoken) = (wanted.to_ascii_lowercase(), spoken.to_ascii_lowercase());
    spoken.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_are_given_must_hold() {
        let meta = json!({ "plan": "gold", "age": 3 });
        let facts = Facts {
            status: LeadStatus::Contacted,
            source: "API",
            language: Some("en-GB"),
            meta: &meta,
            previous: Some(ExecutionStatus::Sent),
        };
        let read = |text: &str| serde_json::from_str::<Conditions>(text).unwrap();
        for (text, holds) in [
            ("{}", true),
            (r#"{ "leadStatuses": ["NEW", "CONTACTED"] }"#, true),
            (r#"{ "leadStatuses": ["NEW"] }"#, false),
            (r#"{ "leadSources": ["api"] }"#, true),
            (r#"{ "languages": ["EN"] }"#, true),
            (r#"{ "languages": ["e", "en-US"] }"#, false),
            (r#"{ "previousStatuses": ["SKIPPED"] }"#, false),
            (r#"{ "meta": [{ "name": "plan", "value": "gold" }, { "name": "age", "value": "3" }] }"#, true),
            (r#"{ "meta": [{ "name": "city", "value": "" }] }"#, false),
            (r#"{ "leadSources": ["API"], "languages": ["de"] }"#, false),
        ] {
            assert_eq!(read(text).hold(&facts), holds, "{text}");
        }
        let first = Facts { previous: None, ..facts };
        assert!(read(r#"{ "previousStatuses": ["SKIPPED"] }"#).hold(&first), "the first step has none before it");
    }
}

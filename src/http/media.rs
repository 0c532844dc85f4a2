//! What a client wants to read: `application/graphql-response+json`, whose status says how it went, or `application/json`,
//! which is 200 whatever became of the operation.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The media type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: for those who name no other.
    Json,
    /// `application/graphql-response+json`.
    GraphqlResponse,
}

impl Media {
    /// The type that the request accepts; None if it is neither.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accepts: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        Self::of(&accepts.join(","))
    }

    fn of(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Json);
        }
        let [json, response] = [Self::Json, Self::GraphqlResponse].map(|media| media.weight(accept));
        match (json > 0.0, response > 0.0) {
            (_, true) if response >= json && names(accept) => Some(Self::GraphqlResponse),
            (true, _) => Some(Self::Json),
            (false, true) => Some(Self::GraphqlResponse),
            (false, false) => None,
        }
    }

    /// How much it is wanted, from 0 to 1: what the most specific of the ranges that it is in says.
    fn weight(self, accept: &str) -> f32 {
        let weights = accept.split(',').filter_map(|range| {
            let (specificity, weight) = range_of(range);
            let is_in = match specificity {
                Range::All | Range::Application => true,
                Range::Named(media) => media == self,
                Range::Other => false,
            };
            is_in.then_some((matches!(specificity, Range::Named(_)), matches!(specificity, Range::Application), weight))
        });
        weights.max_by_key(|(named, application, _)| (*named, *application)).map_or(0.0, |(_, _, weight)| weight)
    }

    /// The Content-Type of an answer.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// Whether the newer media type is named: whoever says `*/*` may not know it.
fn names(accept: &str) -> bool {
    accept.split(',').any(|range| matches!(range_of(range).0, Range::Named(Media::GraphqlResponse)))
}

enum Range {
    All,
    Application,
    Named(Media),
    Other,
}

fn range_of(range: &str) -> (Range, f32) {
    let mut parts = range.split(';').map(str::trim);
    let range = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "*/*" => Range::All,
        "application/*" => Range::Application,
        "application/json" => Range::Named(Media::Json),
        "application/graphql-response+json" => Range::Named(Media::GraphqlResponse),
        _ => Range::Other,
    };
    let mut weight = 1.0;
    for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = value.trim().parse().unwrap_or(0.0),
            "charset" if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => return (Range::Other, 0.0),
            _ => {}
        }
    }
    (range, weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_that_is_wanted_most_is_given() {
        let (json, response) = (Some(Media::Json), Some(Media::GraphqlResponse));
        let cases = [
            ("", json),
            ("*/*", json),
            ("application/*", json),
            ("application/json", json),
            ("Application/JSON; charset=UTF-8", json),
            ("application/graphql-response+json", response),
            ("application/graphql-response+json, application/json;q=0.9", response),
            ("application/json, application/graphql-response+json", response),
            ("application/json, application/graphql-response+json;q=0.5", json),
            ("application/graphql-response+json;q=0.2, */*;q=0.1", response),
            ("application/graphql-response+json;q=0, */*", json),
            ("application/json;q=0, */*", response),
            ("text/html,application/xhtml+xml,*/*;q=0.8", json),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json; charset=utf-16", None),
            ("*/*;q=0", None),
            (";,;q=", None),
        ];
        for (accept, media) in cases {
            assert_eq!(Media::of(accept), media, "{accept:?}");
        }
    }
}

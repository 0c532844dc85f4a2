//! What a script may say of a lead, and whether it can be read at all.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::rendering::{self, Facts, Place};
use super::webhook;
use super::words::{ContactChannel, ScriptFormat};
use crate::broadcast::ParseMode;
use crate::depth;
use crate::language::{self, Kind, Tongue};
use crate::template::{Params, Template};
use crate::tokens;

/// The names under which scripts use what is known of a lead. `meta` has the custom fields: `meta.plan`.
pub const KNOWN: [&str; 13] = [
    "first_name",
    "last_name",
    "name",
    "email",
    "phone",
    "telegram_username",
    "external_id",
    "language",
    "source",
    "lead_id",
    "sub_id",
    "unsubscribe_url",
    "meta",
];

/// Refuses words whose syntax is wrong, and such that name what there is not or ask for what no lead has without a `default(...)`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(text: &str) -> Result<(), String> {
    check_as(text, Kind::Words)
}

/// Checks what a script says on a channel: see [`check`]. That of a webhook is its form, too, and HTML is looked at where values stand.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_content(text: &str, channel: ContactChannel, format: ScriptFormat) -> Result<(), String> {
    match (channel, format) {
        (ContactChannel::Webhook, _) => check_as(text, Kind::Form).and_then(|()| webhook::check(text)),
        (_, ScriptFormat::Html) => check_as(text, Kind::Html),
        (_, ScriptFormat::Text) => check_as(text, Kind::Words),
    }
}

fn check_as(text: &str, kind: Kind) -> Result<(), String> {
    let template = Template::read(text, ParseMode::Plain)?;
    // A placeholder of channels is none of leads.
    let unknown = template.placeholders().filter(|name| !KNOWN.contains(name)).map(ToOwned::to_owned).collect();
    if let Some(name) = language::needed(text, Tongue { kind, is_for_leads: true }, &unknown)? {
        return Err(format!(
            "no lead has \"{name}\": a script knows {}, or gives a value by default(...)",
            KNOWN.join(", ")
        ));
    }
    let place = if kind == Kind::Html { Place::Html } else { Place::Text };
    depth::apart(|| samples(text))?.iter().try_for_each(|facts| rendering::try_out(text, facts, place))
}

/// The facts with which a script is tried out when it is written: something for everything, a number or a list in each field that it
/// says, and nothing for anything.
pub(super) fn samples(text: &str) -> [Facts; 4] {
    let named = KNOWN.into_iter().filter(|name| *name != "meta");
    let all: Facts = named.map(|name| (name.to_owned(), Json::from("1"))).collect();
    let said = rendering::said(text);
    let with_fields = |sample: Json| {
        let names = said.iter().filter_map(|name| name.strip_prefix("meta."));
        let fields: Facts =
            names.filter_map(|name| Some((name.split('.').next()?.to_owned(), sample.clone()))).collect();
        all.clone().into_iter().chain([("meta".to_owned(), Json::Object(fields))]).collect()
    };
    [with_fields(json!(1)), with_fields(json!(["1"])), all.clone(), Facts::new()]
}

/// What of a text looks like another tool's sign for something to be filled in, and would be sent as it stands.
pub fn warnings(text: &str) -> Vec<String> {
    // Tags are the business of whoever gets an email.
    tokens::warnings(text, ParseMode::Html, &Params::new(), &KNOWN.into_iter().collect())
}

/// The names of the placeholders of some texts, in alphabetical order.
///
/// # Errors
/// A sentence that says where the syntax is wrong.
pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    for text in texts {
        found.extend(Template::read(text, ParseMode::Plain)?.placeholders().map(ToOwned::to_owned));
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::lead_field::Field;

    #[test]
    fn what_leads_have_may_be_said() {
        for good in [
            "Hello {{ first_name }} {{last_name}}",
            "Hi {{ first_name | default('you') }}: {{ meta.plan }}",
            "{{ offer | default('20 %') }} for {{ email }}",
            "no placeholders",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(of(["{{ b }} {{ a }}", "{{ a }}"]).as_deref(), Ok(["a".to_owned(), "b".to_owned()].as_slice()));
    }

    #[test]
    fn what_no_lead_has_is_refused_by_name() {
        for (wrong, named) in
            [("{{ firstname }}", "firstname"), ("{{ channel_name }}", "channel_name"), ("{{ title }}", "title")]
        {
            let why = check(wrong).expect_err(wrong);
            assert!(why.contains(&format!("\"{named}\"")), "{why}");
        }
        assert!(check("{{ open").expect_err("wrong").contains("line 1"));
        assert_eq!(check("{{ title | default('Dr') }}"), Ok(()));
        for (wrong, named) in [
            ("{% if first_name %}{{ firstname }}{% endif %}", "no lead has \"firstname\""),
            ("{{ loop.index }}", "within {% for %} only"),
            ("{{ first_name.split() }}", "there is no \".split()\""),
            ("{{ first_name | truncate(3) }}", "there is no filter \"truncate\""),
            ("{{ first_name | replace('a') }}", "too few"),
            ("{{ first_name | upper(1) }}", "too many"),
            ("{% macro hi(n) %}{{ n }}{% endmacro %}{{ hi(1, 2) }}", "too many"),
            ("{% if phone %}{{ first_name | replace('a') }}{% endif %}", "too few"),
            ("{% if not phone %}{{ meta.a | default('x') | upper(1) }}{% endif %}", "too many"),
        ] {
            let why = check(wrong).expect_err(wrong);
            assert!(why.contains(named), "{wrong}: {why}");
        }
    }

    #[test]
    fn what_a_channel_can_not_carry_is_refused_when_it_is_written() {
        let webhook = |url: &str| format!(r#"{{ "url": "{url}", "payload": {{ "a": "{{{{ first_name }}}}" }} }}"#);
        for (channel, good) in [
            (ContactChannel::Email, "{{ first_name | safe }} of <{{ meta.company }}>"),
            (ContactChannel::Sms, "{% filter upper %}{{ first_name }}{% endfilter %}"),
            (ContactChannel::Webhook, "https://x.example/{{ lead_id }}"),
            (ContactChannel::Webhook, &webhook("https://x.example")),
        ] {
            assert_eq!(check_content(good, channel, ScriptFormat::Text), Ok(()), "{good}");
        }
        let page = "<p>{{ first_name }}{% set x %}<b>{{ last_name }}</b>{% endset %}{{ x }}</p>";
        assert_eq!(check_content(page, ContactChannel::Email, ScriptFormat::Html), Ok(()));
        for (channel, wrong, why) in [
            (ContactChannel::Email, "<p>{{ first_name | safe }}</p>", "| safe would put"),
            (ContactChannel::Email, "<p>{% filter upper %}{{ first_name }}{% endfilter %}", "of a whole block"),
            (ContactChannel::Email, "<p {{ first_name }}>x</p>", "in a tag, beside its attributes"),
            (
                ContactChannel::Email,
                "{% if phone %}<style>p { color: {{ meta.color }} }</style>{% endif %}",
                "within <style>",
            ),
            (ContactChannel::Email, "<a href='{{ meta.url }}", "never ends"),
            (ContactChannel::Webhook, "https://{{ source }}/", "in the host"),
            (ContactChannel::Webhook, &webhook("{{ meta.url | safe }}"), "begins with neither"),
            (ContactChannel::Webhook, "Hello", "begins with neither"),
        ] {
            let is_email = channel == ContactChannel::Email;
            let format = if is_email { ScriptFormat::Html } else { ScriptFormat::Text };
            let told = check_content(wrong, channel, format).expect_err(wrong);
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }

    #[test]
    fn scripts_know_each_field_but_these() {
        let unknown: Vec<Field> = Field::ALL.into_iter().filter(|field| !KNOWN.contains(&field.column())).collect();
        assert_eq!(
            unknown,
            [Field::TimeZone, Field::Notes],
            "may scripts say a new field? Then it stands in KNOWN, else here"
        );
    }
}

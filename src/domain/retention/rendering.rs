//! Scripts, filled in for one lead.

mod places;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use serde_json::{Map, Value as Json};

pub use self::places::Place;
use crate::depth;

/// Steps that one rendering may take.
const FUEL: u64 = 20_000;

/// The facts that a script may state about a lead, by name. What is not known of it is not there: a script that needs
/// it must have a
/// `default(..)`, or the step is left out.
pub type Facts = Map<String, Json>;

/// Whether a text is HTML: what of it is no placeholder and no statement begins with a tag. What is filled in does not matter.
pub fn is_html(content: &str) -> bool {
    let mut rest = content.trim_start();
    while let Some(end) = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .find_map(|(open, close)| rest.strip_prefix(open).map(|inner| inner.find(close).map(|at| &inner[at + 2..])))
    {
        // A placeholder at the beginning is text, whatever follows it.
        if rest.starts_with("{{") {
            return false;
        }
        let Some(end) = end else { return false };
        rest = end.trim_start_matches('-').trim_start();
    }
    rest.starts_with('<')
}

/// Fills `content` in. Values are escaped if it is HTML: see [`is_html`].
///
/// # Errors
/// As of [`render_at`].
pub fn render(content: &str, facts: &Facts) -> Result<String, String> {
    render_at(content, facts, if is_html(content) { Place::Html } else { Place::Text })
}

/// Fills `content` in, which is a text of this kind: values are written so that they never change its form.
///
/// # Errors
/// A sentence: the syntax is wrong, something is not known of the lead, or the text goes too deep.
pub fn render_at(content: &str, facts: &Facts, place: Place) -> Result<String, String> {
    // What was stored under an earlier version was not looked at.
    depth::check(content)?;
    depth::apart(|| rendered(content, facts, place))?
}

fn rendered(content: &str, facts: &Facts, place: Place) -> Result<String, String> {
    let environment = environment(place);
    let rendered = environment.render_named_str("script", &depth::bounded(content), object(facts));
    rendered.map_err(|error| match error.kind() {
        ErrorKind::UndefinedError => unknown(&environment, content, facts)
            .map_or_else(|| error.kind().to_string(), |names| format!("not known of the lead: {}", names.join(", "))),
        kind => error.detail().map_or_else(|| kind.to_string(), ToOwned::to_owned),
    })
}

fn environment(place: Place) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    depth::bound(&mut environment, FUEL);
    places::set(&mut environment, place);
    environment
}

/// What a text says and nobody knows of the lead: those without which it can't be filled in. None if that can't be told.
fn unknown(environment: &Environment<'_>, content: &str, facts: &Facts) -> Option<Vec<String>> {
    let template = environment.template_from_str(content).ok()?;
    let said = template.undeclared_variables(true);
    let is_known = |name: &String| {
        let mut fact = facts.get(name.split('.').next()?)?;
        for part in name.split('.').skip(1) {
            fact = fact.get(part)?;
        }
        Some(fact)
    };
    let mut missing: Vec<String> = said.into_iter().filter(|name| is_known(name).is_none()).collect();
    missing.sort_unstable();
    (!missing.is_empty()).then_some(missing)
}

/// The filter that a text names and that is none: it could never be filled in.
pub fn unknown_filter(content: &str) -> Option<String> {
    let environment = environment(Place::Text);
    filters(content).into_iter().find(|name| {
        let tried = environment.render_str(&format!("{{{{ '' | {name} }}}}"), ());
        tried.is_err_and(|error| error.kind() == ErrorKind::UnknownFilter)
    })
}

/// The names after a `|` in placeholders and statements, past what stands in quotes.
fn filters(content: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = content;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let inner = &rest[at + 2..];
        let (mut quote, mut end, mut chars) = (None, inner.len(), inner.char_indices());
        while let Some((index, sign)) = chars.next() {
            match (quote, sign) {
                (Some(open), sign) if sign == open => quote = None,
                (Some(_), '\\') => drop(chars.next()),
                (None, '"' | '\'') => quote = Some(sign),
                (None, '}' | '%') if inner[index..].starts_with("}}") || inner[index..].starts_with("%}") => {
                    end = index;
                    break;
                }
                (None, '|') => {
                    let name = inner[index + 1..].trim_start();
                    let name: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    found.extend((!name.is_empty()).then_some(name));
                }
                _ => {}
            }
        }
        rest = &inner[end..];
    }
    found
}

fn object(facts: &Facts) -> Value {
    Value::from_pairs(facts.iter().map(|(name, fact)| (name.as_str(), value(fact))))
}

fn value(fact: &Json) -> Value {
    match fact {
        Json::Null => Value::from(()),
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(list) => Value::from(list.iter().map(value).collect::<Vec<_>>()),
        Json::Object(fields) => object(fields),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_filled_in_and_what_is_not_is_an_error() {
        let Json::Object(facts) = json!({ "first_name": "Ann <3", "meta": { "plan": "gold" } }) else { unreachable!() };
        assert_eq!(render("Hi {{ first_name }}, {{ meta.plan }}", &facts).as_deref(), Ok("Hi Ann <3, gold"));
        assert_eq!(render("<b>{{ first_name }}</b>", &facts).as_deref(), Ok("<b>Ann &lt;3</b>"));
        assert_eq!(render("{{ last_name | default('you') }}", &facts).as_deref(), Ok("you"));
        assert!(render("{{ last_name }}", &facts).is_err());
        assert!(
            render("{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}", &facts).is_err()
        );
    }

    #[test]
    fn values_never_change_the_form_of_what_carries_them() {
        let name = "x\",\"isVip\":\"yes\\ An\"n\n";
        let Json::Object(facts) =
            json!({ "first_name": name, "email": "a+b@example.com", "meta": { "n": 3, "l": ["a\""] } })
        else {
            unreachable!()
        };
        let script = r#"{ "name": "{{ first_name }}", "n": {{ meta.n }}, "all": {{ meta.l }}, "same": {{ first_name | tojson }} }"#;
        let read: Json = serde_json::from_str(&render_at(script, &facts, Place::Json).unwrap()).unwrap();
        assert_eq!(read, json!({ "name": name, "n": 3, "all": ["a\""], "same": name }));
        let url = render_at("https://x.example/?e={{ email }}&f={{ 'A B&c' | urlencode }}", &facts, Place::Url);
        assert_eq!(url.as_deref(), Ok("https://x.example/?e=a%2Bb%40example.com&f=A%20B%26c"));
        let html = "{% if email %}<p>{{ first_name }}</p>{% endif %}";
        assert!(is_html(html) && !is_html("{{ first_name }} <b>") && !is_html("Hi <b>") && is_html(" {# x #}\n<p>"));
        assert!(!render(html, &facts).unwrap().contains("\"isVip"), "escaped");
        let Json::Object(tag) = json!({ "first_name": "<b>" }) else { unreachable!() };
        assert_eq!(render("{{ first_name }} hi", &tag).as_deref(), Ok("<b> hi"));
    }

    #[test]
    fn what_is_missing_is_named_and_so_is_a_filter_that_is_none() {
        let Json::Object(facts) = json!({ "first_name": "Ann", "meta": {} }) else { unreachable!() };
        assert_eq!(render("{{ last_name }} {{ first_name }}", &facts), Err("not known of the lead: last_name".into()));
        assert!(render("{{ meta.plan }}", &facts).unwrap_err().contains("meta.plan"));
        for (text, wrong) in [
            ("{{ a | urlencode }} {{ a | tojson }} {{ a | default('| x') | upper }}", None),
            ("{{ a | shout }}", Some("shout")),
            ("{% if a | lower == 'x' %}{{ b|nope('|') }}{% endif %}", Some("nope")),
            ("a | b", None),
        ] {
            assert_eq!(unknown_filter(text).as_deref(), wrong, "{text}");
        }
    }
}

//! Scripts, filled in for one lead.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde_json::{Map, Value as Json};

use crate::depth;

/// Steps that one rendering may take.
const FUEL: u64 = 20_000;

/// The facts that a script may state about a lead, by name. What is not known of it is not there: a script that needs
/// it must have a
/// `default(..)`, or the step is left out.
pub type Facts = Map<String, Json>;

/// Fills `content` in. Values are escaped if it is HTML, which is known by its first letter.
///
/// # Errors
/// A sentence: the syntax is wrong, something is not known of the lead, or the text goes too deep.
pub fn render(content: &str, facts: &Facts) -> Result<String, String> {
    // What was stored under an earlier version was not looked at.
    depth::check(content)?;
    depth::apart(|| rendered(content, facts))?
}

fn rendered(content: &str, facts: &Facts) -> Result<String, String> {
    let is_html = content.trim_start().starts_with('<');
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(move |_| if is_html { AutoEscape::Html } else { AutoEscape::None });
    let rendered = environment.render_named_str("script", content, object(facts));
    rendered.map_err(|error| error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned))
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
}

//! Scripts, filled in for one lead.

mod form;
mod page;
mod places;
mod plain;

use std::collections::BTreeSet;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use serde_json::{Map, Value as Json};

pub use self::form::{Form, MARKS, Part, form, parts, sketch};
pub use self::places::Place;
pub use self::plain::{has_tags, plain};
use crate::language::{self, Kind, Tongue};
use crate::{depth, filters};

/// Steps that one rendering may take.
const FUEL: u64 = 20_000;

/// The facts that a script may state about a lead, by name. What is not known of it is not there: a script that needs
/// it must have a
/// `default(..)`, or the step is left out.
pub type Facts = Map<String, Json>;

/// Fills `content` in, which is a text of this kind: values are written so that they never change its form.
///
/// # Errors
/// A sentence: the syntax is wrong, something is not known of the lead, or the text goes too deep.
pub fn render(content: &str, facts: &Facts, place: Place) -> Result<String, String> {
    // What was stored under an earlier version was not looked at.
    depth::check(content)?;
    if place == Place::Html {
        if content.contains(MARKS) {
            return Err(form::NO_CHARACTERS.into());
        }
        language::check(content, Tongue { kind: Kind::Html, is_for_leads: true })?;
    }
    depth::apart(|| rendered(content, facts, place))?
}

/// Refuses a text that fails with these facts for a reason that is none of theirs.
///
/// # Errors
/// A sentence for whoever wrote the text.
pub fn try_out(content: &str, facts: &Facts, place: Place) -> Result<(), String> {
    let tried = depth::apart(|| {
        let mut environment = environment(place);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let values = page::marked(&mut environment, place);
        let tried = environment.render_named_str("script", &depth::bounded(content), object(facts, &Value::UNDEFINED));
        // An error may hold what the text has built, and is dropped here, too.
        tried.map(|text| page::filled(text, &values).err()).map_err(|error| (error.kind(), error.line()))
    })?;
    let (kind, line) = match tried {
        Ok(None) => return Ok(()),
        Ok(Some(why)) => return Err(why),
        Err(why) => why,
    };
    let why = match kind {
        ErrorKind::MissingArgument => "a filter, a function or a macro gets too few values in its brackets",
        ErrorKind::TooManyArguments => "a filter, a function or a macro gets too many values in its brackets",
        ErrorKind::UnknownFunction => "a macro is called before it is made",
        ErrorKind::OutOfFuel => {
            "it takes more steps, or keeps longer lists or texts, than a message needs; write it in parts"
        }
        _ => return Ok(()),
    };
    Err(format!("{why} (line {})", line.unwrap_or(1)))
}

fn rendered(content: &str, facts: &Facts, place: Place) -> Result<String, String> {
    let mut environment = environment(place);
    let values = page::marked(&mut environment, place);
    page::filled(filled(&environment, content, facts, &Value::UNDEFINED)?, &values)
}

/// Fills a text in where `null` stands for what is null: among words that is as good as not known.
fn filled(environment: &Environment<'_>, content: &str, facts: &Facts, null: &Value) -> Result<String, String> {
    let rendered = environment.render_named_str("script", &depth::bounded(content), object(facts, null));
    rendered.map_err(|error| match error.kind() {
        ErrorKind::UndefinedError => unknown(environment, content, facts)
            .map_or_else(|| error.kind().to_string(), |names| format!("not known of the lead: {}", names.join(", "))),
        kind => error.detail().map_or_else(|| kind.to_string(), ToOwned::to_owned),
    })
}

fn environment(place: Place) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    depth::bound(&mut environment, FUEL);
    places::set(&mut environment, place);
    environment
}

/// The names that a text says, with those of the fields in them.
pub fn said(content: &str) -> BTreeSet<String> {
    let environment = environment(Place::Text);
    let template = environment.template_from_str(content);
    template.map_or_else(|_| BTreeSet::new(), |template| template.undeclared_variables(true).into_iter().collect())
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
        Some(fact).filter(|fact| !fact.is_null())
    };
    let mut missing: Vec<String> = said.into_iter().filter(|name| is_known(name).is_none()).collect();
    missing.sort_unstable();
    (!missing.is_empty()).then_some(missing)
}

fn object(facts: &Facts, null: &Value) -> Value {
    Value::from_pairs(facts.iter().map(|(name, fact)| (name.as_str(), value(fact, null))))
}

fn value(fact: &Json, null: &Value) -> Value {
    match fact {
        Json::Null => null.clone(),
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(large)) => Value::from(large),
            (None, None) => {
                let number = Value::from(number.as_f64().unwrap_or_default());
                filters::whole(&number).map_or(number, Value::from)
            }
        },
        Json::String(text) => Value::from(text.replace(MARKS, "\u{fffd}")),
        Json::Array(list) => Value::from(list.iter().map(|fact| value(fact, null)).collect::<Vec<_>>()),
        Json::Object(fields) => object(fields, null),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Filled in as what is meant here: all that begins with a tag is HTML.
    fn render(content: &str, facts: &Facts) -> Result<String, String> {
        super::render(content, facts, if content.starts_with('<') { Place::Html } else { Place::Text })
    }

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
    fn what_builds_more_than_a_message_needs_is_refused_when_it_is_written() {
        let doubled = format!("{{% set a=[1] %}}{}{{{{ a }}}}", "{% set a=[a,a] %}".repeat(40));
        let endless = "{% for i in range(999) %}{% for j in range(999) %}x{% endfor %}{% endfor %}";
        for text in [doubled.as_str(), endless] {
            assert!(
                try_out(text, &Facts::new(), Place::Text).is_err_and(|why| why.contains("than a message needs")),
                "{text}"
            );
        }
        assert_eq!(
            try_out("{% for i in range(20) %}{{ i }}{% endfor %}{{ meta.plan }}", &Facts::new(), Place::Html),
            Ok(())
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let Json::Object(facts) = json!({ "first_name": "Ann", "meta": { "none": null } }) else { unreachable!() };
        assert_eq!(render("{{ last_name }} {{ first_name }}", &facts), Err("not known of the lead: last_name".into()));
        assert!(render("{{ meta.plan }}", &facts).unwrap_err().contains("meta.plan"));
        assert_eq!(render("{{ meta.none }}", &facts), Err("not known of the lead: meta.none".into()));
    }

    #[test]
    fn no_filter_makes_a_text_of_what_is_not_known() {
        let facts = Facts::new();
        for filter in language::FILTERS.into_iter().chain(language::OF_LEADS) {
            let made = render(&format!("{{{{ last_name | {filter} }}}}"), &facts);
            let is_meant = ["bool", "d", "default", "indent"].contains(&filter);
            assert_eq!(made.is_ok(), is_meant, "{filter}: {made:?}");
        }
        for expression in [
            "last_name ~ 'x'",
            "last_name + 'x'",
            "last_name == 'x'",
            "last_name[:2]",
            "last_name if last_name is undefined",
        ] {
            let made = render(&format!("{{{{ {expression} }}}}"), &facts);
            assert!(made.is_err(), "{expression}: {made:?}");
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        let Json::Object(facts) = json!({
            "first_name": "Tom & <b>", "email": "",
            "meta": { "none": null, "yes": true, "three": 3.0, "half": 2.5, "large": u64::MAX, "list": ["a", 1.0], "object": {}, "in": { "a": 1 } },
        }) else {
            unreachable!()
        };
        for (text, said) in [
            ("{{ meta.yes }} {{ meta.three }} {{ meta.half }} {{ meta.large }}", Ok("true 3 2.5 18446744073709551615")),
            (
                "{{ meta.none | default('x') }} {{ email | d('y') }} {{ last_name | d('z') }} {{ meta.a | d('w') }}",
                Ok("x y z w"),
            ),
            (
                "{% if last_name %}a{% endif %}{% if meta.none %}b{% endif %}{% if meta.gone %}c{% else %}d{% endif %}",
                Ok("d"),
            ),
            (
                "{% if meta.none is none %}a{% endif %}{{ meta.list | join(', ') }} {{ meta.three ~ '!' }}",
                Ok("aa, 1 3!"),
            ),
            ("{{ meta.none | upper }}", Err("meta.none")),
            ("{{ meta.list }}", Err("join")),
            ("{{ meta.object }}", Err("object")),
            ("{{ meta.in }}", Err("object")),
            ("{{ meta.half | int }} {{ meta.gone | int }}", Err("meta.gone")),
            ("{{ first_name | int }}", Err("what should be a number is none")),
            ("{{ first_name | e }}", Ok("Tom & <b>")),
            ("{{ last_name | e }}", Err("last_name")),
            ("<p>{{ last_name | e }}", Err("last_name")),
            ("{{ last_name | urlencode }}", Err("last_name")),
            ("{{ last_name | tojson }}", Err("last_name")),
            (
                "<p>{{ first_name | e }}{{ first_name | tojson }}",
                Ok("<p>Tom &amp; &lt;b&gt;&quot;Tom &amp; &lt;b&gt;&quot;"),
            ),
            ("<p>{% set x %}<i>{{ first_name }}</i>{% endset %}{{ x }}", Ok("<p><i>Tom &amp; &lt;b&gt;</i>")),
            ("<p>{% macro x(n) %}<i>{{ n }}</i>{% endmacro %}{{ x(first_name) }}", Ok("<p><i>Tom &amp; &lt;b&gt;</i>")),
        ] {
            match (render(text, &facts), said) {
                (Ok(text), Ok(said)) => assert_eq!(text, said),
                (Err(why), Err(said)) => assert!(why.contains(said), "{text}: {why}"),
                (rendered, _) => panic!("{text}: {rendered:?}"),
            }
        }
    }
}

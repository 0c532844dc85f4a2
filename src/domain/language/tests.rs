//! What texts may name, and what of it is there.

use minijinja::{Environment, ErrorKind};

use super::*;
use crate::filters;

const WORDS: Tongue = Tongue { kind: Kind::Words, is_for_leads: true };
const HTML: Tongue = Tongue { kind: Kind::Html, is_for_leads: true };
const FORM: Tongue = Tongue { kind: Kind::Form, is_for_leads: true };
const POST: Tongue = Tongue { kind: Kind::Html, is_for_leads: false };

#[test]
fn what_is_said_to_be_there_is_there() {
    let mut environment = Environment::new();
    filters::set(&mut environment);
    let is_missing =
        |text: &str, missing: ErrorKind| environment.render_str(text, ()).is_err_and(|error| error.kind() == missing);
    for name in FILTERS {
        assert!(!is_missing(&format!("{{{{ '' | {name} }}}}"), ErrorKind::UnknownFilter), "{name}");
    }
    for name in TESTS {
        assert!(!is_missing(&format!("{{{{ '' is {name} }}}}"), ErrorKind::UnknownTest), "{name}");
    }
    for name in FUNCTIONS {
        assert!(!is_missing(&format!("{{{{ {name}() }}}}"), ErrorKind::UnknownFunction), "{name}");
    }
    assert!(
        is_missing("{{ '' | nope }}", ErrorKind::UnknownFilter)
            && is_missing("{{ '' is nope }}", ErrorKind::UnknownTest)
    );
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    for (text, why) in [
        ("{{ a | shout }}", "there is no filter \"shout\": there are abs"),
        ("{% if a | lower == 'x' %}{{ b|nope('|') }}{% endif %}", "\"nope\""),
        ("{% if false %}{{ a | trunc }}{% endif %}", "\"trunc\""),
        ("{{ a | d(b | trunc) }}", "\"trunc\""),
        ("{{ [a] | map('shout') | join }}", "\"shout\""),
        ("{{ [a] | select('big') | join }}", "no test \"big\""),
        ("{{ [a] | selectattr('x', 'big') | join }}", "no test \"big\""),
        ("{% filter shout %}x{% endfilter %}", "\"shout\""),
        ("{% if a is email %}x{% endif %}", "there is no test \"email\": there are boolean"),
        ("{{ now() }}", "there is no function \"now()\": there are dict, range"),
        ("{{ debug() }}", "no function \"debug()\""),
        ("{{ namespace() }}", "no function \"namespace()\""),
        ("{{ caller() }}", "no function \"caller()\""),
        ("{{ super() }}", "no function \"super()\""),
        ("{{ self.head() }}", "no block \"head\""),
        ("{{ loop(1) }}", "no function \"loop()\""),
        ("{% for x in [1] %}{{ loop([1]) }}{% endfor %}", "no function \"loop()\""),
        ("{{ a.upper() }}", "there is no \".upper()\""),
        ("{{ 'a'.format(1) }}", "there is no \".format()\""),
        ("{{ meta.items() }}", "there is no \".items()\""),
        ("{{ loop.cycle(1) }}", "there is no \".cycle()\""),
        ("{{ meta.list[0]() }}", "only functions and macros"),
        ("{% include 'x' %}", "can't take in another"),
        ("{% import 'x' as y %}", "can't take in another"),
        ("{% from 'x' import y %}", "can't take in another"),
        ("{% extends 'x' %}", "can't take in another"),
    ] {
        let told = check(text, WORDS).expect_err(text);
        assert!(told.contains(why), "{text}: {told}");
    }
    assert!(check("{{ a | urlencode }}", POST).is_err());
    for text in [
        "{{ a | urlencode }} {{ a | tojson }} {{ a | default('| x') | upper }} a | b",
        "{% for x in range(3) %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{% macro hi(n) %}{{ n }}{{ caller() }}{% endmacro %}{% call hi('x') %}y{% endcall %}",
        "{% block head %}x{% endblock %}{{ self.head() }}",
        "{{ 3 is divisibleby(3) }} {{ a in [1] }} {{ [1, 2] | select('>', 1) | join }} {{ [a] | map('upper') | join }}",
        "{% raw %}{{ a | shout }}{% endraw %} {{ 'x | shout' }}",
    ] {
        assert_eq!(check(text, WORDS), Ok(()), "{text}");
    }
}

#[test]
fn what_is_escaped_is_escaped_once() {
    let set = "{% set x %}<b>{{ a }}</b>{% endset %}";
    let made = "{% macro m(n) %}<b>{{ n }}</b>{% endmacro %}";
    for (text, html, form) in [
        (format!("{set}{{{{ x }}}}{{{{ x | default('y') }}}}{{{{ x ~ a }}}}{{{{ x if a else b }}}}"), true, true),
        (format!("{set}{{% if x %}}{{{{ x }}}}{{% endif %}}"), true, false),
        (format!("{set}{{{{ x | upper }}}}"), false, false),
        (format!("{set}{{% if x == 'Ann' %}}y{{% endif %}}"), false, false),
        (format!("{set}{{% set y = x %}}"), false, false),
        (format!("{set}{{{{ x | length }}}}"), false, false),
        (format!("{set}{{{{ x[:2] }}}}"), false, false),
        (format!("{made}{{{{ m(a) }}}}{{{{ m(a | upper) }}}}"), true, true),
        (format!("{made}{{{{ m(a) | upper }}}}"), false, false),
        (format!("{made}{set}{{{{ m(x) }}}}"), false, false),
        ("{% filter upper %}{{ a }}{% endfilter %}".into(), false, false),
        ("{% set x | upper %}{{ a }}{% endset %}".into(), false, false),
        ("{{ a | urlencode | upper }}".into(), true, false),
        ("{{ a | upper | urlencode }}{{ a | e }}{{ a | tojson }}".into(), true, true),
        ("{% if a | tojson == '1' %}{% endif %}".into(), true, false),
        ("{{ a | safe }}".into(), false, true),
        ("{{ [a] | map('safe') | join }}".into(), false, false),
        (format!("{set}{{{{ '<b>' | safe }}}}{{{{ x | safe }}}}"), true, true),
    ] {
        assert_eq!(check(&text, WORDS), Ok(()), "{text}");
        assert_eq!(check(&text, HTML).is_ok(), html, "{text}");
        assert_eq!(check(&text, FORM).is_ok(), form, "{text}");
    }
    assert_eq!(check("{{ a | safe }}", POST), Ok(()));
}

#[test]
fn a_name_that_nobody_fills_is_needed_unless_it_has_a_default() {
    let unknown = BTreeSet::from(["offer".to_owned(), "loop".to_owned()]);
    for (text, is_needed) in [
        ("{{ offer }}", true),
        ("{% if first_name %}{{ offer }}{% endif %}", true),
        ("{% if offer %}x{% endif %}", true),
        ("{{ offer | upper | default('x') }}", true),
        ("{{ first_name | default(offer) }}", true),
        ("{{ offer | default('x') }}{{ offer.a | d('y') | upper }}", false),
        ("{% if offer is defined %}{{ offer }}{% endif %}", false),
        ("{{ first_name }}", false),
    ] {
        assert_eq!(needed(text, WORDS, &unknown).unwrap().is_some(), is_needed, "{text}");
    }
    assert!(needed("{{ loop.index }}", WORDS, &unknown).unwrap_err().contains("within {% for %} only"));
}

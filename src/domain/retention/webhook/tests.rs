//! What becomes of the scripts of webhooks.

use super::*;

fn facts() -> Facts {
    let Json::Object(facts) = json!({
        "first_name": "x\",\"isVip\":\"yes\\ An\"n\n }} {{ email }}", "last_name": "\\", "email": "a+b@example.com", "source": "",
        "meta": {
            "n": 3, "whole": 4.0, "half": 0.5, "yes": true, "none": null, "list": ["a\"", 1], "object": { "k\"": "v" }, "json": "{\"a\":1}",
            "up": "..", "here": ".", "empty": "", "slash": "a/../b", "encoded": "%2e%2e", "host": "evil.example", "text": "t",
        },
    }) else {
        unreachable!()
    };
    facts
}

fn payload(form: &str) -> Result<Json, String> {
    webhook(&format!(r#"{{ "url": "https://h.example/", "payload": {form} }}"#), &facts())
        .map(|webhook| webhook.payload)
}

fn url_of_script(script: &str) -> Result<String, String> {
    webhook(script, &facts()).map(|webhook| webhook.url)
}

#[test]
fn values_fill_their_places_and_never_change_the_form() {
    let name = facts()["first_name"].clone();
    let said = name.as_str().unwrap();
    for (form, sent) in [
        (r#"{ "a": "{{ first_name }}" }"#, json!({ "a": name })),
        (r#"{ "a": "Hi {{ first_name }}, {{ last_name }}" }"#, json!({ "a": format!("Hi {said}, \\") })),
        (r#"{ "a": "{{ last_name }}", "b": "c" }"#, json!({ "a": "\\", "b": "c" })),
        (r#"{ "a": "{{ last_name | e }}", "b": "{{ last_name | safe }}" }"#, json!({ "a": "\\", "b": "\\" })),
        (r#"{ "a": {{ first_name }}, "b": {{ first_name | tojson }} }"#, json!({ "a": name, "b": name })),
        (r#"{ "a": "{{ first_name | tojson }}" }"#, json!({ "a": name.to_string() })),
        (
            r#"{ "a": {{ meta.n }}, "b": {{ meta.yes }}, "c": {{ meta.none }} }"#,
            json!({ "a": 3, "b": true, "c": null }),
        ),
        (r#"{ "a": {{ meta.list }}, "b": {{ meta.object }} }"#, json!({ "a": ["a\"", 1], "b": { "k\"": "v" } })),
        (
            r#"{ "a": {{ meta.list | tojson }}, "b": {{ meta.json | safe }} }"#,
            json!({ "a": ["a\"", 1], "b": { "a": 1 } }),
        ),
        (r#"{ "a": "{{ meta.n }}{{ meta.whole }} {{ meta.yes }}" }"#, json!({ "a": "34 true" })),
        (
            r#"{ "a": {{ meta.whole }}, "b": {{ meta.half }}, "c": {{ meta.n + 1 }} }"#,
            json!({ "a": 4, "b": 0.5, "c": 4 }),
        ),
        (r#"[{% for x in meta.list %}"{{ x }}"{% if not loop.last %},{% endif %}{% endfor %}]"#, json!(["a\"", "1"])),
        (r#"{ {% if phone %}"p": "{{ phone }}",{% endif %} "e": "{{ email }}" }"#, json!({ "e": "a+b@example.com" })),
        (
            r#"{ "a": "{{ phone | default(last_name) }}", "b": {{ meta.gone | default(7) }} }"#,
            json!({ "a": "\\", "b": 7 }),
        ),
        (r#"{% set x %}{{ first_name }}!{% endset %}{ "a": "{{ x }}" }"#, json!({ "a": format!("{said}!") })),
        (r#"{% macro m(v) %}"a": "{{ v }}"{% endmacro %}{ {{ m(last_name) }} }"#, json!({ "a": "\\" })),
        (r#"{ "a": "\"{{ last_name }}\"" }"#, json!({ "a": "\"\\\"" })),
        (
            r#"{ "a": "{{ 'x' ~ last_name }}", "b": "{{ email | upper }}" }"#,
            json!({ "a": "x\\", "b": "A+B@EXAMPLE.COM" }),
        ),
        (r#"{ "a": "{{ email | urlencode }}" }"#, json!({ "a": "a%2Bb%40example.com" })),
        ("null", json!({ "lead": facts() })),
        ("{{ meta.none }}", json!({ "lead": facts() })),
    ] {
        assert_eq!(payload(form), Ok(sent), "{form}");
    }
}

#[test]
fn what_can_not_stand_where_it_should_is_refused() {
    for (form, why) in [
        (r#"{ "{{ first_name }}": 1 }"#, "in the name of a field"),
        (r#"{ "a": [{ "x{{ meta.n }}": 1 }] }"#, "in the name of a field"),
        (r"{ {{ first_name }}: 1 }", "in the name of a field"),
        (r#"{ "a": "{{ meta.list }}" }"#, "join"),
        (r#"{ "a": "{{ meta.object }}" }"#, "an object can't stand in a text"),
        (r#"{ "a": "{{ meta.none }}" }"#, "null"),
        (r#"{ "a": {{ phone }} }"#, "not known of the lead: phone"),
        (r#"{ "a": {{ email | safe }} }"#, "quotation marks"),
        (r#"{ "a": {{ email | urlencode }} }"#, "quotation marks"),
        (r#"{ "a": 1{{ meta.n }} }"#, "is no JSON"),
        (r#"{ "a": [{ "b": 1, "b": {{ meta.n }} }] }"#, "a.0.b is given twice"),
        (r#"{ "a": "\{{ meta.text }}" }"#, "is no JSON"),
        (r#"{ "a": "{{ email | urlencode | upper }}" }"#, "can only be printed"),
        (r#"{ "a": "{% filter upper %}{{ email }}{% endfilter %}" }"#, "of a whole block"),
    ] {
        let told = payload(form).expect_err(form);
        assert!(told.contains(why), "{form}: {told}");
    }
}

#[test]
fn what_is_built_deep_is_refused_and_ends_no_process() {
    let deep =
        "{% macro m(n, x) %}{% if n %}{{ m(n - 1, [[[[[[[[x]]]]]]]]) }}{% else %}{{ x }}{% endif %}{% endmacro %}";
    for (value, depth) in [("{{ m(9, 1) }}", 72), ("{{ m(40, 1) }}", 320)] {
        let told = webhook(&format!(r#"{deep}{{ "url": "https://h.example", "payload": {value} }}"#), &facts());
        assert_eq!(told.is_ok(), depth <= 100, "{depth}: {told:?}");
    }
    let long = "{% for i in range(999) %}{{ email }}{{ first_name }}{{ last_name }}{% endfor %}";
    assert!(webhook(&format!("https://h.example/?x={long}"), &facts()).is_ok());
}

#[test]
fn a_value_fills_its_part_of_a_url_and_leads_nowhere_else() {
    for (script, url) in [
        (
            "https://x.example/?e={{ email }}&f={{ 'A B&c' | urlencode }}",
            "https://x.example/?e=a%2Bb%40example.com&f=A%20B%26c",
        ),
        ("HTTPS://x.example/{{ meta.slash }}/b", "HTTPS://x.example/a%2F..%2Fb/b"),
        ("https://x.example/{{ meta.encoded }}", "https://x.example/%252e%252e"),
        ("https://x.example/a-{{ meta.up }}/v{{ meta.empty }}", "https://x.example/a-../v"),
        (
            "https://x.example/../a?x={{ meta.up }}&y={{ meta.empty }}#{{ last_name }}",
            "https://x.example/../a?x=..&y=#%5C",
        ),
        ("https://x.example{% if phone %}/p{% else %}/e{% endif %}?x={{ meta.n }}", "https://x.example/e?x=3"),
        ("https://x.example?x={{ meta.host }}", "https://x.example?x=evil.example"),
        (
            "https://x.example/{% set x %}{{ email }}/{{ meta.n }}{% endset %}{{ x }}",
            "https://x.example/a%2Bb%40example.com/3",
        ),
        (
            "https://x.example/?x={{ email | e }}&y={{ email | tojson }}",
            "https://x.example/?x=a%2Bb%40example.com&y=%22a%2Bb%40example.com%22",
        ),
        (
            r#"{ "url": "https://x.example/?a={{ last_name }}&b={{ meta.text | urlencode }}" }"#,
            "https://x.example/?a=%5C&b=t",
        ),
    ] {
        assert_eq!(url_of_script(script).as_deref(), Ok(url), "{script}");
    }
    for (script, why) in [
        ("https://x.example/a/{{ meta.up }}/b", "leads to another place"),
        ("https://x.example/a/{{ meta.here }}", "leads to another place"),
        ("https://x.example/a/{{ meta.empty }}/b", "leads to another place"),
        ("https://x.example/a/.{{ meta.here }}?x", "leads to another place"),
        ("https://x.example/a/%2E{{ meta.here }}", "leads to another place"),
        ("https://x.example/a\\{{ meta.up }}\\b", "leads to another place"),
        ("https://x.example/{{ meta.up | urlencode }}/b", "leads to another place"),
        ("https://x.example/{{ meta.encoded | safe }}/b", "\u{0}"),
        ("https://{{ meta.host }}/x", "in the host"),
        ("https://x.example{{ meta.up }}", "in the host"),
        ("https://a@{{ meta.host | safe }}?x", "in the host"),
        ("{{ meta.host | safe }}", "begins with neither"),
        ("{{ meta.text }}://x", "begins with neither"),
        ("ftp://x.example/", "begins with neither"),
        ("https:///x", "has no host"),
        (r#"{ "url": {{ meta.host }} }"#, "begins with neither"),
        (r#"{ "payload": {} }"#, "has no \"url\""),
        (r#"{ "url": 1 }"#, "has no \"url\""),
    ] {
        let told = url_of_script(script);
        if why == "\u{0}" {
            assert_eq!(told.as_deref(), Ok("https://x.example/%252e%252e/b"), "{script}");
            continue;
        }
        let told = told.expect_err(script);
        assert!(told.contains(why), "{script}: {told}");
    }
}

#[test]
fn a_form_that_is_none_is_told_when_it_is_written() {
    for (script, why) in [
        ("https://{{ meta.host }}/x", "in the host"),
        ("{{ meta.url }}", "begins with neither"),
        ("https://{% if phone %}{{ phone }}{% else %}x.example{% endif %}/", "in the host"),
        ("https://{% if not phone %}{{ meta.host }}{% else %}x.example{% endif %}/", "in the host"),
        (r#"{ "url": "https://{{ email }}" }"#, "in the host"),
        (r#"{ "url": "https://{{ email }}", "payload": {{ meta.n | int + 1 }} }"#, "in the host"),
        (
            r#"{ "url": "https://x.example", "payload": { {% for x in meta.list %}"{{ x }}": 1{% endfor %} } }"#,
            "in the name of a field",
        ),
        (r#"{ "url": "https://x.example", "payload": { "{{ email }}": 1 } }"#, "in the name of a field"),
        (r#"{ "url": "https://x.example", "payload": { "a": 1, } }"#, "is no JSON"),
        (r#"{ "payload": 1 }"#, "has no \"url\""),
        ("Hello {{ first_name }}", "begins with neither"),
    ] {
        let told = check(script).expect_err(script);
        assert!(told.contains(why), "{script}: {told}");
    }
    for script in [
        "https://x.example/{{ meta.anything.deep }}?e={{ email }}",
        r#"{ "url": "https://x.example/{{ lead_id }}", "payload": { "a": {{ meta.n }}, "b": "{{ meta.list | join(',') }}", "c": {{ meta.n | int + 1 }} } }"#,
        r#"{ "url": "https://x.example", "payload": [{% for x in meta.list %}"{{ x }}"{% if not loop.last %},{% endif %}{% endfor %}] }"#,
        r#"{ "url": "https://x.example", "payload": {{ meta }} }"#,
        r#"{% if phone %}{ "url": "https://x.example" }{% else %}https://x.example{% endif %}"#,
    ] {
        assert_eq!(check(script), Ok(()), "{script}");
    }
}

#[test]
fn a_script_that_can_be_read_in_two_ways_is_refused_when_it_is_saved() {
    for (script, key) in [
        (r#"{"url":"https://a.example","url":"https://b.example"}"#, "url"),
        (r#"{"url":"https://a.example/{{ email }}","payload":{},"url":"https://a.example/{{ email }}"}"#, "url"),
        (r#"{"url":"https://a.example","payload":{"x":{{ meta.n }}},"payload":{"x":1}}"#, "payload"),
        (r#"{"url":"https://a.example","payload":{"x":[{"y":1,"y":"{{ email }}"}]}}"#, "payload.x.0.y"),
    ] {
        let told = check(script).expect_err(script);
        assert!(told.contains(&format!("{key} is given twice")), "{script}: {told}");
    }
    let either = r#"{"url":"https://a.example","payload":{ {% if phone %}"x":1{% else %}"x":2{% endif %} }}"#;
    assert_eq!(check(either), Ok(()), "only one of the two is there at a time");
}

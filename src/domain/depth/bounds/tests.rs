//! Texts that build values, and what of them is written into.

use minijinja::UndefinedBehavior;

use super::*;

fn rendered(text: &str) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    bound(&mut environment, 20_000);
    let known = minijinja::context! { n => 4, word => "abc", list => vec![1, 2, 3], pairs => [("a", 1), ("b", 2)] };
    environment.render_str(&bounded(text), known).map_err(|error| format!("{error}"))
}

#[test]
fn what_is_kept_is_weighed_and_nothing_else_is_changed() {
    for (text, bounded_text) in [
        ("a {{ b }} = {% if c %}d{% endif %}", "a {{ b }} = {% if c %}d{% endif %}"),
        ("{% set a = b + 1 %}", "{% set a = ( b + 1 )|_kept %}"),
        ("{%- set a=b -%}", "{%- set a= (b )|_kept -%}"),
        ("{% set a %}x{% endset %}", "{% set a %}x{% endset %}"),
        ("{% set a | upper | replace('a', '=') %}", "{% set a | upper | replace('a', '=') |_kept %}"),
        ("{% set a = f(b=c) == d %}", "{% set a = ( f(b=c) == d )|_kept %}"),
        ("{% set a = %}", "{% set a = %}"),
        ("{% set a = b) + (c %}", "{% set a = b) + (c %}"),
        ("{% set a = '%} = ' %}", "{% set a = ( '%} = ' )|_kept %}"),
        ("{% with a=1, b=[c, d] %}", "{% with a= (1)|_kept , b= ([c, d] )|_kept %}"),
        ("{% for a in b if a in c %}", "{% for a in ( b )|_kept if a in c %}"),
        ("{% for a, b in c|items %}", "{% for a, b in ( c|items )|_kept %}"),
        ("{{ a * b }} {{ f(*a) }} {{ a ** b }}", "{{ a |_factor * - -  b }} {{ f(*a) }} {{ a ** b }}"),
        ("{% macro f(a, b=[c, d]) -%} x", "{% macro f(a, b=[c, d]) -%}{% set a = a|_kept %}{% set b = b|_kept -%} x"),
        ("{% call(a) f(b, c) %}", "{% call(a) f(b, c) %}{% set a = a|_kept %}"),
        ("{% call f(b, c) %}", "{% call f(b, c) %}"),
        ("{% raw %}{% set a = b %}{% endraw %}", "{% raw %}{% set a = b %}{% endraw %}"),
    ] {
        assert_eq!(bounded(text), bounded_text, "{text}");
    }
}

#[test]
fn texts_say_what_they_said() {
    for (text, said) in [
        ("{% set a = n * 2 + 1 %}{{ a }}", "9"),
        ("{{ '-' * n }} {{ n * n * 2.5 }} {{ n ** 2 * 3 }} {{ -n * -n }} {{ n|abs * n|abs }}", "---- 40.0 48 16 16"),
        ("{% for a in list if a > 1 %}{{ a }}{% endfor %}{% for a in range(3) %}{{ a }}{% endfor %}", "23012"),
        ("{% for a, b in pairs %}{{ a }}{{ b }}{% endfor %}", "a1b2"),
        ("{{ range(2, 9, 3)|join(' ') }} {{ range(3, 0, -1)|join(' ') }} {{ range(5, 2)|length }}", "2 5 8 3 2 1 0"),
        ("{% with a=n, b=[n, n] %}{{ a }}{{ b|join }}{% endwith %}", "444"),
        ("{% set a = word|upper if n else 'x' %}{{ a }}{% set a %}<{{ a }}>{% endset %}{{ a }}", "ABC<ABC>"),
        ("{% set a = list|select('odd') %}{{ a|join(',') }} {{ a|length }}", "1,3 2"),
        ("{% macro m(a, b=n) -%}  {{ a }}{{ b }}{% endmacro %}{{ m(1) }} {{ m(b=1, a=2) }}", "14 21"),
        ("{% macro m(a) %}<{{ caller(a) }}>{% endmacro %}{% call(b) m(n) %}{{ b }}{% endcall %}", "<4>"),
        ("{% set a, b = list[:2] %}{{ a }}{{ b }}", "12"),
        ("{% set a = missing %}{{ a|default('x') }}", "x"),
        ("{% if n in [1, 4] and word in ['abc'] %}{{ [word, n]|join(' ') }}{% endif %}", "abc 4"),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(said), "{text}");
    }
}

#[test]
fn nothing_grows_past_what_a_message_may_need() {
    let forty = |step: &str| step.repeat(40);
    for text in [
        format!("{{% set a = list %}}{}{{{{ a|length }}}}", forty("{% set a = a + a %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a = [a, a] %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a = (a, a) %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a = {1: a, 2: a} %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a = a|chain(a) %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a = a|zip(a) %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% for a in [[a, a]] %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% with a = [a, a] %}")),
        format!("{{% set a = word %}}{}{{{{ a }}}}", forty("{% set a = a ~ a %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", forty("{% set a | default([a, a], true) %}{% endset %}")),
        format!("{{% set a = list %}}{}{{{{ a }}}}", "{% set a = [a] %}".repeat(1_000)),
        "{% macro m(a) %}{{ m([a]) }}{% endmacro %}{{ m(list) }}".to_owned(),
        "{% macro m(a) %}{{ m([a, a]) }}{% endmacro %}{{ m(list) }}".to_owned(),
        "{% macro m(a) %}{{ m(a + a) }}{% endmacro %}{{ m(list) }}".to_owned(),
        "{% macro m(a) %}{{ caller([a, a]) }}{% endmacro %}".to_owned()
            + &forty("{% call(a) m(list) %}{% call(a) m(a) %}")
            + "{{ a }}"
            + &forty("{% endcall %}{% endcall %}"),
        "{{ [[[1] * 9999] * 9999] * 9999 == 1 }}".to_owned(),
        "{{ 9999 * [1] }}".to_owned(),
        "{{ (list) * 99999 }}".to_owned(),
        "{{ range(99999)|length }}".to_owned(),
        "{{ range(-9223372036854775807, 9223372036854775807)|length }}".to_owned(),
        "{{ range(0, 9, 0)|length }}".to_owned(),
    ] {
        assert!(rendered(&text).is_err(), "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn a_loop_does_not_call_itself() {
    assert!(super::super::check("{% for a in b recursive %}{{ loop(a) }}{% endfor %}").is_err());
    assert!(super::super::check("{% set a = b|upper %}{% for recursive in recursive %}{{ a|e }}{% endfor %}").is_ok());
}

//! What is counted, what is refused, and what goes apart.

use super::*;

fn links(template: &str) -> Vec<usize> {
    Scanner::of(template).map(|tag| tag.links).collect()
}

#[test]
fn links_are_counted_tag_by_tag() {
    for (template, expected) in [
        ("no tag { } {", vec![]),
        ("{{ a }}", vec![0]),
        ("{{ a.b|c(d)[0] }}", vec![4]),
        ("{{ not a and b is defined or c in d }}", vec![5]),
        ("{{ 'a.b|c }} {{ -' ~ \"\\\"--\" }}", vec![1]),
        ("{{ {'a': [1, 2, -3]}.a == f(x=1) }}", vec![6]),
        ("{# {{ ---1 }} #}{{ -1 }}", vec![1]),
        ("{% raw %}{{ ---1 }}{% endraw %}{{ -1 }}", vec![1]),
        ("{%- raw -%} ' {%+ endraw +%}{{ --1 }}", vec![2]),
        ("{% rawer %}{{ --1 }}", vec![0, 2]),
        ("{{ (a }} - }} - ) }}{{ -1", vec![6]),
        ("{% if a %}x{% elif b %}y{% endif %}", vec![1, 0, 0]),
        ("{{ 'no end }} {{ ---1 }}", vec![0]),
        ("{{ ä ё }}", vec![2]),
    ] {
        assert_eq!(links(template), expected, "{template}");
    }
}

#[test]
fn what_is_at_the_limit_is_read_and_what_is_above_is_not() {
    let tag = |links: usize| format!("{{{{ {}1 }}}}", "-".repeat(links));
    assert_eq!(check(&tag(MOST_LINKS)), Ok(()));
    assert!(check(&tag(MOST_LINKS + 1)).expect_err("too deep").contains("200 things"));
    assert_eq!(check(&tag(MOST_LINKS).repeat(40)), Ok(()), "each tag for itself");
    let branches = |number: usize| format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(number));
    assert_eq!(check(&branches(MOST_BRANCHES)), Ok(()));
    assert!(check(&branches(MOST_BRANCHES + 1)).expect_err("too deep").contains("200 elif"));
}

#[test]
fn what_goes_deep_goes_apart_and_a_panic_there_is_an_error() {
    fn depth(level: u32) -> u32 {
        let here = std::hint::black_box([level; 64]);
        if level == 0 { 0 } else { 1 + depth(std::hint::black_box(here[0] - 1)) }
    }
    assert_eq!(apart(|| depth(100_000)), Ok(100_000));
    assert!(apart(|| panic!("on purpose")).is_err());
}

//! What templates become, and what is told of them.

use super::*;

fn channel() -> Channel<'static> {
    Channel { name: "Тех <новости>", username: "technews", title: None, category: "tech", member_count: None }
}

fn params(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn the_specifications_example_renders() {
    let template = Template::read("Привет, {{channel_name}}! {{ offer_text }}", ParseMode::Plain).expect("reads");
    assert_eq!(template.placeholders().collect::<Vec<_>>(), ["channel_name", "offer_text"]);
    assert_eq!(template.missing(&Params::new()), ["offer_text"]);
    let text = template.render(&params(&[("offer_text", "Скидка 20%")]), &channel());
    assert_eq!(text, Ok(Marked::plain("Привет, Тех <новости>! Скидка 20%".into())));
}

#[test]
fn a_default_takes_the_place_of_a_missing_value() {
    let template = Template::read("{{ offer | default(\"none\") }} {{ other }}", ParseMode::Plain).expect("reads");
    assert_eq!(template.missing(&Params::new()), ["other"]);
    let text = template.render(&params(&[("other", "x")]), &channel());
    assert_eq!(text, Ok(Marked::plain("none x".into())));
}

#[test]
fn what_is_not_known_of_a_channel_has_its_default_and_else_shows_nothing() {
    let rendered = |content: &str, given: &[(&str, &str)]| {
        let template = Template::read(content, ParseMode::Plain).expect("reads");
        assert!(template.missing(&params(given)).is_empty(), "{content}");
        template.render(&params(given), &channel()).map(|marked| marked.text)
    };
    for (content, text) in [
        ("Hello, {{ title | default(\"friends\") }}!", "Hello, friends!"),
        ("{{ member_count | default(\"many\") }}", "many"),
        ("{{ title | d('a') }} {{ title or 'b' }} {{ title | default('c', true) }}", "a b c"),
        ("x{{ title }}{{ member_count }}y", "xy"),
        (
            "a{{ title | length }}{{ title | count }}{{ title | list | length }}b{{ title | length | default('?') }}",
            "ab?",
        ),
        ("{% if title | length > 3 %}long{% else %}unknown or short{% endif %}", "unknown or short"),
        ("x{{ title | upper }}{{ title | trim }}{{ title ~ '!' }}y", "x!y"),
        ("{% if title %}a{% else %}b{% endif %}{% if member_count %}a{% else %}b{% endif %}", "bb"),
        ("{% if member_count is defined and member_count > 5 %}a{% else %}b{% endif %}", "b"),
        ("{{ category | default('x') }}", "tech"),
    ] {
        assert_eq!(rendered(content, &[]).as_deref(), Ok(text), "{content}");
    }
    assert_eq!(rendered("{{ offer | default('none') }}", &[("offer", " ")]).as_deref(), Ok("none"));
    for (content, told) in [
        ("{{ member_count | int }} members", "give another by default"),
        ("{{ category | int }} members", "what should be a number is none"),
        ("{{ [category] }}", "a list can't stand in a text"),
        ("{{ none }}", "a value is null"),
    ] {
        assert!(rendered(content, &[]).expect_err(content).contains(told), "{content}");
    }
    assert_eq!(rendered("{{ member_count | default(6) / 2 }} {{ true }}", &[]).as_deref(), Ok("3 true"));
    let known = Channel::of("technews", Some("Tech"), "tech", Some(0));
    let template = Template::read("{{ title | default('x') }} {{ member_count | default('x') }}", ParseMode::Plain);
    let text = template.and_then(|template| template.render(&Params::new(), &known));
    assert_eq!(text.map(|marked| marked.text).as_deref(), Ok("Tech 0"));
}

#[test]
fn params_that_nothing_takes_and_constant_texts_that_nobody_gets_are_told() {
    let template = Template::read("{{ offer | default('10%') }} {{ title }}", ParseMode::Plain).expect("reads");
    assert_eq!(template.unused(&params(&[("ofer", "20%"), ("title", "x")])), ["ofer"]);
    assert_eq!(template.fault_of_constant(Place::Message), None);
    let fault = |place, content: &str| {
        Template::read_at(content, ParseMode::Html, place).expect("reads").fault_of_constant(place)
    };
    assert_eq!(fault(Place::Message, "<b>x</b>"), None);
    assert_eq!(fault(Place::Message, "<b> </b>").as_deref(), Some("is empty"));
    assert_eq!(fault(Place::Caption, ""), None, "a photo needs no text");
    assert_eq!(fault(Place::Message, &"x".repeat(CAPTION_LIMIT + 1)), None);
    assert!(fault(Place::Caption, &"x".repeat(CAPTION_LIMIT + 1)).expect("too long").contains("1025 UTF-16 units"));
}

#[test]
fn blanks_at_both_ends_are_not_counted() {
    let template = Template::read("{% if username %}\n<b>Head</b>\n{% endif %}", ParseMode::Html).expect("reads");
    let text = template.render(&Params::new(), &channel()).expect("renders");
    assert_eq!((text.text.as_str(), text.entities[0].offset), ("Head", 0));
    let long = format!("{} ", "🎬".repeat(MESSAGE_LIMIT / 2));
    let text = Template::read(&long, ParseMode::Plain).and_then(|read| read.render(&Params::new(), &channel()));
    assert_eq!(text.map(|text| text.utf16_length()), Ok(MESSAGE_LIMIT));
}

#[test]
fn params_win_over_built_ins_and_html_escapes_values() {
    let template = Template::read("<b>{{ channel_name }}</b> {{ username }}", ParseMode::Html).expect("reads");
    let text = template.render(&params(&[("username", "mine")]), &channel()).expect("renders");
    assert_eq!((text.text.as_str(), text.entities.len()), ("Тех <новости> mine", 1));
    assert!(!template.is_constant(&Params::new()));
    assert!(template.is_constant(&params(&[("username", "a"), ("channel_name", "b")])));
}

#[test]
fn wrong_syntax_is_a_sentence_and_a_loop_without_end_is_stopped() {
    assert!(Template::read("{{ open", ParseMode::Plain).expect_err("wrong").contains("line 1"));
    assert!(Template::read("  \n", ParseMode::Plain).is_err());
    let endless = "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}";
    let endless = Template::read(endless, ParseMode::Plain).expect("reads");
    assert!(endless.render(&Params::new(), &channel()).is_err());
}

/// What the parser says, and nobody else.
const PARSER: [&str; 9] = [
    "unexpected",
    "expected",
    "identifier",
    "statement",
    "fuel",
    "variable block",
    "syntax",
    "undefined",
    "unsupported",
];

#[test]
fn no_error_of_the_parser_reaches_whoever_writes_a_text() {
    for (content, sentence) in [
        ("{% if title %}x", "{% if title %} has no end: write {% endif %}"),
        ("a\n{% if title %}{% for x in title %}x{% endfor %}", "{% if title %} has no end"),
        ("{% set a %}x", "{% set a %} has no end: write {% endset %}"),
        ("x{% endif %}", "{% endif %} ends nothing: there is no {% if %}"),
        ("{% else %}", "{% else %} stands where it can't"),
        ("{% if title %}x{% endfor %}", "{% endfor %} ends nothing"),
        ("{% if %}x{% endif %}", "{% if %} can't be understood: something is missing"),
        ("{% if title = 'x' %}x{% endif %}", "two values are compared by =="),
        ("x {{ title ? 'a' : 'b' }}", "{{ title ? 'a' : 'b' }} can't be understood: a choice is written"),
        ("{{ #title }}", "this is how another tool writes it"),
        ("{{ title | default: 'x' }}", "a default is written {{ title | default(\"friends\") }}"),
        ("{{ title || 'x' }}", "write or in place of ||"),
        ("{{ title && 'x' }}", "write and in place of &&"),
        ("{{ (title }}", "a bracket in it has no other half"),
        ("{{ title) }}", "a bracket in it has no other half"),
        ("{{ title == }}", "{{ title == }} can't be understood: a placeholder is written"),
        ("{% if title }}x{% endif %}", "can't be understood"),
        ("ok {{ username }} {{ title ! }}", "{{ title ! }} can't be understood"),
        ("{% for x y %}{% endfor %}", "{% for x y %} can't be understood: an instruction is written"),
        ("{% if a %}x{% elif %}y{% endif %}", "{% elif %} can't be understood"),
        ("{% set loop = 1 %}", "\"loop\" is a name of the language's own"),
    ] {
        let told = Template::read(content, ParseMode::Plain).expect_err(content);
        assert!(told.contains(sentence), "{content}: {told}");
        assert!(!PARSER.iter().any(|word| told.contains(word)), "{content}: {told}");
    }
}

#[test]
fn what_can_only_be_told_with_values_is_told_in_words_too() {
    for (content, sentence) in [
        ("{{ 'x' * 100000000 }}", "takes more steps, or makes a longer text"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "a macro calls itself"),
        ("{{ category + 1 }}", "something is reckoned with that is no number"),
        ("{{ -category }}", "that is no number"),
        ("{{ member_count + 1 }}", "default(0)"),
        ("{{ 1/0 }}", "1 / 0 has no result"),
        ("{{ category.foo() }}", "has no parts"),
        ("{% for a in 5 %}{% endfor %}", "a loop goes over what is no list"),
        ("{{ category | replace('a') }}", "too few values in its brackets"),
        ("{{ category | upper(1, 2) }}", "too many values in its brackets"),
    ] {
        let told = Template::read(content, ParseMode::Plain).and_then(|read| read.render(&Params::new(), &channel()));
        let told = told.expect_err(content);
        assert!(told.contains(sentence), "{content}: {told}");
        assert!(!PARSER.iter().any(|word| told.contains(word)), "{content}: {told}");
    }
    let needs = Template::read("{{ a - 1 }}", ParseMode::Plain).expect("reads");
    assert_eq!(needs.missing(&Params::new()), ["a"], "what is reckoned with needs a value, too");
    for (content, named) in [("{{ title.foo }}", "title.foo"), ("{{ loop.index }}", "loop.index"), ("{{ a.b }}", "a.b")]
    {
        let told = Template::check_names(content, ParseMode::Plain).expect_err(content);
        assert!(told.contains(named) && told.contains("has no parts"), "{told}");
    }
    let whole = "{% for word in category.x or title | split %}{{ loop.index }}{% endfor %}";
    assert!(Template::check_names(whole, ParseMode::Plain).is_err());
    let whole = "{% for word in title | split %}{{ loop.index }}{{ word }}{% endfor %}{% set a = {'b': 1} %}{{ a.b }}";
    assert_eq!(Template::check_names(whole, ParseMode::Html), Ok(()));
}

#[test]
fn wrong_tags_are_told_when_the_template_is_read() {
    let read = |content| Template::read(content, ParseMode::Html).map(drop);
    assert!(read("<b>{{ title }}").expect_err("wrong").contains("<b> is not closed"));
    assert!(read("<a href=\"{{ title }}/x\">{{ title }}</a> <tg-spoiler>x</tg-spoiler>").is_ok());
    assert!(read("<tg-emoji emoji-id=\"{{ emoji }}\">👍</tg-emoji>{{ x }}").is_ok());
    // Whether this one closes its tag, only the value of a placeholder decides.
    assert!(read("{% if offer == 'x' %}<b>{% endif %}x").is_ok());
    assert!(Template::read("<b>", ParseMode::Plain).is_ok());
}

#[test]
fn telegram_counts_utf16_units_of_what_is_read() {
    let length = |content, mode| {
        let text = Template::read(content, mode).and_then(|read| read.render(&Params::new(), &channel()));
        text.map(|text| text.utf16_length())
    };
    assert_eq!(length("Привет", ParseMode::Plain), Ok(6));
    assert_eq!(length("😀", ParseMode::Plain), Ok(2));
    assert_eq!(length("<b>😀</b>&amp;", ParseMode::Html), Ok(3));
}

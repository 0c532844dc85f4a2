//! The signs by which other tools mark what they fill in: here they would be sent as they stand.

use std::collections::BTreeSet;

use super::braces;
use super::broadcast::ParseMode;
use super::template::Params;

/// Warnings that are told; more help nobody.
const MOST: usize = 20;
/// The longest name of something to be filled in, in characters.
const LONGEST: usize = 60;

/// Names that other tools have for what they fill in, in lower case; blanks and hyphens are underscores.
const NAMES: [&str; 22] = [
    "category",
    "channel",
    "city",
    "company",
    "country",
    "date",
    "email",
    "firstname",
    "fname",
    "group",
    "lastname",
    "link",
    "lname",
    "members",
    "name",
    "phone",
    "price",
    "title",
    "url",
    "user",
    "username",
    "имя",
];

/// What stands in a text, or in the value of a placeholder, and is filled in by nobody. `known` are the names of placeholders.
pub fn warnings(content: &str, parse_mode: ParseMode, params: &Params, known: &BTreeSet<&str>) -> Vec<String> {
    let mut told = Vec::new();
    for part in braces::literals(content) {
        told.extend(
            found(part, parse_mode, known)
                .map(|(token, hint)| format!("{token} is filled in by nobody and would be sent as it stands; {hint}")),
        );
    }
    for (name, value) in params {
        told.extend(found(value, ParseMode::Html, known).map(|(token, _)| {
            format!(
                "the value of \"{name}\" has {token} in it, which would be sent as it stands: values are not filled in"
            )
        }));
    }
    let mut seen = BTreeSet::new();
    told.retain(|warning| seen.insert(warning.clone()));
    told.truncate(MOST);
    told
}

/// The tokens of a text, each with what to do about it.
fn found(text: &str, parse_mode: ParseMode, known: &BTreeSet<&str>) -> impl Iterator<Item = (String, String)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(sign) = text[at..].chars().next() {
        let is_free = !text[..at].ends_with(|before: char| before.is_alphanumeric());
        match token(&text[at..], is_free, parse_mode, known) {
            Some((length, kind)) => {
                all.push((text[at..at + length].to_owned(), kind.hint(known)));
                at += length;
            }
            None => at += sign.len_utf8(),
        }
    }
    all.into_iter()
}

/// What a token is.
enum Kind {
    /// The name of something to be filled in.
    Name(String),
    /// Words of which another tool would choose one.
    Choice,
    /// Marks of another language.
    Markdown,
    /// A tag, where tags are not read.
    Tag,
}

impl Kind {
    fn hint(&self, known: &BTreeSet<&str>) -> String {
        match self {
            Self::Name(name) if known.contains(name.as_str()) => format!("write {{{{ {name} }}}} for the value"),
            Self::Name(_) => "a placeholder is written {{ name }}".into(),
            Self::Choice => "Herald does not choose among words".into(),
            Self::Markdown => "Markdown is not read: use the parse mode HTML and its tags".into(),
            Self::Tag => "tags are read in the parse mode HTML; a placeholder is written {{ name }}".into(),
        }
    }
}

/// The token that begins with the text: how long it is in bytes, and what it is.
fn token(text: &str, is_free: bool, mode: ParseMode, known: &BTreeSet<&str>) -> Option<(usize, Kind)> {
    const PAIRS: [(&str, &str); 10] = [
        ("*|", "|*"),
        ("<%", "%>"),
        ("{{", "}}"),
        ("${", "}"),
        ("#{", "}"),
        ("%{", "}"),
        ("{", "}"),
        ("[[", "]]"),
        ("((", "))"),
        ("%%", "%%"),
    ];
    for (opening, closing) in PAIRS {
        let Some(inner) = between(text, opening, closing) else { continue };
        let length = opening.len() + inner.len() + closing.len();
        let is_choice = closing == "}" && inner.contains('|');
        if is_choice {
            return Some((length, Kind::Choice));
        }
        if let Some(name) = name_of(inner.trim_matches(['=', '-', '$', '#', '/', '{', '}', ' '])) {
            return Some((length, Kind::Name(name)));
        }
    }
    let one = |sign| between(text, sign, sign).filter(|inner| is_word(inner)).map(|inner| (inner, inner.len() + 2));
    if let Some((name, length)) = one("%").or_else(|| one(":")).filter(|_| is_free) {
        let is_over = !text[length..].starts_with(char::is_alphanumeric);
        return name_of(name).filter(|_| is_over).map(|name| (length, Kind::Name(name)));
    }
    if let Some(inner) = between(text, "[", "]") {
        if let Some(link) = between(&text[inner.len() + 2..], "(", ")").filter(|link| link.contains("://")) {
            return Some((inner.len() + link.len() + 4, Kind::Markdown));
        }
        let name = name_of(inner).filter(|name| is_sign(inner, name, known))?;
        return Some((inner.len() + 2, Kind::Name(name)));
    }
    if let Some(inner) = between(text, "**", "**").filter(|inner| !inner.starts_with([' ', '*'])) {
        return Some((inner.len() + 4, Kind::Markdown));
    }
    let tag = between(text, "<", ">").filter(|_| mode == ParseMode::Plain)?;
    let name = tag.trim_start_matches('/').split([' ', '/']).next().filter(|name| is_word(name))?;
    let is_name = known.contains(name) || NAMES.contains(&name);
    Some((tag.len() + 2, if is_name { Kind::Name(name.to_owned()) } else { Kind::Tag }))
}

/// What stands between the two signs with which the text begins and goes on, on one line and not too long.
fn between<'a>(text: &'a str, opening: &str, closing: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(opening)?;
    let inner = &rest[..rest.find(closing)?];
    let is_short = inner.chars().nth(LONGEST).is_none() && !inner.contains('\n');
    (is_short && !inner.trim().is_empty()).then_some(inner)
}

fn is_word(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(char::is_alphabetic)
        && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

/// The name of up to three words, as a placeholder would be written.
fn name_of(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let are_words = words.iter().all(|word| is_word(word));
    ((1..=3).contains(&words.len()) && are_words).then(|| words.join("_").to_lowercase().replace(['-', '.'], "_"))
}

/// Whether what stands in brackets is a name, and no heading or remark.
fn is_sign(written: &str, name: &str, known: &BTreeSet<&str>) -> bool {
    let compact = name.replace('_', "");
    let is_known = known.contains(name) || NAMES.contains(&name) || NAMES.contains(&compact.as_str());
    is_known || written.contains('_') || (is_word(written) && written.chars().all(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(content: &str, mode: ParseMode) -> Vec<String> {
        let known = BTreeSet::from(["username", "title", "channel_name"]);
        warnings(content, mode, &Params::new(), &known)
    }

    #[test]
    fn what_other_tools_would_fill_in_is_told() {
        for token in [
            "{username}",
            "{ first name }",
            "{{username}",
            "${name}",
            "#{name}",
            "%{name}",
            "%username%",
            "%%FIRST_NAME%%",
            "[username]",
            "[[name]]",
            "[First Name]",
            "[FIRST_NAME]",
            "[имя]",
            "*|FNAME|*",
            "<%= name %>",
            "<username>",
            "((name))",
            ":fire:",
            "{Hi|Hello}",
            "**bold**",
            "[site](https://x.y)",
            "<b>x</b>",
        ] {
            let told = told(&format!("Hi {token}, see"), ParseMode::Plain);
            assert!(told.first().is_some_and(|told| told.contains("as it stands")), "{token}: {told:?}");
        }
        let told = told("Hi {username} and {Channel Name} and {x}", ParseMode::Html);
        assert_eq!(
            told[0],
            "{username} is filled in by nobody and would be sent as it stands; write {{ username }} for the value"
        );
        assert!(told[1].ends_with("write {{ channel_name }} for the value"), "{told:?}");
        assert!(told[2].ends_with("a placeholder is written {{ name }}"), "{told:?}");
    }

    #[test]
    fn ordinary_texts_are_no_tokens() {
        for text in [
            "Hi {{ username }}, {{ offer | default('{x}') }}! {% if title %}a{% endif %}",
            "10% off, 20 % or 30%: today",
            "50%off%",
            "at 10:30:45, note: this: that",
            "[18+] [SALE] [News] (see below)",
            "{% raw %}{username}{% endraw %}",
            "1 < 2 and 3 > 2",
            "{\"a\": 1}",
            "2 ** 3 ** 4",
            "https://x.y/?a=%D0%B0%20b",
            "I <3 you >",
            "",
        ] {
            assert_eq!(told(text, ParseMode::Plain), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn values_are_not_filled_in() {
        let params = Params::from([("offer".to_owned(), "Hi {{ username }}".to_owned())]);
        let told = warnings("{{ offer }}", ParseMode::Plain, &params, &BTreeSet::new());
        assert!(told[0].starts_with("the value of \"offer\" has {{ username }} in it"), "{told:?}");
    }
}

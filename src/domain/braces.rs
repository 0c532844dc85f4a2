//! What people write between braces in a text, and the sentences for what can't be one of them.
//!
//! The template language's own errors are written for programmers; a text is written by somebody who sells something.

/// Instructions that a text can have.
const INSTRUCTIONS: [&str; 21] = [
    "block",
    "break",
    "call",
    "continue",
    "do",
    "elif",
    "else",
    "endblock",
    "endcall",
    "endfilter",
    "endfor",
    "endif",
    "endmacro",
    "endset",
    "endwith",
    "filter",
    "for",
    "if",
    "macro",
    "set",
    "with",
];

/// Refuses braces that are no placeholder and no instruction.
///
/// # Errors
/// A sentence for whoever wrote the text, with the line.
pub fn check(content: &str) -> Result<(), String> {
    let mut at = 0;
    while let Some(found) = content[at..].find('{') {
        let begin = at + found;
        let rest = &content[begin..];
        let told = |why: String| format!("{why} (line {})", content[..begin].matches('\n').count() + 1);
        let length = if let Some(inner) = rest.strip_prefix("{{") {
            placeholder(inner).map_err(told)? + 2
        } else if let Some(inner) = rest.strip_prefix("{%") {
            instruction(inner).map_err(told)? + 2
        } else if rest.starts_with("{#") {
            return Err(told(
                "{# begins a note that nobody would get to read; write {{ \"{#\" }} for the two signs themselves"
                    .into(),
            ));
        } else {
            1
        };
        at = begin + length;
    }
    Ok(())
}

/// The parts of a text that are sent as they stand, without placeholders, instructions, and what was marked as raw on purpose.
pub fn literals(content: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = content[at..].find('{') {
        let opening = at + found;
        let rest = &content[opening..];
        let length = rest.strip_prefix("{{").map(placeholder).or_else(|| rest.strip_prefix("{%").map(instruction));
        let Some(Ok(length)) = length else {
            at = opening + 1;
            continue;
        };
        parts.push(&content[begin..opening]);
        at = opening + 2 + length;
        begin = at;
    }
    parts.push(&content[begin..]);
    parts
}

/// What stands between signs, and in which line it begins.
pub(super) struct Tag<'a> {
    pub whole: &'a str,
    pub is_instruction: bool,
    pub line: usize,
}

/// The placeholders and instructions of a text, as far as they have an end.
pub(super) fn tags(content: &str) -> Vec<Tag<'_>> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(found) = content[at..].find('{') {
        let begin = at + found;
        let rest = &content[begin..];
        let is_instruction = rest.starts_with("{%");
        let inner = rest.get(2..).filter(|_| is_instruction || rest.starts_with("{{"));
        let length =
            inner.and_then(|inner| end(inner, if is_instruction { "%}" } else { "}}" })).map_or(1, |end| end + 4);
        if length > 1 {
            let line = content[..begin].matches('\n').count() + 1;
            all.push(Tag { whole: &rest[..length], is_instruction, line });
        }
        at = begin + length;
    }
    all
}

/// How long the placeholder is without its opening braces.
fn placeholder(inner: &str) -> Result<usize, String> {
    let end = end(inner, "}}").ok_or(
        "a {{ has no }} behind it: a placeholder is written {{ name }}; write {{ \"{{\" }} for the two signs themselves",
    )?;
    let name = inner[..end].trim_matches(['-', '+']).trim();
    // A third brace would begin a value of the language's own, which has a colon or quotation marks in it.
    if inner.starts_with('{') && !name.contains([':', '"', '\'']) {
        let name = name.trim_matches(['{', '}']).trim();
        return Err(format!(
            "{{{{{{ {} }}}}}} has three braces: a placeholder is written {{{{ name }}}}",
            shortened(name)
        ));
    }
    if name.is_empty() {
        return Err("there is nothing between {{ and }}: a placeholder is written {{ name }}".into());
    }
    if let Some((_, sign)) = unquoted(&inner[..end]).find(|(_, sign)| !sign.is_ascii()) {
        return Err(format!("{{{{ {} }}}} can't be a placeholder: {}", shortened(name), why_not(sign)));
    }
    if let Some(meant) = one_name(name) {
        return Err(format!(
            "{{{{ {} }}}} can't be a placeholder: a name is one word; write {{{{ {meant} }}}}",
            shortened(name)
        ));
    }
    Ok(end + 2)
}

fn why_not(sign: char) -> &'static str {
    match sign {
        '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2032}' | '\u{2033}' => {
            "its quotation marks must be straight ones, as in {{ title | default(\"friends\") }}"
        }
        _ if sign.is_whitespace() || !super::text::is_seen(sign) => {
            "it has a blank in it that is none of the keyboard's; delete it, and type it anew"
        }
        '\u{2010}'..='\u{2015}' => "its hyphen must be the keyboard's",
        _ => "its name has only the letters a-z, digits and underscores",
    }
}

/// Words between which a blank is right.
const BETWEEN: [&str; 7] = ["and", "else", "if", "in", "is", "not", "or"];

/// The name that was meant, where words that blanks or hyphens join stand for one.
fn one_name(name: &str) -> Option<String> {
    let (before, _) = name.split_once('|').unwrap_or((name, ""));
    let is_word = |word: &str| {
        word.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !BETWEEN.contains(&word)
    };
    // A hyphen between blanks takes away.
    let words: Vec<&str> = before.split_whitespace().flat_map(|part| part.split('-')).collect();
    (words.len() > 1 && words.iter().all(|word| is_word(word))).then(|| words.join("_"))
}

/// How long the instruction is without its opening signs; what stands between `raw` and `endraw` is a part of it.
fn instruction(inner: &str) -> Result<usize, String> {
    let unknown = |what: &str| {
        format!(
            "{what} is no instruction such as {{% if username %}}; write {{{{ \"{{%\" }}}} for the two signs themselves"
        )
    };
    let Some(end) = end(inner, "%}") else { return Err(unknown("what stands behind {%")) };
    let body = inner[..end].trim_matches(['-', '+']).trim();
    let word = body.split(|sign: char| !sign.is_ascii_alphabetic()).next().unwrap_or_default();
    if word == "raw" {
        let after = &inner[end + 2..];
        let ends = after.match_indices("{%").find_map(|(at, _)| {
            let tag = after[at + 2..].trim_start_matches(['-', '+']).trim_start().strip_prefix("endraw")?;
            tag.find("%}").map(|to| after.len() - tag.len() + to + 2)
        });
        return ends.map(|length| end + 2 + length).ok_or_else(|| "{% raw %} needs an {% endraw %}".to_owned());
    }
    if !INSTRUCTIONS.contains(&word) {
        return Err(unknown(&format!("{{% {} %}}", shortened(body))));
    }
    Ok(end + 2)
}

const QUOTES: [char; 2] = ['"', '\''];

/// Where `closing` stands outside of quotation marks.
fn end(inner: &str, closing: &str) -> Option<usize> {
    unquoted(inner).map(|(at, _)| at).find(|at| inner[*at..].starts_with(closing))
}

/// The signs that are not in quotation marks, and where they stand.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut is_escaped) = (None, false);
    text.char_indices().filter(move |(_, sign)| {
        let Some(mark) = quoted else {
            quoted = Some(*sign).filter(|sign| QUOTES.contains(sign));
            return quoted.is_none();
        };
        if mark == *sign && !is_escaped {
            quoted = None;
        }
        is_escaped = *sign == '\\' && !is_escaped;
        false
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_instructions_are_taken() {
        for content in [
            "no braces, {one} and }}",
            "{{ name }} {{name}} {{- offer | default(\"}} nichts für ungut\") -}}",
            "{% if a %}x{% elif b %}y{%- else -%}z{% endif %}",
            "{% for x in [1, 2] %}{{ x }}{% endfor %}",
            "{{ '{#' }} {{ \"{%\" }} {{ \"{{\" }}",
            "{% raw %}{{ имя }} {# {% nothing %}{% endraw %} {{ name }}",
            "{% set x = 'я' %}",
            "{",
        ] {
            assert_eq!(check(content), Ok(()), "{content}");
        }
    }

    #[test]
    fn what_is_sent_as_it_stands_is_what_is_left() {
        for (content, left) in [
            ("a {x} {{ b | default('}}') }} c", vec!["a {x} ", " c"]),
            ("{% raw %}{y}{% endraw %}z{% if a %}{% endif %}", vec!["", "z", "", ""]),
            ("{", vec!["{"]),
            ("", vec![""]),
        ] {
            assert_eq!(literals(content), left, "{content}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_to_whoever_wrote_it() {
        for (content, sentence) in [
            ("a {{ open", "a {{ has no }} behind it"),
            ("{{ \"}}", "a {{ has no }} behind it"),
            ("{{ }}", "there is nothing between {{ and }}"),
            ("{{{ username }}}", "{{{ username }}} has three braces: a placeholder is written {{ name }}"),
            ("{{{username}} x", "has three braces"),
            ("{{ имя }}", "{{ имя }} can't be a placeholder: its name has only the letters a-z"),
            ("{{ prénom | default('x') }}", "can't be a placeholder"),
            ("{{ title | default(“x”) }}", "its quotation marks must be straight ones"),
            ("{{\u{a0}title }}", "it has a blank in it that is none of the keyboard's"),
            ("{{ first name }}", "a name is one word; write {{ first_name }}"),
            ("{{ first-name | default('x') }}", "write {{ first_name }}"),
            ("{%50 off%}", "{% 50 off %} is no instruction"),
            ("only {% 5", "what stands behind {% is no instruction"),
            ("{% iff x %}", "{% iff x %} is no instruction"),
            ("Price {# 990 #} today", "{# begins a note that nobody would get to read"),
            ("{#tag", "write {{ \"{#\" }} for the two signs"),
            ("{% raw %} x", "{% raw %} needs an {% endraw %}"),
        ] {
            let told = check(content).unwrap_err();
            assert!(told.contains(sentence) && told.ends_with("(line 1)"), "{content}: {told}");
        }
        assert!(check("a\n\n{#").unwrap_err().ends_with("(line 3)"));
    }
}

//! The template language's errors in the words of whoever writes a text.

use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind};

use crate::braces::{Tag, tags};

/// What is wrong with `content`: a sentence, with the line.
pub(super) fn sentence(content: &str, error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    let line = error.line().unwrap_or(1);
    let what = match error.kind() {
        ErrorKind::SyntaxError => syntax(content, line, detail),
        ErrorKind::OutOfFuel => "it takes more steps, or makes a longer text, than a message needs".into(),
        ErrorKind::MissingArgument => "a filter, a function or a macro gets too few values in its brackets".into(),
        ErrorKind::TooManyArguments => "a filter, a function or a macro gets too many values in its brackets".into(),
        ErrorKind::UndefinedError => undefined(detail),
        ErrorKind::InvalidOperation if detail.starts_with("recursion limit") => {
            "a macro calls itself without end".into()
        }
        ErrorKind::InvalidOperation if detail.is_empty() || detail.starts_with("tried to use") => {
            "something is reckoned with that is no number: give what may not be known a number, as in \
             {{ member_count | default(0) + 1 }}, and make a number of a text by int"
                .into()
        }
        _ if detail.ends_with("not iterable") => "a loop goes over what is no list: a text becomes one by split".into(),
        ErrorKind::UnknownMethod => "a placeholder is one word, and has no parts".into(),
        ErrorKind::InvalidOperation if detail.starts_with("unable to calculate") => {
            format!("{} has no result", detail.trim_start_matches("unable to calculate "))
        }
        kind if detail.is_empty() => kind.to_string(),
        _ => detail.to_owned(),
    };
    format!("{what} (line {line})")
}

fn undefined(detail: &str) -> String {
    match detail.split('`').nth(1) {
        Some(name) => format!("{{{{ {name} }}}} has no value"),
        None if detail.is_empty() || detail.contains("undefined") => {
            "something in it has no value: a placeholder is one word, and has no parts".into()
        }
        // What the filters say by themselves.
        None => detail.to_owned(),
    }
}

/// Instructions that stand around something, and how that ends.
const AROUND: [(&str, &str); 8] = [
    ("block", "endblock"),
    ("call", "endcall"),
    ("filter", "endfilter"),
    ("for", "endfor"),
    ("if", "endif"),
    ("macro", "endmacro"),
    ("set", "endset"),
    ("with", "endwith"),
];

fn syntax(content: &str, line: usize, detail: &str) -> String {
    let all = tags(content);
    if let Some(word) = detail.strip_prefix("unknown statement ") {
        return match AROUND.iter().find(|(_, end)| *end == word) {
            Some((begin, end)) => {
                format!("{{% {end} %}} ends nothing: there is no {{% {begin} %}} that is open before it")
            }
            None if word.starts_with("el") => {
                format!("{{% {word} %}} stands where it can't: it belongs between {{% if %}} and {{% endif %}}")
            }
            None => format!("there is no {{% {word} %}}"),
        };
    }
    if detail.contains("end of input") {
        return match open(&all) {
            Some((tag, end)) => format!("{} has no end: write {{% {end} %}} behind what it is about", shown(tag)),
            None => "something that was begun has no end".into(),
        };
    }
    if let Some(name) = detail.strip_prefix("cannot assign to reserved variable name ") {
        return format!("\"{name}\" is a name of the language's own: choose another");
    }
    if let Some(name) = detail.strip_prefix("block ") {
        return format!("the block {}", name.replace("defined twice", "is there twice"));
    }
    let is_here = |tag: &&Tag<'_>| tag.line <= line && !can_be_read(tag);
    match all.iter().rfind(is_here).or_else(|| all.iter().find(|tag| !can_be_read(tag))) {
        Some(tag) => format!("{} can't be understood: {}", shown(tag), hint(inner(tag), tag.is_instruction)),
        None => "it can't be understood: look at its braces, brackets and quotation marks".into(),
    }
}

/// The last instruction that is open at the end, and what ends it.
fn open<'a, 'b>(all: &'b [Tag<'a>]) -> Option<(&'b Tag<'a>, &'static str)> {
    let mut open: Vec<(&Tag<'_>, &'static str)> = Vec::new();
    for tag in all.iter().filter(|tag| tag.is_instruction) {
        if let Some(end) = end_of(tag) {
            open.push((tag, end));
        } else if open.last().is_some_and(|(_, end)| *end == word(tag)) {
            open.pop();
        }
    }
    open.pop()
}

/// What ends an instruction; None if it stands around nothing, such as a `set` with a value behind an equals sign.
fn end_of(tag: &Tag<'_>) -> Option<&'static str> {
    let word = word(tag);
    let (_, end) = AROUND.iter().find(|(begin, _)| *begin == word && tag.is_instruction)?;
    (word != "set" || !inner(tag).contains('=')).then_some(*end)
}

/// Whether it can be read for itself.
fn can_be_read(tag: &Tag<'_>) -> bool {
    let whole = tag.whole;
    let closed = match (end_of(tag), word(tag)) {
        (Some(end), _) => format!("{whole}{{% {end} %}}"),
        (None, "elif") if tag.is_instruction => format!("{{% if x %}}{whole}{{% endif %}}"),
        (None, "set") => whole.to_owned(),
        (None, _) if tag.is_instruction => return true,
        (None, _) => whole.to_owned(),
    };
    parse(&closed, "part", SyntaxConfig::default()).is_ok()
}

fn word<'a>(tag: &Tag<'a>) -> &'a str {
    inner(tag).split(|sign: char| !sign.is_ascii_alphabetic()).next().unwrap_or_default()
}

fn inner<'a>(tag: &Tag<'a>) -> &'a str {
    tag.whole[2..tag.whole.len() - 2].trim_matches(['-', '+']).trim()
}

fn shown(tag: &Tag<'_>) -> String {
    let inside: String = inner(tag).chars().take(40).collect();
    if tag.is_instruction { format!("{{% {inside} %}}") } else { format!("{{{{ {inside} }}}}") }
}

/// What is most often meant by what can't be read.
fn hint(inner: &str, is_instruction: bool) -> &'static str {
    let count = |signs: [char; 2]| signs.map(|sign| inner.matches(sign).count());
    let has_open = [count(['(', ')']), count(['[', ']']), count(['{', '}'])].iter().any(|[begin, end]| begin != end);
    let bare = inner.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "");
    match inner {
        "" | "if" | "for" => "something is missing in it, as in {% if title %}",
        _ if inner.starts_with(['#', '/', '^', '>', '&', '$', '@', '%']) => {
            "this is how another tool writes it; here it is {{ name }}, or {% if name %}...{% endif %}"
        }
        _ if inner.contains('?') => "a choice is written {{ \"a\" if title else \"b\" }}",
        _ if inner.contains("||") => "write or in place of ||",
        _ if inner.contains("&&") => "write and in place of &&",
        _ if inner.contains("default:") || inner.contains("default :") => {
            "a default is written {{ title | default(\"friends\") }}"
        }
        _ if has_open => "a bracket in it has no other half",
        _ if is_instruction && bare.contains('=') => "two values are compared by ==",
        _ if is_instruction => "an instruction is written {% if title %} or {% for word in words %}",
        _ => "a placeholder is written {{ name }} or {{ name | default(\"...\") }}",
    }
}

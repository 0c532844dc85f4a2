//! What somebody has written himself, of an answer that repeats what it answers: above it, or else below it.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Message, PartType};

/// How the line ends after which a reply repeats what it answers.
const WROTE: [&str; 12] = [
    "wrote:",
    "schrieb:",
    "a écrit :",
    "a écrit:",
    "escribió:",
    "ha scritto:",
    "escreveu:",
    "skrev:",
    "schreef:",
    "написал:",
    "написал(а):",
    "пишет:",
];
/// What begins the part of a page that repeats what is answered, in small letters.
const REPEATED: [&str; 12] = [
    "<blockquote",
    "class=\"gmail_quote",
    "class=gmail_quote",
    "class=\"gmail_attr",
    "id=\"divrplyfwdmsg",
    "id=\"appendonsend",
    "class=\"moz-cite-prefix",
    "class=\"yahoo_quoted",
    "class=\"protonmail_quote",
    "class=\"outlookmessageheader",
    "id=\"mail-editor-reference-message-container",
    "border-top:solid #e1e1e1",
];
/// Where such a part ends.
const END: &str = "</blockquote>";

/// The text of a message without what it repeats.
pub(super) fn own_text(message: &Message<'_>) -> String {
    match message.text_part(0).map(|part| &part.body) {
        Some(PartType::Html(html)) => of_page(html),
        _ => answer(&message.body_text(0).unwrap_or_default()),
    }
}

/// What is said in a page above what it repeats; if there is nothing, what is said below.
pub(in crate::retention) fn of_page(html: &str) -> String {
    let small = html.to_ascii_lowercase();
    let Some(at) = REPEATED.iter().filter_map(|sign| small.find(sign)).min() else {
        return answer(&html_to_text(html));
    };
    // The sign may stand within a tag.
    let above = answer(&html_to_text(&html[..small[..=at].rfind('<').unwrap_or(at)]));
    match small.rfind(END) {
        Some(end) if above.trim().is_empty() => answer(&html_to_text(&html[end + END.len()..])),
        _ => above,
    }
}

/// What is said in an answer: what stands above what it repeats, and above what it is signed with. Where nothing stands above it, what
/// stands between or below.
pub(in crate::retention) fn answer(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut own, mut is_below) = (String::new(), false);
    for (at, line) in lines.iter().enumerate() {
        let written = line.trim();
        // What is repeated without a sign goes on to the end.
        let next = || lines[at + 1..].iter().find(|line| !line.trim().is_empty());
        let is_quoted_next = || next().is_some_and(|next| next.trim().starts_with('>'));
        if written.starts_with('>') || (is_wrote(written) && is_quoted_next()) {
            if !own.trim().is_empty() && !is_below {
                break;
            }
            is_below = true;
        } else if is_end(line) || is_wrote(written) {
            break;
        } else {
            own.push_str(line);
        }
    }
    own
}

fn is_wrote(line: &str) -> bool {
    WROTE.iter().any(|wrote| line.to_lowercase().ends_with(wrote))
}

/// Whether a line parts what is written from what is not: an older message, or what it is signed with.
fn is_end(line: &str) -> bool {
    let written = line.trim();
    (written.starts_with("---") && written.ends_with("---"))
        || (written.len() >= 10 && written.chars().all(|letter| letter == '_'))
        || line.trim_end_matches(['\r', '\n']) == "-- "
}

//! Markdown to pages. The manual is Herald's own text; markup in it is shown as text all the same.

use std::collections::HashSet;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A page as HTML, with what is searched.
pub(super) struct Rendered {
    /// Its first heading.
    pub title: String,
    html: String,
    /// What lies under each heading, in their order.
    pub sections: Vec<Section>,
}

/// What lies under a heading, without markup.
pub(super) struct Section {
    /// The heading.
    pub heading: String,
    /// Its place on the page; empty for the page's title.
    pub anchor: String,
    /// The text below it, in one line.
    pub text: String,
}

/// Renders a page.
pub(super) fn markdown(text: &str) -> Rendered {
    let mut events = tamed(Parser::new_ext(text, Options::ENABLE_TABLES));
    let sections = outline(&mut events);
    let title = sections.first().map(|section| section.heading.clone()).unwrap_or_default();
    let mut rendered = String::new();
    html::push_html(&mut rendered, framed(events).into_iter());
    Rendered { title, html: rendered, sections }
}

/// Markup becomes text. Links lead where the page lies now; those to what the binary has not are none.
fn tamed<'a>(events: impl Iterator<Item = Event<'a>>) -> Vec<Event<'a>> {
    let mut leads_nowhere = false;
    let tame = |event: Event<'a>| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let address = address(&dest_url);
            leads_nowhere = address.is_none();
            address.map(|address| Event::Start(Tag::Link { link_type, dest_url: address.into(), title, id }))
        }
        Event::End(TagEnd::Link) if leads_nowhere => None,
        other => Some(other),
    };
    events.filter_map(tame).collect()
}

/// The address in the binary of what a page in the repository links to; None if the binary has no such thing.
fn address(target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() || path.contains("://") {
        return Some(target.to_owned());
    }
    // From a page of the manual, or from the README.
    let path = path.strip_prefix("../../").or(path.strip_prefix("src/manual/")).unwrap_or(path);
    let file = path.strip_prefix("../deploy/").or(path.strip_prefix("src/deploy/"));
    let place = match (path, file, path.strip_suffix(".md")) {
        ("README.md", ..) => "/manual/readme".to_owned(),
        ("index.md", ..) => "/manual".to_owned(),
        ("src/deploy", ..) => "/manual/operations#installed".to_owned(),
        (_, Some(file), _) => format!("/manual/deploy/{file}"),
        (_, None, Some(page)) if !page.contains('/') => format!("/manual/{page}"),
        _ => return None,
    };
    Some(if anchor.is_empty() { place } else { format!("{place}#{anchor}") })
}

/// Gives each heading its anchor, and gathers what lies below it.
fn outline(events: &mut [Event]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut taken = HashSet::new();
    let mut heading: Option<(usize, String)> = None;
    for index in 0..events.len() {
        match &events[index] {
            Event::Start(Tag::Heading { .. }) => heading = Some((index, String::new())),
            Event::End(TagEnd::Heading(level)) => {
                let (level, Some((start, text))) = (*level, heading.take()) else { continue };
                let anchor = anchor(&text, &mut taken);
                let is_title = level == HeadingLevel::H1;
                if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                    *id = (!is_title).then(|| CowStr::from(anchor.clone()));
                }
                let anchor = if is_title { String::new() } else { anchor };
                sections.push(Section { heading: text, anchor, text: String::new() });
            }
            Event::Text(text) | Event::Code(text) => match (&mut heading, sections.last_mut()) {
                (Some((_, heading)), _) => heading.push_str(text),
                (None, Some(section)) => section.text.push_str(text),
                (None, None) => {}
            },
            // Words of two cells, lines or paragraphs are two words.
            Event::SoftBreak | Event::HardBreak | Event::End(_) => {
                if let (None, Some(section)) = (&heading, sections.last_mut()) {
                    section.text.push(' ');
                }
            }
            _ => {}
        }
    }
    for section in &mut sections {
        section.text = section.text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    sections
}

/// The anchor of a heading, as GitHub makes it; of two alike the second has a number.
fn anchor(heading: &str, taken: &mut HashSet<String>) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.trim().chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    let plain: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
    let mut anchor = plain.clone();
    let mut number = 0;
    while !taken.insert(anchor.clone()) {
        number += 1;
        anchor = format!("{plain}-{number}");
    }
    anchor
}

/// What may be wider than a phone scrolls by itself, by the keyboard too.
fn framed(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut framed = Vec::with_capacity(events.len());
    for event in events {
        match event {
            Event::Start(Tag::Table(_)) => {
                framed.push(Event::Html(
                    "<div class=\"wide\" role=\"group\" aria-label=\"Table\" tabindex=\"0\">".into(),
                ));
                framed.push(event);
            }
            Event::End(TagEnd::Table) => {
                framed.push(event);
                framed.push(Event::Html("</div>\n".into()));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(language) if !language.is_empty() => language.as_ref(),
                    _ => "text",
                };
                let frame = format!("<pre tabindex=\"0\" data-language=\"{}\"><code>", escaped(language));
                framed.push(Event::Html(frame.into()));
            }
            Event::End(TagEnd::CodeBlock) => framed.push(Event::Html("</code></pre>\n".into())),
            other => framed.push(other),
        }
    }
    framed
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page whole: the dashboard's header, the list of all pages, and the page itself. `pages` has their names and titles.
pub(super) fn page(name: &str, rendered: &Rendered, pages: &[(&str, &str)]) -> String {
    let entries = pages.iter().map(|(other, title)| {
        let here = if *other == name { " aria-current=\"page\"" } else { "" };
        let path = if *other == "index" { "/manual".to_owned() } else { format!("/manual/{other}") };
        format!("<li><a href=\"{path}\"{here}>{}</a></li>", escaped(title))
    });
    include_str!("../assets/manual/page.html")
        .replace("{{ title }}", &escaped(&rendered.title))
        .replace("{{ pages }}", &entries.collect::<String>())
        .replace("{{ content }}", &rendered.html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_rendered_with_anchors_and_links_that_lead_on() {
        let text = "# The *title*\n\nSee [there](other.md#a-b), [a file](../deploy/nginx.conf), [the web](https://x.example/a.md), \
                    [the code](../README.md), [the start](../../README.md#x) and [here](#c).\n\n## A, `b`?\n\none\ntwo\n\n## A b\n\n| x |\n|---|\n| <b>y</b> |\n";
        let rendered = markdown(text);
        assert_eq!(rendered.title, "The title");
        let found: Vec<_> = rendered.sections.iter().map(|part| (&*part.heading, &*part.anchor, &*part.text)).collect();
        assert_eq!(found[1], ("A, b?", "a-b", "one two"));
        assert_eq!(found[2].1, "a-b-1");
        for part in [
            "href=\"/manual/other#a-b\"",
            "href=\"/manual/deploy/nginx.conf\"",
            "href=\"https://x.example/a.md\"",
            "href=\"/manual/readme#x\"",
            "href=\"#c\"",
            " the code, ",
            "<h2 id=\"a-b\">",
            "&lt;b&gt;y&lt;/b&gt;",
        ] {
            assert!(rendered.html.contains(part), "{part} is not in {}", rendered.html);
        }
    }

    #[test]
    fn code_is_text_that_scrolls() {
        let html = markdown("# A\n\n```sh\necho '<script>'\n```\n").html;
        assert!(html.contains("<pre tabindex=\"0\" data-language=\"sh\"><code>echo '&lt;script&gt;'"), "{html}");
    }
}

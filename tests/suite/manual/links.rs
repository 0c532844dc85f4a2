//! Where the links of README and manual lead.

use std::collections::BTreeSet;
use std::path::Path;

use super::{pages, root};

/// The targets of a page's links; what stands in code is none.
fn targets(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code || line.starts_with("    ") {
            continue;
        }
        // What stands between backquotes is shown, not linked; the name of a link may be code.
        let parts = line.split("](").skip(1);
        found.extend(parts.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
    }
    found
}

/// The anchors of a page's headings, as GitHub and Herald make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if is_code || level == 0 || !line[level..].starts_with(' ') {
            continue;
        }
        let kept = line[level..].trim().to_lowercase();
        let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
        let anchor = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        assert!(found.insert(anchor), "two headings are called {line}");
    }
    found
}

#[test]
fn no_link_is_dead() {
    let (mut seen, mut dead) = (0, Vec::new());
    for (path, text) in pages() {
        for target in targets(&text) {
            seen += 1;
            if target.starts_with("https://") || target.starts_with("http://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((&*target, None), |(file, name)| (file, Some(name)));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let is_there = file.exists()
                && anchor.is_none_or(|anchor| anchors(&std::fs::read_to_string(&file).unwrap()).contains(anchor));
            if !is_there {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(seen > 60, "only {seen} links are found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_is_in_the_index() {
    let index = std::fs::read_to_string(root().join("src/manual/index.md")).unwrap();
    let linked: BTreeSet<String> = targets(&index).into_iter().collect();
    for (path, _) in pages() {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.parent() == Some(&root().join("src/manual")) && name != "index.md" {
            assert!(linked.contains(name), "the index does not lead to {name}");
        }
    }
}

/// What starts with `HERALD_`, or with another prefix, in a text.
fn words<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(move |letter| !is_part(letter)).filter(move |word| word.starts_with(prefix) && word.len() > prefix.len())
}

fn deployed() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(root().join("src/deploy")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    entries.map(|path| (path.display().to_string(), read(&path))).collect()
}

#[test]
fn what_is_deployed_and_described_names_settings_and_metrics_that_exist() {
    let settings: BTreeSet<&str> = herald::config::SETTINGS.iter().map(|setting| setting.name).collect();
    let metrics: BTreeSet<&str> = domain::meters::METRICS.iter().map(|metric| metric.name).collect();
    let described = pages().into_iter().map(|(path, text)| (path.display().to_string(), text));
    let (mut seen, mut wrong) = (0, Vec::new());
    for (path, text) in described.chain(deployed()) {
        for name in words(&text, "HERALD_") {
            seen += 1;
            // Those of a family, such as HERALD_LIMIT_*, and those of the tests, which no process reads.
            let is_family = name.ends_with('_') && settings.iter().any(|setting| setting.starts_with(name));
            if !settings.contains(name) && !is_family && !name.starts_with("HERALD_TEST_") {
                wrong.push(format!("{path}: there is no setting {name}"));
            }
        }
        // Of what Prometheus reads: a word there that begins so is a metric.
        if !path.ends_with("alerts.yml") && !path.ends_with("grafana.json") && !path.ends_with("alarms.md") {
            continue;
        }
        for name in words(&text, "herald_") {
            seen += 1;
            let parts = ["_bucket", "_sum", "_count"];
            let whole = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            if !metrics.contains(whole) && !metrics.contains(name) {
                wrong.push(format!("{path}: there is no metric {name}"));
            }
        }
    }
    assert!(seen > 200, "only {seen} names are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each alarm that the manual explains is a rule, and the other way round.
#[test]
fn each_alarm_is_explained() {
    let rules = std::fs::read_to_string(root().join("src/deploy/alerts.yml")).unwrap();
    let page = std::fs::read_to_string(root().join("src/manual/alarms.md")).unwrap();
    let named = |text: &str| -> BTreeSet<String> {
        words(text, "herald_").map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
    };
    // What the page names besides, as the place to look on, need not be a rule.
    let missing: Vec<_> = named(&rules).difference(&named(&page)).cloned().collect();
    assert!(missing.is_empty(), "alarms.md does not explain {missing:?}");
    for line in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(page.contains(line), "alarms.md does not name {line}");
    }
}

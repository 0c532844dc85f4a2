//! The words of the dashboard: each has its Russian, and the page can be used in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::sign_in;
use crate::harness::{Browser, TestApp};

/// The files of the dashboard with this ending, and what is in them.
fn files(ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/assets/dashboard");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours = all.filter(|path| path.extension().is_some_and(|one| one == ending));
    ours.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// What stands in quotes behind each `before` that is no part of a longer word.
fn quoted(text: &str, before: &str) -> Vec<String> {
    let places = text
        .match_indices(before)
        .filter(|(at, _)| !text[..*at].ends_with(|letter: char| letter.is_alphanumeric() || "_.$".contains(letter)));
    let rest = places.filter_map(|(at, _)| text[at + before.len()..].trim_start().strip_prefix('\''));
    rest.map(|rest| rest[..rest.find('\'').unwrap()].to_owned()).collect()
}

/// Every sentence of the code, and of the page.
fn said() -> BTreeSet<String> {
    let code = files("js").into_iter().filter(|(name, _)| !name.starts_with("ru"));
    let mut said: BTreeSet<String> = code.flat_map(|(_, text)| quoted(&text, "t(")).collect();
    let page = &files("html")[0].1;
    said.extend(page.split("data-t>").skip(1).map(|rest| rest[..rest.find('<').unwrap()].to_owned()));
    said.extend(page.split("data-label=\"").skip(1).map(|rest| rest[..rest.find('"').unwrap()].to_owned()));
    said
}

/// The keys of the dictionary, with quotes or without.
fn known() -> Vec<String> {
    let names = files("js").into_iter().map(|(name, _)| name);
    let books: Vec<_> = names.filter(|name| name.starts_with("ru") && name != "ru-names.js").collect();
    known_in(&books.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The keys of these books.
fn known_in(books: &[&str]) -> Vec<String> {
    let dictionaries = files("js").into_iter().filter(|(name, _)| books.contains(&name.as_str()));
    let mut known = Vec::new();
    for (_, text) in dictionaries {
        for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
            let key = match line.strip_prefix('\'') {
                Some(rest) => rest.split_once("':").map(|(key, _)| key),
                None => line.split_once(':').map(|(key, _)| key).filter(|key| key.chars().all(char::is_alphabetic)),
            };
            known.extend(key.map(ToOwned::to_owned));
        }
    }
    known
}

#[test]
fn every_sentence_has_its_russian_once_and_none_is_left_over() {
    let (said, known) = (said(), known());
    assert!(said.len() > 250, "{said:?}");
    let unique: BTreeSet<_> = known.iter().filter(|key| !key.starts_with('#')).cloned().collect();
    let missing: Vec<_> = said.difference(&unique).collect();
    let left_over: Vec<_> = unique.difference(&said).collect();
    assert!(
        missing.is_empty() && left_over.is_empty(),
        "without Russian: {missing:?}\nnot said any more: {left_over:?}"
    );
    let mut keys = known.clone();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), known.len(), "a key stands twice");
    // Nouns have their forms, and what is counted is a noun.
    let code = files("js").into_iter().filter(|(name, _)| !name.starts_with("ru"));
    for (file, text) in code {
        for call in text.split("plural(").skip(1).filter(|call| call.contains(", '")) {
            let call = &call[..call.find('\n').unwrap_or(call.len())];
            let Some(noun) = call.split_once(", '").and_then(|(_, rest)| rest.split_once("')")) else { continue };
            assert!(known.contains(&format!("#{}", noun.0)), "{file}: {}", noun.0);
        }
    }
}

/// The files that these load at once, and themselves.
fn loaded(roots: Vec<String>, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let (mut todo, mut seen) = (roots, BTreeSet::new());
    while let Some(file) = todo.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let names = all[&file].split(" from './").skip(1).map(|rest| rest[..rest.find('\'').unwrap()].to_owned());
        todo.extend(names);
    }
    seen
}

/// A page whose words are in a book that it does not learn would speak English to everybody.
#[test]
fn each_page_learns_the_words_that_it_says() {
    let all: BTreeMap<String, String> = files("js").into_iter().collect();
    let always = known_in(&["ru.js"]);
    let pages = all["app.js"].split("const PAGES = {\n").nth(1).unwrap();
    let pages =
        pages[..pages.find("\n};").unwrap()].split("\n  },\n").flat_map(|page| page.split_inclusive("overview },\n"));
    let mut count = 0;
    for page in pages {
        let views = page.split("import('./").skip(1).map(|rest| rest[..rest.find('\'').unwrap()].to_owned());
        let views = views.chain(["app.js".to_owned()]).collect();
        let books = page.split("books: [").nth(1).map_or("", |rest| &rest[..rest.find(']').unwrap()]);
        let books: Vec<String> = books.split('\'').skip(1).step_by(2).map(|book| format!("ru-{book}.js")).collect();
        let learned = known_in(&books.iter().map(String::as_str).collect::<Vec<_>>());
        for file in loaded(views, &all) {
            let missing: Vec<_> = quoted(&all[&file], "t(")
                .into_iter()
                .filter(|word| !always.contains(word) && !learned.contains(word))
                .collect();
            assert!(missing.is_empty(), "{file}, of a page that learns {books:?}: {missing:?}");
        }
        count += 1;
    }
    assert_eq!(count, 12);
}

/// The constants of an enum of the schema.
fn constants<'a>(schema: &'a str, kind: &str) -> Vec<&'a str> {
    let body = schema.split(&format!("enum {kind} {{")).nth(1).unwrap();
    let body = &body[..body.find("\n}").unwrap()];
    let is_name =
        |line: &&str| line.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_') && !line.is_empty();
    body.lines().map(str::trim).filter(is_name).collect()
}

#[test]
fn constants_of_the_api_have_names_in_russian() {
    let names = files("js").into_iter().find(|(name, _)| name == "ru-names.js").unwrap().1;
    let schema = graphql::sdl();
    for kind in [
        "BroadcastCampaignStatus",
        "JobStatus",
        "UserRole",
        "LeadStatus",
        "TelegramAccountStatus",
        "WebhookEventStatus",
        "ContactAttemptStatus",
        "ContactChannel",
        "CampaignMode",
        "ConsentKind",
        "IntegrationType",
        "AuditAction",
        "LogSeverity",
        "RetentionSequenceStatus",
        "SequenceStepExecutionStatus",
        "TriggerType",
        "DelayUnit",
        "AbTestStatus",
    ] {
        for constant in constants(&schema, kind) {
            assert!(names.contains(&format!("\n  {constant}: '")), "{kind}.{constant} has no name in ru-names.js");
        }
    }
    // What an A/B test comes to is told in sentences, too.
    let tests = files("js").into_iter().find(|(name, _)| name == "tests.js").unwrap().1;
    for constant in
        ["AbTestGoal", "AbTestDecision", "AbTestReason"].into_iter().flat_map(|kind| constants(&schema, kind))
    {
        assert!(tests.contains(&format!("{constant}: t('")), "{constant} has no sentence in tests.js");
    }
    // Why a job has not been sent yet is told in sentences.
    let words = files("js").into_iter().find(|(name, _)| name == "words.js").unwrap().1;
    for reason in constants(&schema, "JobExplanationReason") {
        assert!(words.contains(&format!("\n  {reason}: t('")), "{reason} has no sentence in words.js");
    }
}

#[tokio::test]
async fn the_page_speaks_russian_to_whom_it_is_switched_for() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::start().await;
    let (_, id) = super::campaign(&herald).await;
    let mut tab = browser.open(&herald.url()).await;
    assert_eq!(tab.value("document.documentElement.lang").await, "en");
    let pick = "{ const field = document.getElementById('language'); field.value = 'ru'; field.dispatchEvent(new Event('change')) }";
    tab.value(pick).await;
    tab.reads("form button", "Войти").await;
    sign_in(&mut tab, "admin").await;
    tab.reads("h1", "Обзор").await;
    tab.reads("[aria-labelledby=waits]", "Ждёт запуска: 100 каналов.").await;
    assert_eq!(tab.value("document.documentElement.lang").await, "ru");
    tab.assert_well("russian-overview").await;
    let size = "Math.round(performance.getEntries().filter(({ name }) => !name.endsWith('/graphql'))
        .reduce((sum, { encodedBodySize }) => sum + (encodedBodySize ?? 0), 0))"; // it has come before
    tab.value("location.reload()").await;
    tab.reads("h1", "Обзор").await;
    let size = tab.value(size).await.as_i64().unwrap();
    assert!(size < 130_000, "with its dictionary and its letters the first page has {size} bytes");
    for (address, heading) in [
        ("#/new", "Кому отправить?"),
        ("#/leads", "Лиды"),
        ("#/catalog", "Каталог"),
        ("#/sequences", "Цепочки"),
        ("#/tests", "A/B-тесты"),
        ("#/reports", "Отчёты"),
        ("#/settings", "Настройки"),
        ("#/accounts", "Аккаунты"),
        ("#/integrations", "Интеграции"),
        ("#/audit", "Журнал"),
        ("#/x", "Такой страницы нет"),
        ("#/campaigns", "Кампании"),
    ] {
        tab.value(&format!("location.hash = '{address}'")).await;
        tab.reads("h1", heading).await;
        tab.until("!document.querySelector('[aria-busy]')").await;
        tab.assert_well(&format!("russian-{}", heading.split([' ', '/']).next().unwrap())).await;
    }
    tab.value(&format!("location.hash = '#/campaigns/{id}'")).await;
    tab.reads(".preflight", "Можно запускать. Получателей: 100 каналов.").await;
    tab.assert_well("russian-campaign").await;
    tab.assert_clean(&herald.url()).await;
}

//! Texts that are made to use up a stack: through each door by which people's texts come in, and at random to each parser.
//!
//! A process that meets one of them ends, so a test that comes to its end has passed. `HERALD_TEST_FUZZ_SECONDS=600` gives each
//! parser ten minutes instead of a moment.

mod words;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::broadcast::ParseMode;
use domain::retention::inbound_mail::InboundMail;
use domain::retention::lead_field::Field;
use domain::retention::wishes::refused_by;
use domain::retention::words::ContactChannel;
use domain::retention::{listed, placeholders, rendering, tracking, webhook};
use domain::template::{CONTENT_LIMIT, Channel, Template};
use domain::{channel_line, markup};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};

use crate::harness::{Client, Reply, TestApp};

/// So many of `part` between the two ends as a text may have.
fn filled(open: &str, part: &str, close: &str) -> String {
    let room = (CONTENT_LIMIT - open.len() - close.len()) / part.len();
    format!("{open}{}{close}", part.repeat(room))
}

/// Texts that are refused because of their depth, or would be worth it: each is as deep as it is long.
fn bombs() -> Vec<String> {
    let mut bombs: Vec<String> = [
        ("{{ ", "-", "1 }}"),
        ("{{ ", "- ", "1 }}"),
        ("{{ ", "not ", "1 }}"),
        ("{{ a", ".a", " }}"),
        ("{{ a", "[0]", " }}"),
        ("{{ a", "()", " }}"),
        ("{{ 'x'", "|e", " }}"),
        ("{{ 'x'", "|default('y')", " }}"),
        ("{{ 'a'", "~'a'", " }}"),
        ("{{ 1", "+1", " }}"),
        ("{{ 1", "*1", " }}"),
        ("{{ 1", "//1", " }}"),
        ("{{ 1", "**1", " }}"),
        ("{{ 1", "==1", " }}"),
        ("{{ 1", " is defined", " }}"),
        ("{{ 1", " in [1]", " }}"),
        ("{{ 1", " and 1", " }}"),
        ("{{ 1", " or 1", " }}"),
        ("{{ 1", " if 1 else 1", " }}"),
        ("{{ 1", " if 1", " }}"),
        ("{{ ", "[", ""),
        ("{{ ", "(", ""),
        ("{{ ", "{'a':", ""),
        ("{{ f(", "f(", ""),
        ("{{ a[", "1:a[", ""),
        ("{{ '}} ' ~ ", "-", "1 }}"),
        ("{{ \"\\\"}}\" ~ ", "-", "1 }}"),
        ("{# {{ ' #}{{ ", "-", "1 }}"),
        ("{% raw %}{{ ' {% endraw %}{{ ", "-", "1 }}"),
        ("{%- raw -%}{{ (' {%- endraw -%}{{ ", "-", "1 }}"),
        ("{% set x = ", "-", "1 %}"),
        ("{% for a in ", "-", "1 %}{% endfor %}"),
        ("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
        ("{% if 0 %}", "{% else %}{% if 0 %}", ""),
        ("", "{% if 1 %}", ""),
        ("", "{% for a in b %}", ""),
        ("", "{% filter e %}", ""),
        ("", "{% set x %}", ""),
        ("", "{% with %}", ""),
        ("", "{% macro f() %}", ""),
        ("{% filter e", "|e", " %}x{% endfilter %}"),
        ("{% for ", "(a,", ""),
        ("", "<b>", ""),
        ("", "<b><i>", ""),
        ("", "<blockquote>", ""),
        ("<a href=\"", "&amp;", "\">x</a>"),
        ("<a ", "a ", ">x</a>"),
        ("", "&#", ""),
    ]
    .map(|(open, part, close)| filled(open, part, close))
    .into();
    bombs.extend(built());
    bombs
}

/// Texts that are flat themselves and build what is deep while they are rendered.
fn built() -> Vec<String> {
    let list = format!("{{% set x = {}x{} %}}", "[".repeat(90), "]".repeat(90));
    vec![
        filled("{% set x = 1 %}", "{%set x=[x]%}", "{{ x }}"),
        filled("{% set x = 1 %}", "{%set x={1:x}%}", "{{ x|string }}{{ x == x }}"),
        filled("{% set x = 1 %}", &list, "{{ x }}"),
        "{% set n = namespace(x=1) %}{% for i in range(4000) %}{% set n.x = [n.x] %}{% endfor %}".into(),
        "{% set n = namespace(x=1) %}{% for i in range(4000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}".into(),
        "{% set n = namespace(x=1) %}{% for i in range(3000) %}{% set n.x = {'a': n.x} %}{% endfor %}{{ n.x == n.x }}"
            .into(),
        doubled("{% set a=a+a %}"),
        doubled("{% set a=[a,a] %}"),
        doubled("{% set a=a|zip(a) %}"),
        doubled("{% set a={1:a,2:a} %}"),
        doubled("{% for a in [[a,a]] %}") + &"{% endfor %}".repeat(40),
        doubled("{% with a=[a,a] %}") + &"{% endwith %}".repeat(40),
        "{{ [[[1]*9999]*9999]*9999 == [[[1]*9999]*9999]*9999 }}".into(),
        "{{ (['x'*30000]*99999)|string }}".into(),
        "{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}".into(),
        "{% macro f(x) %}{{ f(x+x) }}{% endmacro %}{{ f([1]) }}".into(),
        "{% macro f(x) %}{% call f(x) %}{% endcall %}{% endmacro %}{{ f(1) }}".into(),
        "{% for a in [[1]] recursive %}{{ loop([a]) }}{% endfor %}".into(),
        "{% block a %}{{ self.a() }}{% endblock %}".into(),
        "{% include 'message' %}".into(),
        "{% extends 'message' %}".into(),
    ]
}

/// A list that is as long as two of what it was, forty times: nothing that walks it comes to an end.
fn doubled(step: &str) -> String {
    format!("{{% set a=[1] %}}{}{{{{ a == [a] }}}}{{{{ a }}}}", step.repeat(40))
}

fn facts() -> rendering::Facts {
    let deep = (0..100).fold(json!(1), |deep, _| json!({ "a": [deep] }));
    [("first_name".to_owned(), json!("Ann")), ("meta".to_owned(), deep)].into_iter().collect()
}

/// A parser of what people write.
type Target = (&'static str, fn(&str));

/// All of them. Whether they take a text or refuse it is all the same: they come back.
const TARGETS: [Target; 10] = [
    ("templates", |text| {
        for mode in [ParseMode::Plain, ParseMode::Html] {
            let Ok(read) = Template::read(text, mode) else { continue };
            let channel = Channel::of("technews", Some("Tech"), "tech", None);
            drop(read.missing(&BTreeMap::new()));
            drop(read.render(&[("a".to_owned(), "1".to_owned())].into(), &channel));
        }
    }),
    ("scripts", |text| {
        drop((
            rendering::render(text, &facts(), rendering::Place::Text),
            rendering::render(text, &facts(), rendering::Place::Html),
        ));
        drop((rendering::has_tags(text), rendering::plain(text)));
    }),
    ("webhooks", |text| drop((webhook::check(text), webhook::webhook(text, &facts())))),
    ("placeholders", |text| drop((placeholders::check(text), placeholders::of([text])))),
    ("markup", |text| drop(markup::read(text))),
    ("lines of channels", |text| drop(channel_line::parse(text.as_bytes()))),
    ("media URLs", |text| drop(domain::media_url::check(text))),
    ("sessions", |text| drop(domain::session_string::SessionString::read(text))),
    // As it comes from outside: with the ends of lines that emails have.
    ("emails", |text| {
        let head = "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n";
        drop(InboundMail::read(text.as_bytes()));
        drop(InboundMail::read(format!("{head}{}", text.replace('\n', "\r\n")).as_bytes()));
    }),
    ("answers", |text| {
        drop((refused_by(text, ContactChannel::Sms), listed::addresses(Field::Phone, text, true)));
        drop((listed::addresses(Field::Email, text, true), tracking::target(text, "https://herald.example")));
        let _segments = domain::sms::segments(text);
    }),
];

fn text() -> impl Strategy<Value = String> {
    vec(words::part(), 0..24).prop_map(|parts| {
        let mut text = parts.concat();
        while text.len() > CONTENT_LIMIT {
            text.pop();
        }
        text
    })
}

fn fuzz(name: &str) {
    let (_, read) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    for bomb in bombs() {
        // On a thread that has as little room as one that serves requests.
        std::thread::Builder::new().stack_size(2 << 20).spawn(move || read(&bomb)).unwrap().join().unwrap();
    }
    let seconds = std::env::var("HERALD_TEST_FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let (began, patience) = (Instant::now(), Duration::from_secs(seconds.unwrap_or(2)));
    let mut texts = 0_u64;
    while began.elapsed() < patience {
        let mut runner = TestRunner::new(Config { cases: 50, failure_persistence: None, ..Config::default() });
        runner
            .run(&text(), |text| {
                read(&text);
                Ok(())
            })
            .unwrap();
        texts += 50;
    }
    println!("{name}: {texts} texts in {:?}", began.elapsed());
}

macro_rules! fuzzed {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            fuzz($name);
        })*

        #[test]
        fn each_parser_has_a_test() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$($name),*]);
        }
    };
}

fuzzed! {
    no_text_takes_the_reader_of_templates_along: "templates",
    no_text_takes_the_reader_of_scripts_along: "scripts",
    no_text_takes_the_reader_of_webhooks_along: "webhooks",
    no_text_takes_the_reader_of_placeholders_along: "placeholders",
    no_text_takes_the_reader_of_markup_along: "markup",
    no_text_takes_the_reader_of_channels_along: "lines of channels",
    no_text_takes_the_reader_of_urls_along: "media URLs",
    no_text_takes_the_reader_of_sessions_along: "sessions",
    no_text_takes_the_reader_of_emails_along: "emails",
    no_text_takes_the_reader_of_answers_along: "answers",
}

/// It answered, and not that it knows nothing of what has happened.
fn answered(reply: &Reply, bomb: &str) {
    let start: String = bomb.chars().take(60).collect();
    if !reply.errors().is_empty() {
        assert_eq!(reply.code(), "BAD_USER_INPUT", "{start}: {reply:?}");
    }
}

const PREVIEW: &str = "query($channel: ID!, $text: String!, $mode: ParseMode) {
    previewTemplate(channelId: $channel, content: $text, parseMode: $mode) { utf16Length } }";
const CREATE_TEMPLATE: &str =
    "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
const UPDATE_TEMPLATE: &str =
    "mutation($input: UpdateTemplateInput!) { updateTemplate(input: $input) { template { id } } }";
const CREATE_SCRIPT: &str = "mutation($input: CreateScriptInput!) { createScript(input: $input) { script { id } } }";
const UPDATE_SCRIPT: &str = "mutation($input: UpdateScriptInput!) { updateScript(input: $input) { script { id } } }";

async fn id(by: &Client, create: &str, input: Json, path: &str) -> Json {
    let made = by.data(create, json!({ "input": input })).await;
    made.pointer(path).unwrap().clone()
}

#[tokio::test]
async fn a_text_as_deep_as_it_is_long_is_refused_at_each_door_and_the_process_lives() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let channel = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    let channel =
        id(&operator, channel, json!({ "username": "technews", "category": "tech" }), "/createChannel/channel/id")
            .await;
    let template = json!({ "name": "x", "content": "x" });
    let template = id(&operator, CREATE_TEMPLATE, template, "/createTemplate/template/id").await;
    let script = json!({ "name": "x", "type": "EMAIL", "subject": "x", "content": "x" });
    let script = id(&operator, CREATE_SCRIPT, script, "/createScript/script/id").await;
    for bomb in bombs() {
        for mode in ["PLAIN", "HTML"] {
            let shown = json!({ "channel": channel, "text": bomb, "mode": mode });
            answered(&operator.query(PREVIEW, shown).await, &bomb);
            let made = json!({ "input": { "name": "x", "content": bomb, "parseMode": mode } });
            answered(&operator.query(CREATE_TEMPLATE, made).await, &bomb);
        }
        let changed = json!({ "input": { "id": template, "content": bomb } });
        answered(&operator.query(UPDATE_TEMPLATE, changed).await, &bomb);
        let made = json!({ "input": { "name": "x", "type": "EMAIL", "subject": "x", "content": bomb } });
        answered(&operator.query(CREATE_SCRIPT, made).await, &bomb);
        for changed in [json!({ "id": script, "content": bomb }), json!({ "id": script, "subject": bomb })] {
            answered(&operator.query(UPDATE_SCRIPT, json!({ "input": changed })).await, &bomb);
        }
    }
    let minus = json!({ "input": { "name": "x", "content": filled("{{ ", "-", "1 }}") } });
    let refused = operator.query(CREATE_TEMPLATE, minus).await;
    assert_eq!(refused.violations(), ["input.content"]);
    assert!(refused.message().contains("200"), "{}", refused.message());
}

#[tokio::test]
async fn a_bomb_that_is_stored_already_starts_nothing() {
    let herald = TestApp::start().await;
    let operator = herald.operator().await;
    let channel = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    let channel =
        id(&operator, channel, json!({ "username": "technews", "category": "tech" }), "/createChannel/channel/id")
            .await;
    let batch = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
    let batch = id(&operator, batch, json!({ "name": "x", "channelIds": [channel] }), "/createBatch/batch/id").await;
    for bomb in bombs() {
        let made = json!({ "input": { "name": "x", "content": bomb } });
        let made = operator.query(CREATE_TEMPLATE, made).await;
        if !made.errors().is_empty() {
            continue;
        }
        let template = made.data()["createTemplate"]["template"]["id"].clone();
        let create = "mutation($input: CreateBroadcastCampaignInput!) { createBroadcastCampaign(input: $input) {
            campaign { id } } }";
        let input = json!({ "name": "x", "batchId": batch, "templateId": template, "mode": "LIVE", "params": { "a": "x", "b": "x" } });
        let made = operator.query(create, json!({ "input": input })).await;
        answered(&made, &bomb);
        if made.errors().is_empty() {
            let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
            let started = json!({ "id": made.data()["createBroadcastCampaign"]["campaign"]["id"] });
            answered(&operator.query(start, started).await, &bomb);
        }
    }
    assert!(operator.query("{ __typename }", json!({})).await.errors().is_empty());
}

#[tokio::test]
async fn documents_and_variables_as_deep_as_they_are_long_are_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let many = 60_000;
    let fragments: Vec<String> = (0..900).map(|n| format!("fragment f{n} on Query {{ ...f{} }}", n + 1)).collect();
    for document in [
        "{ a ".repeat(many / 4),
        format!("{{ a(b: {}", "[".repeat(many)),
        format!("{{ a(b: {}", "{a:".repeat(many / 3)),
        format!("query($a: {}Int{}) {{ viewer {{ user {{ id }} }} }}", "[".repeat(many / 3), "]".repeat(many / 3)),
        format!("{{ viewer {} {{ user {{ id }} }} }}", "@include(if: true) ".repeat(many / 19)),
        fragments.join(" ") + "{ ...f0 }",
    ] {
        let reply = operator.query(&document, json!({})).await;
        assert!(!reply.errors().is_empty(), "{}", &document[..40]);
    }
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } } }";
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [100, 130, 10_000, many / 6] {
            let body = format!(
                "{{\"query\":{},\"variables\":{{\"input\":{{\"email\":\"a@example.com\",\"meta\":{{\"a\":{}1{}}}}}}}}}",
                json!(create),
                open.repeat(depth),
                close.repeat(depth)
            );
            let request =
                operator.request(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
            let reply = request.body(body).send().await.unwrap();
            assert!(reply.status().as_u16() < 500, "{open} {depth}: {}", reply.status());
        }
    }
    for body in ["[".repeat(many), "{\"a\":".repeat(many / 5)] {
        let request = operator.request(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
        assert_eq!(request.body(body).send().await.unwrap().status(), 400);
    }
    assert!(operator.query("{ __typename }", json!({})).await.errors().is_empty());
}

#[tokio::test]
async fn who_only_reads_has_no_text_of_his_own_shown() {
    let herald = TestApp::api_only().await;
    let (operator, auditor) = (herald.operator().await, herald.auditor().await);
    let channel = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    let channel =
        id(&operator, channel, json!({ "username": "technews", "category": "tech" }), "/createChannel/channel/id")
            .await;
    let template = json!({ "name": "x", "content": "x" });
    let template = id(&operator, CREATE_TEMPLATE, template, "/createTemplate/template/id").await;
    let written = json!({ "channel": channel, "text": "x" });
    assert_eq!(auditor.query(PREVIEW, written.clone()).await.code(), "FORBIDDEN");
    assert!(operator.query(PREVIEW, written).await.errors().is_empty());
    let stored = "query($channel: ID!, $id: ID!) { previewTemplate(channelId: $channel, templateId: $id) { text } }";
    let shown = auditor.data(stored, json!({ "channel": channel, "id": template })).await;
    assert_eq!(shown["previewTemplate"]["text"], "x");
}

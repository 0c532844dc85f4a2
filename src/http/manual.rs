//! `/manual`: the pages of `src/manual`, rendered once, with what the browser needs to search them.

mod render;

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use self::render::Rendered;
use super::assets::{DASHBOARD_POLICY, File, Page};
use super::ways::Part;

/// A page as it is written: its name in the address, and its text in Markdown.
struct Source {
    name: &'static str,
    text: &'static str,
}

macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        &[$(Source { name: $name, text: include_str!(concat!("../manual/", $name, ".md")) }),+]
    };
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        vec![$(File::new($name, include_bytes!(concat!("../deploy/", $name)))),+]
    };
}

/// The repository's first page, which begins where somebody knows nothing yet.
const README: Source = Source { name: "readme", text: include_str!("../../README.md") };

/// All others; the first is the index.
const PAGES: &[Source] = pages![
    "index",
    "sending",
    "retention",
    "frontend",
    "scripts",
    "operations",
    "concepts",
    "security",
    "accounts",
    "providers",
    "promises",
    "limits",
    "alarms",
    "backup",
    "distance",
    "benchmarks",
    "simulated",
    "testing",
    "settings",
    "commands",
    "metrics",
    "errors",
];

/// The manual, as browsers get it.
static MANUAL: LazyLock<Page> = LazyLock::new(|| {
    let rendered: Vec<(&Source, Rendered)> =
        PAGES.iter().chain([&README]).map(|source| (source, render::markdown(source.text))).collect();
    let names: Vec<(&str, &str)> = rendered.iter().map(|(source, page)| (source.name, page.title.as_str())).collect();
    let sections = rendered.iter().flat_map(|(source, page)| {
        let name = source.name;
        page.sections.iter().map(move |part| {
            json!({ "page": name, "title": page.title, "heading": part.heading, "anchor": part.anchor, "text": part.text })
        })
    });
    let index = json!(sections.collect::<Vec<_>>()).to_string();
    let mut files = vec![
        File::new("manual.css", include_bytes!("assets/manual/manual.css")),
        File::new("manual.js", include_bytes!("assets/manual/manual.js")),
        // It is made once and lives as long as the process.
        File::new("search.json", index.leak().as_bytes()),
    ];
    files.extend(rendered.iter().map(|(source, page)| {
        let html = render::page(source.name, page, &names);
        File::new(format!("{}.html", source.name).leak(), html.leak().as_bytes())
    }));
    Page { policy: DASHBOARD_POLICY, files, elsewhere: "there is no such page; the manual begins at /manual" }
});

/// The files with which Herald is deployed, to be copied.
static DEPLOYED: LazyLock<Page> = LazyLock::new(|| Page {
    policy: DASHBOARD_POLICY,
    files: files![
        "Caddyfile",
        "Dockerfile",
        "alerts.yml",
        "compose.yaml",
        "grafana.json",
        "herald.service",
        "kubernetes.yaml",
        "nginx.conf",
        "prometheus.yml",
    ],
    elsewhere: "there is no such file; the manual at /manual/operations names them",
});

/// The first page.
pub(super) async fn index(headers: HeaderMap) -> Response {
    MANUAL.file("index.html", &headers)
}

/// A page, or a file that the pages load.
pub(super) async fn file(Part(name): Part, headers: HeaderMap) -> Response {
    if name.contains('.') { MANUAL.file(&name, &headers) } else { MANUAL.file(&format!("{name}.html"), &headers) }
}

/// A file with which Herald is deployed.
pub(super) async fn deployed(Part(name): Part, headers: HeaderMap) -> Response {
    DEPLOYED.file(&name, &headers)
}

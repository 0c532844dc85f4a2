//! The manual in the binary, and addresses that people guess.

use std::collections::BTreeMap;

use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde_json::{Value as Json, json};

use super::{pages, root};
use crate::harness::{Browser, TestApp};

/// What a browser accepts of a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn get(herald: &TestApp, path: &str, accept: &str) -> Response {
    herald.nobody().request(Method::GET, path).header(ACCEPT, accept).send().await.unwrap()
}

#[tokio::test]
async fn every_page_is_served_with_the_headers_of_the_dashboard() {
    let herald = TestApp::api_only().await;
    let dashboard = get(&herald, "/", BROWSER).await.headers()["content-security-policy"].clone();
    let index = get(&herald, "/manual", BROWSER).await.text().await.unwrap();
    let mut served = BTreeMap::new();
    for (path, text) in pages() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_lowercase();
        let page = get(&herald, &format!("/manual/{name}"), BROWSER).await;
        assert_eq!(page.status(), 200, "{name} is not in src/http/manual.rs");
        assert_eq!(page.headers()["content-security-policy"], dashboard, "{name}");
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8", "{name}");
        let html = page.text().await.unwrap();
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        assert!(html.contains(&format!("<h1>{title}</h1>")) && !html.contains("{{ content }}"), "{name}");
        assert!(
            name == "index" || index.contains(&format!("href=\"/manual/{name}\"")),
            "the index does not list {name}"
        );
        served.insert(name, html);
    }
    // What they link to in the manual is there, with its place; files and styles are looked at elsewhere.
    for (name, html) in &served {
        for target in html.split("href=\"/manual/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let (page, anchor) = target.split_once('#').unwrap_or((target, ""));
            let is_there = match served.get(page) {
                Some(there) => anchor.is_empty() || there.contains(&format!("id=\"{anchor}\"")),
                None => page.starts_with("deploy/") || page == "manual.css",
            };
            assert!(is_there, "{name} links to {target}");
        }
    }
    assert_eq!(get(&herald, "/manual/nothing", BROWSER).await.status(), 404);
}

#[tokio::test]
async fn the_files_to_be_deployed_are_served_as_they_are() {
    let herald = TestApp::api_only().await;
    for file in std::fs::read_dir(root().join("src/deploy")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let served = get(&herald, &format!("/manual/deploy/{name}"), "*/*").await;
        assert_eq!(served.status(), 200, "{name} is not in src/http/manual.rs");
        assert_eq!(served.text().await.unwrap(), std::fs::read_to_string(&path).unwrap(), "{name}");
    }
    assert_eq!(get(&herald, "/manual/deploy/nothing", "*/*").await.status(), 404);
}

#[tokio::test]
async fn the_search_has_every_heading() {
    let herald = TestApp::api_only().await;
    let sections: Vec<Json> = get(&herald, "/manual/search.json", "*/*").await.json().await.unwrap();
    for (page, heading, anchor, word) in [
        ("settings", "Secrets", "secrets", "HERALD_SECRET_KEY"),
        ("operations", "Behind a proxy", "behind-a-proxy", "X-Forwarded-For"),
        ("errors", "IDEMPOTENCY_CONFLICT", "idempotency_conflict", "another input"),
    ] {
        let is_it = |section: &Json| section["page"] == page && section["heading"] == heading;
        let section = sections.iter().find(|section| is_it(section)).unwrap_or_else(|| panic!("{heading} of {page}"));
        assert_eq!(section["anchor"], anchor);
        assert!(section["text"].as_str().unwrap().contains(word), "{section}");
    }
}

#[tokio::test]
async fn addresses_that_people_guess_lead_somewhere() {
    let herald = TestApp::api_only().await;
    for (path, place) in [
        ("/docs", "/manual"),
        ("/manual/", "/manual"),
        ("/dashboard", "/"),
        ("/dashboard/", "/"),
        ("/index.html", "/"),
        ("/login", "/"),
        ("/graphql", "/graphiql"),
        ("/graphql/", "/graphiql"),
        ("/graphiql/", "/graphiql"),
        ("/playground", "/graphiql"),
        ("/favicon.ico", "/dashboard/icon.svg"),
    ] {
        let answer = get(&herald, path, BROWSER).await;
        assert_eq!((answer.status().as_u16(), answer.url().path()), (200, place), "{path}");
    }
    // A program that asks by GET is answered as ever, whatever it accepts besides.
    let answer = get(&herald, "/graphql?query=%7B__typename%7D", BROWSER).await;
    assert_eq!(answer.json::<Json>().await.unwrap()["data"], json!({ "__typename": "Query" }));
    let lost = get(&herald, "/nowhere", BROWSER).await;
    assert_eq!(lost.status().as_u16(), 404);
    let lost = lost.text().await.unwrap();
    assert!(lost.contains("<h1>") && lost.contains("href=\"/manual\""), "a person reads a page: {lost}");
}

#[tokio::test]
async fn the_schema_is_for_those_who_have_signed_in() {
    let herald = TestApp::api_only().await;
    let nobody = get(&herald, "/schema.graphql", "*/*").await;
    assert_eq!(nobody.status(), 401);
    assert!(nobody.text().await.unwrap().contains("sign in to read the schema"));
    let worn_out = herald.nobody().with_token("worn out").request(Method::GET, "/schema.graphql").send().await.unwrap();
    assert_eq!(worn_out.status(), 401);
    for somebody in [herald.auditor().await, herald.admin().await] {
        let schema = somebody.request(Method::GET, "/schema.graphql").send().await.unwrap();
        assert_eq!((schema.status().as_u16(), schema.text().await.unwrap()), (200, graphql::sdl()));
    }
}

#[tokio::test]
async fn the_manual_is_searched_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let mut tab = browser.open(&format!("{}/manual", herald.url())).await;
    tab.on_a_phone().await;
    tab.until("!document.querySelector('search').hidden").await;
    tab.value(
        "{ const field = document.getElementById('search'); field.value = 'trusted_proxies';
           field.dispatchEvent(new Event('input')) }",
    )
    .await;
    tab.until("document.querySelectorAll('#found li').length > 1 && document.getElementById('page').hidden").await;
    let link = "[...document.querySelectorAll('#found a')].find((a) => a.hash === '#behind-a-proxy')";
    tab.until(&format!("{link}?.textContent.includes('Behind a proxy')")).await;
    tab.value(&format!("{link}.click()")).await;
    tab.until("location.pathname === '/manual/operations' && document.getElementById('behind-a-proxy')").await;
    assert_eq!(tab.value("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits a phone");
    tab.assert_clean(&herald.url()).await;
}

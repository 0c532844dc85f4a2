//! Every operation that the dashboard has is one that the API takes.

use serde_json::json;

use super::sign_in;
use crate::harness::{Browser, TestApp};

/// The texts that a module exports, those in its tables too, and what its functions make of some arguments.
const TEXTS: &str = "(async () => {
    const texts = [];
    const take = (value) => {
        if (typeof value === 'string' && /^(query|mutation|subscription) /.test(value)) texts.push(value);
        else if (typeof value === 'function') for (const given of ['ADMIN', 'OPERATOR', 'AUDITOR', [{}, {}]]) try { take(value(given)) } catch {}
        else if (value && typeof value === 'object') Object.values(value).forEach(take);
    };
    for (const name of FILES) Object.values(await import(`/dashboard/${name}`)).forEach(take);
    return texts;
})()";

#[tokio::test]
async fn every_operation_of_the_dashboard_is_valid() {
    let Some(browser) = Browser::start() else { return };
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/assets/dashboard");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: Vec<String> = names.filter(|name| name.ends_with("operations.js")).collect();
    assert!(files.len() > 6, "{files:?}");
    let mut tab = browser.open(&herald.url()).await;
    sign_in(&mut tab, "admin").await;
    let texts = tab.value(&TEXTS.replace("FILES", &json!(files).to_string())).await;
    let mut texts: Vec<&str> = texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert!(texts.len() > 60, "{}", texts.len());
    // Nothing is given to them: what needs nothing runs, such as the end of all sessions at the end; all others end behind the validation.
    texts.sort_by_key(|text| text.contains("LeaveEverywhere"));
    for text in texts {
        let reply = admin.query(text, json!({})).await;
        let unread = ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "UNAUTHENTICATED"];
        let is_valid =
            reply.errors().iter().all(|error| !unread.iter().any(|code| error["extensions"]["code"] == *code));
        assert!(is_valid, "{text}: {reply:?}");
    }
}

//! Clicks and opens by Herald's own links: from the mail server and the text message by a browser into reports, A/B tests and rules.

use reqwest::{Method, Response, StatusCode};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value as Json, json};
use storage::retention::tracked_links;

use super::mail::{PUBLIC, start_as};
use super::{campaign, change_campaign, lead, script};
use crate::harness::{Client, Postgres, TestApp, eventually, only_on};
use crate::providers::{Catcher, MailServer};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Somebody's browser, which shows where it is sent.
struct Browser(reqwest::Client, String);

impl Browser {
    fn at(herald: &TestApp) -> Self {
        herald::app::install_tls();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self(client.build().unwrap(), herald.url())
    }

    async fn asks(&self, method: Method, link: &str, headers: &[(&str, &str)]) -> Response {
        let path = link.strip_prefix(PUBLIC).unwrap_or(link);
        let request = self.0.request(method, format!("{}{path}", self.1));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// A person opens a link: where it leads.
    async fn opens(&self, link: &str) -> String {
        let answer = self.asks(Method::GET, link, &[("user-agent", BROWSER), ("accept", "text/html")]).await;
        assert_eq!(
            (answer.status(), &answer.headers()["cache-control"]),
            (StatusCode::FOUND, &"no-store".parse().unwrap())
        );
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// The first address in a message that begins with `begin`.
fn address(message: &str, begin: &str) -> String {
    let (_, rest) = message.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {message}"));
    let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-' && sign != '_').unwrap_or(rest.len());
    format!("{begin}{}", &rest[..end])
}

/// An active sequence of the campaign with one step, whose script this is.
async fn sequence(by: &Client, campaign: &Json, channel: &str, script: &Json) -> Json {
    let step = json!({ "channel": channel, "scriptId": script, "delayValue": 0, "delayUnit": "WEEKS" });
    let input = json!({ "name": "Come back", "triggerType": "MANUAL", "campaignId": campaign, "steps": [step] });
    let create = "mutation($input: CreateRetentionSequenceInput!) { createRetentionSequence(input: $input) { sequence { id } } }";
    let id = by.data(create, json!({ "input": input })).await["createRetentionSequence"]["sequence"]["id"].clone();
    let activate = "mutation($id: ID!) { activateRetentionSequence(input: { id: $id }) { sequence { status } } }";
    by.data(activate, json!({ "id": id })).await;
    id
}

async fn enrolled(by: &Client, sequence: &Json, input: Json) -> Json {
    let id = lead(by, input).await["lead"]["id"].clone();
    let enroll = "mutation($input: EnrollLeadInput!) { enrollLead(input: $input) { enrollment { id } } }";
    by.data(enroll, json!({ "input": { "sequenceId": sequence, "leadId": id } })).await;
    id
}

/// The step of a lead, and its contact.
async fn contact(by: &Client, lead: &Json) -> Json {
    let read = "query($id: ID!) { lead(id: $id) { sequenceEnrollments { nodes { executions { status reason } } }
        contactAttempts { nodes { id status provider result } } } }";
    let lead = by.data(read, json!({ "id": lead })).await["lead"].clone();
    json!({ "step": lead["sequenceEnrollments"]["nodes"][0]["executions"][0],
        "contact": lead["contactAttempts"]["nodes"][0] })
}

async fn settled(by: &Client, lead: &Json) {
    eventually("the message is out and settled", async || contact(by, lead).await["step"]["status"] == "SENT").await;
}

/// The campaign's figures: contacts, opens, clicks.
async fn figures(by: &Client, campaign: &Json) -> [Json; 3] {
    let read = "query($id: ID!) { campaignReport(campaignId: $id, from: \"2026-03-01T00:00:00Z\", to: \"2026-06-01T00:00:00Z\") {
        campaigns { figures { attempts opened clicked } } } }";
    let report = by.data(read, json!({ "id": campaign })).await["campaignReport"]["campaigns"][0]["figures"].clone();
    ["attempts", "opened", "clicked"].map(|name| report[name].clone())
}

/// A running A/B test of two emails by clicks.
async fn test(by: &Client, campaign: &Json, scripts: [&Json; 2]) -> Json {
    let input = json!({ "name": "Button", "campaignId": campaign, "channel": "EMAIL", "goal": "CLICK",
        "variantAId": scripts[0], "variantBId": scripts[1] });
    let create = "mutation($input: CreateAbTestInput!) { createAbTest(input: $input) { abTest { id } } }";
    let id = by.data(create, json!({ "input": input })).await["createAbTest"]["abTest"]["id"].clone();
    by.data("mutation($id: ID!) { startAbTest(input: { id: $id }) { abTest { id } } }", json!({ "id": id })).await;
    id
}

/// What is no person's look: a head, a fetch ahead of time, programs, and one that says nothing of itself.
async fn programs_look(browser: &Browser, link: &str) {
    let fetch = [("user-agent", BROWSER), ("sec-purpose", "prefetch;prerender")];
    assert_eq!(browser.asks(Method::HEAD, link, &[("user-agent", BROWSER)]).await.status(), StatusCode::FOUND);
    assert_eq!(browser.asks(Method::GET, link, &fetch).await.status(), StatusCode::FOUND);
    for agent in ["Slackbot-LinkExpanding 1.0", "Barracuda Sentinel (EE)", ""] {
        assert_eq!(browser.asks(Method::GET, link, &[("user-agent", agent)]).await.status(), StatusCode::FOUND);
    }
}

#[tokio::test]
async fn clicks_and_opens_of_emails_by_a_mail_server_move_reports_tests_and_rules() {
    let server = MailServer::start().await;
    let (herald, admin) = start_as(&server, &[], json!({})).await;
    let campaign = campaign(&admin, json!({ "trackClicks": true, "trackOpens": true })).await;
    change_campaign(&admin, json!({ "id": campaign, "status": "ACTIVE" })).await.data();
    let content =
        "<html><body><p>Dear {{ first_name }}, <A HREF = 'https://shop.example/?a=1&amp;name={{ first_name }}'>buy</A>
        <a href=\"{{ unsubscribe_url }}\">no more</a> <a href=\"mailto:us@shop.example\">write</a></p></body></html>";
    let email = |name: &str| json!({ "name": name, "type": "EMAIL", "subject": "Come back", "content": content, "format": "HTML" });
    let (a, b) = (script(&admin, email("A")).await, script(&admin, email("B")).await);
    let test = test(&admin, &campaign, [&a, &b]).await;
    let sequence = sequence(&admin, &campaign, "EMAIL", &a).await;
    let mut leads = Vec::new();
    for name in ["ann", "bob", "eve"] {
        let lead =
            enrolled(&admin, &sequence, json!({ "email": format!("{name}@example.com"), "firstName": name })).await;
        settled(&admin, &lead).await;
        leads.push(lead);
    }
    assert_eq!(figures(&admin, &campaign).await, [3, 0, 0].map(Json::from));
    let mails = server.mails();
    let mail = mails.iter().find(|mail| mail.contains("ann@example.com")).unwrap().replace("=\n", "");
    let (link, pixel) = (address(&mail, &format!("{PUBLIC}/l/")), address(&mail, &format!("{PUBLIC}/o/")));
    assert!(mail.contains("text/plain") && mail.contains("buy ("), "the words beside it: {mail}");
    assert!(!mail.contains("shop.example/") && mail.contains("mailto:us@shop.example"), "{mail}");
    assert!(mail.contains(&format!("{PUBLIC}/unsubscribe/")), "that link is what it was: {mail}");
    assert_eq!(
        tracked_links::Entity::find().count(herald.services().db.reader()).await.unwrap(),
        0,
        "nothing is stored"
    );

    let browser = Browser::at(&herald);
    programs_look(&browser, &link).await;
    assert_eq!(figures(&admin, &campaign).await[2], 0, "nobody has clicked");
    for _ in 0..2 {
        assert_eq!(browser.opens(&link).await, "https://shop.example/?a=1&name=ann");
    }
    eventually("the click is told", async || figures(&admin, &campaign).await[2] == 1).await;
    let first = contact(&admin, &leads[0]).await;
    assert_eq!(
        (&first["contact"]["status"], &first["step"]["status"]),
        (&json!("SUCCESS"), &json!("DELIVERED")),
        "{first}"
    );
    browser.opens(&link).await;
    let image = browser.asks(Method::GET, &pixel, &[("user-agent", BROWSER)]).await;
    assert_eq!((&image.headers()["content-type"], image.status()), (&"image/gif".parse().unwrap(), StatusCode::OK));
    eventually("the open is told", async || figures(&admin, &campaign).await == [3, 1, 1].map(Json::from)).await;
    let last = contact(&admin, &leads[0]).await;
    assert_eq!(last["contact"]["status"], "SUCCESS", "an open takes nothing back: {last}");
    assert_eq!(last["contact"]["result"]["clickedAt"], first["contact"]["result"]["clickedAt"], "the first click");

    a_test_by_clicks_has_it(&admin, &test).await;
    a_rule_by_clicks_decides(&admin, &sequence).await;
}

async fn a_test_by_clicks_has_it(by: &Client, test: &Json) {
    let read = "query($id: ID!) { abTest(id: $id) { statistics { a { sent successes } b { sent successes } } } }";
    let numbers = by.data(read, json!({ "id": test })).await["abTest"]["statistics"].clone();
    let sum = |name: &str| numbers["a"][name].as_i64().unwrap() + numbers["b"][name].as_i64().unwrap();
    assert_eq!((sum("sent"), sum("successes")), (3, 1), "{numbers}");
}

async fn a_rule_by_clicks_decides(by: &Client, sequence: &Json) {
    let rule = json!({ "channel": "EMAIL", "metric": "CTR", "value": "0.99", "sampleSize": 3, "confidence": 0.5 });
    let create = "mutation($input: CreateConversionRuleInput!) { createConversionRule(input: $input) { conversionRule { id } } }";
    by.data(create, json!({ "input": rule })).await;
    let late = enrolled(by, sequence, json!({ "email": "late@example.com", "firstName": "Late" })).await;
    eventually("the rule has decided", async || contact(by, &late).await["step"]["reason"] == "RULE").await;
    let found = by.data("{ conversionRules(first: 9) { nodes { finding { attempts measured } } } }", json!({})).await;
    let found = &found["conversionRules"]["nodes"][0]["finding"];
    assert!(found["attempts"] == 3 && (found["measured"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9, "{found}");
}

#[tokio::test]
async fn a_link_that_nobody_of_ours_made_leads_nowhere() {
    let server = MailServer::start().await;
    let (herald, admin) = start_as(&server, &[], json!({})).await;
    let campaign = campaign(&admin, json!({ "trackClicks": true, "trackOpens": true })).await;
    change_campaign(&admin, json!({ "id": campaign, "status": "ACTIVE" })).await.data();
    let content = "<p><a href='https://shop.example/'>buy</a>";
    let script = script(&admin, json!({ "name": "A", "type": "EMAIL", "content": content, "format": "HTML" })).await;
    let sequence = sequence(&admin, &campaign, "EMAIL", &script).await;
    let ann = enrolled(&admin, &sequence, json!({ "email": "ann@example.com" })).await;
    settled(&admin, &ann).await;
    let mail = server.mails()[0].replace("=\n", "");
    let (link, pixel) = (address(&mail, &format!("{PUBLIC}/l/")), address(&mail, &format!("{PUBLIC}/o/")));
    let browser = Browser::at(&herald);
    let other = |link: &str| link.replace('A', "B");
    let picture = pixel.replace("/o/", "/l/");
    for forged in [
        &other(&link)[..],
        &link[..link.len() - 1],
        &picture,
        "/l/x",
        "/l/abcdefghijk0",
        "/l/%00bcdefghijk0",
        "/l/abcdefghijk-1",
    ] {
        let answer = browser
            .asks(Method::GET, forged, &[("user-agent", BROWSER), ("accept", "text/html"), ("accept-language", "de")])
            .await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{forged}");
        assert!(answer.text().await.unwrap().contains("Dieser Link"), "a person reads a page");
    }
    for forged in [&other(&pixel)[..], "/o/x", &link.replace("/l/", "/o/")] {
        let answer = browser.asks(Method::GET, forged, &[("user-agent", BROWSER)]).await;
        assert_eq!(
            (answer.status(), &answer.headers()["content-type"]),
            (StatusCode::OK, &"image/gif".parse().unwrap())
        );
    }
    assert_eq!(figures(&admin, &campaign).await, [1, 0, 0].map(Json::from));
    // After an erasure the link leads on, and nothing more is written down of the lead.
    admin.data("mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }", json!({ "id": ann })).await;
    assert_eq!(browser.opens(&link).await, "https://shop.example/");
    assert_eq!(figures(&admin, &campaign).await, [1, 0, 0].map(Json::from));
}

/// Has the database refuse what becomes of contacts, or take it again.
async fn refuse(herald: &TestApp, refuses: bool) {
    let db = &herald.services().db;
    let sql = match (refuses, db.is_postgres()) {
        (true, true) => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON contact_attempts EXECUTE FUNCTION refuse()"
        }
        (true, false) => {
            "CREATE TRIGGER refuse BEFORE UPDATE ON contact_attempts BEGIN SELECT RAISE(ABORT, 'refused'); END"
        }
        (false, true) => "DROP TRIGGER refuse ON contact_attempts",
        (false, false) => "DROP TRIGGER refuse",
    };
    db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

#[tokio::test]
async fn a_text_message_has_a_short_link_that_leads_on_whatever_can_be_written_down() {
    let server = MailServer::start().await;
    let texts = Catcher::start(|_| (201, json!({ "sid": "SM1", "status": "queued", "num_segments": "1" }))).await;
    let (herald, admin) = start_as(&server, &["--twilio-url", &texts.url], json!({})).await;
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
    let twilio = json!({ "accountSid": format!("AC{}", "0".repeat(32)), "authToken": "a secret of Twilio", "from": "+14155550100", "segmentsPerSecond": 50 });
    admin.data(save, json!({ "input": { "twilio": twilio } })).await;
    let campaign = campaign(
        &admin,
        json!({ "channels": ["SMS"], "trackClicks": true,
        "contactHoursStart": "00:00", "contactHoursEnd": "23:59" }),
    )
    .await;
    change_campaign(&admin, json!({ "id": campaign, "status": "ACTIVE" })).await.data();
    let target = "https://shop.example/a-long-way/to-what-is-sold?sub_id=";
    let content = format!("Ann, look: {target}{{{{ sub_id }}}}. Call tel:+49301");
    let script = script(&admin, json!({ "name": "A", "type": "SMS", "content": content })).await;
    let sequence = sequence(&admin, &campaign, "SMS", &script).await;
    let ann = enrolled(&admin, &sequence, json!({ "phone": "+4915112345678" })).await;
    settled(&admin, &ann).await;
    let form = texts.caught().into_iter().find(|caught| caught.method == "POST").unwrap().form();
    let body = &form.iter().find(|(name, _)| name == "Body").unwrap().1;
    let link = address(body, &format!("{PUBLIC}/l/"));
    assert_eq!(*body, format!("Ann, look: {link}. Call tel:+49301"));
    assert_eq!(link.len(), PUBLIC.len() + "/l/".len() + 12, "{link}");

    let browser = Browser::at(&herald);
    refuse(&herald, true).await;
    assert!(browser.opens(&link).await.starts_with(target), "it leads on all the same");
    refuse(&herald, false).await;
    assert_eq!(figures(&admin, &campaign).await[2], 0);
    assert!(browser.opens(&link).await.starts_with(target));
    eventually("the click is told", async || figures(&admin, &campaign).await[2] == 1).await;
    let shown = contact(&admin, &ann).await["contact"].clone();
    assert_eq!((&shown["status"], &shown["provider"]), (&json!("SUCCESS"), &json!("twilio")), "{shown}");
    assert_eq!(
        browser.asks(Method::GET, &format!("{link}9"), &[("user-agent", BROWSER)]).await.status(),
        StatusCode::NOT_FOUND
    );
    // What stood in the address goes with the lead; that it was clicked stays as a number.
    admin.data("mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }", json!({ "id": ann })).await;
    assert_eq!(tracked_links::Entity::find().count(herald.services().db.reader()).await.unwrap(), 0);
    assert_eq!(browser.asks(Method::GET, &link, &[("user-agent", BROWSER)]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(figures(&admin, &campaign).await[2], 1);
}

#[tokio::test]
async fn who_follows_a_short_link_while_the_database_says_nothing_is_asked_to_come_again() {
    if !only_on(Postgres, "no lock has readers of SQLite wait") {
        return;
    }
    let herald = TestApp::api_only().await;
    let (browser, link) = (&Browser::at(&herald), "/l/abcdefghijk0");
    let accepted = [("accept", "text/html"), ("accept-language", "de")];
    let asked = herald.services().db.write(|tx| async move {
        tx.execute_unprepared("LOCK TABLE tracked_links IN ACCESS EXCLUSIVE MODE").await?;
        let person = browser.asks(Method::GET, link, &accepted).await;
        Ok((person, browser.asks(Method::GET, link, &[]).await))
    });
    let (person, program) = asked.await.unwrap();
    for answer in [&person, &program] {
        assert_eq!(
            (answer.status(), &answer.headers()["retry-after"], &answer.headers()["cache-control"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"60".parse().unwrap(), &"no-store".parse().unwrap())
        );
    }
    assert!(person.text().await.unwrap().contains("in einer Minute"), "a person reads a page");
    assert!(program.text().await.unwrap().contains("UNAVAILABLE"));
    assert_eq!(browser.asks(Method::GET, link, &accepted).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_is_tracked_unless_a_campaign_wants_it_and_others_reach_herald() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let id = campaign(&operator, json!({ "trackClicks": false })).await;
    for field in ["trackClicks", "trackOpens"] {
        let refused = change_campaign(&operator, json!({ "id": id, field: true })).await;
        assert_eq!((refused.code(), refused.violations()), ("BAD_USER_INPUT", vec![format!("input.{field}")]));
    }
    let server = MailServer::start().await;
    let (_herald, admin) = start_as(&server, &[], json!({})).await;
    let plain = campaign(&admin, json!({})).await;
    change_campaign(&admin, json!({ "id": plain, "status": "ACTIVE" })).await.data();
    let read = "query($id: ID!) { retentionCampaign(id: $id) { trackClicks trackOpens } }";
    let shown = admin.data(read, json!({ "id": plain })).await["retentionCampaign"].clone();
    assert_eq!(shown, json!({ "trackClicks": false, "trackOpens": false }));
    let content = "<p><a href='https://shop.example/'>buy</a>";
    let script = script(&admin, json!({ "name": "A", "type": "EMAIL", "content": content, "format": "HTML" })).await;
    let sequence = sequence(&admin, &plain, "EMAIL", &script).await;
    let ann = enrolled(&admin, &sequence, json!({ "email": "ann@example.com" })).await;
    settled(&admin, &ann).await;
    let mail = server.mails()[0].replace("=\n", "");
    assert!(mail.contains("https://shop.example/") && !mail.contains("<img") && !mail.contains("/l/"), "{mail}");
}

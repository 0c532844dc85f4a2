//! Lists in which somebody refuses: whatever is wrong with a line, nobody who says no in it is contacted.

use domain::retention::words::LeadStatus;
use serde_json::{Value as Json, json};
use storage::Noun;
use storage::retention::lead as leads;

use super::{lead, try_lead};
use crate::harness::{Client, TestApp, eventually};

async fn imported(by: &Client, list: impl Into<reqwest::Body>, more: Json) -> Json {
    let mut input = json!({ "uploadId": by.upload(list).await });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ask = "mutation($input: ImportLeadsInput!) { importLeads(input: $input) { import { id } } }";
    let id = by.data(ask, json!({ "input": input })).await["importLeads"]["import"]["id"].clone();
    let read =
        "query($id: ID!) { leadImport(id: $id) { status inserted invalid errorMessage errors { line message } } }";
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = by.data(read, json!({ "id": id })).await["leadImport"].clone();
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

/// Those of the addresses at which nobody can be made a lead, or is one who may be contacted.
async fn open(herald: &TestApp, by: &Client, addresses: &[&str]) -> Vec<String> {
    let all = leads::Entity::all().all(herald.services().db.reader()).await.unwrap();
    let mut open = Vec::new();
    for address in addresses {
        let known = all.iter().find(|row| {
            [&row.email, &row.phone, &row.telegram_username].into_iter().any(|one| one.as_deref() == Some(address))
        });
        let is_open = match known {
            Some(row) => row.status != LeadStatus::DoNotContact,
            None if address.contains('@') => try_lead(by, json!({ "email": address })).await.errors().is_empty(),
            None if address.starts_with('+') => try_lead(by, json!({ "phone": address })).await.errors().is_empty(),
            None => {
                let input = json!({ "email": format!("{address}@t.example"), "telegramUsername": address });
                try_lead(by, input).await.errors().is_empty()
            }
        };
        open.extend(is_open.then(|| (*address).to_owned()));
    }
    open
}

#[tokio::test]
async fn no_refusal_in_a_list_of_leads_is_lost() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let known = json!({ "email": "known@x.com", "phone": "+4915140000009", "externalId": "crm-9" });
    lead(&operator, known).await;
    let list: Vec<u8> = [
        "name,email,phone,mobile,telegram,externalId,do_not_contact".as_bytes(),
        b"Smith, Ann,many@x.com,,,,,1",
        b"Ann,two@x.com,+4915140000001,+4915140000002,,,1",
        b"M\xfcller,latin@x.com,,,,,yes",
        b"\"Ann,quote@x.com,,,,,1",
        b"Ann,,,,@telegram_only,,1",
        b"Ann,,,,,crm-9,1",
        b"Ann,Ann <named@x.com>,,,,,1",
        b"Ann,mailto:link@x.com,,,,,1",
        b"Ann,one@x.com; other@x.com,,,,,1",
        b"Ann,,4915140000003,,,,1",
        b"Ann,free@x.com,+4915140000004,+4915140000005,,,0",
        b"Ann, B,lost@x.com,,,,,0",
    ]
    .join(&b"\n"[..]);
    let import = imported(&operator, list, json!({})).await;
    assert_eq!((&import["status"], &import["invalid"]), (&json!("COMPLETED"), &json!(1)), "{import:#}");
    let refused = [
        "many@x.com",
        "two@x.com",
        "+4915140000001",
        "+4915140000002",
        "latin@x.com",
        "quote@x.com",
        "telegram_only",
        "known@x.com",
        "+4915140000009",
        "named@x.com",
        "link@x.com",
        "one@x.com",
        "other@x.com",
        "+4915140000003",
    ];
    assert_eq!(open(&herald, &operator, &refused).await, Vec::<String>::new(), "{import:#}");
    let free = ["free@x.com", "+4915140000005", "lost@x.com"];
    assert_eq!(open(&herald, &operator, &free).await, free, "{import:#}");
    assert!(import["errors"].to_string().contains("only that nobody must be contacted"), "{import:#}");
}

#[tokio::test]
async fn each_address_of_a_suppression_list_refuses() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = "email,mail,phone,mobile,Email 2,name\na@x.com,b@x.com,+4915140000001,4915140000002,c@x.com,Ann\n\
        d@x.com; e@x.com,Ann <f@x.com>,,,,Smith, Ann\n*@whole.example,,,,,\n";
    let import = imported(&operator, list, json!({ "isSuppressionList": true })).await;
    let told = import["errors"].as_array().unwrap();
    assert!(told.iter().any(|error| error["message"].as_str().unwrap().contains("whole domain")), "{import:#}");
    let jsonl = "{\"email\":\"g@x.com\",\"mail\":\"h@x.com\",\"phone\":[\"+4915140000003\",\"+4915140000004\"]}\n";
    imported(&operator, jsonl, json!({ "isSuppressionList": true, "format": "JSONL" })).await;
    let twice = "{\"email\":\"k@x.com\",\"email\":\"l@x.com\"}\n";
    imported(&operator, twice, json!({ "isSuppressionList": true, "format": "JSONL" })).await;
    let mapped = json!({ "isSuppressionList": true, "mapping": { "email": "Adresse" } });
    imported(&operator, "Adresse,Telefon\ni@x.com,+4915140000005\n", mapped).await;
    let german = "E-Mail-Adresse;Telefon;Vorname;Nachname\nj@x.com;+4915140000006;A;B\n";
    imported(&operator, german, json!({ "isSuppressionList": true })).await;
    let refused: Vec<String> = "abcdefghijkl".chars().map(|name| format!("{name}@x.com")).collect();
    let phones: Vec<String> = (1..=6).map(|n| format!("+491514000000{n}")).collect();
    let all: Vec<&str> = refused.iter().chain(&phones).map(String::as_str).collect();
    assert_eq!(open(&herald, &operator, &all).await, Vec::<String>::new());
    // A number of Brazil is one, with and without its nine.
    imported(&operator, "phone\n+551187654321\n", json!({ "isSuppressionList": true })).await;
    assert_eq!(open(&herald, &operator, &["+5511987654321"]).await, Vec::<String>::new());
    let import = imported(&operator, "phone\n+5511987654321\n", json!({})).await;
    assert_eq!((&import["inserted"], &import["invalid"]), (&json!(0), &json!(1)), "{import:#}");
}

#[tokio::test]
async fn a_word_that_nobody_knows_is_no_consent_and_is_told() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = "Почта;Имя;Email Marketing Consent;status\nu1@x.com;Анна;maybe;new\nu2@x.com;Анна;SUBSCRIBED;frobnicated\n\
        u3@x.com;Анна;NEVER_SUBSCRIBED;\nu4@x.com;Анна;subscribed;frobnicated\n";
    let import = imported(&operator, list, json!({})).await;
    assert_eq!((&import["inserted"], &import["invalid"]), (&json!(4), &json!(0)), "{import:#}");
    let lines: Vec<i64> =
        import["errors"].as_array().unwrap().iter().map(|error| error["line"].as_i64().unwrap()).collect();
    assert_eq!(lines, [2, 3], "each is told, and what is no refusal once: {import:#}");
    let all = ["u1@x.com", "u2@x.com", "u3@x.com", "u4@x.com"];
    assert_eq!(open(&herald, &operator, &all).await, ["u2@x.com", "u4@x.com"]);
    let jsonl = "{\"email\":\"n1@x.com\",\"consent\":{\"email\":false}}\n{\"email\":\"n2@x.com\",\"tags\":[\"vip\",\"unsubscribed\"]}\n\
        {\"email\":\"n3@x.com\",\"consent\":{\"email\":true}}\n";
    imported(&operator, jsonl, json!({ "format": "JSONL" })).await;
    assert_eq!(open(&herald, &operator, &["n1@x.com", "n2@x.com", "n3@x.com"]).await, ["n3@x.com"]);
}

#[tokio::test]
async fn a_line_that_names_something_twice_is_no_lead_and_no_refusal_in_it_is_lost() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = "{\"email\":\"one@x.com\",\"email\":\"two@x.com\"}\n\
                {\"email\":\"three@x.com\",\"meta\":{\"plan\":1,\"plan\":2}}\n{\"email\":\"four@x.com\"}\n";
    let import = imported(&operator, list, json!({ "format": "JSONL" })).await;
    assert_eq!((&import["inserted"], &import["invalid"]), (&json!(1), &json!(2)), "{import}");
    let told = import["errors"].to_string();
    assert!(told.contains("a field is given twice") && !told.contains("x.com"), "{told}");
    let csv = "email,meta\nfive@x.com,\"{\"\"a\"\":1,\"\"a\"\":2}\"\n";
    let told = imported(&operator, csv, json!({})).await["errors"].to_string();
    assert!(told.contains("a field is given twice"), "{told}");
    imported(&operator, list, json!({ "format": "JSONL", "isSuppressionList": true })).await;
    let refused = ["one@x.com", "two@x.com", "three@x.com", "four@x.com"];
    assert_eq!(open(&herald, &operator, &refused).await, [""; 0]);
}

#[tokio::test]
async fn a_line_that_says_something_twice_goes_nowhere_and_its_refusal_counts() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = "{\"email\":\"yes@x.com\",\"unsubscribed\":true,\"unsubscribed\":false}\n\
        {\"email\":\"two@x.com\",\"email\":\"other@x.com\",\"do_not_contact\":true}\n\
        {\"email\":\"v1@x.com\",\"email\":\"v2@x.com\"}\n{\"email\":\"free@x.com\",\"meta\":{\"a\":1,\"a\":2}}\n{\"email\":\"one@x.com\"}\n";
    let import = imported(&operator, list, json!({ "format": "JSONL" })).await;
    let refused = ["yes@x.com", "two@x.com", "other@x.com"];
    assert_eq!(open(&herald, &operator, &refused).await, Vec::<String>::new(), "{import:#}");
    let told: Vec<i64> =
        import["errors"].as_array().unwrap().iter().map(|error| error["line"].as_i64().unwrap()).collect();
    assert_eq!(told, [1, 2, 3, 4], "{import:#}");
    let by = async |email: &str| {
        let ask = "query($email: String!) { leadBy(key: { email: $email }) { id } }";
        !operator.data(ask, json!({ "email": email })).await["leadBy"].is_null()
    };
    assert_eq!((by("v1@x.com").await, by("v2@x.com").await, by("one@x.com").await), (false, false, true));
}

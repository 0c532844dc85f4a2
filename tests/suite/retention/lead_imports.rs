//! Lists of leads: whatever is in them, whoever is there already, however many come at once.

use std::fmt::Write;

use herald::app::Parts;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};

use crate::harness::{Client, Database, Process, TestApp, eventually};

const IMPORT: &str = "mutation($input: ImportLeadsInput!) { importLeads(input: $input) { import { id status } } }";
const READ: &str = "query($id: ID!) { leadImport(id: $id) {
    status lines inserted duplicates invalid errorMessage bytesRead bytesTotal errors { line message } } }";

/// Uploads and imports a list, and returns the import as it ended.
async fn import(by: &Client, list: impl Into<reqwest::Body>, more: Json) -> Json {
    let mut input = json!({ "uploadId": by.upload(list).await });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ended(by, &by.data(IMPORT, json!({ "input": input })).await["importLeads"]["import"]["id"]).await
}

async fn ended(by: &Client, id: &Json) -> Json {
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = by.data(READ, json!({ "id": id })).await["leadImport"].clone();
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

fn counts(import: &Json) -> [i64; 4] {
    ["lines", "inserted", "duplicates", "invalid"].map(|count| import[count].as_i64().unwrap())
}

/// A number that a statement gives.
async fn number(herald: &TestApp, sql: &str) -> i64 {
    let db = herald.services().db.reader();
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

async fn leads(herald: &TestApp) -> i64 {
    number(herald, "SELECT COUNT(*) AS n FROM leads").await
}

#[tokio::test]
async fn a_table_is_read_as_spreadsheets_write_it() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = [
        "\u{feff}E-Mail;First name;Phone;Notes;Plan;Source\r",
        "ann@example.com;Ann;+49 151 23456789;\"two\r\nlines; \"\"quoted\"\"\";gold;crm\r",
        "\r",
        ";;;;;\r",
        "ANN@Example.com;Other;;;;\r",
        "bob@example.com;Bob;0049 151 23456789;;;\r",
        "not an address;Eve;;;;\r",
        ";Ina;;;;\r",
        "zoe@example.com;\"Zoe\";+1 415 555 2671;;silver;\r",
        "mia@example.com;x;;;;;;more;\r",
        "zoe@example.com;;+4915123456789;;;",
    ];
    let mapping = json!({ "email": "e-mail", "firstName": "First name", "phone": "Phone", "notes": "Notes",
        "source": "Source", "meta": ["Plan"] });
    let import = import(&operator, list.join("\n"), json!({ "mapping": mapping })).await;
    assert_eq!(import["status"], "COMPLETED", "{import:#}");
    let errors: Vec<(i64, &str)> = import["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_i64().unwrap(), error["message"].as_str().unwrap()))
        .collect();
    assert_eq!(errors.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [8, 9, 11, 12], "{errors:?}");
    assert!(errors[0].1.starts_with("email: ") && errors[3].1.contains("line 2"), "{errors:?}");
    assert_eq!(counts(&import), [8, 2, 2, 4]);
    assert_eq!(import["bytesRead"], import["bytesTotal"]);
    let sql = "SELECT COUNT(*) AS n FROM leads WHERE email = 'ann@example.com' AND phone = '+4915123456789'
        AND source = 'CRM' AND status = 'NEW' AND notes LIKE 'two%lines; \"quoted\"' AND CAST(meta AS text) LIKE '%gold%'";
    assert_eq!(number(&herald, sql).await, 1);
    assert_eq!(number(&herald, "SELECT COUNT(*) AS n FROM leads WHERE source = 'UPLOAD'").await, 1);
    let audit = "{ auditLogs(filter: { actions: [LEADS_IMPORTED] }) { nodes { metadata } } }";
    let line = herald.admin().await.data(audit, json!({})).await["auditLogs"]["nodes"][0].clone();
    assert_eq!(line["metadata"]["inserted"], 2);
}

#[tokio::test]
async fn json_lines_go_in_too_and_a_second_time_nothing_does() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let list = [
        r#"{"email": "ann@example.com", "phone": 14155552671, "firstName": "Ann", "meta": {"plan": "gold"}, "more": 1}"#,
        "",
        "[1]",
        r#"{"phone": "+4915123456789", "time_zone": "Europe/Berlin"}"#,
        r#"{"phone": "+49 151 23456789", "email": "late@example.com"}"#,
        r#"{"email": ["x"]}"#,
    ]
    .join("\n")
    .replace("14155552671", "\"+14155552671\"");
    let jsonl = json!({ "format": "JSONL" });
    let first = import(&operator, list.clone(), jsonl.clone()).await;
    assert_eq!(counts(&first), [5, 2, 1, 2], "{first:#}");
    assert_eq!((&first["errors"][0]["line"], &first["errors"][1]["line"]), (&json!(3), &json!(6)));
    let second = import(&operator, list, jsonl).await;
    assert_eq!((counts(&second), leads(&herald).await), ([5, 0, 3, 2], 2));
    // Of two leads at once: whose is this line?
    let both = import(&operator, "email,phone\nann@example.com,+4915123456789\n", json!({})).await;
    assert_eq!(counts(&both), [1, 0, 0, 1]);
    assert!(both["errors"][0]["message"].as_str().unwrap().contains("two leads"), "{both}");
}

#[tokio::test]
async fn a_list_whose_columns_nobody_knows_fails_with_a_sentence() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let unknown = import(&operator, "a,b\n1,2\n", json!({})).await;
    assert_eq!(unknown["status"], "FAILED");
    assert!(unknown["errorMessage"].as_str().unwrap().contains("a, b"), "{unknown}");
    let missing = import(&operator, "email\nann@example.com\n", json!({ "mapping": { "email": "Mail" } })).await;
    assert!(missing["errorMessage"].as_str().unwrap().contains("\"Mail\""), "{missing}");
    let empty = import(&operator, "", json!({})).await;
    assert_eq!((&empty["status"], &empty["errorMessage"]), (&json!("FAILED"), &json!("the file is empty")));
    for header in ["email\n", "email,phone", "email\n\n , \n"] {
        let header = import(&operator, header, json!({})).await;
        assert_eq!(header["status"], "FAILED");
        assert!(header["errorMessage"].as_str().unwrap().contains("--data-binary"), "{header}");
    }
    let upload = operator.upload("email\n").await;
    let input = json!({ "input": { "uploadId": upload, "mapping": { "email": " " } } });
    assert_eq!(operator.query(IMPORT, input).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_reason_has_nothing_of_the_file_for_who_may_not_see_contacts() {
    let herald = TestApp::api_only().await;
    let (operator, auditor) = (herald.operator().await, herald.auditor().await);
    let jsonl = json!({ "format": "JSONL" });
    let long = "x".repeat(60_000);
    for (list, more) in [
        ("\"victim@example.com\"\n[\"+491511234567\"]\n{\"email\": {\"victim@example.com\": 1}}\nvictim\n", &jsonl),
        ("{\"email\": \"victim@example\"}\n{\"phone\": \"+4915112\", \"email\": 1}\n", &jsonl),
        ("victim@example.com,+491511234567\nvictim2@example.com,+4915112345\n", &json!({})),
        ("victim,Berlin\nvictim,Bonn\n", &json!({})),
        ("victim@example.com\n", &json!({ "mapping": { "email": "Mail" } })),
        ("email,phone\nvictim.example.com,1511234567\n\"victim,x\n\"\"\",victim,victim\n", &json!({})),
        (&*format!("{long},victim@example.com\nx\n"), &json!({})),
    ] {
        let mut input = json!({ "uploadId": operator.upload(list.to_owned()).await });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = operator.data(IMPORT, json!({ "input": input })).await["importLeads"]["import"]["id"].clone();
        let full = ended(&operator, &id).await;
        assert!(full["errorMessage"].as_str().unwrap_or_default().len() <= 300, "{full}");
        let seen = auditor.data(READ, json!({ "id": id })).await["leadImport"].to_string();
        for secret in ["victim", "1511234567", "4915112", "xxxx"] {
            assert!(!seen.contains(secret), "{list}: {seen}");
        }
    }
    let lines = "{ auditLogs(first: 100, filter: { actions: [LEADS_IMPORTED] }) { nodes { metadata } } }";
    let lines = auditor.data(lines, json!({})).await.to_string();
    assert!(lines.contains("no column is known") && !lines.contains("victim"), "{lines}");
}

/// So many people in an order that depends on `turn`; one in ten has a phone, which is slow to read without optimisations.
fn list(people: usize, turn: usize) -> String {
    let mut list = "email,phone,firstName\n".to_owned();
    for n in 0..people {
        let n = (n * 7_919 + turn * 1_237) % people;
        let phone = if n.is_multiple_of(10) { format!("+1415{:07}", 2_000_000 + n) } else { String::new() };
        writeln!(list, "p{n}@example.com,{phone},Name {n}").unwrap();
    }
    list
}

#[tokio::test]
async fn two_lists_of_the_same_people_at_once_make_each_of_them_once() {
    let herald = TestApp::api_only().await;
    // On PostgreSQL two processes work at the same time; on SQLite there is only one.
    let other = if herald.database().is_postgres() {
        Some(herald.join(&[], Parts { api: true, worker: false }).await)
    } else {
        None
    };
    let operator = herald.operator().await;
    let colleague = other.as_ref().map_or_else(|| operator.clone(), |other| operator.at(other.url()));
    let (one, two) =
        tokio::join!(import(&operator, list(12_000, 0), json!({})), import(&colleague, list(12_000, 5), json!({})),);
    for import in [&one, &two] {
        assert_eq!(
            (&import["status"], &import["lines"], &import["invalid"]),
            (&json!("COMPLETED"), &json!(12_000), &json!(0))
        );
    }
    assert_eq!(counts(&one)[1] + counts(&two)[1], 12_000);
    assert_eq!(counts(&one)[2] + counts(&two)[2], 12_000);
    assert_eq!(leads(&herald).await, 12_000);
}

#[tokio::test]
async fn who_looks_on_sees_an_import_to_its_end() {
    let herald = TestApp::with(&["--progress-hz", "50"]).await;
    let operator = herald.operator().await;
    let upload = operator.upload(list(3_000, 1)).await;
    let asked = operator.data(IMPORT, json!({ "input": { "uploadId": upload } })).await;
    let id = asked["importLeads"]["import"]["id"].clone();
    let document = "subscription($id: ID!) { leadImportProgress(id: $id) { version status lines inserted } }";
    let mut progress = operator.subscribe(document, json!({ "id": id })).await;
    let (mut version, mut last) = (0, Json::Null);
    while let Some(event) = progress.next().await {
        last = event.data()["leadImportProgress"].clone();
        assert!(last["version"].as_i64().unwrap() > version);
        version = last["version"].as_i64().unwrap();
    }
    assert_eq!((&last["status"], &last["inserted"]), (&json!("COMPLETED"), &json!(3_000)));
}

#[tokio::test]
async fn heavy_an_import_of_leads_survives_kill_9() {
    let database = Database::create().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut process = Process::serve(&database, &data, &[]);
    let admin = process.admin().await;
    let upload =
        admin.upload(list(30_000, 3).replace("firstName", "notes").replace(",Name", ",\"two\nlines\" x Name")).await;
    let asked = admin.data(IMPORT, json!({ "input": { "uploadId": upload } })).await;
    for _ in 0..3 {
        // At an instant that nobody has chosen.
        tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(50..400))).await;
        process.kill();
        process = Process::serve(&database, &data, &[]);
    }
    let import = ended(&process.admin().await, &asked["importLeads"]["import"]["id"]).await;
    assert_eq!(counts(&import), [30_000, 30_000, 0, 0], "{import:#}");
}

#[tokio::test]
async fn people_on_a_suppression_list_are_never_contacted() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let create = "mutation($input: CreateLeadInput!) { createLead(input: $input) { lead { id } isNew } }";
    let ann = json!({ "input": { "email": "ann@example.com" } });
    let ann = operator.data(create, ann).await["createLead"]["lead"]["id"].clone();
    let list = "email,phone\nAnn@Example.com,\nbob@example.com,+49 151 23456789\nnobody,\n";
    let flag = json!({ "isSuppressionList": true });
    assert_eq!(counts(&import(&operator, list, flag.clone()).await), [3, 2, 0, 1]);
    let read = "query($id: ID!) { lead(id: $id) { status doNotContact } }";
    let closed = operator.data(read, json!({ "id": ann })).await["lead"].clone();
    assert_eq!((&closed["status"], closed["doNotContact"].as_array().unwrap().len()), (&json!("DO_NOT_CONTACT"), 5));
    assert_eq!(leads(&herald).await, 1, "nobody became a lead by it");
    let bob = operator.query(create, json!({ "input": { "phone": "+4915123456789" } })).await;
    assert_eq!(bob.code(), "PRECONDITION_FAILED", "{bob:?}");
    let later = import(&operator, "email\nbob@example.com\ncleo@example.com\n", json!({})).await;
    assert_eq!(counts(&later), [2, 1, 0, 1]);
    assert!(later["errors"][0]["message"].as_str().unwrap().contains("must not be contacted"), "{later}");
    assert_eq!(counts(&import(&operator, list, flag).await), [3, 0, 2, 1], "once more changes nothing");
    let known = number(&herald, "SELECT COUNT(*) AS n FROM refusals WHERE hash LIKE '%example%'").await;
    assert_eq!(known, 0, "addresses are kept as keyed hashes only");
}

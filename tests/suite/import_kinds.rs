//! Files that are no lists, or almost: what they are is said once, and what can be taken is taken.

use serde_json::{Value as Json, json};

use crate::harness::{Client, Database, TestApp, eventually, herald as command};

async fn ended(by: &Client, kind: &str, id: &Json) -> Json {
    let read = format!(
        "query($id: ID!) {{ {kind}(id: $id) {{ status lines inserted duplicates invalid errorMessage
         errors {{ line message }} }} }}"
    );
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = by.data(&read, json!({ "id": id })).await[kind].clone();
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

async fn channels(by: &Client, list: impl Into<reqwest::Body>) -> Json {
    let import = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let import = by.data(import, json!({ "id": by.upload(list).await })).await["importChannels"]["import"].clone();
    ended(by, "channelImport", &import["id"]).await
}

async fn leads(by: &Client, list: impl Into<reqwest::Body>, format: &str) -> Json {
    let import = "mutation($id: ID!, $format: LeadImportFormat!) {
        importLeads(input: { uploadId: $id, format: $format }) { import { id } } }";
    let variables = json!({ "id": by.upload(list).await, "format": format });
    let import = by.data(import, variables).await["importLeads"]["import"].clone();
    ended(by, "leadImport", &import["id"]).await
}

/// It failed at once, with one sentence that has `what` in it and no word of a library.
fn assert_refused(import: &Json, what: &str) {
    assert_eq!((&import["status"], &import["inserted"]), (&json!("FAILED"), &json!(0)), "{import:#}");
    assert_eq!(import["errors"], json!([]), "once is enough");
    let why = import["errorMessage"].as_str().unwrap();
    assert!(why.contains(what), "{what}: {why}");
    assert!(!why.contains(char::is_control) && !why.contains("expected"), "{why}");
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[tokio::test]
async fn a_file_that_is_no_list_is_called_by_its_name_in_one_sentence() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let good = "{\"username\":\"good_one\",\"category\":\"tech\"}\n";
    let array = format!("[{good}]");
    let zip = b"PK\x03\x04\x14\x00\x06\x00\x08\x00[Content_Types].xml\x00\x00".to_vec();
    assert_refused(&channels(&admin, "").await, "empty");
    assert_refused(&channels(&admin, "\n \r\n").await, "empty");
    assert_refused(&channels(&admin, array.clone()).await, "JSON array");
    assert_refused(&channels(&admin, "username,category\ngood_one,tech\n").await, "one JSON object a line is wanted");
    assert_refused(&channels(&admin, "{\n\"username\":\"good_one\"\n}\n").await, "several lines");
    assert_refused(&channels(&admin, utf16(good)).await, "UTF_16");
    assert_refused(&channels(&admin, zip.clone()).await, "xlsx");
    assert_refused(&leads(&admin, zip, "CSV").await, "xlsx");
    assert_refused(&leads(&admin, utf16("email,phone\na@b.de,\n"), "CSV").await, "UTF_16");
    let russian = b"email;\xc8\xec\xff\na@b.de;\xc8\xf0\xe8\xed\xe0\n".to_vec();
    assert_refused(&leads(&admin, russian, "CSV").await, "its encoding, such as WINDOWS_1251");
    assert_refused(&leads(&admin, "[{\"email\":\"a@b.de\"}]", "CSV").await, "JSON array");
    assert_refused(&leads(&admin, "{\"email\":\"a@b.de\"}\n", "CSV").await, "format JSONL");
    assert_refused(&leads(&admin, "email,phone\na@b.de,\n", "JSONL").await, "format CSV");
    assert_refused(&leads(&admin, "email\n", "CSV").await, "--data-binary");
    assert_refused(&leads(&admin, "plan,city\na,b\n", "CSV").await, "no column is known");
}

#[tokio::test]
async fn an_import_of_which_nothing_goes_in_has_failed_and_one_of_known_lines_has_not() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let wrong = channels(&admin, "{\"username\":\"x\",\"category\":\"tech\"}\n{}\n").await;
    assert_eq!((&wrong["status"], &wrong["invalid"]), (&json!("FAILED"), &json!(2)));
    assert!(wrong["errorMessage"].as_str().unwrap().contains("none of its 2 lines went in"), "{wrong}");
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 2);
    let good = "{\"username\":\"good_one\",\"category\":\"tech\"}\n";
    assert_eq!(channels(&admin, good).await["status"], "COMPLETED");
    let again = channels(&admin, good).await;
    assert_eq!((&again["status"], &again["duplicates"]), (&json!("COMPLETED"), &json!(1)));
}

#[tokio::test]
async fn a_channel_goes_in_without_a_field_that_is_wrong_and_that_is_told() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let list = [
        r#"{"username":"chan_one","category":"tech","collected_at":"2025-09-29"}"#,
        r#"{"username":"chan_two","category":"tech","collected_at":1759146585,"tgstat_url":"tgstat.ru/x"}"#,
        r#"{"username":"chan_three","category":"tech","tgstat_url":"https://tgstat.ru/x"}"#,
        r#"{"username":"x","category":"tech","tgstat_url":5}"#,
    ]
    .join("\n");
    let import = channels(&admin, list).await;
    let counts = ["lines", "inserted", "duplicates", "invalid"].map(|count| import[count].as_i64().unwrap());
    assert_eq!((import["status"].as_str(), counts), (Some("COMPLETED"), [4, 3, 0, 1]), "{import:#}");
    let told = import["errors"].as_array().unwrap();
    assert_eq!(told.iter().map(|error| error["line"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 4]);
    assert!(told[0]["message"].as_str().unwrap().starts_with("collected_at: "), "{import:#}");
    assert!(told[1]["message"].as_str().unwrap().contains("taken without it"), "{import:#}");
}

#[tokio::test]
async fn the_separator_that_excel_names_in_the_first_line_is_understood() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for (n, (head, separator)) in
        [("sep=;\r\n", ";"), ("\u{feff}\"sep=,\"\n", ","), ("SEP=\t\r\n", "\t"), ("sep=|\n", "|")]
            .into_iter()
            .enumerate()
    {
        let row = |email: &str, name: &str| [email, name].join(separator);
        let list = format!(
            "{head}{}\r\n{}\r\n{}\r\n",
            row("email", "firstName"),
            row(&format!("s{n}@b.de"), "Ann"),
            row("x", "y")
        );
        let import = leads(&admin, list, "CSV").await;
        assert_eq!((&import["inserted"], &import["invalid"]), (&json!(1), &json!(1)), "{head:?}: {import:#}");
        assert_eq!(import["errors"][0]["line"], 4, "the line is that of the file");
    }
    let found = admin.data("{ leads(filter: { search: \"ann\" }) { totalCount } }", json!({})).await;
    assert_eq!(found["leads"]["totalCount"], 4);
}

#[tokio::test]
async fn the_command_ends_with_1_when_lines_did_not_go_in() {
    let database = Database::create().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let import = |name: &str, list: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, list).unwrap();
        let mut command = command("import");
        command.arg("channels").arg(&file).arg("--data-dir").arg(&data).args(database.flags());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    let good = "{\"username\":\"good_one\",\"category\":\"tech\"}\n";
    let (code, text) = import("good.jsonl", good);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = import("some.jsonl", &format!("{good}broken\n"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("line 2: the line does not begin with {") && text.contains("1 of 2 lines"), "{text}");
    let (code, text) = import("none.csv", "username,category\n");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("one JSON object a line is wanted"), "{text}");
}

#[tokio::test]
async fn a_list_is_read_in_the_encoding_that_it_says_or_that_is_said_of_it() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let read = async |list: Vec<u8>, encoding: Option<&str>, format: &str| {
        let import = "mutation($input: ImportLeadsInput!) { importLeads(input: $input) { import { id encoding } } }";
        let input = json!({ "uploadId": admin.upload(list).await, "encoding": encoding, "format": format });
        let import = admin.data(import, json!({ "input": input })).await["importLeads"]["import"].clone();
        let ended = ended(&admin, "leadImport", &import["id"]).await;
        let told = "query($id: ID!) { leadImport(id: $id) { encoding bytesRead bytesTotal } }";
        (ended, admin.data(told, json!({ "id": import["id"] })).await["leadImport"].clone())
    };
    let name = async |email: &str| {
        let ask = "query($email: String!) { leadBy(key: { email: $email }) { firstName } }";
        admin.data(ask, json!({ "email": email })).await["leadBy"]["firstName"].clone()
    };
    // As Excel writes "Unicode text", with so many lines that a piece ends within one.
    let many: Vec<String> = (0..4_000).map(|n| format!("u{n}@b.de\tИрина 😀{n}\r\n")).collect();
    let many = many.concat();
    let list = [b"\xff\xfe".to_vec(), utf16(&format!("E-Mail\tИмя\r\n{many}"))].concat();
    let (import, how) = read(list, None, "CSV").await;
    assert_eq!(
        (&import["status"], &import["inserted"], &import["errors"]),
        (&json!("COMPLETED"), &json!(4_000), &json!([]))
    );
    assert_eq!((&how["encoding"], &how["bytesRead"]), (&json!("UTF_16"), &how["bytesTotal"]));
    assert_eq!(name("u3999@b.de").await, "Ирина 😀3999");

    let cyrillic = b"email;\xc8\xec\xff\nw@b.de;\xc8\xf0\xe8\xed\xe0\n".to_vec();
    let (import, how) = read(cyrillic, Some("WINDOWS_1251"), "CSV").await;
    assert_eq!((&import["inserted"], &how["encoding"]), (&json!(1), &json!("WINDOWS_1251")), "{import:#}");
    assert_eq!((name("w@b.de").await, &how["bytesRead"]), (json!("Ирина"), &how["bytesTotal"]));
    let object = b"{\"email\":\"j@b.de\",\"firstName\":\"J\xf6rg\"}\n".to_vec();
    read(object, Some("WINDOWS_1252"), "JSONL").await;
    assert_eq!(name("j@b.de").await, "Jörg");
    // Half a letter of UTF-16 is none.
    let half = [
        b"\xfe\xff".to_vec(),
        "email,name\nh@b.de,A".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        vec![0xd8, 0, 0, b'\n'],
    ];
    let (import, how) = read(half.concat(), None, "CSV").await;
    assert_eq!((&import["inserted"], &how["encoding"]), (&json!(1), &json!("UTF_16")), "{import:#}");
    assert!(import["errors"][0]["message"].as_str().unwrap().contains("encoding has not"), "{import:#}");

    let utf8 = "email,name\nx@b.de,Jörg\n".as_bytes().to_vec();
    assert_refused(&read(utf8.clone(), Some("WINDOWS_1252"), "CSV").await.0, "leave the encoding out");
    assert_refused(
        &read([b"\xff\xfe".to_vec(), utf16("email\n")].concat(), Some("KOI8_R"), "CSV").await.0,
        "the file is UTF_16",
    );
    assert_eq!(read(utf8, None, "CSV").await.1["encoding"], "UTF_8");
}

//! Lists of channels: whatever is in them, whatever happens on the way.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use domain::broadcast::ImportStatus;
use domain::error::Error;
use domain::id::{ChannelImportId, NodeId};
use domain::role::Role;
use futures_util::stream;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value as Json, json};
use service::access::user;
use service::imports::{channels, run_pending, upload};
use service::{Actor, Services};
use storage::broadcast::channel;
use storage::broadcast::channel_import::{Entity, Model};
use storage::{Noun, imports};
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, Database, Process, Sqlite, TestApp, eventually, only_on, within};

const IMPORT: &str = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id status } } }";
const READ: &str = "query($id: ID!) { channelImport(id: $id) {
    status lines inserted duplicates invalid errorMessage bytesRead bytesTotal version createdBy { username }
    errors { line message } } }";

/// Uploads and imports a list, and returns the import as it ended.
async fn import(by: &Client, list: impl Into<reqwest::Body>) -> Json {
    let upload = by.upload(list).await;
    ended(by, &by.data(IMPORT, json!({ "id": upload })).await["importChannels"]["import"]["id"]).await
}

async fn ended(by: &Client, id: &Json) -> Json {
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = read(by, id).await;
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

async fn read(by: &Client, id: &Json) -> Json {
    by.data(READ, json!({ "id": id })).await["channelImport"].clone()
}

fn counts(import: &Json) -> [i64; 4] {
    ["lines", "inserted", "duplicates", "invalid"].map(|count| import[count].as_i64().unwrap())
}

/// A list of so many channels; every hundredth line, from the 50th on, is broken.
fn list(channels: usize, prefix: &str) -> String {
    let mut list = String::new();
    for n in 0..channels {
        match n % 100 {
            49 => writeln!(list, "broken {n}").unwrap(),
            // No order: neighbours in the file are far apart in the index.
            _ => writeln!(
                list,
                r#"{{"username":"{prefix}{:08x}_{n}","category":"tech"}}"#,
                n * 2_654_435_761 % (1 << 32)
            )
            .unwrap(),
        }
    }
    list
}

#[tokio::test]
async fn what_people_write_is_understood_and_what_is_wrong_is_told() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let list = [
        "\u{feff}{\"category\": \"новости\", \"tgstat_url\": \"https://tgstat.ru/channel/@proofzzz\", \"username\": \
         \"proofzzz\", \"collected_at\": \"2025-09-29T11:49:45.782893\"}\r",
        "\r",
        r#"{"username": "https://t.me/TechNews", "category": "a\\b\"c, 'd'", "tgstat_url": null}"#,
        "",
        r#"{"username": "@PROOFZZZ", "category": "other"}"#,
        "{ broken",
        r#"{"username": "x", "category": "tech"}"#,
        r#"{"username": "t.me/third_one", "category": "tech", "more": {"of": ["it"]}}"#,
        "   ",
        r#"{"username": "technews", "category": "tech"}"#,
    ];
    let mut bytes = list.join("\n").into_bytes();
    bytes.extend(b"\n{\"username\": \"\xff\xfe\", \"category\": \"tech\"}");
    let size = bytes.len().to_string();
    let import = import(&admin, bytes).await;
    assert_eq!(import["status"], "COMPLETED", "{import:#}");
    assert_eq!(counts(&import), [8, 3, 2, 3]);
    let lines: Vec<i64> =
        import["errors"].as_array().unwrap().iter().map(|error| error["line"].as_i64().unwrap()).collect();
    assert_eq!(lines, [6, 7, 11]);
    assert!(import["errors"][1]["message"].as_str().unwrap().starts_with("username: "));
    assert!(import["errors"][2]["message"].as_str().unwrap().contains("UTF-8"));
    assert_eq!((import["bytesRead"].as_str(), import["bytesTotal"].as_str()), (Some(&*size), Some(&*size)));
    assert_eq!(import["createdBy"]["username"], "admin");

    let channels = "{ channels { totalCount nodes { username category tgstatUrl collectedAt isActive version } } }";
    let channels = admin.data(channels, json!({})).await["channels"].clone();
    assert_eq!(channels["totalCount"], 3);
    let first = json!({
        "username": "proofzzz", "category": "новости", "tgstatUrl": "https://tgstat.ru/channel/@proofzzz",
        "collectedAt": "2025-09-29T11:49:45.782Z", "isActive": true, "version": 1,
    });
    assert_eq!(channels["nodes"][0], first);
    assert_eq!(channels["nodes"][1]["category"], "a\\b\"c, 'd'");
    let audit = "{ auditLogs(filter: { actions: [CHANNEL_IMPORTED] }) { nodes { metadata user { username } } } }";
    let line = admin.data(audit, json!({})).await["auditLogs"]["nodes"][0].clone();
    assert_eq!(line["user"]["username"], "admin");
    assert_eq!(line["metadata"]["inserted"], 3);
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let all = "{ channels(first: 100) { nodes { id username category updatedAt version } } }";
    let upload = operator.upload(list(40, "twice")).await;
    let first = operator.data(IMPORT, json!({ "id": upload })).await;
    ended(&operator, &first["importChannels"]["import"]["id"]).await;
    let before = operator.data(all, json!({})).await;
    // The same upload again, and the same names in another case with another category.
    let second = operator.data(IMPORT, json!({ "id": upload })).await;
    let second = ended(&operator, &second["importChannels"]["import"]["id"]).await;
    assert_eq!(counts(&second), [40, 0, 40, 0]);
    let other = list(40, "twice").replace("twice", "@TWICE").replace("tech", "other");
    assert_eq!(counts(&import(&operator, other).await), [40, 0, 40, 0]);
    assert_eq!(operator.data(all, json!({})).await, before);
}

#[tokio::test]
async fn only_the_first_thousand_errors_are_kept_and_an_empty_list_is_one() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let import_of_nonsense = import(&operator, "nonsense\n".repeat(2_500)).await;
    assert_eq!(counts(&import_of_nonsense), [2_500, 0, 0, 2_500]);
    let errors = import_of_nonsense["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[999]["line"]), (1_000, &json!(1_000)));
    assert_eq!(import_of_nonsense["status"], "FAILED");
    assert!(import_of_nonsense["errorMessage"].as_str().unwrap().contains("none of its 2500 lines went in"));
    let empty = import(&operator, "").await;
    assert_eq!((empty["status"].as_str(), counts(&empty)), (Some("FAILED"), [0; 4]));
    assert_eq!(empty["errorMessage"], "the file is empty");
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let viewer = operator.data("{ viewer { id } }", json!({})).await["viewer"]["id"].clone();
    let reply = operator.query(IMPORT, json!({ "id": viewer })).await;
    assert_eq!((reply.code(), reply.violations()), ("BAD_USER_INPUT", vec!["input.uploadId".to_owned()]));
    let upload = operator.upload("x").await;
    std::fs::remove_dir_all(herald.data_dir().join("uploads")).unwrap();
    let reply = operator.query(IMPORT, json!({ "id": upload })).await;
    assert_eq!(reply.code(), "PRECONDITION_FAILED");
    assert!(reply.message().contains("upload it again"));
}

#[tokio::test]
async fn the_progress_of_an_import_ends_with_its_last_state() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let upload = operator.upload(list(25_000, "live")).await;
    let id = operator.data(IMPORT, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    let document = "subscription($id: ID!) { channelImportProgress(id: $id) { status lines inserted version } }";
    let states = operator.subscribe(document, json!({ "id": id })).await.rest().await;
    let version = |state: &Json| state["channelImportProgress"]["version"].as_i64().unwrap();
    assert!(states.windows(2).all(|pair| version(&pair[0]) < version(&pair[1])));
    let last = &states.last().unwrap()["channelImportProgress"];
    assert_eq!(
        (last["status"].as_str(), &last["lines"], &last["inserted"]),
        (Some("COMPLETED"), &json!(25_000), &json!(24_750))
    );
}

/// Another node on the same database, whose imports only this test does.
struct Node {
    on: Services,
    actor: Actor,
    _folder: tempfile::TempDir,
}

impl Node {
    async fn beside(herald: &TestApp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut on = herald.services().clone();
        on.node = NodeId::generate();
        let mut rules = (*on.rules).clone();
        rules.data_dir = folder.path().into();
        on.rules = Arc::new(rules);
        on.files = storage::files::Files::within(folder.path());
        let admin = user::named(&on, user::FIRST).await.unwrap();
        let actor = Actor::user(admin.id, Role::Admin, None);
        Self { on, actor, _folder: folder }
    }

    async fn import(&self, list: String) -> ChannelImportId {
        let body = stream::iter([Ok::<_, std::io::Error>(list.into_bytes())]);
        let upload = upload::store(&self.on, &self.actor, body).await.unwrap();
        channels::create(&self.on, &self.actor, upload.id, None).await.unwrap().id
    }

    async fn run(&self) {
        run_pending::<Entity>(&self.on, &CancellationToken::new(), |_| {}).await.unwrap();
    }

    async fn read(&self, id: ChannelImportId) -> Model {
        Entity::get(self.on.db.reader(), id).await.unwrap()
    }

    async fn channels(&self) -> u64 {
        channel::Entity::find().count(self.on.db.reader()).await.unwrap()
    }

    /// A batch whose COMMIT was on its way at the cut may still land between two reads, so this looks again while they differ.
    async fn counts_are_of_what_was_committed(&self, id: ChannelImportId) {
        within(Duration::from_secs(30), "what is counted is stored", async || {
            let (counted, stored) = (self.read(id).await.inserted.unsigned_abs(), self.channels().await);
            if counted == stored { Ok(()) } else { Err((counted, stored)) }
        })
        .await;
    }
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let herald = TestApp::api_only().await;
    let node = Node::beside(&herald).await;
    let (lines, channels) = (35_000, 34_650);
    let id = node.import(list(lines, "cut")).await;
    // Stopped in order after a batch, and then cut off at several instants, as a crash does.
    let stop = CancellationToken::new();
    run_pending::<Entity>(&node.on, &stop, |_| stop.cancel()).await.unwrap();
    let stopped = node.read(id).await;
    assert_eq!(stopped.status, ImportStatus::Running);
    assert!(stopped.lines > 0 && stopped.lines < 35_000);
    for millis in [1, 10, 40] {
        let stop = CancellationToken::new();
        let cut = tokio::time::timeout(Duration::from_millis(millis), run_pending::<Entity>(&node.on, &stop, |_| {}));
        drop(cut.await);
        node.counts_are_of_what_was_committed(id).await;
    }
    node.run().await;
    let ended = node.read(id).await;
    assert_eq!(ended.status, ImportStatus::Completed);
    assert_eq!([ended.lines, ended.inserted, ended.duplicates, ended.invalid], [35_000, channels, 0, 350]);
    assert_eq!(node.channels().await, channels.unsigned_abs());
    let errors = imports::errors::<Entity>(node.on.db.reader(), &[id]).await.unwrap();
    let expected: Vec<i64> = (0..350).map(|n| n * 100 + 50).collect();
    assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn two_imports_of_the_same_names_at_the_same_time_share_them() {
    let herald = TestApp::api_only().await;
    let nodes = [Node::beside(&herald).await, Node::beside(&herald).await];
    let mut reversed: Vec<String> = list(22_000, "both").lines().map(Into::into).collect();
    reversed.reverse();
    let lists = [list(22_000, "both"), reversed.join("\n")];
    let [a, b] = [nodes[0].import(lists[0].clone()).await, nodes[1].import(lists[1].clone()).await];
    tokio::join!(nodes[0].run(), nodes[1].run());
    let ended = [nodes[0].read(a).await, nodes[1].read(b).await];
    for import in &ended {
        assert_eq!((import.status, import.lines, import.invalid), (ImportStatus::Completed, 22_000, 220));
        assert_eq!(import.inserted + import.duplicates, 21_780);
    }
    assert_eq!(ended[0].inserted + ended[1].inserted, 21_780);
    assert_eq!(nodes[0].channels().await, 21_780);
}

#[tokio::test]
async fn a_file_that_vanished_fails_its_import_and_no_other() {
    let herald = TestApp::api_only().await;
    let node = Node::beside(&herald).await;
    let (gone, next) = (node.import(list(10, "gone")).await, node.import(list(10, "next")).await);
    std::fs::remove_file(node.on.files.file(node.read(gone).await.upload_id).unwrap()).unwrap();
    node.run().await;
    let gone = node.read(gone).await;
    assert_eq!(gone.status, ImportStatus::Failed);
    assert!(gone.error_message.unwrap().contains("upload it again"));
    assert_eq!(node.read(next).await.inserted, 10);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let herald = TestApp::api_only().await;
    let node = Node::beside(&herald).await;
    let body = stream::iter([Ok(vec![b'x'; 1 << 20]), Err("the client went away")]);
    let error = upload::store(&node.on, &node.actor, body).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    // Dropped in the middle: the request's future is gone.
    let body = stream::iter([Ok::<_, String>(vec![b'x'; 1 << 20])]);
    let endless = Box::pin(futures_util::StreamExt::chain(body, stream::pending()));
    let store = upload::store(&node.on, &node.actor, endless);
    assert!(tokio::time::timeout(Duration::from_millis(300), store).await.is_err());
    let left = std::fs::read_dir(node.on.rules.data_dir.join("uploads")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_upload_that_finds_no_room_is_refused_and_the_next_one_is_taken() {
    let database = Database::create().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::serve(&database, &data, &[]);
    let admin = process.admin().await;
    process.limit_files(Some(8 << 20));
    let answer = admin.request(reqwest::Method::POST, "/uploads").body(vec![b'x'; 20 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let answer: Json = answer.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert_eq!(std::fs::read_dir(data.join("uploads")).unwrap().count(), 0);
    assert_eq!(counts(&import(&admin, list(40, "room")).await), [40, 40, 0, 0]);
    process.limit_files(None);
    admin.upload(vec![b'x'; 20 << 20]).await;
}

#[tokio::test]
async fn an_import_goes_on_when_there_is_room_on_the_disk_again() {
    if !only_on(Sqlite, "the limit of pages is SQLite's") {
        return;
    }
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let pages = async |sql: String| {
        let db = &herald.services().db;
        db.write_alone(sea_orm::Statement::from_string(db.backend(), sql)).await.unwrap()[0]
            .try_get_by_index::<i32>(0)
            .unwrap()
    };
    let few = pages("PRAGMA page_count".into()).await + 100;
    pages(format!("PRAGMA max_page_count = {few}")).await;
    let upload = operator.upload(list(20_000, "full")).await;
    let id = operator.data(IMPORT, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    // The connection that met the limit is closed with it, and the next one finds room. Nothing is lost or counted twice by that.
    assert_eq!(counts(&ended(&operator, &id).await), [20_000, 19_800, 0, 200]);
}

#[tokio::test]
async fn uploads_that_nobody_needs_vanish_after_a_day() {
    let herald = TestApp::api_only().await;
    let node = Node::beside(&herald).await;
    let now = node.on.now();
    let store = async |text: &'static str| {
        let body = stream::iter([Ok::<_, std::io::Error>(text)]);
        upload::store(&node.on, &node.actor, body).await.unwrap().id
    };
    let [unused, imported, waiting, young] = [store("a").await, store("b").await, store("c").await, store("d").await];
    channels::create(&node.on, &node.actor, imported, None).await.unwrap();
    node.run().await;
    channels::create(&node.on, &node.actor, waiting, None).await.unwrap();
    let folder = node.on.rules.data_dir.join("uploads");
    let orphan = folder.join("01890000-0000-7000-8000-000000000000");
    let part = folder.join("01890000-0000-7000-8000-000000000001.part");
    let stranger = folder.join("README");
    for path in [&orphan, &part, &stranger] {
        std::fs::write(path, "x").unwrap();
    }
    // Two days pass for all but one.
    let then = now - chrono::TimeDelta::days(2);
    let backend = node.on.db.backend();
    let sql =
        "UPDATE uploads SET created_at = $1, used_at = CASE WHEN used_at IS NULL THEN NULL ELSE $1 END WHERE id <> $2";
    let statement = sea_orm::Statement::from_sql_and_values(backend, sql, [then.into(), young.into()]);
    node.on.db.write_alone(statement).await.unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if Some(&path) != node.on.files.file(young).as_ref() {
            std::fs::File::options().write(true).open(path).unwrap().set_modified(then.into()).unwrap();
        }
    }
    upload::sweep(&node.on).await.unwrap();
    let is_there = |path: &std::path::Path| path.exists();
    assert!(!is_there(&orphan) && !is_there(&part) && is_there(&stranger));
    let files = [unused, imported, waiting, young].map(|id| is_there(&node.on.files.file(id).unwrap()));
    assert_eq!(files, [false, false, true, true]);
    let sql = "SELECT COUNT(*) AS count FROM uploads";
    let row = node.on.db.reader().query_one_raw(sea_orm::Statement::from_string(backend, sql)).await.unwrap().unwrap();
    // Of the unused one the row went too; of the imported one it stays with its import.
    assert_eq!(row.try_get::<i64>("", "count").unwrap(), 3);
}

#[tokio::test]
async fn heavy_an_import_survives_kill_9() {
    let database = Database::create().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut process = Process::serve(&database, &data, &[]);
    let admin = process.admin().await;
    let upload = admin.upload(list(120_000, "killed")).await;
    let id = admin.data(IMPORT, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    for _ in 0..4 {
        // At an instant that nobody has chosen.
        tokio::time::sleep(Duration::from_millis(rand::random_range(50..400))).await;
        process.kill();
        process = Process::serve(&database, &data, &[]);
    }
    let admin = process.admin().await;
    let import = within(Duration::from_secs(30), "the import is complete", async || {
        let import = read(&admin, &id).await;
        if import["status"] == "COMPLETED" { Ok(import) } else { Err(import) }
    })
    .await;
    assert_eq!(counts(&import), [120_000, 118_800, 0, 1_200], "{import:#}");
    let count = admin.data("{ channels { totalCount } }", json!({})).await;
    assert_eq!(count["channels"]["totalCount"], 118_800);
}

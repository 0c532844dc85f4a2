//! Old lines of the audit log: they move to an archive, nothing is lost on the way, and the chain goes on through it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::audit::{Action, Subject};
use domain::clock::{SystemClock, VirtualClock};
use sea_orm::{ConnectionTrait, PaginatorTrait};
use serde_json::{Value as Json, json};
use service::access::seal;
use service::{Actor, Services};
use storage::Noun;
use storage::access::audit_log;

use crate::delivery::fixture::Office;
use crate::harness::{eventually, herald};

/// Lines of long ago in a database of their own, sealed.
const LINES: u64 = 12;

async fn office() -> Office {
    with_lines_of_a_wrong_clock(0).await
}

/// As [`office`], but before these lines so many were written that seem to be of today.
async fn with_lines_of_a_wrong_clock(young: u64) -> Office {
    let long_ago = chrono::DateTime::from_timestamp(1_580_000_000, 0).unwrap();
    let office = Office::with_clock(Arc::new(VirtualClock::at(long_ago))).await;
    let today = Services { clock: Arc::new(SystemClock::new()), ..office.on.clone() };
    for number in 0..young + LINES {
        let on = if number < young { &today } else { &office.on };
        let actor = Actor { address: Some("10.0.0.1".into()), ..Actor::system() };
        let write = on.write(&actor, |w| async move {
            let metadata = json!({ "z": number, "a": { "текст": "ё\n\"", "n": [1.5, null, -0.25] } });
            w.note(Action::CampaignPaused, Subject::NONE, metadata).await
        });
        write.await.unwrap();
    }
    seal::seal(&office.on).await.unwrap();
    office
}

fn command(office: &Office, arguments: &[&str], place: &str) -> Command {
    let mut command = herald("audit");
    command
        .args(arguments)
        .arg(format!("--data-dir={}", office.folder.path().display()))
        .args(office.database().flags())
        .env("HERALD_AUDIT_ARCHIVE", place)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What it said, and its status.
async fn run(mut command: Command) -> (String, i32) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

async fn left(office: &Office) -> u64 {
    audit_log::Entity::all().count(office.on.db.reader()).await.unwrap()
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn pack(path: &Path, text: &str) {
    let mut file = flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), flate2::Compression::fast());
    file.write_all(text.as_bytes()).unwrap();
    file.finish().unwrap();
}

#[tokio::test]
async fn old_lines_move_to_a_folder_and_the_chain_goes_on_through_it() {
    let office = office().await;
    let folder = office.folder.path().join("archive");
    let place = folder.to_str().unwrap();
    assert_eq!(run(command(&office, &["archive", "--days=89"], place)).await.1, 2, "never less than 90 days");
    assert_eq!(run(command(&office, &["archive"], "")).await.1, 2, "it must be said where to");
    let (told, status) = run(command(&office, &["archive"], place)).await;
    assert!(status == 0 && told.contains("12 lines older than 90 days were moved, in 1 parts"), "{told}");
    assert_eq!(left(&office).await, 1, "the line that tells of it");
    let (told, _) = run(command(&office, &["archive"], place)).await;
    assert!(told.contains("0 lines older"), "{told}");
    let (told, status) = run(command(&office, &["verify"], place)).await;
    assert!(status == 0 && told.contains("13 lines are as they were written, 12 of them in the archive"), "{told}");
    assert!(told.contains("no line is unsealed"), "{told}");
    let (told, status) = run(command(&office, &["verify"], "")).await;
    assert!(status == 1 && told.contains("HERALD_AUDIT_ARCHIVE must say"), "{told}");

    let file = folder.join("audit-000000000001-000000000012.jsonl.gz");
    let text = unpacked(&file);
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[4]["seq"], &lines[4]["metadata"]["z"]), (12, &json!(5), &json!(4)));
    let broken = async |line: usize| {
        let (told, status) = run(command(&office, &["verify"], place)).await;
        assert!(status == 1 && told.contains(&format!("the audit log is broken at line {line}: ")), "{told}");
        told
    };
    pack(&file, &text.replacen("\"z\":4", "\"z\":5", 1));
    assert!(broken(5).await.contains("is not as it was written"));
    let cut: Vec<&str> = text.lines().take(7).collect();
    pack(&file, &(cut.join("\n") + "\n"));
    broken(8).await;
    std::fs::write(&file, "nonsense").unwrap();
    assert!(broken(1).await.contains("can't be read"));
    std::fs::remove_file(&file).unwrap();
    assert!(broken(1).await.contains("is gone"));
}

#[tokio::test]
async fn lines_of_a_clock_that_was_wrong_keep_no_old_ones_from_the_archive() {
    let office = with_lines_of_a_wrong_clock(2).await;
    let folder = office.folder.path().join("archive");
    let place = folder.to_str().unwrap();
    let (told, status) = run(command(&office, &["archive"], place)).await;
    assert!(status == 0 && told.contains("14 lines older than 90 days were moved, in 1 parts"), "{told}");
    let (told, status) = run(command(&office, &["verify"], place)).await;
    assert!(status == 0 && told.contains("15 lines are as they were written, 14 of them in the archive"), "{told}");
}

#[tokio::test]
async fn a_broken_chain_is_named_and_not_archived() {
    let office = office().await;
    let place = office.folder.path().join("archive");
    let db = &office.on.db;
    crate::audit::unguard(db).await;
    db.reader().execute_unprepared("UPDATE audit_logs SET ip_address = '10.6.6.6' WHERE seq = 7").await.unwrap();
    let (told, status) = run(command(&office, &["verify"], "")).await;
    assert!(
        status == 1 && told.contains("the audit log is broken at line 7: the line is not as it was written"),
        "{told}"
    );
    let (told, status) = run(command(&office, &["archive"], place.to_str().unwrap())).await;
    assert!(status == 1 && told.contains("the audit log is broken at line 7"), "{told}");
    assert_eq!(left(&office).await, LINES, "what is to be looked into stays");
}

/// How the bucket behaves.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Honest,
    /// Gives back other bytes than it was given.
    Forgetful,
    /// Takes, and never gives back.
    Silent,
}

/// What of S3 is needed, over real HTTP: objects are put and got by signed requests.
#[derive(Clone)]
struct Bucket {
    objects: Arc<Mutex<HashMap<String, Bytes>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Bucket {
    async fn open() -> (Self, String) {
        let bucket = Self { objects: Arc::default(), mood: Arc::new(Mutex::new(Mood::Honest)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::answer).with_state(bucket.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (bucket, address)
    }

    async fn answer(State(bucket): State<Self>, request: Request) -> Response {
        let is_signed = request
            .headers()
            .get("authorization")
            .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256 "));
        if !is_signed {
            return StatusCode::FORBIDDEN.into_response();
        }
        let (parts, body) = request.into_parts();
        let (path, mood) = (parts.uri.path().to_owned(), *bucket.mood.lock().unwrap());
        match (parts.method, mood) {
            (Method::PUT, _) => {
                let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                bucket.objects.lock().unwrap().insert(path, bytes);
                ([("etag", "\"1\"")], "").into_response()
            }
            (Method::GET, Mood::Silent) => std::future::pending().await,
            (Method::GET, mood) => match bucket.objects.lock().unwrap().get(&path).cloned() {
                Some(bytes) => {
                    let mut bytes = bytes.to_vec();
                    if mood == Mood::Forgetful {
                        *bytes.last_mut().unwrap() ^= 1;
                    }
                    let headers = [("etag", "\"1\""), ("last-modified", "Sat, 01 Jan 2022 00:00:00 GMT")];
                    (headers, Body::from(bytes)).into_response()
                }
                None => StatusCode::NOT_FOUND.into_response(),
            },
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }
}

#[tokio::test]
async fn a_bucket_that_lies_or_a_crash_loses_nothing() {
    let office = office().await;
    let (bucket, endpoint) = Bucket::open().await;
    let audit = |what: &str| {
        let mut command = command(&office, &[what], "s3://bucket/herald/audit");
        command.env("AWS_ENDPOINT", &endpoint).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "eu-central-1");
        command.env("AWS_ACCESS_KEY_ID", "herald").env("AWS_SECRET_ACCESS_KEY", "a secret of the test");
        command
    };
    bucket.becomes(Mood::Forgetful);
    let (told, status) = run(audit("archive")).await;
    assert!(status == 1 && told.contains("does not give back"), "{told}");
    assert_eq!(left(&office).await, LINES);

    bucket.becomes(Mood::Silent);
    bucket.objects.lock().unwrap().clear();
    let mut crashing: Child = audit("archive").spawn().unwrap();
    eventually("the part is written", async || !bucket.names().is_empty()).await;
    // It reads back what it has written, and gets no answer.
    tokio::time::sleep(Duration::from_millis(200)).await;
    crashing.kill().unwrap();
    crashing.wait().unwrap();
    assert_eq!(left(&office).await, LINES, "what was not read back was not deleted");

    bucket.becomes(Mood::Honest);
    let (told, status) = run(audit("archive")).await;
    assert!(status == 0 && told.contains("12 lines"), "{told}");
    assert_eq!(bucket.names(), ["/bucket/herald/audit/audit-000000000001-000000000012.jsonl.gz"]);
    let (told, status) = run(audit("verify")).await;
    assert!(status == 0 && told.contains("12 of them in the archive"), "{told}");
}

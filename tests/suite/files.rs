//! Uploads in a place that a fleet shares: whoever is asked imports and sends what another process took in.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::MaybeUndefined;
use domain::broadcast::MediaType;
use domain::clock::VirtualClock;
use domain::id::UploadId;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value as Json, json};
use service::Services;
use service::broadcast::template::{self, Fields};
use service::imports::upload;
use storage::files::Files;
use storage::life;
use storage::place::Opened;
use tempfile::TempDir;

use crate::delivery::crashes::{complete, start};
use crate::delivery::fixture::Office;
use crate::delivery::live::field;
use crate::delivery::live::processes::vault;
use crate::harness::telegram::TelegramServer;
use crate::harness::{Client, Database, Postgres, Process, S3, TestApp, eventually, herald, only_on, within};

const IMPORT: &str = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";

fn list(lines: usize, name: &str) -> String {
    let line = |number| json!({ "username": format!("{name}_{number:06}"), "category": "news" }).to_string() + "\n";
    (0..lines).map(line).collect()
}

/// Large enough for several parts.
fn content(bytes: usize) -> Vec<u8> {
    b"%PDF-1.7".iter().copied().chain((0_u32..).flat_map(u32::to_le_bytes)).take(bytes).collect()
}

fn command(what: &str, s3: &S3) -> std::process::Command {
    let mut command = herald(what);
    command.envs(s3.environment());
    command
}

async fn imported(admin: &Client, id: &Json) -> Json {
    let status = "query($id: ID!) { channelImport(id: $id) { status lines inserted invalid errorMessage } }";
    within(Duration::from_mins(2), "the list is imported", async || {
        let row = admin.data(status, json!({ "id": id })).await["channelImport"].take();
        if ["COMPLETED", "FAILED"].contains(&row["status"].as_str().unwrap()) { Ok(row) } else { Err(row) }
    })
    .await
}

/// A campaign to the channels of the fleet, with the upload attached.
async fn campaign(admin: &Client, upload: &str) -> String {
    let batch = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
    let input = json!({ "name": "fleet", "filter": { "usernameContains": "fleet_" } });
    let batch = admin.data(batch, json!({ "input": input })).await;
    let template = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let input = json!({ "name": "price", "content": "Our prices", "mediaType": "DOCUMENT", "mediaUploadId": upload });
    let template = admin.data(template, json!({ "input": input })).await;
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input = json!({
        "name": "prices", "mode": "LIVE", "deliveryRate": 600,
        "batchId": batch["createBatch"]["batch"]["id"],
        "templateId": template["createTemplate"]["template"]["id"],
    });
    let created = admin.data(create, json!({ "input": input })).await;
    created["createBroadcastCampaign"]["campaign"]["id"].as_str().unwrap().to_owned()
}

fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Three processes, each with a data folder of its own and nothing else in common but database, Redis and bucket.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_takes_in_another_imports_and_a_third_sends() {
    if !only_on(Postgres, "a folder with SQLite has one process") {
        return;
    }
    let Some(s3) = S3::start().await else { return };
    let (database, telegram) = (Database::create().await, TelegramServer::start(1).await);
    let folders: [TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [a, b, c] = folders.each_ref().map(|folder| folder.path().join("data"));
    let server = format!("--telegram-server={}", telegram.address());
    let live = ["--telegram=live", "--telegram-api-id=1", &server];
    let api = [&live[..], &["--no-worker"]].concat();

    let mut first = Process::of(command("serve", &s3), &database, &a, &api);
    let second = Process::of(command("serve", &s3), &database, &b, &api);
    let admin = second.admin().await;
    let here = first.admin().await;
    let (lines, prices) = (here.upload(list(9, "fleet")).await, content(9 << 20));
    let media = here.upload(prices.clone()).await;
    let endless = here.upload(list(40_000, "long")).await;
    let long = here.data(IMPORT, json!({ "id": endless })).await["importChannels"]["import"]["id"].clone();
    let status = "query($id: ID!) { channelImport(id: $id) { lines } }";
    eventually("the first one is at work", async || {
        admin.data(status, json!({ "id": long })).await["channelImport"]["lines"] != 0
    })
    .await;
    // It is gone with its folder, in the middle of its work.
    first.kill();
    std::fs::remove_dir_all(&a).unwrap();

    let short = admin.data(IMPORT, json!({ "id": lines })).await["importChannels"]["import"]["id"].clone();
    assert_eq!(imported(&admin, &short).await["inserted"], 9);
    let long = imported(&admin, &long).await;
    assert_eq!(
        long,
        json!({ "status": "COMPLETED", "lines": 40_000, "inserted": 40_000, "invalid": 0, "errorMessage": null })
    );

    let id = campaign(&admin, &media).await;
    let db = database.open(&b).await;
    field::add(&db, &vault(), &telegram, 0, |_| ()).await;
    let _third = Process::of(command("worker", &s3), &database, &c, &live);
    start(&admin, &id).await;
    // What is not optimised takes its time to encrypt so much.
    complete(&admin, &id, Duration::from_mins(3)).await;
    let stored = telegram.media();
    assert!(stored.len() == 1 && stored[0].bytes == prices, "the file came as it went in");
    assert_eq!(stored[0].mime_type, "application/pdf");
    assert_eq!(telegram.accepted().iter().filter(|post| post.media.is_some()).count(), 9);
    for folder in [&b, &c] {
        assert!(!folder.join("uploads").exists() && files_below(&folder.join("fetched")).is_empty(), "{folder:?}");
    }
}

fn in_bucket(office: &Office, s3: &S3) -> Services {
    let at = Opened::bucket(Arc::new(s3.bucket()), "fleet", "HERALD_FILES: s3://herald/fleet");
    Services { files: Files::in_bucket(at, office.folder.path()), ..office.on.clone() }
}

async fn names(s3: &S3) -> Vec<String> {
    let found: Vec<_> = s3.bucket().list(None).try_collect().await.unwrap();
    found.into_iter().map(|object| object.location.to_string()).collect()
}

async fn read(files: &Files, id: UploadId) -> Vec<u8> {
    let files = files.clone();
    let read = move || {
        let (mut bytes, mut content) = (Vec::new(), files.open(id).unwrap());
        std::io::Read::read_to_end(&mut content, &mut bytes).unwrap();
        // From the middle, over the end of a window.
        let mut again = vec![0; bytes.len().min(6 << 20) / 2];
        std::io::Seek::seek(&mut content, std::io::SeekFrom::End(-i64::try_from(again.len()).unwrap())).unwrap();
        std::io::Read::read_exact(&mut content, &mut again).unwrap();
        assert!(bytes.ends_with(&again));
        bytes
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_whole_or_not_at_all_and_is_read_as_it_came() {
    let Some(s3) = S3::start().await else { return };
    let office = Office::open().await;
    let (on, actor) = (in_bucket(&office, &s3), office.actor.clone());
    for bytes in [0, 1, 300_000, 19 << 20] {
        let whole = content(bytes);
        let pieces =
            stream::iter(whole.chunks(70_000).map(|piece| Ok::<_, String>(piece.to_vec())).collect::<Vec<_>>());
        let row = upload::store(&on, &actor, pieces).await.unwrap();
        assert_eq!(usize::try_from(row.bytes).unwrap(), bytes);
        assert!(on.files.has(row.id).await.unwrap() && read(&on.files, row.id).await == whole, "{bytes}");
        let local = on.files.local(row.id).await.unwrap().unwrap();
        assert!(std::fs::read(local.path()).unwrap() == whole, "{bytes}");
        drop(local);
        assert!(files_below(&office.folder.path().join("fetched")).is_empty());
        on.files.remove(row.id).await.unwrap();
        assert!(on.files.local(row.id).await.unwrap().is_none());
    }
    // Cut off after its first parts; then dropped in the middle, the request's future being gone.
    let parts = || stream::iter((0..20).map(|_| Ok(vec![b'x'; 1 << 20])));
    let cut = parts().chain(stream::iter([Err("the client went away")]));
    assert!(upload::store(&on, &actor, cut).await.is_err());
    let endless = Box::pin(parts().chain(stream::pending::<Result<Vec<u8>, &str>>()));
    let store = upload::store(&on, &actor, endless);
    assert!(tokio::time::timeout(Duration::from_secs(2), store).await.is_err());
    assert_eq!(names(&s3).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_goes_after_a_day_unless_the_place_is_another_databases() {
    let Some(s3) = S3::start().await else { return };
    let office = Office::open().await;
    let (on, actor) = (in_bucket(&office, &s3), office.actor.clone());
    let store =
        async |text: &'static str| upload::store(&on, &actor, stream::iter([Ok::<_, String>(text)])).await.unwrap().id;
    let [unused, kept] = [store("a").await, store("b").await];
    let orphan = UploadId::generate();
    let at = |id: UploadId| object_store::path::Path::from(format!("fleet/uploads/{id}"));
    s3.bucket().put(&at(orphan), "c".into()).await.unwrap();
    let fields = Fields {
        name: Some("a file".into()),
        content: Some("Look".into()),
        media_type: MaybeUndefined::Value(MediaType::Document),
        media_upload: MaybeUndefined::Value(kept),
        ..Fields::default()
    };
    template::create(&on, &actor, fields).await.unwrap();
    let life = life::Model {
        ordinal: 1,
        id: domain::id::time_sorted(),
        age: 1,
        home: String::new(),
        began_at: on.now(),
        seen_at: on.now(),
        doubted_since: None,
        settled_at: None,
    };
    let life = &life;
    on.db.write(|tx| async move { life::Entity::begin(&*tx, life.clone()).await.map(drop) }).await.unwrap();
    let later = VirtualClock::at(on.now() + chrono::TimeDelta::days(2));
    let later = Services { clock: Arc::new(later), ..on.clone() };
    let seen = async || {
        let [unused, orphan, kept] = [unused, orphan, kept].map(|id| on.files.has(id));
        [unused.await.unwrap(), orphan.await.unwrap(), kept.await.unwrap()]
    };
    // As a copy of the database would find the place.
    let mark = object_store::path::Path::from("fleet/herald-files");
    s3.bucket().put(&mark, UploadId::generate().to_string().into()).await.unwrap();
    upload::sweep(&later).await.unwrap();
    assert_eq!(seen().await, [true, true, true], "the files may be another database's");
    s3.bucket().delete(&mark).await.unwrap();
    upload::sweep(&on).await.unwrap();
    upload::sweep(&on).await.unwrap();
    assert_eq!(seen().await, [true, true, true], "none is a day old");
    upload::sweep(&later).await.unwrap();
    assert_eq!(seen().await, [false, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tries_the_place_out_and_names_what_is_missing() {
    let Some(s3) = S3::start().await else { return };
    let (database, folder) = (Database::create().await, tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let process = Process::of(command("serve", &s3), &database, &data, &[]);
    let admin = process.admin().await;
    let doctor = async |change: &[(&str, &str)]| {
        let mut doctor = command("doctor", &s3);
        doctor.envs(change.iter().copied()).arg(format!("--data-dir={}", data.display())).args(database.flags());
        let told = tokio::task::spawn_blocking(move || doctor.output().unwrap()).await.unwrap();
        let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
        told.lines().filter(|line| line.contains(" files ")).collect::<Vec<_>>().join("\n")
    };
    let id = admin.upload("a list").await;
    let told = doctor(&[]).await;
    assert!(told.contains("ok") && told.contains("it writes, reads and deletes"), "{told}");
    assert!(told.contains("of 1 uploads that are needed none is missing"), "{told}");
    assert_eq!(names(&s3).await.iter().filter(|name| name.contains("probe")).count(), 0);
    let told = doctor(&[("HERALD_FILES", "s3://elsewhere/fleet")]).await;
    assert!(told.starts_with("wrong") && told.contains("HERALD_FILES: s3://elsewhere/fleet on 127.0.0.1:"), "{told}");
    assert!(told.contains("there is no such bucket: make it, or correct the setting"), "{told}");
    let told = doctor(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]).await;
    assert!(
        told.starts_with("wrong") && told.contains("on 127.0.0.1:1 ") && told.contains("AWS_ENDPOINT_URL"),
        "{told}"
    );
    for name in names(&s3).await.into_iter().filter(|name| name.contains("uploads")) {
        s3.bucket().delete(&name.as_str().into()).await.unwrap();
    }
    let told = doctor(&[]).await;
    assert!(told.contains("wrong") && told.contains("the files of 1 uploads are missing"), "{told}");
    // Who asks for its import hears the same.
    let refused = admin.query(IMPORT, json!({ "id": id })).await;
    assert!(refused.message().contains("upload it again"), "{}", refused.message());

    let file = folder.path().join("backup.tar");
    let mut backup = command("backup", &s3);
    backup.arg(&file).arg(format!("--data-dir={}", data.display())).args(database.flags());
    let told = String::from_utf8(backup.output().unwrap().stdout).unwrap();
    assert!(told.contains("The uploads are not in it, they stay at s3://herald/fleet (HERALD_FILES)"), "{told}");
}

/// A folder that all processes have is such a place, too.
#[tokio::test]
async fn a_folder_that_all_have_is_a_place() {
    let shared = tempfile::tempdir().unwrap();
    let place = format!("--files=file://{}", shared.path().display());
    let app = TestApp::with(&[place.as_str()]).await;
    let admin = app.admin().await;
    let id = admin.upload(list(3, "shared")).await;
    assert_eq!(files_below(&shared.path().join("uploads")).len(), 1);
    assert!(!app.data_dir().join("uploads").exists());
    let import = admin.data(IMPORT, json!({ "id": id })).await["importChannels"]["import"]["id"].clone();
    assert_eq!(imported(&admin, &import).await["inserted"], 3);
}

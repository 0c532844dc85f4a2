//! Files that clients hand over.

use futures_util::stream;
use reqwest::{Body, Method, RequestBuilder, Response};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::Value as Json;

use crate::harness::{Client, TestApp};
use storage::broadcast::upload;

async fn send(by: &Client, body: impl Into<Body>) -> Response {
    by.request(Method::POST, "/uploads").body(body).send().await.unwrap()
}

/// A body of this many mebibytes, whose length is not told beforehand.
fn mebibytes(count: usize) -> Body {
    let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]));
    Body::wrap_stream(stream::iter(pieces))
}

async fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Json = answer.json().await.unwrap();
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_file_is_taken_and_named() {
    let herald = TestApp::api_only().await;
    let answer = send(&herald.operator().await, mebibytes(3)).await;
    assert_eq!(answer.status(), 201);
    let body: Json = answer.json().await.unwrap();
    assert_eq!(body["bytes"], 3 << 20);
    assert!(body["id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn who_may_not_is_refused() {
    let herald = TestApp::api_only().await;
    assert_eq!(code(send(&herald.nobody(), "x").await).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(code(send(&herald.auditor().await, "x").await).await, (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn what_is_too_large_is_refused_while_it_comes_and_leaves_nothing_behind() {
    let herald = TestApp::with(&["--upload-max-bytes=2MiB"]).await;
    let operator = herald.operator().await;
    let refused = (413, "PAYLOAD_TOO_LARGE".to_owned());
    // With its length told, and without; far beyond what buffers on the way hold.
    assert_eq!(code(send(&operator, vec![b'x'; 200 << 20]).await).await, refused);
    assert_eq!(code(send(&operator, mebibytes(200)).await).await, refused);
    let kept = std::fs::read_dir(herald.data_dir().join("uploads")).map(Iterator::count).unwrap_or_default();
    assert_eq!(kept, 0);
    assert_eq!(send(&operator, mebibytes(2)).await.status(), 201);
}

#[tokio::test]
async fn each_user_has_a_share_of_the_disk_and_all_have_one() {
    let herald = TestApp::with(&["--limit-uploads=3MiB,5MiB"]).await;
    let (operator, other) = (herald.operator().await, herald.user("other", "OPERATOR").await);
    let refused = (413, "PAYLOAD_TOO_LARGE".to_owned());
    assert_eq!(send(&operator, mebibytes(2)).await.status(), 201);
    // With its length told, and without; and a small one fits.
    assert_eq!(code(send(&operator, vec![b'x'; 2 << 20]).await).await, refused);
    assert_eq!(code(send(&operator, mebibytes(2)).await).await, refused);
    assert_eq!(send(&operator, "x").await.status(), 201);
    // What two send at once is not more.
    let (one, two) = tokio::join!(send(&other, mebibytes(2)), send(&other, mebibytes(2)));
    let mut statuses = [one.status().as_u16(), two.status().as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [201, 413] || statuses == [413, 413], "{statuses:?}");
    let third = herald.user("third", "OPERATOR").await;
    assert_eq!(code(send(&third, vec![b'x'; 3 << 20]).await).await, refused, "together they have five");
    let kept = std::fs::read_dir(herald.data_dir().join("uploads")).unwrap().count();
    assert!((2..=3).contains(&kept), "nothing is left of those that were refused: {kept}");
}

#[tokio::test]
async fn what_can_not_be_stored_is_answered() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    // A file where the folder should be is what a broken disk is: the body is read to its end, and can't be kept.
    std::fs::write(herald.data_dir().join("uploads"), "x").unwrap();
    for body in [Body::from("x"), Body::from(vec![b'x'; 3 << 20]), mebibytes(3)] {
        assert_eq!(code(send(&operator, body).await).await, (503, "UNAVAILABLE".into()));
    }
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_what_lies_in_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let herald = TestApp::with(&[]).await;
    herald.operator().await.upload("email\nvictim@example.com\n").await;
    let mut folders = vec![herald.data_dir()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                files += 1;
                let mode = std::fs::metadata(&entry).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", entry.display());
            }
        }
    }
    assert!(files >= 3, "{files}");
}

/// A form with these parts, of which each has its headers and its content.
fn form(request: RequestBuilder, parts: &[(&str, &[u8])]) -> RequestBuilder {
    let mut body = Vec::new();
    for (headers, content) in parts {
        body.extend(format!("--limit\r\nContent-Disposition: form-data; {headers}\r\n\r\n").into_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--limit--\r\n");
    request.header("content-type", "multipart/form-data; boundary=limit").body(body)
}

/// Uploads so, and returns the row that came of it.
async fn row(herald: &TestApp, request: RequestBuilder) -> upload::Model {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    let rows = upload::Entity::find().order_by_desc(upload::Column::Id);
    rows.one(herald.services().db.reader()).await.unwrap().expect("an upload")
}

#[tokio::test]
async fn a_file_keeps_its_name_and_type_however_it_is_sent() {
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let zip = b"PK\x03\x04 a document of many pages".to_vec();
    let post = || operator.request(Method::POST, "/uploads");
    let file = "name=\"file\"; filename=\"прайс.docx\"\r\nContent-Type: application/octet-stream";
    let named =
        post().header("content-disposition", "attachment; filename*=UTF-8''%D0%BF%D1%80%D0%B0%D0%B9%D1%81.docx");
    for request in [
        named.body(zip.clone()),
        // As `curl -F file=@price.docx`, and a browser's FormData with other fields around it.
        form(post(), &[(file, &zip)]),
        form(post(), &[("name=\"csrf\"", b"x"), (file, &zip), ("name=\"note\"", b"y")]),
    ] {
        let row = row(&herald, request).await;
        assert_eq!((row.name.as_deref(), row.mime_type.as_deref()), (Some("прайс.docx"), Some(DOCX)));
        let kept = std::fs::read(herald.data_dir().join("uploads").join(row.id.to_string())).unwrap();
        assert!(kept == zip && row.bytes == i64::try_from(zip.len()).unwrap(), "the file, and nothing around it");
    }
    let bare = "name=\"file\"; filename*=UTF-8''%D0%BF%D1%80%D0%B0%D0%B9%D1%81.docx";
    let row_of_bare = row(&herald, form(post(), &[(bare, &zip)])).await;
    assert_eq!(row_of_bare.name.as_deref(), Some("прайс.docx"), "as some libraries write a name");
    let curl = post().header("content-type", "application/x-www-form-urlencoded").body("username,category\nabcde,x\n");
    let row = row(&herald, curl).await;
    assert_eq!((row.name, row.mime_type.as_deref()), (None, Some("text/plain")));
}

#[tokio::test]
async fn what_is_no_file_as_it_is_is_refused_with_the_way_that_works() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let post = || operator.request(Method::POST, "/uploads");
    for (request, cure) in [
        (post().header("content-encoding", "gzip").body("\x1f"), "--data-binary @FILE"),
        (form(post(), &[("name=\"file\"", b"just a text")]), "curl -F file=@FILE"),
        (post().header("content-type", "multipart/form-data").body("x"), "curl -F file=@FILE"),
        (post().header("content-type", "multipart/form-data; boundary=x").body("no form"), "form"),
        // The envelope of a form whose header was lost on the way.
        (
            post().header("content-type", "application/octet-stream").body(
                "--limit\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\n\r\nx\r\n--limit--\r\n",
            ),
            "send it as multipart/form-data",
        ),
        (
            form(post(), &[("name=\"a\"; filename=\"a.txt\"", b"x"), ("name=\"b\"; filename=\"b.txt\"", b"y")]),
            "more than one file",
        ),
    ] {
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.json::<Json>().await.unwrap());
        let message = body["errors"][0].to_string();
        assert!([400, 415].contains(&status) && message.contains(cure), "{status} {body}");
    }
    let kept = std::fs::read_dir(herald.data_dir().join("uploads")).map(Iterator::count).unwrap_or_default();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_form_with_two_files_is_refused_and_loses_none_without_a_word() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let post = || operator.request(Method::POST, "/uploads");
    let (file, other) = ("name=\"a\"; filename=\"a.csv\"", "name=\"b\"; filename=\"b.csv\"");
    let none = "name=\"c\"; filename=\"\"\r\nContent-Type: application/octet-stream";
    let answer =
        form(post(), &[(file, b"email\n"), ("name=\"note\"", b"x"), (other, b"phone\n")]).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let told: Json = answer.json().await.unwrap();
    assert!(told["errors"][0]["message"].as_str().unwrap().contains("second file"), "{told}");
    assert_eq!(told["errors"][0]["extensions"]["violations"][0]["path"], serde_json::json!(["file"]));
    let kept = std::fs::read_dir(herald.data_dir().join("uploads")).map(Iterator::count).unwrap_or_default();
    assert_eq!(kept, 0);
    // Browsers send an empty one where no file was chosen.
    for parts in [[(none, &b""[..]), (file, &b"email\n"[..])], [(file, &b"email\n"[..]), (none, &b""[..])]] {
        assert_eq!(row(&herald, form(post(), &parts)).await.name.as_deref(), Some("a.csv"));
    }
    assert_eq!(form(post(), &[(none, b"")]).send().await.unwrap().status(), 415);
}

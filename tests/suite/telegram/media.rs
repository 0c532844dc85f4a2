//! Media: stored once, named in each message, stored again when its reference has expired.

use std::path::Path;
use std::sync::Arc;

use domain::broadcast::MediaType;
use domain::delivery::{Fault, Receipt};
use domain::markup::Marked;
use telegram::live::{Connection, MediaSource, Message, Recipient, StoredMedia};

use crate::harness::telegram::{On, Play, TelegramServer};

const KINDS: [MediaType; 3] = [MediaType::Photo, MediaType::Video, MediaType::Document];

async fn send(connection: &Connection, media: &StoredMedia, random_id: i64) -> Result<Receipt, Fault> {
    let text = Arc::new(Marked::plain("Look".into()));
    connection.send_media(&Message { to: Recipient::SavedMessages, text, random_id }, media).await
}

#[tokio::test]
async fn media_is_fetched_by_url_once_and_sent_many_times() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    for (number, kind) in (1..).zip(KINDS) {
        let source = MediaSource::Url("https://example.com/x");
        let media = connection.store_media(kind, source).await.unwrap();
        assert_eq!(media.is_photo, kind == MediaType::Photo);
        send(&connection, &media, number * 10).await.unwrap();
        send(&connection, &media, number * 10 + 1).await.unwrap();
    }
    let sent: Vec<_> = server.accepted().iter().map(|post| post.media.unwrap()).collect();
    assert_eq!((sent, server.media().len()), (vec![1, 1, 2, 2, 3, 3], 3));
}

#[tokio::test]
async fn files_arrive_byte_by_byte_small_and_big() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for (kind, bytes) in KINDS.into_iter().zip([1, 300_000, 11 << 20]) {
        let content: Vec<u8> = b"%PDF-1.7".iter().copied().cycle().take(bytes).collect();
        std::fs::write(&file, &content).unwrap();
        let source = MediaSource::File { path: &file, name: "прайс.docx", mime_type: "application/x-price" };
        let media = connection.store_media(kind, source).await.unwrap();
        send(&connection, &media, i64::try_from(bytes).unwrap()).await.unwrap();
        let stored = server.media().pop().unwrap();
        assert!(stored.bytes == content && stored.account == 0 && stored.is_photo == (kind == MediaType::Photo));
        let name = match kind {
            MediaType::Photo => ("photo.jpg", ""),
            MediaType::Video | MediaType::Document => ("прайс.docx", "application/x-price"),
        };
        assert_eq!((stored.source.as_str(), stored.mime_type.as_str()), name);
    }
    std::fs::write(&file, "").unwrap();
    let stored = async |path: &Path| {
        let source = MediaSource::File { path, name: "x", mime_type: "image/png" };
        connection.store_media(MediaType::Photo, source).await
    };
    let empty = stored(&file).await;
    assert_eq!(empty, Err(Fault::rpc(400, "FILE_PARTS_INVALID")));
    let missing = stored(&folder.path().join("none")).await;
    assert_eq!(missing, Err(Fault::Unreadable));
}

#[tokio::test]
async fn an_expired_reference_is_refreshed_by_storing_again() {
    let server = TelegramServer::start(2).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let source = MediaSource::Url("https://example.com/x.jpg");
    let media = connection.store_media(MediaType::Photo, source).await.unwrap();
    server.expire_file_references();
    assert_eq!(send(&connection, &media, 1).await, Err(Fault::rpc(400, "FILE_REFERENCE_EXPIRED")));
    let fresh = connection.store_media(MediaType::Photo, source).await.unwrap();
    send(&connection, &fresh, 1).await.unwrap();
    let (other, _) = Connection::connect(server.credentials(1)).await.unwrap();
    assert!(send(&other, &fresh, 1).await.is_err(), "another account can't name it");
    server.play(On::method("messages.uploadMedia"), Play::Error("WEBPAGE_CURL_FAILED"));
    let refused = connection.store_media(MediaType::Photo, source).await;
    assert_eq!(refused, Err(Fault::rpc(400, "WEBPAGE_CURL_FAILED")));
}

fn boxed(kind: &str, body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind.as_bytes(), body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Twelve and a half seconds, 1,920 by 1,080, with its headers behind its pictures.
fn film() -> Vec<u8> {
    let head =
        words(&[&[0; 10][..], &[1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], &[1920 << 16, 1080 << 16]].concat());
    let media = boxed("mdia", &boxed("hdlr", &[&[0; 8][..], b"vide", &[0; 12]].concat()));
    let track = boxed("trak", &[boxed("tkhd", &head), media].concat());
    let movie = [boxed("mvhd", &words(&[0, 0, 0, 600, 7_500, 0, 0])), track].concat();
    [boxed("ftyp", b"isom\0\0\0\0isom"), boxed("mdat", &[7; 5_000]), boxed("moov", &movie)].concat()
}

#[tokio::test]
async fn telegram_is_told_how_long_and_how_large_a_film_is() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film");
    let stored = async |kind, content: &[u8]| {
        std::fs::write(&file, content).unwrap();
        let source = MediaSource::File { path: &file, name: "film.mp4", mime_type: "video/mp4" };
        connection.store_media(kind, source).await.unwrap();
        server.media().pop().unwrap().film
    };
    assert_eq!(stored(MediaType::Video, &film()).await, Some((12.5, 1920, 1080)));
    assert_eq!(stored(MediaType::Document, &film()).await, None, "a file is no film");
    assert_eq!(stored(MediaType::Video, b"no film at all").await, Some((0.0, 0, 0)));
}

/// A picture of 800 by 600, as a bitmap: a header and white.
fn bitmap() -> Vec<u8> {
    let (width, height, bytes) = (800_u32, 600_u32, 800 * 600 * 3_u32);
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let about = [numbers(&[40, width, height]), vec![1, 0, 24, 0], numbers(&[0, bytes, 2_835, 2_835, 0, 0])].concat();
    [b"BM".to_vec(), numbers(&[54 + bytes, 0, 54]), about, vec![255; bytes as usize]].concat()
}

#[tokio::test]
async fn a_picture_that_is_sent_as_a_file_has_its_size_and_a_small_one_beside_it() {
    let server = TelegramServer::start(1).await;
    let (connection, _) = Connection::connect(server.credentials(0)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let stored = async |kind, content: &[u8], mime_type| {
        std::fs::write(&file, content).unwrap();
        let source = MediaSource::File { path: &file, name: "file", mime_type };
        connection.store_media(kind, source).await.unwrap();
        server.media().pop().unwrap()
    };
    let document = stored(MediaType::Document, &bitmap(), "image/bmp").await;
    let small = document.thumb.expect("a small picture");
    assert!(document.bytes == bitmap() && document.size == Some((800, 600)), "the file itself is as it was");
    assert!(small.starts_with(b"\xff\xd8") && small.len() < 200 << 10);
    let read = domain::picture::Picture::read(std::io::Cursor::new(&small)).unwrap();
    assert_eq!(read.map(|picture| (picture.width, picture.height)), Some((320, 240)));
    for (kind, content, mime_type) in [
        (MediaType::Document, &b"%PDF-1.7"[..], "application/pdf"),
        (MediaType::Document, b"no picture", "image/png"),
        (MediaType::Video, &film(), "video/mp4"),
        (MediaType::Photo, &bitmap(), "image/bmp"),
    ] {
        let other = stored(kind, content, mime_type).await;
        assert!(other.thumb.is_none() && other.size.is_none() && other.bytes == content, "{kind} {mime_type}");
    }
}

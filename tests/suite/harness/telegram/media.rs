//! Files and pictures that accounts store.

use grammers_tl_types::enums::{InputDocument, InputFile, InputMedia, InputPhoto};
use grammers_tl_types::{Serializable, enums, types};

use super::answers::Answer;
use super::book::{Book, Media, access_to};
use super::words::Words;

/// Keeps a part of a file.
pub fn save(book: &mut Book, part: (usize, i64, i32), bytes: Vec<u8>) -> Words {
    book.parts.insert(part, bytes);
    Words::default().put(&true)
}

/// Stores what was uploaded, or is to be fetched.
pub fn store(book: &mut Book, account: usize, media: InputMedia) -> Answer {
    let film = film(&media);
    let size = size(&media);
    let mut thumb = None;
    let (is_photo, source, mime_type, bytes) = match media {
        InputMedia::PhotoExternal(it) => (true, it.url, String::new(), vec![]),
        InputMedia::DocumentExternal(it) => (false, it.url, String::new(), vec![]),
        InputMedia::UploadedPhoto(it) => {
            let (name, bytes) = file(book, account, it.file)?;
            (true, name, String::new(), bytes)
        }
        InputMedia::UploadedDocument(it) => {
            let (name, bytes) = file(book, account, it.file)?;
            thumb = it.thumb.map(|thumb| file(book, account, thumb)).transpose()?.map(|(_, bytes)| bytes);
            (false, name, it.mime_type, bytes)
        }
        _ => return Err("MEDIA_INVALID"),
    };
    book.media.push(Media { account, is_photo, source, mime_type, bytes, film, size, thumb });
    let id = i64::try_from(book.media.len()).unwrap();
    let stored = if is_photo { photo(book, account, id) } else { document(book, account, id) };
    Ok(Words(stored.to_bytes()))
}

fn film(media: &InputMedia) -> Option<(f64, i32, i32)> {
    let InputMedia::UploadedDocument(it) = media else { return None };
    it.attributes.iter().find_map(|attribute| match attribute {
        enums::DocumentAttribute::Video(film) => Some((film.duration, film.w, film.h)),
        _ => None,
    })
}

fn size(media: &InputMedia) -> Option<(i32, i32)> {
    let InputMedia::UploadedDocument(it) = media else { return None };
    it.attributes.iter().find_map(|attribute| match attribute {
        enums::DocumentAttribute::ImageSize(size) => Some((size.w, size.h)),
        _ => None,
    })
}

/// A whole file, from its parts.
fn file(book: &Book, account: usize, file: InputFile) -> Result<(String, Vec<u8>), &'static str> {
    let (id, parts, name) = match file {
        InputFile::File(it) => (it.id, it.parts, it.name),
        InputFile::Big(it) => (it.id, it.parts, it.name),
        InputFile::StoryDocument(_) => return Err("MEDIA_INVALID"),
    };
    let mut bytes = Vec::new();
    for part in 0..parts {
        bytes.extend(book.parts.get(&(account, id, part)).ok_or("FILE_PARTS_INVALID")?);
    }
    Ok((name, bytes))
}

/// The number of stored media that a message names.
pub fn named(book: &Book, account: usize, media: &InputMedia) -> Result<i64, &'static str> {
    let (id, access_hash, reference) = match media {
        InputMedia::Photo(types::InputMediaPhoto { id: InputPhoto::Photo(it), .. }) => {
            (it.id, it.access_hash, &it.file_reference)
        }
        InputMedia::Document(types::InputMediaDocument { id: InputDocument::Document(it), .. }) => {
            (it.id, it.access_hash, &it.file_reference)
        }
        _ => return Err("MEDIA_INVALID"),
    };
    if access_hash != access_to(account, id) {
        return Err("MEDIA_EMPTY");
    }
    if reference == &[book.references] { Ok(id) } else { Err("FILE_REFERENCE_EXPIRED") }
}

fn photo(book: &Book, account: usize, id: i64) -> enums::MessageMedia {
    let photo = types::Photo {
        has_stickers: false,
        id,
        access_hash: access_to(account, id),
        file_reference: vec![book.references],
        date: 1,
        sizes: vec![],
        video_sizes: None,
        dc_id: 2,
    };
    let photo = Some(photo.into());
    types::MessageMediaPhoto { spoiler: false, live_photo: false, photo, ttl_seconds: None, video: None }.into()
}

fn document(book: &Book, account: usize, id: i64) -> enums::MessageMedia {
    let document = types::Document {
        id,
        access_hash: access_to(account, id),
        file_reference: vec![book.references],
        date: 1,
        mime_type: "application/pdf".into(),
        size: 1,
        thumbs: None,
        video_thumbs: None,
        dc_id: 2,
        attributes: vec![],
    };
    types::MessageMediaDocument {
        nopremium: false,
        spoiler: false,
        video: false,
        round: false,
        voice: false,
        document: Some(document.into()),
        alt_documents: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into()
}

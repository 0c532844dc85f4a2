//! Whether a file can be sent as what it is to be: told when the template is written, not at the first message.

use std::io::{BufReader, Read, Seek};

use crate::Services;
use crate::imports::upload::{HEAD, Label, Told};
use domain::broadcast::MediaType;
use domain::error::{Error, Result, Violations};
use domain::film::Film;
use domain::picture::Picture;
use storage::broadcast::{template, upload as file};
use storage::files::Content;

/// What Telegram takes as a photo has at most so many bytes.
const PHOTO_BYTES: i64 = 10 << 20;

/// Of films up to so many bytes Telegram finds out by itself how long and how large they are.
const SMALL_FILM: i64 = 10 << 20;

/// Telegram takes so many parts of a file, of 512 KiB.
const FILE_BYTES: i64 = 4_000 * (512 << 10);

/// What a look into the file has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody looked: it lies on another node, or is to be sent as it is.
    Nothing,
    /// How large it is, if it is a picture that Telegram takes as a photo.
    Picture(Option<Picture>),
    /// A film that tells its length and its size, or does not.
    Film { is_readable: bool },
    /// It is no film at all.
    NoFilm,
}

/// Looks into the file of a template, as far as it matters to what it is sent as.
pub(super) async fn look(on: &Services, row: &template::Model) -> Seen {
    let Some(id) = row.media_upload_id else { return Seen::Nothing };
    let look = match row.media_type {
        Some(MediaType::Photo) => picture,
        Some(MediaType::Video) => film,
        Some(MediaType::Document) | None => return Seen::Nothing,
    };
    let files = on.files.clone();
    let seen = tokio::task::spawn_blocking(move || look(files.open(id)?)).await;
    // It is on another node, or gone: then the first message says so.
    seen.ok().and_then(std::io::Result::ok).unwrap_or(Seen::Nothing)
}

fn picture(file: Content) -> std::io::Result<Seen> {
    Ok(Seen::Picture(Picture::read(BufReader::new(file))?))
}

fn film(mut file: Content) -> std::io::Result<Seen> {
    let mut head = Vec::with_capacity(HEAD);
    (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
    if !Label::of(&Told::default(), &head).mime_type.starts_with("video/") {
        return Ok(Seen::NoFilm);
    }
    file.rewind()?;
    Ok(Seen::Film { is_readable: Film::read(&mut file)?.is_some() })
}

/// A file that Telegram refuses as what it is to be, or would show as what it is not, is refused.
pub(super) fn check(row: &template::Model, file: &file::Model, seen: Seen) -> Result<()> {
    if file.bytes == 0 {
        return Err(Error::invalid("mediaUploadId", "the file is empty"));
    }
    let mut wrong = Violations::default();
    wrong.require(file.bytes <= FILE_BYTES, "mediaUploadId", "Telegram takes files of at most 2,000 MiB");
    // Of what was uploaded before types were looked for nothing is known but what is seen.
    let mime_type = file.mime_type.as_deref();
    let named = mime_type.unwrap_or("of another kind");
    match row.media_type {
        Some(MediaType::Photo) => {
            let is_picture = match seen {
                Seen::Picture(picture) => picture.is_some(),
                _ => mime_type.is_none_or(|named| named.starts_with("image/") && !named.contains("svg")),
            };
            let what = format!(
                "PHOTO needs a picture that Telegram opens: a JPEG, PNG, GIF, WebP or BMP; the file is {named}: use DOCUMENT"
            );
            wrong.require(is_picture, "mediaUploadId", what);
            let is_small = file.bytes <= PHOTO_BYTES;
            wrong.require(is_small, "mediaUploadId", "Telegram takes photos of at most 10 MiB: use DOCUMENT");
            if let Seen::Picture(Some(picture)) = seen
                && let Some(why) = picture.fault()
            {
                wrong.require(false, "mediaUploadId", format!("the picture {why}: use DOCUMENT, or make it smaller"));
            }
        }
        Some(MediaType::Video) => {
            let is_film = match seen {
                Seen::Film { .. } => true,
                Seen::NoFilm => false,
                _ => mime_type.is_none_or(|named| named.starts_with("video/")),
            };
            let what = format!("VIDEO needs a film, such as an MP4; the file is {named}: use DOCUMENT");
            wrong.require(is_film, "mediaUploadId", what);
            let is_shown = seen != Seen::Film { is_readable: false } || file.bytes <= SMALL_FILM;
            let what = "the length and the size of this film can't be read from its file, and beyond 10 MiB Telegram does not find \
                        them out: it would show as 0:00; use an MP4, MOV or WebM, or DOCUMENT";
            wrong.require(is_shown, "mediaUploadId", what);
        }
        Some(MediaType::Document) | None => {}
    }
    wrong.into_result()
}

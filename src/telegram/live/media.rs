//! Pictures, films and files: put at Telegram once per account, then named in each message.

use std::path::Path;

use grammers_client::tl::enums;
use grammers_client::tl::functions::{messages, upload};
use grammers_client::tl::types;
use tokio::io::{AsyncReadExt, BufReader};

use super::connection::Connection;
use domain::broadcast::MediaType;
use domain::delivery::Fault;
use domain::film::Film;
use domain::picture::{self, Picture};

/// Bytes of one part. Messages wait behind a part that is on its way, so it is a small one where the file lets it be.
const PART: usize = 128 * 1024;

/// Bytes of one part of a huge file: what Telegram takes at most.
const LARGE_PART: usize = 512 * 1024;

/// Files above this many bytes are told to be big.
const BIG: u64 = 10 * 1024 * 1024;

/// Parts that a file may have.
const MOST_PARTS: u64 = 4_000;

/// Where media comes from.
#[derive(Debug, Clone, Copy)]
pub enum MediaSource<'a> {
    /// Telegram fetches it.
    Url(&'a str),
    /// A file of this machine.
    File {
        /// Where it lies.
        path: &'a Path,
        /// What its recipients see; of a photo nobody sees it.
        name: &'a str,
        /// Such as `application/pdf`.
        mime_type: &'a str,
    },
}

/// Media that Telegram has, as one account may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMedia {
    /// Whether the file is a photo; anything else is a document.
    pub is_photo: bool,
    /// The file's number at Telegram.
    pub id: i64,
    /// This account's permission to name the file.
    pub access_hash: i64,
    /// A permission that ends some day: `FILE_REFERENCE_EXPIRED` asks to store it again.
    pub file_reference: Vec<u8>,
}

impl Connection {
    /// Puts media at Telegram without sending it to anybody.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if the file can't be read here, else what Telegram says: `WEBPAGE_CURL_FAILED`, for instance.
    pub async fn store_media(&self, kind: MediaType, source: MediaSource<'_>) -> Result<StoredMedia, Fault> {
        let media = match source {
            MediaSource::Url(url) => external(kind, url.to_owned()),
            MediaSource::File { path, name, mime_type } => {
                let looks = Looks::of(kind, path, mime_type).await;
                let thumb = match &looks.small {
                    Some(small) => Some(self.upload_small(small).await?.file("thumb.jpg".into())),
                    None => None,
                };
                let upload = self.upload(path).await?;
                uploaded((kind, looks), thumb, &upload, name, mime_type)
            }
        };
        let request = messages::UploadMedia { business_connection_id: None, peer: enums::InputPeer::PeerSelf, media };
        stored(self.call(&request).await?).ok_or_else(|| Fault::rpc(400, "MEDIA_EMPTY"))
    }

    /// Uploads a file part by part; each part is a call of its own.
    async fn upload(&self, path: &Path) -> Result<Upload, Fault> {
        let unreadable = |error: std::io::Error| {
            tracing::warn!(%error, file = %path.display(), "media can't be read");
            Fault::Unreadable
        };
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        let part_size = if bytes.div_ceil(PART as u64) > MOST_PARTS { LARGE_PART } else { PART };
        let parts = bytes.div_ceil(part_size as u64);
        if bytes == 0 || parts > MOST_PARTS {
            return Err(Fault::rpc(400, "FILE_PARTS_INVALID"));
        }
        let upload =
            Upload { id: rand::random(), parts: i32::try_from(parts).unwrap_or(i32::MAX), is_big: bytes > BIG };
        let mut reader = BufReader::with_capacity(part_size, file);
        for number in 0..upload.parts {
            let mut part = Vec::with_capacity(part_size);
            (&mut reader).take(part_size as u64).read_to_end(&mut part).await.map_err(unreadable)?;
            self.save(&upload, number, part).await?;
        }
        Ok(upload)
    }

    /// Uploads the small picture of a file.
    async fn upload_small(&self, small: &[u8]) -> Result<Upload, Fault> {
        let parts = small.chunks(PART);
        let upload =
            Upload { id: rand::random(), parts: i32::try_from(parts.len()).unwrap_or(i32::MAX), is_big: false };
        for (number, part) in (0..).zip(parts) {
            self.save(&upload, number, part.to_vec()).await?;
        }
        Ok(upload)
    }

    async fn save(&self, to: &Upload, file_part: i32, bytes: Vec<u8>) -> Result<(), Fault> {
        let (file_id, file_total_parts) = (to.id, to.parts);
        let is_saved = if to.is_big {
            self.call(&upload::SaveBigFilePart { file_id, file_part, file_total_parts, bytes }).await?
        } else {
            self.call(&upload::SaveFilePart { file_id, file_part, bytes }).await?
        };
        if is_saved { Ok(()) } else { Err(Fault::rpc(500, "FILE_PART_NOT_SAVED")) }
    }
}

/// A file on its way.
struct Upload {
    id: i64,
    parts: i32,
    is_big: bool,
}

impl Upload {
    fn file(&self, name: String) -> enums::InputFile {
        let (id, parts) = (self.id, self.parts);
        if self.is_big {
            types::InputFileBig { id, parts, name }.into()
        } else {
            types::InputFile { id, parts, name, md5_checksum: String::new() }.into()
        }
    }
}

/// What recipients see of a file before it is loaded.
#[derive(Default)]
struct Looks {
    film: Option<Film>,
    picture: Option<Picture>,
    small: Option<Vec<u8>>,
}

impl Looks {
    /// Of a photo Telegram sees to everything itself. Of a picture that is sent as a file it is told here, and of a film how long and how
    /// large it is; a still of a film nobody makes without decoding it.
    async fn of(kind: MediaType, path: &Path, mime_type: &str) -> Self {
        let path = path.to_owned();
        let is_picture = mime_type.starts_with("image/");
        let look = move || -> std::io::Result<Self> {
            match kind {
                MediaType::Video => {
                    let film = Film::read(&mut std::fs::File::open(&path)?)?;
                    Ok(Self { film, ..Self::default() })
                }
                MediaType::Document if is_picture => {
                    let open = || std::fs::File::open(&path).map(std::io::BufReader::new);
                    let picture = Picture::read(open()?)?;
                    let small = if picture.is_some() { picture::small(open()?) } else { None };
                    Ok(Self { film: None, picture, small })
                }
                MediaType::Photo | MediaType::Document => Ok(Self::default()),
            }
        };
        let looked = tokio::task::spawn_blocking(look).await;
        looked.unwrap_or_else(|_| Ok(Self::default())).unwrap_or_else(|error| {
            tracing::debug!(%error, "what a file looks like can't be read");
            Self::default()
        })
    }
}

fn uploaded(
    (kind, looks): (MediaType, Looks),
    thumb: Option<enums::InputFile>,
    upload: &Upload,
    name: &str,
    mime_type: &str,
) -> enums::InputMedia {
    if kind == MediaType::Photo {
        let file = upload.file("photo.jpg".into());
        return types::InputMediaUploadedPhoto {
            spoiler: false,
            live_photo: false,
            file,
            stickers: None,
            ttl_seconds: None,
            video: None,
        }
        .into();
    }
    let mut attributes = vec![types::DocumentAttributeFilename { file_name: name.into() }.into()];
    if kind == MediaType::Video {
        attributes.push(video(looks.film));
    }
    if let Some(Picture { width, height }) = looks.picture {
        let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
        attributes.push(types::DocumentAttributeImageSize { w: side(width), h: side(height) }.into());
    }
    types::InputMediaUploadedDocument {
        nosound_video: false,
        force_file: kind == MediaType::Document,
        spoiler: false,
        file: upload.file(name.into()),
        thumb,
        mime_type: mime_type.into(),
        attributes,
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into()
}

/// A film that is played while it is loaded. Of small films Telegram finds out by itself how long and how large they are, and of
/// which still picture stands for them while they are not played.
fn video(film: Option<Film>) -> enums::DocumentAttribute {
    let Film { seconds, width, height } = film.unwrap_or_default();
    types::DocumentAttributeVideo {
        round_message: false,
        supports_streaming: true,
        nosound: false,
        duration: seconds,
        w: width,
        h: height,
        preload_prefix_size: None,
        video_start_ts: None,
        video_codec: None,
    }
    .into()
}

fn external(kind: MediaType, url: String) -> enums::InputMedia {
    if kind == MediaType::Photo {
        types::InputMediaPhotoExternal { spoiler: false, url, ttl_seconds: None }.into()
    } else {
        types::InputMediaDocumentExternal {
            spoiler: false,
            url,
            ttl_seconds: None,
            video_cover: None,
            video_timestamp: None,
        }
        .into()
    }
}

fn stored(media: enums::MessageMedia) -> Option<StoredMedia> {
    match media {
        enums::MessageMedia::Photo(types::MessageMediaPhoto { photo: Some(enums::Photo::Photo(photo)), .. }) => {
            let types::Photo { id, access_hash, file_reference, .. } = photo;
            Some(StoredMedia { is_photo: true, id, access_hash, file_reference })
        }
        enums::MessageMedia::Document(types::MessageMediaDocument {
            document: Some(enums::Document::Document(document)),
            ..
        }) => {
            let types::Document { id, access_hash, file_reference, .. } = document;
            Some(StoredMedia { is_photo: false, id, access_hash, file_reference })
        }
        _ => None,
    }
}

/// The media of a message.
pub(super) fn named(media: &StoredMedia) -> enums::InputMedia {
    let StoredMedia { is_photo, id, access_hash, file_reference } = media.clone();
    if is_photo {
        let id = types::InputPhoto { id, access_hash, file_reference }.into();
        types::InputMediaPhoto { spoiler: false, live_photo: false, id, ttl_seconds: None, video: None }.into()
    } else {
        let id = types::InputDocument { id, access_hash, file_reference }.into();
        types::InputMediaDocument {
            spoiler: false,
            id,
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
            query: None,
        }
        .into()
    }
}

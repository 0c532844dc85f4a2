//! Templates: messages with placeholders.

mod preview;

use async_graphql::MaybeUndefined;
use sea_orm::EntityTrait;
use serde_json::json;

pub use self::preview::{Message, Preview, Source, preview};
use super::usage;
use crate::access::changes::with_changes;
use crate::imports::upload;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{MediaType, ParseMode};
use domain::error::{Result, Violations, require_version};
use domain::film::Film;
use domain::id::{TemplateId, UploadId};
use domain::media_url;
use domain::template::{Place, Template};
use domain::text::{self, Bounds, or};
use storage::broadcast::{campaign, template};
use storage::{Folded, noun};

/// What people say of a template; what is undefined stays as it is, null removes.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// The text.
    pub content: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// How the content is read; plain, if nobody says.
    pub parse_mode: Option<ParseMode>,
    /// What is attached, if anything is.
    pub media_type: MaybeUndefined<MediaType>,
    /// Where it is fetched from,
    pub media_url: MaybeUndefined<String>,
    /// or where it was uploaded.
    pub media_upload: MaybeUndefined<UploadId>,
}

/// Creates a template.
///
/// # Errors
/// [`Error::Invalid`](domain::error::Error::Invalid) with wrong syntax too; `NOT_FOUND` if there is no such upload.
pub async fn create(on: &Services, actor: &Actor, fields: Fields) -> Result<template::Model> {
    let now = on.now();
    let row = &fields.onto(template::Model {
        id: TemplateId::generate(),
        name: String::new(),
        content: String::new(),
        description: None,
        parse_mode: ParseMode::Plain,
        media_type: None,
        media_url: None,
        media_upload_id: None,
        usage_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
        name_fold: Folded::default(),
    })?;
    let film = film_of(on, row).await;
    on.write(actor, |w| async move {
        if let Some(media) = row.media_upload_id {
            check_media(row, &upload::mark_used(&w, media).await?, film)?;
        }
        template::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await?;
        w.keep(row);
        w.note(Action::TemplateCreated, row.id, json!({ "name": row.name })).await
    })
    .await?;
    Ok(row.clone())
}

/// The row in its stored form, or all that is wrong with it.
fn checked(row: template::Model) -> Result<template::Model> {
    let mut wrong = Violations::default();
    let name = wrong.take("name", text::line(&row.name, Bounds::NAME));
    let description = wrong.take_text("description", row.description, |text| text::prose(text, Bounds::DESCRIPTION));
    // PostgreSQL has no character 0 in texts, and Telegram none at all.
    let has_nul = row.content.contains('\0');
    wrong.require(!has_nul, "content", "must not have control characters");
    let place = Place::beside(row.media_type.is_some());
    let read = Template::read_at(&row.content, row.parse_mode, place);
    wrong.take(
        "content",
        read.and_then(|read| {
            Template::check_names(&row.content, row.parse_mode)?;
            read.fault_of_constant(place).map_or(Ok(()), |why| Err(format!("the text {why}")))
        }),
    );
    let media_url = wrong.take_text("mediaUrl", row.media_url, |url| media_url::check(url).map_err(Into::into));
    let has_media = media_url.is_some() || row.media_upload_id.is_some();
    let has_both = media_url.is_some() && row.media_upload_id.is_some();
    wrong.require(!has_both, "mediaUploadId", "give either mediaUrl or mediaUploadId");
    wrong.require(
        has_media || row.media_type.is_none(),
        "mediaType",
        "a media type needs a mediaUrl or a mediaUploadId",
    );
    wrong.require(row.media_type.is_some() || !has_media, "mediaType", "media needs a type: PHOTO, VIDEO or DOCUMENT");
    wrong.into_result()?;
    Ok(template::Model { name, description, media_url, ..row })
}

/// Changes a template, if `expected` is still its version. Campaigns that have been started keep their copy.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: TemplateId,
    expected: Option<i32>,
    fields: Fields,
) -> Result<template::Model> {
    let fields = &fields;
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("template", old.version, expected)?;
        let new = fields.clone().onto(old.clone())?;
        let media = (new.media_upload_id, new.media_type);
        if let Some(upload) = new.media_upload_id
            && media != (old.media_upload_id, old.media_type)
        {
            check_media(&new, &upload::mark_used(&w, upload).await?, film_of(on, &new).await)?;
        }
        let new = w.replace(&old, new).await?;
        w.note(Action::TemplateUpdated, id, with_changes(json!({ "name": new.name }), &old, &new)).await?;
        Ok(new)
    })
    .await
}

/// What Telegram takes as a photo has at most so many bytes.
const PHOTO_BYTES: i64 = 10 << 20;

/// Of films up to so many bytes Telegram finds out by itself how long and how large they are.
const SMALL_FILM: i64 = 10 << 20;

/// What is known of a film that lies here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilmHeader {
    /// It is no film, or lies elsewhere.
    NotLooked,
    /// The file tells its length and size.
    Readable,
    /// It does not.
    Unreadable,
}

async fn film_of(on: &Services, row: &template::Model) -> FilmHeader {
    let (Some(MediaType::Video), Some(id)) = (row.media_type, row.media_upload_id) else {
        return FilmHeader::NotLooked;
    };
    let files = on.files.clone();
    let read = tokio::task::spawn_blocking(move || Film::read(&mut files.open(id)?)).await;
    match read {
        Ok(Ok(Some(_))) => FilmHeader::Readable,
        Ok(Ok(None)) => FilmHeader::Unreadable,
        // It is on another node, or gone: then the first message says so.
        Ok(Err(_)) | Err(_) => FilmHeader::NotLooked,
    }
}

/// A file that Telegram refuses as what it is to be, or would show as what it is not, is refused here, not at the first message.
fn check_media(row: &template::Model, file: &storage::broadcast::upload::Model, film: FilmHeader) -> Result<()> {
    // Of what was uploaded before types were looked for nothing is known.
    let Some(mime_type) = &file.mime_type else { return Ok(()) };
    let mut wrong = Violations::default();
    match row.media_type {
        Some(MediaType::Photo) => {
            let is_picture = mime_type.starts_with("image/") && !mime_type.contains("svg");
            let what = format!("PHOTO needs a picture, such as a JPEG or PNG; the file is {mime_type}: use DOCUMENT");
            wrong.require(is_picture, "mediaUploadId", what);
            let is_small = file.bytes <= PHOTO_BYTES;
            wrong.require(is_small, "mediaUploadId", "Telegram takes photos of at most 10 MiB: use DOCUMENT");
        }
        Some(MediaType::Video) => {
            let what = format!("VIDEO needs a film, such as an MP4; the file is {mime_type}: use DOCUMENT");
            let is_film = mime_type.starts_with("video/");
            wrong.require(is_film, "mediaUploadId", what);
            let is_shown = !is_film || film != FilmHeader::Unreadable || file.bytes <= SMALL_FILM;
            let what = "the length and the size of this film can't be read from its file, and beyond 10 MiB Telegram does not find \
                        them out: it would show as 0:00; use an MP4, MOV or WebM, or DOCUMENT";
            wrong.require(is_shown, "mediaUploadId", what);
        }
        Some(MediaType::Document) | None => {}
    }
    wrong.into_result()
}

impl Fields {
    /// The row with these fields, in its stored form, or all that is wrong with it.
    fn onto(self, old: template::Model) -> Result<template::Model> {
        let Self { name, content, description, parse_mode, media_type, media_url, media_upload } = self;
        checked(template::Model {
            name: name.unwrap_or(old.name),
            content: content.unwrap_or(old.content),
            description: or(old.description, description),
            parse_mode: parse_mode.unwrap_or(old.parse_mode),
            media_type: or(old.media_type, media_type),
            media_url: or(old.media_url, media_url),
            media_upload_id: or(old.media_upload_id, media_upload),
            ..old
        })
    }
}

/// Deletes a template.
///
/// # Errors
/// [`Error::Precondition`](domain::error::Error::Precondition) while campaigns use it.
pub async fn delete(on: &Services, actor: &Actor, id: TemplateId) -> Result<template::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        usage::refuse(&w, campaign::Entity::of_template(id), "the template is used by").await?;
        template::Entity::delete_by_id(id).exec(&w).await?;
        w.note(Action::TemplateDeleted, id, json!({ "name": row.name })).await?;
        Ok(row)
    })
    .await
}

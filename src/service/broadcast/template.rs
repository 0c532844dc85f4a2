//! Templates: messages with placeholders.

mod media;
mod preview;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, Iterable};
use serde_json::json;

pub use self::preview::{Message, Preview, Source, preview};
use super::usage;
use crate::access::changes::with_changes;
use crate::imports::upload;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{MediaType, ParseMode};
use domain::error::{Result, Violations, require_version};
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
    let row = &fields.onto(blank(on.now()))?;
    let seen = media::look(on, row).await;
    on.write(actor, |w| async move {
        if let Some(media) = row.media_upload_id {
            media::check(row, &upload::mark_used(&w, media).await?, seen)?;
        }
        template::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await?;
        w.keep(row);
        w.note(Action::TemplateCreated, row.id, json!({ "name": row.name })).await
    })
    .await?;
    Ok(row.clone())
}

/// A new template that says nothing yet.
fn blank(now: DateTime<Utc>) -> template::Model {
    template::Model {
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
    }
}

/// What may be attached to a template.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attached {
    Not,
    Url,
    Upload,
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
    if actor.is_mistaken() {
        fields.check_alone(on.now())?;
    }
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("template", old.version, expected)?;
        let new = fields.clone().onto(old.clone())?;
        let media = (new.media_upload_id, new.media_type);
        if let Some(upload) = new.media_upload_id
            && media != (old.media_upload_id, old.media_type)
        {
            let seen = media::look(on, &new).await;
            media::check(&new, &upload::mark_used(&w, upload).await?, seen)?;
        }
        let new = w.replace(&old, new).await?;
        w.note(Action::TemplateUpdated, id, with_changes(json!({ "name": new.name }), &old, &new)).await?;
        Ok(new)
    })
    .await
}

impl Fields {
    /// What is wrong with these fields, whatever the row has.
    fn check_alone(&self, now: DateTime<Utc>) -> Result<()> {
        let row = |parse_mode, media| {
            let has_media = media != Attached::Not;
            let media_type = has_media.then_some(MediaType::Document);
            let media_url = (media == Attached::Url).then(|| "https://example.com/a".to_owned());
            let media_upload_id = (media == Attached::Upload).then(UploadId::generate);
            let (name, content) = ("any".into(), "any".into());
            template::Model { name, content, parse_mode, media_type, media_url, media_upload_id, ..blank(now) }
        };
        let rows = ParseMode::iter().flat_map(|mode| {
            [Attached::Not, Attached::Url, Attached::Upload].into_iter().map(move |media| row(mode, media))
        });
        Violations::of_any(rows.map(|row| self.clone().onto(row)))
    }

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

//! Templates: messages with placeholders.

mod preview;

use async_graphql::MaybeUndefined;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::json;

pub use self::preview::{Message, Preview, Source, preview};
use super::{upload, usage};
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::{MediaType, ParseMode};
use domain::error::{Result, Violations, require_version};
use domain::id::{TemplateId, UploadId};
use domain::media_url;
use domain::template::Template;
use domain::text::{self, Bounds};
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, template};

/// A template to be.
#[derive(Debug, Clone)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// The text.
    pub content: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// How the content is read.
    pub parse_mode: ParseMode,
    /// The kind of attachment, if there is one.
    pub media_type: Option<MediaType>,
    /// Where it is fetched from,
    pub media_url: Option<String>,
    /// or where it was uploaded.
    pub media_upload: Option<UploadId>,
}

impl Default for New {
    fn default() -> Self {
        Self {
            name: String::new(),
            content: String::new(),
            description: None,
            parse_mode: ParseMode::Plain,
            media_type: None,
            media_url: None,
            media_upload: None,
        }
    }
}

/// The changes of a template; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// The text.
    pub content: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// How the content is read.
    pub parse_mode: Option<ParseMode>,
    /// The kind of attachment.
    pub media_type: MaybeUndefined<MediaType>,
    /// Where it is fetched from,
    pub media_url: MaybeUndefined<String>,
    /// or where it was uploaded.
    pub media_upload: MaybeUndefined<UploadId>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Creates a template.
///
/// # Errors
/// [`Error::Invalid`](domain::error::Error::Invalid) with wrong syntax too; `NOT_FOUND` if there is no such upload.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<template::Model> {
    let New { name, content, description, parse_mode, media_type, media_url, media_upload } = new;
    let now = on.now();
    let row = &checked(template::Model {
        id: TemplateId::generate(),
        name,
        content,
        description,
        parse_mode,
        media_type,
        media_url,
        media_upload_id: media_upload,
        usage_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    })?;
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            if let Some(media) = row.media_upload_id {
                upload::mark_used(on, tx, media).await?;
            }
            template::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
            let metadata = json!({ "name": row.name });
            audit::record(on, tx, actor, Action::TemplateCreated, Subject("Template", row.id.0), metadata).await
        })
        .await?;
    on.tell(Event::Audit);
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
    wrong.take("content", Template::read(&row.content, row.parse_mode).map(drop));
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

/// Changes a template. Campaigns that have been started keep their copy.
pub async fn update(on: &Services, actor: &Actor, id: TemplateId, change: Change) -> Result<template::Model> {
    let change = &change;
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let old = template::Entity::require(tx, id).await?;
            require_version("template", old.version, change.expected_version)?;
            let new = checked(changed(old.clone(), change.clone()))?;
            if let Some(media) = new.media_upload_id
                && old.media_upload_id != Some(media)
            {
                upload::mark_used(on, tx, media).await?;
            }
            let mut row = old.changed(on.now());
            row.name = Set(new.name);
            row.content = Set(new.content);
            row.description = Set(new.description);
            row.parse_mode = Set(new.parse_mode);
            row.media_type = Set(new.media_type);
            row.media_url = Set(new.media_url);
            row.media_upload_id = Set(new.media_upload_id);
            let changed = row.update(tx).await?;
            let metadata = json!({ "name": changed.name });
            audit::record(on, tx, actor, Action::TemplateUpdated, Subject("Template", id.0), metadata).await?;
            Ok(changed)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(changed)
}

fn changed(old: template::Model, change: Change) -> template::Model {
    let Change { name, content, description, parse_mode, media_type, media_url, media_upload, expected_version: _ } =
        change;
    template::Model {
        name: name.unwrap_or(old.name),
        content: content.unwrap_or(old.content),
        description: defined_or(description, old.description),
        parse_mode: parse_mode.unwrap_or(old.parse_mode),
        media_type: defined_or(media_type, old.media_type),
        media_url: defined_or(media_url, old.media_url),
        media_upload_id: defined_or(media_upload, old.media_upload_id),
        ..old
    }
}

fn defined_or<T>(new: MaybeUndefined<T>, old: Option<T>) -> Option<T> {
    if new.is_undefined() { old } else { new.take() }
}

/// Deletes a template.
///
/// # Errors
/// [`Error::Precondition`](domain::error::Error::Precondition) while campaigns use it.
pub async fn delete(on: &Services, actor: &Actor, id: TemplateId) -> Result<template::Model> {
    let deleted = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = template::Entity::require(tx, id).await?;
            usage::refuse(tx, campaign::Entity::of_template(id), "the template is used by").await?;
            template::Entity::delete_by_id(id).exec(tx).await?;
            let metadata = json!({ "name": row.name });
            audit::record(on, tx, actor, Action::TemplateDeleted, Subject("Template", id.0), metadata).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(deleted)
}

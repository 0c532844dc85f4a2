//! The catalog of channels, one by one; lists come in by imports.

use async_graphql::MaybeUndefined;
use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::EntityTrait;
use serde_json::json;

use super::usage;
use crate::access::changes::with_changes;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::CanPost;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::ChannelId;
use domain::text::{self, Bounds, or};
use domain::username;
use storage::broadcast::{batch, batch_members, campaign, channel};
use storage::violation::OnUnique;
use storage::{Folded, noun};

/// What people say of a channel; what is undefined stays as it is, null removes.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// Its name at Telegram, in any of the ways in which people write it.
    pub username: Option<String>,
    /// 1 to 100 characters.
    pub category: Option<String>,
    /// An http or https URL.
    pub tgstat_url: MaybeUndefined<String>,
    /// At most 255 characters.
    pub title: MaybeUndefined<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// Not negative.
    pub member_count: MaybeUndefined<i32>,
    /// True also forgets its errors.
    pub is_active: Option<bool>,
}

/// Adds a channel, which was found at `collected_at`, or now.
///
/// # Errors
/// [`Error::Conflict`] if there is one of this name.
pub async fn create(
    on: &Services,
    actor: &Actor,
    fields: Fields,
    collected_at: Option<DateTime<Utc>>,
) -> Result<channel::Model> {
    let now = on.now();
    let blank = channel::Model {
        id: ChannelId::generate(),
        username: String::new(),
        category: String::new(),
        tgstat_url: None,
        collected_at: collected_at.unwrap_or(now).trunc_subsecs(3),
        created_at: now,
        updated_at: now,
        title: None,
        description: None,
        member_count: None,
        is_verified: false,
        last_checked: None,
        is_active: true,
        error_count: 0,
        last_error: None,
        version: 1,
        can_post: CanPost::Unknown,
        slow_mode_seconds: None,
        message_price: None,
        refresh_requested_at: None,
        refresh_not_before: None,
        category_fold: Folded::default(),
        kind: None,
    };
    let row = &fields.checked()?.onto(blank);
    on.write(actor, |w| async move {
        let inserted = channel::Entity::insert(noun::fresh(row.clone())).exec_without_returning(&w).await;
        inserted.on_unique("channels", "username", || taken(&row.username))?;
        w.keep(row);
        w.note(Action::ChannelCreated, row.id, json!({ "username": row.username })).await
    })
    .await?;
    Ok(row.clone())
}

impl Fields {
    /// The fields in their stored form, or all that is wrong with them.
    fn checked(self) -> Result<Self> {
        let mut wrong = Violations::default();
        let name = |written: String| username::normalise(&written).map_err(ToOwned::to_owned);
        let fields = Self {
            username: self.username.map(|written| wrong.take("username", name(written))),
            category: self.category.map(|written| wrong.take("category", text::line(&written, Bounds::CATEGORY))),
            tgstat_url: wrong.take_change("tgstatUrl", self.tgstat_url, text::url),
            title: wrong.take_change("title", self.title, |title| text::line(title, Bounds::TITLE)),
            description: wrong
                .take_change("description", self.description, |text| text::prose(text, Bounds::DESCRIPTION)),
            ..self
        };
        let is_count = fields.member_count.value().is_none_or(|count| *count >= 0);
        wrong.require(is_count, "memberCount", "must not be negative");
        wrong.into_result()?;
        Ok(fields)
    }

    fn onto(self, old: channel::Model) -> channel::Model {
        let Self { username, category, tgstat_url, title, description, member_count, is_active } = self;
        let is_put_into_use = is_active == Some(true);
        // Another name may lead to something else.
        let is_renamed = username.as_ref().is_some_and(|username| *username != old.username);
        channel::Model {
            kind: old.kind.filter(|_| !is_renamed),
            username: username.unwrap_or(old.username),
            category: category.unwrap_or(old.category),
            tgstat_url: or(old.tgstat_url, tgstat_url),
            title: or(old.title, title),
            description: or(old.description, description),
            member_count: or(old.member_count, member_count),
            is_active: is_active.unwrap_or(old.is_active),
            error_count: if is_put_into_use { 0 } else { old.error_count },
            last_error: old.last_error.filter(|_| !is_put_into_use),
            ..old
        }
    }
}

fn taken(username: &str) -> Error {
    Error::Conflict(format!("a channel with the username {username} exists"))
}

/// Changes a channel, if `expected` is still its version.
///
/// # Errors
/// [`Error::Conflict`] if another one has the new username.
pub async fn update(
    on: &Services,
    actor: &Actor,
    id: ChannelId,
    expected: Option<i32>,
    fields: Fields,
) -> Result<channel::Model> {
    let fields = &fields.checked()?;
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("channel", old.version, expected)?;
        let new = fields.clone().onto(old.clone());
        let name = new.username.clone();
        let new = w.replace(&old, new).await.on_unique("channels", "username", || taken(&name))?;
        let metadata = json!({ "username": new.username, "isActive": new.is_active });
        w.note(Action::ChannelUpdated, id, with_changes(metadata, &old, &new)).await?;
        Ok(new)
    })
    .await
}

/// Deletes a channel; it leaves its batches.
///
/// # Errors
/// [`Error::Precondition`] while campaigns have jobs for it, or are just being started with a batch that it is in.
pub async fn delete(on: &Services, actor: &Actor, id: ChannelId) -> Result<channel::Model> {
    on.write(actor, |w| async move {
        // Batches before channels, as all who put channels into batches; and a start holds its batch.
        let batches: Vec<_> = batch::Entity::lock_with(&w, id).await?.into_iter().map(|batch| batch.id).collect();
        let row = w.require(id).await?;
        batch::Entity::require_unfrozen(&w, &batches).await?;
        usage::refuse(&w, campaign::Entity::with_job_for(id), "the channel has jobs in").await?;
        batch_members::remove_everywhere(&w, id, w.now).await?;
        channel::Entity::delete_by_id(id).exec(&w).await?;
        let metadata = json!({ "username": row.username, "batches": batches.len() });
        w.note(Action::ChannelDeleted, id, metadata).await?;
        Ok(row)
    })
    .await
}

//! The catalog of channels, one by one; lists come in by imports.

use async_graphql::MaybeUndefined;
use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::json;

use super::usage;
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::CanPost;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::ChannelId;
use domain::text::{self, Bounds};
use domain::username;
use events::Event;
use storage::Noun;
use storage::broadcast::{batch, batch_members, campaign, channel};
use storage::violation::OnUnique;

/// A channel to be.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// In any of the ways in which people write it.
    pub username: String,
    /// 1 to 100 characters.
    pub category: String,
    /// An http or https URL.
    pub tgstat_url: Option<String>,
    /// When it was found; now if not told.
    pub collected_at: Option<DateTime<Utc>>,
    /// At most 255 characters.
    pub title: Option<String>,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// Not negative.
    pub member_count: Option<i32>,
}

/// The changes of a channel; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The channel's new name at Telegram.
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
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Adds a channel.
///
/// # Errors
/// [`Error::Conflict`] if there is one of this name.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<channel::Model> {
    let row = &checked(on, new)?;
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            insert(tx, row).await?;
            let metadata = json!({ "username": row.username });
            audit::record(on, tx, actor, Action::ChannelCreated, Subject("Channel", row.id.0), metadata).await
        })
        .await?;
    on.tell(Event::Audit);
    Ok(row.clone())
}

fn checked(on: &Services, new: New) -> Result<channel::Model> {
    let New { username, category, tgstat_url, collected_at, title, description, member_count } = new;
    let mut wrong = Violations::default();
    let username = name(&mut wrong, &username);
    let category = wrong.take("category", text::line(&category, Bounds::CATEGORY));
    let tgstat_url = wrong.take_text("tgstatUrl", tgstat_url, text::url);
    let title = wrong.take_text("title", title, |title| text::line(title, Bounds::TITLE));
    let description = wrong.take_text("description", description, |text| text::prose(text, Bounds::DESCRIPTION));
    check_count(&mut wrong, member_count);
    wrong.into_result()?;
    let now = on.now();
    Ok(channel::Model {
        id: ChannelId::generate(),
        username,
        category,
        tgstat_url,
        collected_at: collected_at.unwrap_or(now).trunc_subsecs(3),
        created_at: now,
        updated_at: now,
        title,
        description,
        member_count,
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
    })
}

fn name(wrong: &mut Violations, written: &str) -> String {
    wrong.take("username", username::normalise(written).map_err(ToOwned::to_owned))
}

fn check_count(wrong: &mut Violations, members: Option<i32>) {
    wrong.require(members.is_none_or(|count| count >= 0), "memberCount", "must not be negative");
}

async fn insert(tx: &impl ConnectionTrait, row: &channel::Model) -> Result<()> {
    let insert = channel::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(tx).await.on_unique("channels", "username", || taken(&row.username))?;
    Ok(())
}

fn taken(username: &str) -> Error {
    Error::Conflict(format!("a channel with the username {username} exists"))
}

/// Changes a channel.
///
/// # Errors
/// [`Error::Conflict`] if another one has the new username.
pub async fn update(on: &Services, actor: &Actor, id: ChannelId, change: Change) -> Result<channel::Model> {
    let change = &normalised(change)?;
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = channel::Entity::require(tx, id).await?;
            require_version("channel", row.version, change.expected_version)?;
            let mut row = row.changed(on.now());
            apply(change.clone(), &mut row);
            let name = change.username.clone().unwrap_or_default();
            let changed = row.update(tx).await.on_unique("channels", "username", || taken(&name))?;
            let metadata = json!({ "username": changed.username, "isActive": changed.is_active });
            audit::record(on, tx, actor, Action::ChannelUpdated, Subject("Channel", id.0), metadata).await?;
            Ok(changed)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(changed)
}

fn normalised(change: Change) -> Result<Change> {
    let Change { username, category, tgstat_url, title, description, member_count, is_active, expected_version } =
        change;
    let mut wrong = Violations::default();
    let change = Change {
        username: username.map(|written| name(&mut wrong, &written)),
        category: category.map(|written| wrong.take("category", text::line(&written, Bounds::CATEGORY))),
        tgstat_url: wrong.take_change("tgstatUrl", tgstat_url, text::url),
        title: wrong.take_change("title", title, |title| text::line(title, Bounds::TITLE)),
        description: wrong.take_change("description", description, |text| text::prose(text, Bounds::DESCRIPTION)),
        member_count,
        is_active,
        expected_version,
    };
    check_count(&mut wrong, member_count.take());
    wrong.into_result()?;
    Ok(change)
}

fn apply(change: Change, row: &mut channel::ActiveModel) {
    let Change { username, category, tgstat_url, title, description, member_count, is_active, expected_version: _ } =
        change;
    if let Some(username) = username {
        row.username = Set(username);
    }
    if let Some(category) = category {
        row.category = Set(category);
    }
    if !tgstat_url.is_undefined() {
        row.tgstat_url = Set(tgstat_url.take());
    }
    if !title.is_undefined() {
        row.title = Set(title.take());
    }
    if !description.is_undefined() {
        row.description = Set(description.take());
    }
    if !member_count.is_undefined() {
        row.member_count = Set(member_count.take());
    }
    if let Some(is_active) = is_active {
        row.is_active = Set(is_active);
        if is_active {
            row.error_count = Set(0);
            row.last_error = Set(None);
        }
    }
}

/// Deletes a channel; it leaves its batches.
///
/// # Errors
/// [`Error::Precondition`] while campaigns have jobs for it, or are just being started with a batch that it is in.
pub async fn delete(on: &Services, actor: &Actor, id: ChannelId) -> Result<channel::Model> {
    let deleted = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            // Batches before channels, as all who put channels into batches; and a start holds its batch.
            let batches: Vec<_> = batch::Entity::lock_with(tx, id).await?.into_iter().map(|batch| batch.id).collect();
            let row = channel::Entity::require(tx, id).await?;
            batch::Entity::require_unfrozen(tx, &batches).await?;
            usage::refuse(tx, campaign::Entity::with_job_for(id), "the channel has jobs in").await?;
            batch_members::remove_everywhere(tx, id, on.now()).await?;
            channel::Entity::delete_by_id(id).exec(tx).await?;
            let metadata = json!({ "username": row.username, "batches": batches.len() });
            audit::record(on, tx, actor, Action::ChannelDeleted, Subject("Channel", id.0), metadata).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(deleted)
}
